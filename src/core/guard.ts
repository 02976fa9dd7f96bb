/**
 * Guarding the dataset of a replica against a full sync from a process that is not the recorded master (I5).
 *
 * The problem: a replica follows an address. Whatever process answers there next is asked for its data, and an empty
 * one wipes the last good copy within 52 ms (measured). Redis has no way to refuse that, so the agent leaves the
 * address before the sync can be loaded. The wrong answer is to wait for news of the other process: a host that
 * vanishes says nothing, and the agent's own connection to it is the last to hear of its return.
 */
import { foreignAddress } from './claim.ts';
import { sameAddress } from './facts.ts';
import type { RedisFacts } from './facts.ts';
import { proofEndsAtMs } from './fencing.ts';
import {
  hasAnsweredSinceBreak, isEnabled, isFrozen, isGone, isHeard, isLinkedTo, lastTerm, REMOTE_FRESH_MS,
} from './queries.ts';
import { streamsByPromiseUntilMs } from './promises.ts';
import type { Lease, Term } from './records.ts';
import type { State } from './state.ts';
import type { Turn } from './turn.ts';

/**
 * How long a master that answered until now may take to answer behind the break of our stream. Its connection to our
 * agent may have ended as well, without a word; 50 ms after the break a restarted one has wiped us (measured).
 */
const ANSWERS_WITHIN_MS = 10;

/** A master as it was recorded: where it is, and which process. */
type Recorded = Pick<Lease, 'redis' | 'runId'>;

/** Another process answers in the place of this one. */
export function answersAsAnother({ remote, remoteTarget }: State, { redis, runId }: Recorded): boolean {
  return sameAddress(remoteTarget, redis) && remote.link === 'open' && remote.current && remote.facts?.runId !== runId;
}

/**
 * The stream broke, and nobody was heard there to be the recorded master: whoever is met next may be another process,
 * or the same one with another's data, and an empty one is copied faster than over a slow network its name is asked.
 * Where nothing answers at all it is left as long as the ensemble hears us: without, it could not be followed again if
 * it is the same. Where its process is gone it cannot be the same.
 */
function mayMeetAnother(state: State, facts: RedisFacts): boolean {
  if (facts.link?.up !== false) return false;
  return state.remote.link === 'open' || isGone(state.remote) || state.nowMs < proofEndsAtMs(state);
}

/**
 * Leaves the master's address when what answers there may be another process: it does, or a full sync begins from one
 * that was not seen to be the recorded one, or nobody can say who will be met there next.
 */
export function guardFullSync(turn: Turn, facts: RedisFacts, master: Recorded): void {
  const { state } = turn;
  if (facts.keys === 0) return;
  const syncs = facts.link?.syncInProgress === true;
  const answersUntilMs = syncs ? state.nowMs : (state.own.unlinkedSinceMs ?? state.nowMs) + ANSWERS_WITHIN_MS;
  // Where a host vanished and came back without a word, the answer may be that of the process before.
  if (isHeard(state, master)) {
    if (hasAnsweredSinceBreak(state)) return turn.wakeAt(state.remote.answeredAtMs + REMOTE_FRESH_MS);
    if (state.nowMs < answersUntilMs) return turn.wakeAt(answersUntilMs);
  }
  const another = syncs || (isEnabled(state) && answersAsAnother(state, master));
  if (!another && !(isEnabled(state) && mayMeetAnother(state, facts))) return;
  if (!turn.emit({ kind: 'freeze' })) return;
  if (another) turn.report('full_sync_aborted', { master: master.redis.host });
  else turn.report('frozen', { because: 'master_unseen' });
}

/**
 * Its link leads to a master of the past, and the present one cannot be followed yet, whatever that waits for. As long
 * as it streams it may be the one that takes over; once it does not, whoever answers there next has nothing that it
 * should have (I5).
 */
export function leaveFormer(turn: Turn, facts: RedisFacts): void {
  if (!isEnabled(turn.state) || isFrozen(facts) || facts.link?.up !== false || facts.keys === 0) return;
  if (turn.emit({ kind: 'freeze' })) turn.report('frozen', { because: 'former_master' });
}

/** What who does not follow the master of the lease yet owes meanwhile, whatever it waits for. */
export function leaveWhileWaiting(turn: Turn, facts: RedisFacts): void {
  if (!leaveUnproven(turn, facts)) leaveFormer(turn, facts);
}

/**
 * Without proof from the ensemble this node must not keep a deposed master writable: one replica left behind with it
 * satisfies its dead-man for ever. That holds for the master of the lease, for one of the past, and while somebody is
 * elected. A promise stands in for the proof.
 */
export function leaveUnproven(turn: Turn, facts: RedisFacts): boolean {
  const { state } = turn;
  if (facts.link === null || isFrozen(facts)) return false;
  if (!isEnabled(state) && !keepsMasterWritable(state, facts)) return false;
  const untilMs = Math.max(proofEndsAtMs(state), streamsByPromiseUntilMs(state, facts.link));
  if (turn.now < untilMs) {
    turn.wakeAt(untilMs);
    return false;
  }
  turn.refuse('zookeeper_unreachable');
  if (turn.emit({ kind: 'freeze' })) turn.report('frozen', { because: 'no_proof_from_ensemble' });
  return true;
}

/** All that a disabled node leaves: a server that its operator had it follow instead is none of our business. */
export function keepsMasterWritable(state: State, facts: RedisFacts): boolean {
  if (facts.link?.up !== true) return false;
  const masters = [lastTerm(state)?.master?.redis, state.lastLease?.value.redis];
  return masters.some((redis) => redis !== undefined && isLinkedTo(facts, redis));
}

/** Bound, or waiting for a record: it streams on, with proof, and a master that restarted empty is kept from it. */
export function guardWaiting(turn: Turn, facts: RedisFacts, term: Term | null): void {
  if (!leaveUnproven(turn, facts)) guardUnread(turn, facts, term);
}

/** Our lease was read, and its term not yet, perhaps not before the ensemble is back: it streams from the former. */
export function awaitsOwnTerm(turn: Turn, facts: RedisFacts): void {
  guardWaiting(turn, facts, turn.state.claimed?.former ?? lastTerm(turn.state));
}

/** Both by the term alone, while the ensemble does not say whose the lease is. */
export function guardUnread(turn: Turn, facts: RedisFacts, term: Term | null): void {
  const master = term?.master ?? null;
  if (master !== null && isLinkedTo(facts, master.redis)) guardFullSync(turn, facts, master);
  else if (foreignAddress(turn.state) === null) leaveFormer(turn, facts);
}
