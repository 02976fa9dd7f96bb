/** The settings of a service as its agent tells and takes them (`/config`). Never rejects; every failure is a value. */
import { request } from 'node:http';
import * as v from 'valibot';
import type { SettingFault } from '../../contract/settings.ts';
import { readBody } from '../../peers/body.ts';
import { ORDER_LIMITS } from '../order.ts';
import type { Failure } from '../report.ts';
import { shownAddress } from '../terminal.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** What an agent says: the version, and everything that is set, as objects in objects. */
export interface ToldSettings {
  readonly version: number;
  readonly nested: Readonly<Record<string, unknown>>;
}

export type Told =
  | { readonly ok: true; readonly settings: ToldSettings }
  | { readonly ok: false; readonly failure: Failure; readonly faults: readonly SettingFault[] };

const settingsSchema = v.objectWithRest({ version: v.number() }, v.unknown());
const fault = v.object({ key: v.string(), value: v.nullable(v.string()), reason: v.string(), fix: v.string() });
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
  return exchange(agent, 'GET', '');
}

/** `patch` with the version that it was made for; whoever asks is named in the history. */
export function changeSettings(
  agent: Target,
  patch: Readonly<Record<string, unknown>>,
  { version, asker }: { readonly version: number; readonly asker: string },
): Promise<Told> {
  return exchange(agent, 'PATCH', JSON.stringify({ ...patch, version, asker }));
}

function failed(code: Failure['code'], details: readonly string[], next?: string): Told {
  return { ok: false, failure: { code, details, next }, faults: [] };
}

function exchange(agent: Target, method: 'GET' | 'PATCH', body: string): Promise<Told> {
  const where = `http://${shownAddress(agent)}`;
  const { connectTimeoutMs, answerTimeoutMs, answerBytesMax } = ORDER_LIMITS;
  return new Promise((resolve) => {
    let connected = false;
    const settle = (told: Told): void => {
      clearTimeout(timer);
      resolve(told);
      call.destroy();
    };
    const lost = (why: string): void => {
      const code = connected && method === 'PATCH' ? 'outcome_unknown' : 'agent_unreachable';
      settle(failed(code, [`${where}: ${why}`]));
    };
    const headers = { 'Content-Length': Buffer.byteLength(body) };
    const call = request({ ...agent, path: '/config', method, agent: false, headers });
    let timer = setTimeout(() => lost('no connection in time'), connectTimeoutMs);
    call.on('socket', (socket) => {
      socket.once('connect', () => {
        connected = true;
        clearTimeout(timer);
        timer = setTimeout(() => lost('no answer in time'), answerTimeoutMs);
      });
    });
    call.on('error', (error: NodeJS.ErrnoException) => lost(error.code ?? error.message));
    call.on('response', (response) => {
      readBody(response, answerBytesMax, (text) => {
        if (text === undefined) lost('the answer was cut off');
        else settle(understood(response.statusCode ?? 0, text, where));
      });
    });
    call.end(body);
  });
}

function understood(status: number, text: string, where: string): Told {
  const value = parsed(text);
  const told = v.safeParse(settingsSchema, value);
  if (status === 200 && told.success) {
    const { version, ...nested } = told.output;
    return { ok: true, settings: { version, nested } };
  }
  const error = v.safeParse(errorSchema, value);
  if (!error.success) return failed('not_an_agent', [`${where}: status ${status}`]);
  const { error: code, reason, message, next, faults } = error.output;
  if (status === UNPROCESSABLE) return { ok: false, failure: { code: 'settings_invalid' }, faults };
  const details = [`${reason ?? code}: ${message}`];
  if (status === FORBIDDEN) return failed('not_allowed', details);
  return failed(status >= SERVER_ERROR ? 'agent_failed' : 'agent_refused', details, next);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Somebody else answers.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
