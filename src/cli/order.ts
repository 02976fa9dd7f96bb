/**
 * Sends one order to the agent of this node over HTTP, and tells apart what the caller must know: nothing happened,
 * it was done, it was refused, or nobody can say.
 */
import { request } from 'node:http';
import type { Config } from '../config/config.ts';
import { readBody } from '../peers/body.ts';
import type { Failure } from './report.ts';

export interface OrderLimits {
  /** The agent is on this host: it takes a connection at once, or hangs. */
  readonly connectTimeoutMs: number;
  /** Longer than the agent's own bound for an order, so that its answer arrives. */
  readonly answerTimeoutMs: number;
  readonly answerBytesMax: number;
}

export const ORDER_LIMITS: OrderLimits = {
  connectTimeoutMs: 5000,
  answerTimeoutMs: 40_000,
  answerBytesMax: 64 * 1024,
};

export type OrderResult = { readonly ok: true } | { readonly ok: false; readonly failure: Failure };

interface Target {
  readonly host: string;
  readonly port: number;
}

/** Where the agent listens, seen from its own host. */
export function targetOf({ http }: Config): Target {
  const { host, port } = http;
  if (host === null || host === '0.0.0.0') return { host: '127.0.0.1', port };
  return { host: host === '::' ? '::1' : host, port };
}

/** POSTs `path` and waits for the answer, within bounds. Never rejects. */
export async function order(target: Target, path: string, limits: OrderLimits = ORDER_LIMITS): Promise<OrderResult> {
  const where = `http://${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
  const failed = (code: Failure['code'], why: string): OrderResult => {
    return { ok: false, failure: { code, details: [`${where}: ${why}`] } };
  };
  return new Promise((resolve) => {
    let sent = false;
    let timer: NodeJS.Timeout | undefined;
    const settle = (result: OrderResult): void => {
      clearTimeout(timer);
      resolve(result);
      call.destroy();
    };
    const lost = (why: string): void => settle(failed(sent ? 'outcome_unknown' : 'agent_unreachable', why));
    const call = request({ ...target, path, method: 'POST', agent: false, headers: { 'Content-Length': 0 } });
    call.on('socket', (socket) => {
      socket.once('connect', () => {
        sent = true;
        clearTimeout(timer);
        timer = setTimeout(() => lost('no answer in time'), limits.answerTimeoutMs);
      });
    });
    call.on('error', (error: NodeJS.ErrnoException) => lost(error.code ?? error.message));
    call.on('response', (response) => {
      readBody(response, limits.answerBytesMax, (text) => {
        if (text === undefined) lost('the answer was cut off');
        else settle(resultOf(response.statusCode ?? 0, text, failed));
      });
    });
    timer = setTimeout(() => lost('no connection in time'), limits.connectTimeoutMs);
    call.end();
  });
}

type Failed = (code: Failure['code'], why: string) => OrderResult;

/** HTTP status of an order whose end the agent did not wait for. */
const GATEWAY_TIMEOUT = 504;
const FORBIDDEN = 403;

function resultOf(status: number, text: string, failed: Failed): OrderResult {
  const answer = readError(text);
  if (answer === undefined) return failed('not_an_agent', `status ${status}`);
  if (status >= 200 && status < 300) return { ok: true };
  const code = errorOf(status);
  const details = [`${answer.reason ?? answer.error ?? `status ${status}`}: ${answer.message ?? 'no explanation'}`];
  return { ok: false, failure: { code, details, next: answer.next } };
}

function errorOf(status: number): Failure['code'] {
  if (status === GATEWAY_TIMEOUT) return 'outcome_unknown';
  if (status === FORBIDDEN) return 'not_allowed';
  return status >= 500 ? 'agent_failed' : 'agent_refused';
}

interface AgentAnswer {
  readonly error?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly next?: string;
}

/** The agent answers a JSON object with `ok` or `error`; undefined: somebody else did. */
function readError(text: string): AgentAnswer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof value !== 'object' || value === null || !('ok' in value || 'error' in value)) return undefined;
  const texts = Object.entries(value).filter((entry) => typeof entry[1] === 'string');
  return Object.fromEntries(texts);
}
