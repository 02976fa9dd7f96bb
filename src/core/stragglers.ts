/**
 * Clients that stay on a deposed master.
 *
 * The fence disconnects whoever is connected when it runs. Connection pools come back within milliseconds, by a stale
 * address, and then sit on a replica: their writes are refused with READONLY for as long as they keep the connection,
 * which some keep for hours. So for a while after the fence they are disconnected again, which makes them ask anew
 * where the master is.
 */
import { ownFacts } from './queries.ts';
import type { Turn } from './turn.ts';

/** Pause between two rounds; a pool that was sent away has had the time to look the address up. */
export const STRAGGLER_PAUSE_MS = 1000;
/** Rounds after a fence. Beyond them a client means to be here: it reads. */
export const STRAGGLER_ROUNDS = 5;

/** To be called where a deposed master is made a replica. */
export function expectStragglers(turn: Turn): void {
  turn.update({ stragglers: { rounds: STRAGGLER_ROUNDS, nextMs: turn.now + STRAGGLER_PAUSE_MS } });
}

export function disconnectStragglers(turn: Turn): void {
  const { stragglers } = turn.state;
  if (stragglers === null) return;
  const dueMs = Math.max(stragglers.nextMs, rescueConnectedMs(turn));
  if (turn.now < dueMs) return turn.wakeAt(dueMs);
  if (turn.awaits('rescue') || ownFacts(turn.state)?.role === 'replica') turn.emit({ kind: 'kill_stragglers' });
  const rounds = stragglers.rounds - 1;
  const next = { rounds, nextMs: turn.now + STRAGGLER_PAUSE_MS };
  turn.update({ stragglers: rounds > 0 ? next : null });
  if (rounds > 0) turn.wakeAt(next.nextMs);
}

/** A rescue's connection is that of an ordinary client until its SYNC is read. */
const RESCUE_CONNECTS_MS = 500;

function rescueConnectedMs(turn: Turn): number {
  const flight = turn.state.inFlight.get('rescue');
  return flight === undefined ? Number.NEGATIVE_INFINITY : flight.sinceMs + RESCUE_CONNECTS_MS;
}
