/**
 * Sends one order to the agent of this node over HTTP, and tells apart what the caller must know: nothing happened,
 * it was done, it was refused, or nobody can say.
 */
import type { Config } from '../config/config.ts';
import type { OperationResult } from '../contract/operations.ts';
import { exchange, parseJson } from '../peers/exchange.ts';
import type { Limits, Target } from '../peers/exchange.ts';
import type { Failure } from './report.ts';
import { shownAddress } from './terminal.ts';

/** The agent is on this host: it takes a connection at once, or hangs. It bounds an order itself, within less. */
export const ORDER_LIMITS: Limits = {
  timeoutMs: 5000,
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
  readonly limits?: Limits;
}

/** Sends an order and waits for the answer, within bounds. Never rejects. */
export async function order(target: Target, path: string, sent: Sent = {}): Promise<OrderResult> {
  const { method = 'POST', limits = ORDER_LIMITS } = sent;
  const body = sent.body === undefined ? '' : JSON.stringify(sent.body);
  const failed = (code: Failure['code'], why: string): OrderResult => {
    return { ok: false, failure: { code, details: [`http://${shownAddress(target)}: ${why}`] } };
  };
  const ended = await exchange(target, { path, method, body, limits });
  if (ended.kind === 'answered') return resultOf(ended.status, ended.body, failed);
  return failed(ended.connected ? 'outcome_unknown' : 'agent_unreachable', ended.why);
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
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || !('ok' in value || 'error' in value)) return undefined;
  return { ...value };
}

const isResult = (value: unknown): value is OperationResult =>
  typeof value === 'object' && value !== null && 'outcome' in value && 'id' in value;
