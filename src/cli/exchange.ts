/**
 * One exchange with an agent over HTTP, bounded in time and in size: what every verb that asks one goes through.
 *
 * What was lost before the connection stood did not happen; what was lost behind it may have. Only the caller knows
 * which of the two matters, so both are told.
 */
import { request } from 'node:http';
import { readBody } from '../peers/body.ts';
import { isDialable } from '../peers/dial.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface Limits {
  readonly connectTimeoutMs: number;
  /** From the moment at which the connection stands. */
  readonly answerTimeoutMs: number;
  readonly answerBytesMax: number;
}

export interface Asking {
  readonly path: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** JSON, or nothing. */
  readonly body?: string;
  readonly limits: Limits;
}

export type Exchange =
  | { readonly kind: 'answered'; readonly status: number; readonly body: string }
  /** `why`: the operating system's code where there is one. */
  | { readonly kind: 'lost'; readonly connected: boolean; readonly why: string };

/** Never rejects. */
export function exchange(target: Target, { path, method, body = '', limits }: Asking): Promise<Exchange> {
  // Records of others name addresses; what cannot be one would make the request throw.
  if (!isDialable(target.host, target.port)) {
    return Promise.resolve({ kind: 'lost', connected: false, why: 'not an address' });
  }
  return new Promise((resolve) => {
    let connected = false;
    const settle = (ended: Exchange): void => {
      clearTimeout(timer);
      resolve(ended);
      call.destroy();
    };
    const lost = (why: string): void => settle({ kind: 'lost', connected, why });
    const headers = { 'Content-Length': Buffer.byteLength(body) };
    const call = request({ host: target.host, port: target.port, path, method, agent: false, headers });
    let timer = setTimeout(() => lost('no connection in time'), limits.connectTimeoutMs);
    call.on('socket', (socket) => {
      socket.once('connect', () => {
        connected = true;
        clearTimeout(timer);
        timer = setTimeout(() => lost('no answer in time'), limits.answerTimeoutMs);
      });
    });
    call.on('error', (error: NodeJS.ErrnoException) => lost(error.code ?? error.message));
    call.on('response', (response) => {
      readBody(response, limits.answerBytesMax, (text) => {
        if (text === undefined) lost('the answer was cut off');
        else settle({ kind: 'answered', status: response.statusCode ?? 0, body: text });
      });
    });
    call.end(body);
  });
}

/** Undefined where it is none: another program answers there. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
