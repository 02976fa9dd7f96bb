/**
 * Failsafe: how a master stays master while the ensemble is silent (I6).
 *
 * The lease cannot be confirmed, and nobody can be sure that it was not given away. But a lease can only be claimed by
 * a registered node. So the master asks every one of them to promise that for P it neither claims nor votes. A
 * promise begins on the giver's clock when it decides, which is after the question was sent: counting `0.8 P` from
 * sending, the master stops first even if one clock runs 10 % slow and the other 10 % fast (0.889 P against 0.909 P).
 *
 * One silence or one no is enough to rest on nothing: the node that said no may be the next master. What is held then
 * runs out, at the latest `F` after the last heartbeat or 0.8 P after the last round in which everybody promised.
 *
 * The questions go on until a heartbeat is answered, fenced or not: whoever was silent may come back, and then
 * nobody has claimed meanwhile, or it would not say yes.
 *
 * Which nodes are registered is what the term says, *or may say*: a term that we tried to write when the ensemble
 * went silent may be committed and name one more.
 */
import type { FailsafeAnswer, FailsafeQuestion } from '../contract/failsafe.ts';
import { foreignRecord } from './claim.ts';
import { coverEndsAtMs, proofMs } from './fencing.ts';
import { isEnabled, ourLease, ownRedisIsDead, timeoutMs } from './queries.ts';
import { promiseLimitMs } from './promises.ts';
import { inForce } from './service-settings.ts';
import type { RoleOf } from './role.ts';
import type { Failsafe, State } from './state.ts';
import type { Turn } from './turn.ts';

/** Part of a promise that its receiver counts, from sending. */
export const PROMISE_COUNTED = 0.8;
/** Part of T without an answered heartbeat (two are due in it) after which the nodes are asked. */
export const ASK_AFTER_PART = 1 / 3;
/** Part of T that one round of questions may take: two rounds fit before the fence is due. */
export const ASK_TIMEOUT_PART = 1 / 10;
/** Part of a promise after which it is asked for again: as much again is left, less the fence margin, for retries. */
export const RENEW_PART = 0.4;
/** Part of T between two rounds while somebody does not promise. */
export const ASK_AGAIN_PART = 1 / 20;
/** Least duration of each of these, so that a tiny T does not become a busy loop. */
const PAUSE_MIN_MS = 50;

type Refused = Failsafe['refused'];
type Asked = readonly { readonly node: string; readonly answer: FailsafeAnswer | null }[];

/** The master's duty, in every turn: ask in time, or find that there is nothing to ask for. */
export function keepFailsafe(turn: Turn, role: RoleOf<'master'>): void {
  const because = endsBecause(turn);
  if (because !== null) return endFailsafe(turn, because);
  const failsafe = begun(turn);
  if (failsafe === null) return;
  if (failsafe.refused.length > 0) turn.refuse(failsafe.byChoice ? 'unconfirmed' : 'failsafe_refused');
  // The first round is due at once, and stays so until it is over: nothing is to be looked at before that.
  if (turn.awaits('ask_promises')) return;
  const dueMs = nextRoundMs(turn.state, failsafe);
  if (turn.now < dueMs) return turn.wakeAt(dueMs);
  if (failsafe.nodes.length > 0) return askAll(turn, role, failsafe);
  rounded(turn, role, { sentAtMs: turn.now, answers: [] });
  if (turn.state.failsafe !== null) turn.wakeAt(nextRoundMs(turn.state, turn.state.failsafe));
}

/** Why no promise is needed, or can be of any use, now; null while the nodes must be asked. */
function endsBecause(turn: Turn): string | null {
  const { state } = turn;
  const { own, failsafe, stopping } = state;
  const askFromMs = proofMs(state) + ASK_AFTER_PART * timeoutMs(state);
  if (turn.now < askFromMs) {
    turn.wakeAt(askFromMs);
    return 'ensemble_back';
  }
  if (stopping !== null || !isEnabled(state) || turn.awaits('release')) return 'stepping_down';
  const runId = failsafe?.runId ?? ourLease(state)?.value.runId;
  const serves = own.facts?.role === 'master' && own.facts.runId === runId && !state.unplaced;
  return serves && !ownRedisIsDead(state) ? null : 'redis_lost';
}

export function endFailsafe(turn: Turn, because: string): void {
  const { failsafe } = turn.state;
  if (failsafe === null) return;
  turn.update({ failsafe: null });
  turn.report('failsafe_ended', { because, for_ms: Math.round(turn.now - failsafe.sinceMs) });
}

/** The failsafe state with everybody who has to be asked; begins where there is none. */
function begun(turn: Turn): Failsafe | null {
  const { state } = turn;
  const before = state.failsafe;
  const nodes = [...new Set([...(before?.nodes ?? []), ...registered(state)])].sort();
  if (before !== null) {
    if (nodes.length === before.nodes.length) return before;
    // Somebody may claim who was never asked: what was promised so far covers nothing.
    const wider = { ...before, nodes, untilMs: Number.NEGATIVE_INFINITY, round: null };
    turn.update({ failsafe: wider });
    return wider;
  }
  const runId = ourLease(state)?.value.runId;
  if (runId === undefined) return null;
  const failsafe: Failsafe = {
    sinceMs: turn.now,
    runId,
    nodes,
    untilMs: Number.NEGATIVE_INFINITY,
    byChoice: false,
    round: null,
    confirmed: [],
    refused: [],
  };
  turn.update({ failsafe });
  return failsafe;
}

function registered({ records, offered, settings }: State): readonly string[] {
  const names = [...(records.term?.value.nodes ?? []), ...(offered?.nodes ?? [])];
  return names.filter((name) => name !== settings.name);
}

function nextRoundMs(state: State, { round, refused }: Failsafe): number {
  if (round === null) return state.nowMs;
  if (refused.length === 0) return round.sentAtMs + RENEW_PART * round.promiseMs;
  return round.endedAtMs + Math.max(PAUSE_MIN_MS, ASK_AGAIN_PART * timeoutMs(state));
}

function askAll(turn: Turn, role: RoleOf<'master'>, failsafe: Failsafe): void {
  const { state } = turn;
  const { settings, own, records, offered } = state;
  const inSync = new Set([...(records.term?.value.inSync ?? []), ...(offered?.inSync ?? [])]);
  const questions = failsafe.nodes.flatMap((node) => {
    const address = state.agents.get(node)?.http;
    if (address === undefined) return [];
    const question: FailsafeQuestion = {
      service: settings.service,
      node,
      from: { name: settings.name, instance: settings.instance },
      epoch: role.epoch,
      redis: settings.redis,
      runId: failsafe.runId,
      replid: own.facts?.replid ?? '',
      inSync: inSync.has(node),
      promiseMs: Math.floor(promiseLimitMs(state)),
    };
    return [{ address, question }];
  });
  const timeout = Math.max(PAUSE_MIN_MS, Math.floor(ASK_TIMEOUT_PART * timeoutMs(state)));
  turn.emit({ kind: 'ask_promises', questions, timeoutMs: timeout });
}

/** A round of questions is over. */
export function rounded(
  turn: Turn,
  role: RoleOf<'master'>,
  { sentAtMs, answers }: { readonly sentAtMs: number; readonly answers: Asked },
): void {
  const { failsafe } = turn.state;
  if (failsafe === null) return;
  const refused = refusedBy(failsafe.nodes, answers);
  const confirmed = failsafe.nodes.filter((node) => refused.every((each) => each.node !== node));
  const promiseMs = shortest(turn.state, answers);
  const byChoice = refused.length > 0 && inForce(turn.state).onEnsembleLoss === 'continue';
  const superseded = refused.some(({ reason }) => reason === 'later_epoch');
  const counts = (refused.length === 0 || byChoice) && !superseded && sentAtMs >= turn.state.sleptAtMs;
  const kept = superseded ? Number.NEGATIVE_INFINITY : failsafe.untilMs;
  const untilMs = counts ? Math.max(kept, sentAtMs + PROMISE_COUNTED * promiseMs) : kept;
  const round = { sentAtMs, endedAtMs: turn.now, promiseMs };
  const now: Failsafe = { ...failsafe, refused, confirmed, byChoice: byChoice && !superseded, untilMs, round };
  turn.update({ failsafe: now });
  reportRound(turn, role.epoch, failsafe, now);
}

/** Each node that did not promise, with its reason. */
function refusedBy(nodes: readonly string[], answers: Asked): Refused {
  return nodes.flatMap((node) => {
    const answer = answers.find((each) => each.node === node)?.answer ?? null;
    if (answer?.promised === true) return [];
    return [{ node, reason: answer?.reason ?? ('agent_silent' as const) }];
  });
}

/** Everybody's promise lasts as long as the shortest; our own length counts where nobody else has to promise. */
function shortest(state: State, answers: Asked): number {
  const given = answers.flatMap(({ answer }) => (answer?.promised === true ? [answer.promiseMs] : []));
  return Math.min(promiseLimitMs(state), ...given);
}

function reportRound(turn: Turn, epoch: number, before: Failsafe, now: Failsafe): void {
  const reasons = now.refused.map(({ node, reason }) => `${node}:${reason}`);
  const changed = reasons.join() !== before.refused.map(({ node, reason }) => `${node}:${reason}`).join();
  if (changed && now.refused.length > 0) turn.report('failsafe_refused', { epoch, by: reasons });
  const covers = turn.now < now.untilMs;
  if (!covers || (turn.now < before.untilMs && before.byChoice === now.byChoice)) return;
  const by = now.byChoice ? 'on_ensemble_loss' : 'promises';
  turn.report('failsafe_started', { epoch, by, nodes: now.confirmed });
}

/**
 * Whether power rests on promises although the lease is not ours any more, because the outage ended our session. Not
 * when anybody else was seen to hold it, or to have been named.
 */
export function restsOnPromises(state: State): boolean {
  const { role, records, settings, claimed } = state;
  if (role.name !== 'master' || state.nowMs >= coverEndsAtMs(state) || foreignRecord(state) !== null) return false;
  const lease = records.lease?.value ?? null;
  if (lease !== null && lease.instance !== settings.instance) return false;
  const term = records.term?.value ?? null;
  if (term === null) return true;
  const ours = term.epoch === role.epoch || term.epoch === claimed?.epoch;
  return ours && term.designated === null && term.master?.name === settings.name;
}
