/**
 * Health: may clients be sent to this node now, and what for? Answered from the state alone, for whoever checks.
 *
 * A check must never say "master" of a node whose lease may be another's by now. So the office counts only until the
 * moment at which fencing begins, by the monotonic clock of the moment that asks, whatever the last turn left behind.
 *
 * How far a replica is behind cannot be read from two answers of different moments: at 10 MB/s an answer that is a
 * second older is "10 MB behind". Own and master's Redis are asked at the same moments of a grid, so that the two
 * answers which came together are compared, and every other pair says nothing.
 */
import type { HealthView } from '../contract/view.ts';
import { foreignAddress } from './claim.ts';
import { restsOnPromises } from './failsafe.ts';
import { FENCE_MIN_REPLICAS, fenceAtMs } from './fencing.ts';
import type { RedisFacts } from './facts.ts';
import { isEnabled, isLinkedTo, lastTerm, othersLease, ourLease, ownFacts } from './queries.ts';
import type { Address } from './records.ts';
import type { State } from './state.ts';
import type { Turn } from './turn.ts';

/** Two answers that came within this count as of one moment. */
export const SAME_MOMENT_MS = 100;

/** How far our Redis was behind the master of this replication history, when both were last seen at once. */
export interface Lag {
  readonly replid: string;
  readonly bytes: number;
  readonly atMs: number;
}

/** Our Redis, or the one that it follows, answered. */
export function noteLag(turn: Turn): void {
  const { own, remote, lag } = turn.state;
  if (own.facts?.role !== 'replica' || remote.facts?.role !== 'master' || !remote.current) return;
  if (Math.abs(own.answeredAtMs - remote.answeredAtMs) > SAME_MOMENT_MS) return;
  const { replid, offset } = own.facts;
  if (replid !== remote.facts.replid) return;
  const bytes = Math.max(0, remote.facts.offset - offset);
  const atMs = Math.min(own.answeredAtMs, remote.answeredAtMs);
  // The first of the two answers pairs with an older one, and this one is the better.
  if (lag?.replid === replid && lag.atMs >= atMs) return;
  turn.update({ lag: { replid, bytes, atMs } });
}

/** The office is ours beyond doubt, and our Redis is that master and takes writes. */
function isPrimary(state: State, facts: RedisFacts | null): boolean {
  const { role, nowMs } = state;
  if (role.name !== 'master' || role.inDoubt || nowMs >= fenceAtMs(state)) return false;
  if (ourLease(state) === null && !restsOnPromises(state)) return false;
  return facts?.role === 'master' && facts.minReplicas !== FENCE_MIN_REPLICAS;
}

/** Whom our Redis should replicate from, as far as is known. */
function presentMaster(state: State): Address | null {
  return foreignAddress(state) ?? othersLease(state)?.value.redis ?? lastTerm(state)?.master?.redis ?? null;
}

/** Our Redis replicates from the present master, with its link up. */
export function follows(state: State): boolean {
  const facts = ownFacts(state);
  const master = presentMaster(state);
  if (facts === null || master === null || state.own.halfSynced) return false;
  return facts.link?.up === true && isLinkedTo(facts, master);
}

/** Nobody asked for this node to be left in peace. */
export function takesReads(state: State): boolean {
  return isEnabled(state) && state.stopping === null && !state.settings.noRead;
}

export function healthOf(state: State): HealthView {
  const facts = ownFacts(state);
  const { lag, nowMs } = state;
  const following = follows(state);
  const known = following && lag !== null && lag.replid === facts?.replid ? lag : null;
  return {
    serves: facts !== null && !facts.loading,
    primary: isPrimary(state, facts),
    follows: following,
    lagBytes: known?.bytes ?? null,
    lagAgeMs: known === null ? null : Math.max(0, Math.round(nowMs - known.atMs)),
    takesReads: takesReads(state),
  };
}
