/** The settings of a service as its agent tells and takes them (`/config`). Never rejects; every failure is a value. */
import * as v from 'valibot';
import { flattened } from '../../config/service-settings.ts';
import type { SettingFault, SettingsDocument } from '../../contract/settings.ts';
import { exchange, parseJson } from '../../peers/exchange.ts';
import type { Target } from '../../peers/exchange.ts';
import { ORDER_LIMITS } from '../order.ts';
import type { Failure } from '../report.ts';
import { shownAddress } from '../terminal.ts';

/** What is set, and in which version. */
export interface ToldSettings {
  readonly version: number;
  readonly document: SettingsDocument;
}

export type Told =
  | { readonly ok: true; readonly settings: ToldSettings }
  | { readonly ok: false; readonly failure: Failure; readonly faults: readonly SettingFault[] };

const settingsSchema = v.objectWithRest({ version: v.number() }, v.unknown());
export const fault = v.object({ key: v.string(), value: v.nullable(v.string()), reason: v.string(), fix: v.string() });
const errorSchema = v.object({
  error: v.string(),
  reason: v.optional(v.nullable(v.string()), null),
  message: v.optional(v.string(), 'no explanation'),
  next: v.optional(v.string()),
  faults: v.optional(v.array(fault), []),
});

const FORBIDDEN = 403;
const UNPROCESSABLE = 422;
const SERVER_ERROR = 500;

export function askSettings(agent: Target): Promise<Told> {
  return tell(agent, 'GET', '');
}

/** `patch` with the version that it was made for; whoever asks is named in the history. */
export function changeSettings(
  agent: Target,
  patch: Readonly<Record<string, unknown>>,
  { version, asker }: { readonly version: number; readonly asker: string },
): Promise<Told> {
  return tell(agent, 'PATCH', JSON.stringify({ ...patch, version, asker }));
}

function failed(code: Failure['code'], details: readonly string[], next?: string): Told {
  return { ok: false, failure: { code, details, next }, faults: [] };
}

async function tell(agent: Target, method: 'GET' | 'PATCH', body: string): Promise<Told> {
  const where = `http://${shownAddress(agent)}`;
  const ended = await exchange(agent, { path: '/config', method, body, limits: ORDER_LIMITS });
  if (ended.kind === 'answered') return understood(ended.status, ended.body, where);
  const code = ended.connected && method === 'PATCH' ? 'outcome_unknown' : 'agent_unreachable';
  return failed(code, [`${where}: ${ended.why}`]);
}

function understood(status: number, text: string, where: string): Told {
  const value = parseJson(text);
  const told = v.safeParse(settingsSchema, value);
  if (status === 200 && told.success) {
    const { version, ...nested } = told.output;
    return { ok: true, settings: { version, document: flattened(nested) as SettingsDocument } };
  }
  const error = v.safeParse(errorSchema, value);
  if (!error.success) return failed('not_an_agent', [`${where}: status ${status}`]);
  const { error: code, reason, message, next, faults } = error.output;
  if (status === UNPROCESSABLE) return { ok: false, failure: { code: 'settings_invalid' }, faults };
  const details = [`${reason ?? code}: ${message}`];
  if (status === FORBIDDEN) return failed('not_allowed', details);
  if (code === 'operation_unknown') return failed('outcome_unknown', details);
  // Whoever gives a reason has not begun.
  return failed(status >= SERVER_ERROR && reason === null ? 'agent_failed' : 'agent_refused', details, next);
}
