/**
 * The settings of the service over HTTP, as Patroni's `/config`: read by anybody, changed from the agent's own host.
 *
 * The body of a PATCH is what shall be different; null takes a value away. `version` in it names the settings that it
 * was made for, so that of two callers at once one is told (409); without it whichever stand are changed.
 */
import * as v from 'valibot';
import { OPERATION_TEXT_MAX } from '../contract/operations.ts';
import type { SettingsAnswer, SettingsShown } from '../contract/settings.ts';
import { errorAnswer, jsonAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import { HTTP_ERRORS } from './errors.ts';
import { parseJson, refusal } from './operations.ts';
import type { OperationCall } from './operations.ts';
import { within } from './within.ts';

const patchBody = v.objectWithRest({
  version: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0)), null),
  asker: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(OPERATION_TEXT_MAX)), 'http'),
}, v.unknown());

const shown = ({ version, nested }: SettingsShown): object => ({ version, ...nested });

export async function serviceConfig(call: OperationCall): Promise<Answer> {
  const { api, limits, request } = call;
  if (request.method !== 'PATCH') {
    const settings = api.settings();
    return settings === null ? errorAnswer('no_settings') : jsonAnswer(200, shown(settings));
  }
  if (!request.local) return errorAnswer('not_loopback');
  const parsed = v.safeParse(patchBody, parseJson(request.body));
  if (!parsed.success) return errorAnswer('bad_order');
  const { version, asker, ...patch } = parsed.output;
  const given = await within(limits.orderTimeoutMs, api.changeSettings({ patch, asker, version }));
  return answerOf(given ?? { answer: 'unknown' });
}

function answerOf(given: SettingsAnswer): Answer {
  switch (given.answer) {
    case 'done':
      return jsonAnswer(200, shown(given.settings));
    case 'faults': {
      const { status, message, next } = HTTP_ERRORS.bad_settings;
      return jsonAnswer(status, { error: 'bad_settings', message, next, faults: given.faults });
    }
    case 'refused':
      return refusal(given.reason, null);
    case 'unknown':
      return errorAnswer('operation_unknown');
  }
}
