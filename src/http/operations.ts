/**
 * Planned operations over HTTP, with the paths and status codes that operators know from Patroni.
 *
 * Every agent of the service takes each of them, from its own host only, and answers when it is done: 200 done, 202
 * scheduled, 400 a body that is none, 412 refused with a reason code, 503 begun and not completed, or not possible now.
 * The body is JSON and optional; what it leaves out is chosen by the service.
 */
import * as v from 'valibot';
import { OPERATION_TEXT_MAX, PAUSE_MAX_MS, SCHEDULE_AHEAD_MAX_MS } from '../contract/operations.ts';
import type { OperationAnswer, OperationKind } from '../contract/operations.ts';
import { REASONS } from '../contract/reasons.ts';
import type { ReasonCode } from '../contract/reasons.ts';
import type { PublishedView } from '../contract/view.ts';
import { expectedGapMs, judgeSwitchover } from '../contract/switchover.ts';
import type { Wanted } from '../contract/switchover.ts';
import { errorAnswer, jsonAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import type { HttpApi } from './api.ts';
import { HTTP_ERRORS } from './errors.ts';
import type { HttpErrorCode } from './errors.ts';
import type { HttpLimits } from './limits.ts';
import type { RouteRequest } from './routes.ts';
import { within } from './within.ts';

/** A pause that does not say how long. */
const PAUSE_DEFAULT_S = 3600;
const MS_PER_S = 1000;
const ASKER = 'http';

const name = v.pipe(v.string(), v.minLength(1), v.maxLength(OPERATION_TEXT_MAX));
/** As Patroni asks for it: a time of day without a zone is nobody's. */
const moment = v.pipe(v.string(), v.isoTimestamp());

const switchoverBody = v.strictObject({
  leader: v.nullish(name, null),
  candidate: v.nullish(name, null),
  scheduled_at: v.nullish(moment, null),
  asker: v.optional(name, ASKER),
  dry_run: v.optional(v.boolean(), false),
});
const failoverBody = v.strictObject({
  candidate: name,
  acknowledge_loss: v.optional(v.boolean(), false),
  asker: v.optional(name, ASKER),
});
const pauseSeconds = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(PAUSE_MAX_MS / MS_PER_S));
const pauseBody = v.strictObject({
  owner: v.optional(name, ASKER),
  reason: v.optional(name, 'not said'),
  for_s: v.optional(pauseSeconds, PAUSE_DEFAULT_S),
});
const nodeBody = v.strictObject({
  node: v.nullish(name, null),
  force: v.optional(v.boolean(), false),
  asker: v.optional(name, ASKER),
});
const noBody = v.strictObject({ asker: v.optional(name, ASKER) });
const masterBody = v.strictObject({ master: name });

export interface OperationCall {
  readonly api: HttpApi;
  readonly limits: HttpLimits;
  readonly request: RouteRequest;
}

/** Reads the body and carries on, where the caller may order at all. */
async function take<T>(
  call: OperationCall,
  schema: v.GenericSchema<unknown, T>,
  then: (body: T) => Promise<OperationAnswer> | Answer | HttpErrorCode,
): Promise<Answer> {
  if (!call.request.local) return errorAnswer('not_loopback');
  const parsed = v.safeParse(schema, parseJson(call.request.body));
  if (!parsed.success) return errorAnswer('bad_order');
  const given = then(parsed.output);
  if (typeof given === 'string') return errorAnswer(given);
  if ('body' in given) return given;
  return answerOf((await within(call.limits.orderTimeoutMs, given)) ?? { answer: 'unknown' });
}

export function parseJson(body: string): unknown {
  if (body.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(body);
    return Array.isArray(value) ? null : value;
  } catch (error) {
    // Not JSON: the caller's fault, said as such.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Reasons that callers tell by the status already; all others are a plain refusal. */
const ERROR_OF: Readonly<Partial<Record<ReasonCode, HttpErrorCode>>> = {
  no_operation: 'no_such_operation',
  settings_changed: 'settings_conflict',
  // It may pass without anybody's doing.
  zookeeper_unreachable: 'operation_unavailable',
};

function answerOf(given: OperationAnswer): Answer {
  switch (given.answer) {
    case 'done':
      return jsonAnswer(200, { ok: true });
    case 'scheduled':
      return jsonAnswer(202, { ok: true, scheduled: given.id });
    case 'refused':
      return refusal(given.reason, null);
    case 'unknown':
      return errorAnswer('operation_unknown');
    case 'ended': {
      const { result } = given;
      if (result.outcome === 'done') return jsonAnswer(200, { ok: true, result });
      if (result.outcome === 'refused') return refusal(result.reason, result);
      return explained('operation_interrupted', result.reason, result);
    }
  }
}

export function refusal(reason: ReasonCode | null, result: unknown): Answer {
  return explained((reason === null ? undefined : ERROR_OF[reason]) ?? 'operation_refused', reason, result);
}

function explained(error: HttpErrorCode, reason: ReasonCode | null, result: unknown): Answer {
  const { status, message, next } = HTTP_ERRORS[error];
  const known = reason === null ? { what: message, next } : REASONS[reason];
  return jsonAnswer(status, { error, reason, message: known.what, next: known.next, result });
}

interface Asked {
  readonly kind: OperationKind;
  readonly target: string | null;
  readonly asker: string;
  readonly from?: string | null;
  readonly scheduledAt?: number | null;
  readonly force?: boolean;
}

function operate({ api }: OperationCall, asked: Asked): Promise<OperationAnswer> {
  return api.operate({ from: null, scheduledAt: null, force: false, ...asked });
}

export function switchover(call: OperationCall): Promise<Answer> {
  if (call.request.method === 'DELETE') return take(call, noBody, () => call.api.cancelOperation());
  return take(call, switchoverBody, (body) => {
    const { leader: from, candidate: target, scheduled_at: at, asker } = body;
    const scheduledAt = at === null ? null : Date.parse(at);
    if (scheduledAt !== null && !isAhead(scheduledAt, call.api.wallNow())) return 'bad_time';
    if (target !== null && target === from) return 'bad_order';
    if (body.dry_run) return preflight(call.api.view(), { target, from });
    return operate(call, { kind: 'switchover', target, from, scheduledAt, asker });
  });
}

/** What would become of it now. Only the master's agent sees its replicas. */
function preflight(view: PublishedView, wanted: Wanted): Answer {
  if (view.switchover === null) return errorAnswer('ask_the_master');
  const judged = judgeSwitchover(view, wanted);
  if ('refusal' in judged) return refusal(judged.refusal as ReasonCode, null);
  return jsonAnswer(200, { ok: true, target: judged.target, expectedGapMs: expectedGapMs(view.switchover.gapsMs) });
}

function isAhead(atMs: number, nowMs: number): boolean {
  return atMs > nowMs && atMs <= nowMs + SCHEDULE_AHEAD_MAX_MS;
}

export function failover(call: OperationCall): Promise<Answer> {
  return take(call, failoverBody, ({ candidate: target, acknowledge_loss: force, asker }) =>
    operate(call, { kind: 'failover', target, force, asker }));
}

/** Without a name: the replica beside the agent that was called. */
export function reinitialize(call: OperationCall): Promise<Answer> {
  return take(call, nodeBody, ({ node, force, asker }) =>
    operate(call, { kind: 'reinitialize', target: node ?? call.api.identity().name, force, asker }));
}

export function forgetNode(call: OperationCall): Promise<Answer> {
  return take(call, nodeBody, ({ node, asker }) =>
    node === null ? 'node_missing' : operate(call, { kind: 'forget', target: node, asker }));
}

export function bootstrapService(call: OperationCall): Promise<Answer> {
  return take(call, masterBody, async ({ master }): Promise<OperationAnswer> => {
    const result = await call.api.bootstrap(master);
    if (result.ok) return { answer: 'done' };
    // A word that is no reason code comes from nobody here; the list stays closed towards the caller.
    const known = Object.hasOwn(REASONS, result.reason);
    return known ? { answer: 'refused', reason: result.reason as ReasonCode } : { answer: 'unknown' };
  });
}

export function pause(call: OperationCall): Promise<Answer> {
  return take(call, pauseBody, ({ owner, reason, for_s: forS }) =>
    call.api.pause({ owner, reason, forMs: forS * MS_PER_S }));
}

export function resume(call: OperationCall): Promise<Answer> {
  return take(call, noBody, () => call.api.resume());
}
