/**
 * The failsafe question on the wire: one POST with a small JSON body, one small JSON answer.
 *
 * Both directions are validated as a whole. Whatever is not a valid answer, and whatever comes too late, is silence:
 * nothing but a plain yes extends a master's power.
 */
import { request } from 'node:http';
import * as v from 'valibot';
import { FAILSAFE_FORMAT, FAILSAFE_PROMISE_MAX_MS } from '../contract/failsafe.ts';
import type { FailsafeAnswer, FailsafeQuestion } from '../contract/failsafe.ts';
import { REASONS } from '../contract/reasons.ts';
import type { ReasonCode } from '../contract/reasons.ts';
import { readBody } from './body.ts';
import { ANSWER_HEADER_BYTES_MAX, isDialable } from './dial.ts';

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

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    // Not JSON: not from an agent.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/**
 * Asks one agent, once. `done` is called once, later, at most `timeoutMs` milliseconds from now, with null for
 * silence; unless the returned function took the question back.
 */
export function askAgent(
  address: { readonly host: string; readonly port: number },
  question: FailsafeQuestion,
  timeoutMs: number,
  done: (answer: FailsafeAnswer | null) => void,
): () => void {
  // Records of others name the address; what cannot be one would make the request throw.
  if (!isDialable(address.host, address.port)) {
    const soon = setTimeout(() => done(null), 0);
    return () => clearTimeout(soon);
  }
  const body = JSON.stringify({ v: FAILSAFE_FORMAT, ...question });
  const asking = request({
    ...address,
    method: 'POST',
    path: FAILSAFE_PATH,
    agent: false,
    maxHeaderSize: ANSWER_HEADER_BYTES_MAX,
    headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
  });
  let settled = false;
  const timer = setTimeout(() => settle(null), timeoutMs);

  function abandon(): void {
    settled = true;
    clearTimeout(timer);
    asking.destroy();
  }
  function settle(answer: FailsafeAnswer | null): void {
    if (settled) return;
    abandon();
    done(answer);
  }

  // Stays attached: destroying the question reports a hang-up of our own making.
  asking.on('error', () => settle(null));
  asking.on('response', (response) => {
    if (response.statusCode !== 200) return settle(null);
    readBody(response, FAILSAFE_BYTES_MAX, (given) =>
      settle(given === undefined ? null : readAnswer(question.node, given)));
  });
  asking.end(body);
  return abandon;
}
