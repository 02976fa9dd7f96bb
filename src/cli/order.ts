/**
 * Sends one order to the agent of this node over HTTP, and tells apart what the caller must know: nothing happened,
 * it was done, it was refused, or nobody can say.
 */
import { request } from 'node:http';
import type { Config } from '../config/config.ts';
import type { OperationResult } from '../contract/operations.ts';
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

/** What an agent's answer may carry beside yes or no. */
interface Carried {
  /** How the operation ended, where it was one and has ended. */
  readonly result?: OperationResult;
  /** Id of an operation for later. */
  readonly scheduled?: string;
  /** Code of a refusal. */
  readonly reason?: string;
}

export type OrderResult =
  | ({ readonly ok: true } & Carried)
  | ({ readonly ok: false; readonly failure: Failure } & Carried);

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

export interface Sent {
  readonly method?: 'POST' | 'DELETE';
  /** Sent as JSON. */
  readonly body?: object;
  readonly limits?: OrderLimits;
}

/** Sends an order and waits for the answer, within bounds. Never rejects. */
export async function order(target: Target, path: string, sent: Sent = {}): Promise<OrderResult> {
  const { method = 'POST', limits = ORDER_LIMITS } = sent;
  const payload = sent.body === undefined ? '' : JSON.stringify(sent.body);
  const where = `http://${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
  const failed = (code: Failure['code'], why: string): OrderResult => {
    return { ok: false, failure: { code, details: [`${where}: ${why}`] } };
  };
  return new Promise((resolve) => {
    let connected = false;
    let timer: NodeJS.Timeout | undefined;
    const settle = (result: OrderResult): void => {
      clearTimeout(timer);
      resolve(result);
      call.destroy();
    };
    const lost = (why: string): void => settle(failed(connected ? 'outcome_unknown' : 'agent_unreachable', why));
    const headers = { 'Content-Length': Buffer.byteLength(payload) };
    const call = request({ ...target, path, method, agent: false, headers });
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
        else settle(resultOf(response.statusCode ?? 0, text, failed));
      });
    });
    timer = setTimeout(() => lost('no connection in time'), limits.connectTimeoutMs);
    call.end(payload);
  });
}

type Failed = (code: Failure['code'], why: string) => OrderResult;

/** HTTP status of an order whose end the agent did not wait for. */
const GATEWAY_TIMEOUT = 504;
const FORBIDDEN = 403;
const SERVER_ERROR = 500;

function resultOf(status: number, text: string, failed: Failed): OrderResult {
  const answer = readAnswer(text);
  if (answer === undefined) return failed('not_an_agent', `status ${status}`);
  const { result, scheduled, reason, error, message, next } = answer;
  const carried = {
    ...(isResult(result) ? { result } : {}),
    ...(typeof scheduled === 'string' ? { scheduled } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
    // What the agent did not even take has a code of its own and no reason.
    ...(status < SERVER_ERROR && typeof error === 'string' && typeof reason !== 'string' ? { reason: error } : {}),
  };
  if (status >= 200 && status < 300) return { ok: true, ...carried };
  const said = typeof message === 'string' ? message : 'no explanation';
  const details = [`${carried.reason ?? (typeof error === 'string' ? error : `status ${status}`)}: ${said}`];
  const failure = { code: errorOf(status), details, next: typeof next === 'string' ? next : undefined };
  return { ok: false, failure, ...carried };
}

function errorOf(status: number): Failure['code'] {
  if (status === GATEWAY_TIMEOUT) return 'outcome_unknown';
  if (status === FORBIDDEN) return 'not_allowed';
  return status >= SERVER_ERROR ? 'agent_failed' : 'agent_refused';
}

/** The agent answers a JSON object with `ok` or `error`; undefined: somebody else did. */
function readAnswer(text: string): Readonly<Record<string, unknown>> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof value !== 'object' || value === null || !('ok' in value || 'error' in value)) return undefined;
  return { ...value };
}

const isResult = (value: unknown): value is OperationResult =>
  typeof value === 'object' && value !== null && 'outcome' in value && 'id' in value;
