/**
 * Taking in what concerns operations: the moments of an order and of a pause are worked out when it is first read.
 */
import type { ActionKind } from '../actions.ts';
import type { RecordRead } from '../records.ts';
import type { Turn } from '../turn.ts';
import { maintenanceAfterSleep } from './maintenance.ts';
import { orderMoments, pauseEndsAtMs } from './moments.ts';
import type { Stored } from './state.ts';

const LONG_AGO = Number.NEGATIVE_INFINITY;

export function noteRead(turn: Turn, read: RecordRead): void {
  if (read.record === 'order') return noteOrder(turn);
  if (read.record === 'pause') return notePause(turn);
}

function noteOrder(turn: Turn): void {
  const { state } = turn;
  const { operations, records: { order } } = state;
  // It has its result: whoever ended it, it is not carried out any more.
  if (order?.value.id !== operations.carrying?.id) turn.update({ orderedFailover: null });
  if (order === null || operations.moments?.id === order.value.id) return;
  turn.update({ operations: { ...operations, moments: orderMoments(state, order.value) } });
}

/** What our caller's order, pause or resume came to. What a later attempt is told says nothing of a lost one. */
export function noteStored(turn: Turn, kind: ActionKind, stored: Stored): void {
  const { operations } = turn.state;
  const { asked } = operations;
  if (asked === null || !('stored' in asked.what)) return;
  if (kind !== (asked.what.kind === 'order' ? 'store_order' : 'write_pause')) return;
  if (stored === 'declined' && asked.what.stored === 'perhaps') return;
  turn.update({ operations: { ...operations, asked: { ...asked, what: { ...asked.what, stored } } } });
}

/** Read once more, after a reconnection for one, it does not last longer for that. */
function notePause(turn: Turn): void {
  const { state } = turn;
  const kept = state.records.pause;
  const before = state.operations.pause;
  const { czxid, version } = kept?.znode ?? { czxid: 0n, version: 0 };
  if (before?.czxid === czxid && before.version === version) return;
  const pause = kept === null ? null : { czxid, version, endsAtMs: pauseEndsAtMs(state, kept.value) };
  turn.update({ operations: { ...state.operations, pause } });
}

/**
 * The machine slept, and the monotonic clock may not have counted it. An order for now is void, and what ends by the
 * time of day is worked out anew; nothing lasts longer than before.
 */
export function noteSleep(turn: Turn, wallMs: number | null): void {
  const { state } = turn;
  const timeOfDay = wallMs === null ? null : { wallMs, atMs: turn.now };
  const { order, pause } = state.records;
  const slept = { ...state, operations: { ...state.operations, timeOfDay }, sleptAtMs: turn.now };
  const moments = order === null ? null : orderMoments(slept, order.value);
  const { pause: before } = state.operations;
  const endsAtMs = pause === null ? LONG_AGO : pauseEndsAtMs(slept, pause.value);
  const shortened = before === null ? null : { ...before, endsAtMs: Math.min(before.endsAtMs, endsAtMs) };
  const maintenance = maintenanceAfterSleep(state, timeOfDay);
  turn.update({ operations: { ...state.operations, timeOfDay, moments, pause: shortened, maintenance } });
}
