/**
 * How a switchover that was begun ended: said by whoever knows it best.
 *
 * The old master's agent measured the gap, so it has a moment to say so. If it does not, because it is gone, the new
 * master says it, without the gap. There is none either where the target was promoted and then had to take the office
 * once more. Whoever else is master says that it was interrupted, and that it found itself.
 */
import { othersLease, ourLease, seesRecords, verifiedMaster } from '../queries.ts';
import type { Kept } from '../records.ts';
import type { State } from '../state.ts';
import type { Turn } from '../turn.ts';
import { endOrder } from './ending.ts';
import type { OrderRecord } from './records.ts';

/** How long the new master leaves the result to the old one's agent. */
export const MEASURE_WAIT_MS = 1000;

export function concludeSwitchover(turn: Turn): void {
  const { order } = turn.state.records;
  if (order?.value.kind !== 'switchover' || order.value.phase !== 'running') return;
  if (!seesRecords(turn.state) || turn.awaits('end_order')) return;
  if (!concludeAsOldMaster(turn, order)) concludeAsMaster(turn, order);
}

/** The successor serves and says so: its record is there, its term names nobody as pending. */
function isSettled({ records }: State): boolean {
  const { lease, term, masterRecord } = records;
  if (lease === null || term === null || masterRecord?.znode.owner !== lease.znode.owner) return false;
  return term.value.epoch === lease.value.epoch && term.value.pending === null;
}

function concludeAsOldMaster(turn: Turn, order: Kept<OrderRecord>): boolean {
  const { state } = turn;
  const { handing } = state.operations;
  const lease = othersLease(state)?.value;
  if (handing?.order !== order.value.id || handing.fencedAtMs === null || lease?.node !== handing.to) return false;
  const promoted = handing.promoted ?? { atMs: turn.now, epoch: lease.epoch };
  if (handing.promoted === null) {
    if (!verifiedMaster(state, lease)) return true;
    turn.update({ operations: { ...state.operations, handing: { ...handing, promoted } } });
  }
  if (!isSettled(state)) return true;
  // A target that had to take the office once more was no master in between: that moment says nothing any longer.
  const isMeasured = promoted.epoch === lease.epoch;
  const gapMs = isMeasured ? Math.max(0, Math.round(promoted.atMs - handing.fencedAtMs)) : null;
  endOrder(turn, order, { outcome: 'done', gapMs });
  return true;
}

function concludeAsMaster(turn: Turn, order: Kept<OrderRecord>): void {
  const { state } = turn;
  const { role, settings } = state;
  if (role.name !== 'master' || ourLease(state) === null || !isSettled(state)) return;
  if (role.epoch <= (order.value.epoch ?? 0)) return;
  if (order.value.target !== settings.name) {
    return void endOrder(turn, order, { outcome: 'interrupted', reason: 'target_lost' });
  }
  const untilMs = role.sinceMs + MEASURE_WAIT_MS;
  if (turn.now < untilMs) return turn.wakeAt(untilMs);
  endOrder(turn, order, { outcome: 'done' });
}
