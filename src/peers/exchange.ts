/**
 * One HTTP exchange with an agent, bounded in time and in size: the questions that agents ask each other, and whatever
 * a verb asks one.
 *
 * What was lost before the connection stood did not happen; what was lost behind it may have. Only the caller knows
 * which of the two matters, so both are told.
 */
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { ANSWER_HEADER_BYTES_MAX, isDialable, refusingAddress } from './dial.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface Limits {
  /** Until the answer is there; where the answer has a limit of its own, until the connection stands. */
  readonly timeoutMs: number;
  /** From the moment at which the connection stands. */
  readonly answerTimeoutMs?: number;
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
  /** `refused`: nobody listens there. `why`: the operating system's code where there is one. */
  | { readonly kind: 'lost'; readonly connected: boolean; readonly refused: boolean; readonly why: string };

/** Never rejects. */
export function exchange(target: Target, { path, method, body = '', limits }: Asking): Promise<Exchange> {
  const { host, port } = target;
  // Records of others name addresses; what cannot be one would make the request throw.
  if (!isDialable(host, port)) {
    return Promise.resolve({ kind: 'lost', connected: false, refused: false, why: 'not an address' });
  }
  return new Promise((resolve) => {
    let connected = false;
    const settle = (ended: Exchange): void => {
      clearTimeout(timer);
      resolve(ended);
      call.destroy();
    };
    const lost = (why: string, refused = false): void => settle({ kind: 'lost', connected, refused, why });
    const headers = { 'Content-Length': Buffer.byteLength(body) };
    const call = request({
      host, port, path, method, headers, agent: false, maxHeaderSize: ANSWER_HEADER_BYTES_MAX,
    });
    const late = (): void => lost(connected ? 'no answer in time' : 'no connection in time');
    let timer = setTimeout(late, limits.timeoutMs);
    call.on('socket', (socket) => {
      socket.once('connect', () => {
        connected = true;
        if (limits.answerTimeoutMs === undefined) return;
        clearTimeout(timer);
        timer = setTimeout(late, limits.answerTimeoutMs);
      });
    });
    // Stays attached: destroying the call reports a hang-up of our own making.
    call.on('error', (error: NodeJS.ErrnoException) => {
      lost(error.code ?? error.message, refusingAddress(error, host) !== undefined);
    });
    call.on('response', (response) => {
      readBody(response, limits.answerBytesMax, (text) => {
        if (text === undefined) lost('the answer was cut off');
        else settle({ kind: 'answered', status: response.statusCode ?? 0, body: text });
      });
    });
    call.end(body);
  });
}

/** Calls back with the whole body, or with undefined where it is cut off or longer than `bytesMax`. */
function readBody(response: IncomingMessage, bytesMax: number, done: (body: string | undefined) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bytesMax) done(undefined);
    else chunks.push(chunk);
  });
  response.on('end', () => done(Buffer.concat(chunks).toString('utf8')));
  response.on('error', () => done(undefined));
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
