/**
 * The failsafe question on the wire: one POST with a small JSON body, one small JSON answer.
 *
 * Both directions are validated as a whole. Whatever is not a valid answer, and whatever comes too late, is silence:
 * nothing but a plain yes extends a master's power.
 */
import * as v from 'valibot';
import { FAILSAFE_FORMAT, FAILSAFE_PROMISE_MAX_MS } from '../contract/failsafe.ts';
import type { FailsafeAnswer, FailsafeQuestion } from '../contract/failsafe.ts';
import { REASONS } from '../contract/reasons.ts';
import type { ReasonCode } from '../contract/reasons.ts';
import { exchange, parseJson } from './exchange.ts';
import type { Target } from './exchange.ts';

export const FAILSAFE_PATH = '/v1/failsafe';
/** Bound of a question's and of an answer's JSON. */
export const FAILSAFE_BYTES_MAX = 4096;
/** Longest name, host or id in a question. */
const TEXT_LENGTH_MAX = 512;

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(TEXT_LENGTH_MAX));
const integer = (least: number, most: number): v.GenericSchema<unknown, number> =>
  v.pipe(v.number(), v.safeInteger(), v.minValue(least), v.maxValue(most));
const format = integer(FAILSAFE_FORMAT, Number.MAX_SAFE_INTEGER);
const duration = integer(1, FAILSAFE_PROMISE_MAX_MS);

const questionSchema = v.object({
  v: format,
  service: text,
  node: text,
  from: v.object({ name: text, instance: text }),
  epoch: integer(0, Number.MAX_SAFE_INTEGER),
  redis: v.object({ host: text, port: integer(1, 65535) }),
  runId: text,
  replid: text,
  inSync: v.boolean(),
  promiseMs: duration,
});

const reason = v.custom<ReasonCode>((value) => typeof value === 'string' && Object.hasOwn(REASONS, value));

const answerSchema = v.variant('promised', [
  v.object({ v: format, promised: v.literal(true), node: text, promiseMs: duration }),
  v.object({ v: format, promised: v.literal(false), node: text, reason }),
]);

/** The question in a request's body, or null where it is not one. */
export function readQuestion(body: string): FailsafeQuestion | null {
  const parsed = v.safeParse(questionSchema, parseJson(body));
  if (!parsed.success) return null;
  const { service, node, from, epoch, redis, runId, replid, inSync, promiseMs } = parsed.output;
  return { service, node, from, epoch, redis, runId, replid, inSync, promiseMs };
}

/** The answer as `node` gives it. */
export function answerBody(node: string, answer: FailsafeAnswer): Record<string, unknown> {
  return { v: FAILSAFE_FORMAT, node, ...answer };
}

/** The answer in a response's body, or null where it is none of the node that was asked. */
export function readAnswer(node: string, body: string): FailsafeAnswer | null {
  const parsed = v.safeParse(answerSchema, parseJson(body));
  if (!parsed.success || parsed.output.node !== node) return null;
  const { output } = parsed;
  return output.promised ? { promised: true, promiseMs: output.promiseMs } : { promised: false, reason: output.reason };
}

/**
 * Asks one agent, once. Resolves at most `timeoutMs` milliseconds from now, with null for silence, and never rejects.
 */
export async function askAgent(
  address: Target,
  question: FailsafeQuestion,
  timeoutMs: number,
): Promise<FailsafeAnswer | null> {
  const body = JSON.stringify({ v: FAILSAFE_FORMAT, ...question });
  const limits = { timeoutMs, answerBytesMax: FAILSAFE_BYTES_MAX };
  const ended = await exchange(address, { path: FAILSAFE_PATH, method: 'POST', body, limits });
  return ended.kind === 'answered' && ended.status === 200 ? readAnswer(question.node, ended.body) : null;
}
