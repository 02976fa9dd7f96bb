/**
 * Guarding the dataset of a replica against a full sync from a process that is not the recorded master (I5).
 *
 * The problem: a replica follows an address. Whatever process answers there next is asked for its data, and an empty
 * one wipes the last good copy within 52 ms (measured). Redis has no way to refuse that, so the agent leaves the
 * address before the sync can be loaded. The wrong answer is to wait for news of the other process: a host that
 * vanishes says nothing, and the agent's own connection to it is the last to hear of its return.
 */
import { sameAddress } from './facts.ts';
import type { RedisFacts } from './facts.ts';
import { proofEndsAtMs } from './fencing.ts';
import { isEnabled, isLinkedTo, REMOTE_FRESH_MS, remoteIsHealthy, verifiedMaster } from './queries.ts';
import type { Lease, Term } from './records.ts';
import type { State } from './state.ts';
import type { Turn } from './turn.ts';

/** A master as it was recorded: where it is, and which process. */
type Recorded = Pick<Lease, 'redis' | 'runId'>;

/** Another process answers in the place of this one. */
export function answersAsAnother({ remote, remoteTarget }: State, { redis, runId }: Recorded): boolean {
  return sameAddress(remoteTarget, redis) && remote.link === 'open' && remote.current && remote.facts?.runId !== runId;
}

/** It was seen to be the recorded process, and still answers: what it was before a silence proves nothing. */
export function isHeard(state: State, master: Recorded): boolean {
  return verifiedMaster(state, master) && remoteIsHealthy(state);
}

/**
 * The stream broke, and so did our own connection, or nobody answers on it: whoever is met there next may be another
 * process, and an empty one is copied faster than over a slow network its name is asked. Where only the connections
 * ended it is left as long as the ensemble hears us: without, it could not be followed again if it is the same.
 */
function mayMeetAnother(state: State, facts: RedisFacts): boolean {
  const { remote, nowMs } = state;
  if (facts.link?.up !== false) return false;
  if (remote.link === 'open' && !remoteIsHealthy(state)) return true;
  return remote.endedAfterHealth && remote.link !== 'open' && nowMs < proofEndsAtMs(state);
}

/**
 * Leaves the master's address when what answers there may be another process: it does, or a full sync begins from one
 * that was not seen to be the recorded one, or nobody can say who will be met there next.
 */
export function guardFullSync(turn: Turn, facts: RedisFacts, master: Recorded): void {
  const { state } = turn;
  if (facts.keys === 0) return;
  if (isHeard(state, master)) return turn.wakeAt(state.remote.answeredAtMs + REMOTE_FRESH_MS);
  const another = facts.link?.syncInProgress === true || (isEnabled(state) && answersAsAnother(state, master));
  if (!another && !(isEnabled(state) && mayMeetAnother(state, facts))) return;
  if (!turn.emit({ kind: 'freeze' })) return;
  if (another) turn.report('full_sync_aborted', { master: master.redis.host });
  else turn.report('frozen', { because: 'master_unseen' });
}

/** The same by the term alone, while the ensemble does not say whose the lease is. */
export function guardUnread(turn: Turn, facts: RedisFacts, term: Term | null): void {
  const master = term?.master ?? null;
  if (master !== null && isLinkedTo(facts, master.redis)) guardFullSync(turn, facts, master);
}
