/**
 * Promises: what this agent may not do because it said yes to a master that cannot reach the ensemble.
 *
 * A lease outlives its holder's last word by T; a promise outlives the master's question by P. For that long its giver
 * neither claims nor votes, whatever it sees meanwhile: the ensemble may come back and take the lease away from a
 * master that goes on taking writes. All registered nodes are bound or nobody is served: a node that is not registered
 * cannot be elected, and only the lease holder registers nodes.
 *
 * A promise binds a node, not a process. A restarted agent remembers nothing, so it behaves as if it had promised the
 * moment before it began. That the lease still stands proves nothing (its holder may be cut off from the ensemble and
 * live on promises already); that its holder gave it back in order does, and so does a term that names this very node.
 */
import type { FailsafeAnswer, FailsafeQuestion } from '../contract/failsafe.ts';
import type { ReasonCode } from '../contract/reasons.ts';
import { sameAddress } from './facts.ts';
import { lastTerm, seesRecords, timeoutMs } from './queries.ts';
import type { Address, Lease } from './records.ts';
import type { PromiseGiven, State } from './state.ts';
import type { Turn } from './turn.ts';

/**
 * How long after our own return to the ensemble a promise is renewed although the asker's lease is not there: longer
 * than the longest pause between two attempts to reach the ensemble, so that the asker, too, can come back and claim
 * its lease anew without a gap. Whoever never lost the ensemble renews nothing that the ensemble took back.
 */
export const RECLAIM_GRACE_MS = 3000;

/** The longest promise that this agent gives, and therefore waits out after a start. */
export function promiseLimitMs(state: State): number {
  return state.settings.failsafePromiseMs ?? timeoutMs(state);
}

/** Whoever gave up in order is not writable: what says so was written as the lease went, in one transaction. */
function gaveUp(state: State, name: string): boolean {
  const { lease, term, ballots } = state.records;
  if (state.synced && lease === null && term?.value.handOver?.from.name === name) return true;
  const ballot = ballots.get(name)?.value;
  if (!state.synced || lease !== null || ballot === undefined) return false;
  return ballot.refusal !== null && ballot.epoch === term?.value.epoch;
}

/** Whether an earlier process of this agent may have promised something that it did not live to keep. */
function mayHavePromised(state: State): boolean {
  const term = state.records.term?.value ?? null;
  const { name } = state.settings;
  // Nobody asks a node that is not registered. An ensemble that forgot everything looks like a first start; a Redis
  // that was managed before tells them apart.
  if (!(state.registeredAtStart ?? state.managedBefore)) return false;
  if (term === null) return true;
  if (term.master === null || term.master.name === name || !term.nodes.includes(name)) return false;
  return !gaveUp(state, term.master.name);
}

/** Until when this agent neither claims nor votes; -Infinity when it is free. */
export function boundUntilMs(state: State): number {
  const given = state.promise?.untilMs ?? Number.NEGATIVE_INFINITY;
  return mayHavePromised(state) ? Math.max(given, state.startedAtMs + promiseLimitMs(state)) : given;
}

export function isBound(state: State): boolean {
  return state.nowMs < boundUntilMs(state);
}

/** Names the reason, and wakes when it ends. Returns whether this agent must keep out of elections. */
export function keepsOut(turn: Turn): boolean {
  if (!isBound(turn.state)) return false;
  turn.refuse('failsafe_promised');
  turn.wakeAt(boundUntilMs(turn.state));
  return true;
}

/** Until when our Redis may stream from this master without proof from the ensemble. */
export function streamsByPromiseUntilMs(state: State, master: Address): number {
  const { promise } = state;
  return promise !== null && sameAddress(promise.redis, master) ? promise.untilMs : Number.NEGATIVE_INFINITY;
}

/** Ends a promise whose time is over, or whose master gave up. */
export function keepPromise(turn: Turn): void {
  const { promise } = turn.state;
  if (promise === null) return;
  const over = turn.now >= promise.untilMs;
  if (over || gaveUp(turn.state, promise.to)) {
    turn.update({ promise: null });
    return turn.report('promise_ended', { to: promise.to, because: over ? 'time' : 'released' });
  }
  turn.wakeAt(promise.untilMs);
}

/** Answers a question at once: what is promised is state before the answer leaves. */
export function answerQuestion(turn: Turn, id: number, question: FailsafeQuestion): void {
  const { state } = turn;
  const reason = refusalOf(state, question);
  const promiseMs = Math.min(question.promiseMs, Math.floor(promiseLimitMs(state)));
  const answer: FailsafeAnswer = reason === null ? { promised: true, promiseMs } : { promised: false, reason };
  if (reason === null) give(turn, question, promiseMs);
  turn.emit({ kind: 'answer_question', question: id, answer });
}

/** An asker may be ahead of the last term that we read by a claim or two, each in an ensemble that lost everything. */
export const EPOCHS_AHEAD_MAX = 100;

/** What a question proves of epochs that our claims have to be above: only a registered node is a master of ours. */
function epochOf(state: State, from: FailsafeQuestion['from'], epoch: number): number {
  const term = lastTerm(state);
  const isOurs = term?.nodes.includes(from.name) === true && epoch - term.epoch <= EPOCHS_AHEAD_MAX;
  return isOurs ? epoch : 0;
}

function give(turn: Turn, { from, epoch, redis }: FailsafeQuestion, promiseMs: number): void {
  const before = turn.state.promise;
  const renewed = before?.to === from.name && before.epoch === epoch ? before : null;
  const given: PromiseGiven = {
    to: from.name,
    epoch,
    redis,
    sinceMs: renewed?.sinceMs ?? turn.now,
    // A promise to a former master is not shortened by one to the next.
    untilMs: Math.max(before?.untilMs ?? 0, turn.now + promiseMs),
  };
  const rememberedEpoch = Math.max(turn.state.rememberedEpoch, epochOf(turn.state, from, epoch));
  turn.update({ promise: given, rememberedEpoch });
  if (renewed === null) turn.report('promise_given', { to: from.name, epoch, for_ms: promiseMs });
}

/** Why this agent does not promise, or null. */
function refusalOf(state: State, question: FailsafeQuestion): ReasonCode | null {
  const { settings } = state;
  if (question.service !== settings.service || question.node !== settings.name) return 'wrong_node';
  if (question.from.name === settings.name) return 'wrong_node';
  if (question.epoch < knownEpoch(state)) return 'later_epoch';
  if (contends(state, question.epoch)) return 'contending';
  const missed = missedLease(state, question);
  if (missed !== null) return missed;
  return question.inSync && !streamsFrom(state, question) ? 'not_streaming' : null;
}

function knownEpoch(state: State): number {
  const { term, lease } = state.records;
  const recorded = Math.max(term?.value.epoch ?? 0, lease?.value.epoch ?? 0);
  return Math.max(recorded, state.rememberedEpoch, state.promise?.epoch ?? 0);
}

/** It takes part in an election, or may have won one without knowing: a claim can stand though its answer was lost. */
function contends(state: State, epoch: number): boolean {
  const { role, records, claimed, inFlight, settings } = state;
  if (role.name !== 'replica' && role.name !== 'starting') return true;
  if (inFlight.has('claim') || inFlight.has('cast_ballot') || (claimed !== null && claimed.epoch > epoch)) return true;
  const ballot = records.ballots.get(settings.name)?.value;
  return ballot !== undefined && ballot.epoch === records.term?.value.epoch;
}

/** A yes needs either no sight of the ensemble, or of the asker's lease in it. */
function missedLease(state: State, question: FailsafeQuestion): ReasonCode | null {
  const lease = state.records.lease?.value ?? null;
  if (lease !== null) {
    if (isOf(lease, question)) return null;
    return seesRecords(state) || lease.epoch >= question.epoch ? 'lease_ended' : null;
  }
  if (!seesRecords(state)) return null;
  const { promise: given, nowMs, connectedAtMs } = state;
  const renews = given?.to === question.from.name && nowMs < given.untilMs;
  return renews && nowMs - connectedAtMs < RECLAIM_GRACE_MS ? null : 'lease_ended';
}

function isOf(lease: Lease, { from, epoch }: FailsafeQuestion): boolean {
  return lease.node === from.name && lease.instance === from.instance && lease.epoch === epoch;
}

/** Our Redis streams from the very Redis that the asker speaks of. */
function streamsFrom(state: State, { redis, runId, replid }: FailsafeQuestion): boolean {
  const { own, remote, remoteTarget } = state;
  const { facts } = own;
  if (own.link !== 'open' || !own.current || own.silentSinceMs !== null || facts?.role !== 'replica') return false;
  const seen = remote.current && sameAddress(remoteTarget, redis) ? remote.facts : null;
  if (seen !== null && seen.runId !== runId) return false;
  return facts.link?.up === true && sameAddress(facts.link, redis) && facts.replid === replid;
}
