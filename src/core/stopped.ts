/**
 * A stopped Redis that must take no write: `fence_by_kill`.
 *
 * A fence waits in the socket of a process that was stopped, and is the first thing that it reads when it goes on. But
 * what it was executing when it stopped it finishes and acknowledges before. The only way to a strict zero is that it
 * never goes on. So, where the operator wants it, a Redis that the kernel shows stopped, that was last seen as a master
 * without our fence, and whose lease is lost, is killed. What it held and no replica had is lost with it.
 */
import { FENCE_MIN_REPLICAS, proofEndsAtMs, wantedMinReplicas } from './fencing.ts';
import { holdsPower } from './power.ts';
import { isStopped, STOPPED_MS } from './queries.ts';
import type { State } from './state.ts';
import type { Turn } from './turn.ts';

/** Our lease is gone, or so long unheard of that it may be. */
function leaseIsLost(state: State): boolean {
  return !holdsPower(state) || state.nowMs >= proofEndsAtMs(state);
}

/** It was a master when it was last seen, and not fenced: it may acknowledge when it goes on. */
function mayAcknowledge(state: State): boolean {
  const { facts } = state.own;
  if (facts?.role !== 'master' || facts.minReplicas === FENCE_MIN_REPLICAS) return false;
  return wantedMinReplicas(state) === FENCE_MIN_REPLICAS;
}

export function killStopped(turn: Turn): void {
  const { own, settings } = turn.state;
  if (own.process?.is === 'stopped') turn.wakeAt(own.process.sinceMs + STOPPED_MS);
  if (!settings.fenceByKill) return;
  if (own.processProved === false) turn.refuse('proc_not_trusted');
  if (isStopped(turn.state) && leaseIsLost(turn.state) && mayAcknowledge(turn.state)) turn.emit({ kind: 'kill_redis' });
}
