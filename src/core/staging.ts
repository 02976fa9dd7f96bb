/**
 * Staged full syncs (`parallel_syncs`): a master that forks for all its replicas at once, and replicas that all load at
 * once, leave nobody to read from and nobody to promote.
 *
 * Each replica looks at the master's own list before it follows, and waits while as many as may are in a full sync. The
 * list must be one that was asked for since: replicas that fall together still stand in the one from before.
 * Who waits goes by name; whoever is first and does not go is overtaken after a while. That while is counted from when
 * the wait began: replicas of long standing that lost their data together would all be overtakers at once. What Redis
 * does by itself, when a link breaks, is not staged.
 */
import type { RedisFacts } from './facts.ts';
import { attachedReplicas } from './in-sync.ts';
import { shareHistory } from './lineage.ts';
import type { Lease } from './records.ts';
import { operatorSettings } from './service-settings.ts';
import type { State } from './state.ts';
import type { Turn } from './turn.ts';

/** The least backlog that agents give a master: what is behind by less continues where it was. */
const BACKLOG_BYTES = 64 * 1024 * 1024;
/** Another one's turn passes after this. */
export const TURN_PASSES_MS = 3000;
const LOOK_AGAIN_MS = 500;
/** A wait that was not renewed for this long is over: the next one begins anew. */
const WAIT_ENDS_MS = 4 * LOOK_AGAIN_MS;

function continues(facts: RedisFacts, master: RedisFacts): boolean {
  return shareHistory(facts, master) && master.offset - facts.offset < BACKLOG_BYTES;
}

/** How many others are before us: live nodes that the master does not list yet. */
function placeInLine(state: State, lease: Lease, master: RedisFacts): number {
  const attached = attachedReplicas(state, master);
  const { members, nodes } = state.records;
  const waiting = [...members.keys()].filter((name) => {
    return name !== lease.node && !attached.has(name) && nodes.get(name)?.value.disabled !== true;
  });
  return waiting.sort().indexOf(state.settings.name);
}

/** The wait that goes on, or null. */
function waitOf({ syncWait, nowMs }: State): State['syncWait'] {
  return syncWait !== null && nowMs - syncWait.lastMs <= WAIT_ENDS_MS ? syncWait : null;
}

/** The master's list is of interest now. */
export function awaitsSlot(state: State): boolean {
  return waitOf(state) !== null;
}

/** Whether a full sync has to wait for others. */
export function waitsForFullSync(turn: Turn, facts: RedisFacts, lease: Lease): boolean {
  const { state } = turn;
  const most = operatorSettings(state).parallelSyncs;
  const master = state.remote.facts;
  if (most === 0 || master === null || continues(facts, master)) return false;
  const free = most - master.replicas.filter((replica) => replica.state !== 'online').length;
  const place = Math.max(0, placeInLine(state, lease, master));
  const sinceMs = waitOf(state)?.sinceMs ?? turn.now;
  const overtakesAtMs = sinceMs + place * TURN_PASSES_MS;
  const isFresh = state.remote.answeredAtMs > sinceMs;
  if (isFresh && free > 0 && (place < free || turn.now >= overtakesAtMs)) return false;
  turn.update({ syncWait: { sinceMs, lastMs: turn.now } });
  turn.refuse('awaiting_sync_slot');
  turn.wakeAt(turn.now + LOOK_AGAIN_MS);
  return true;
}
