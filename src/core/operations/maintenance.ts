/**
 * Maintenance: why a node is disabled, by whom, and until when.
 *
 * It stands in the node's own registry record, so that everybody sees it and no restart loses it. Its end is counted as
 * that of a pause is: by our own monotonic clock from when it was ordered, and by the time of day where an agent finds
 * it at its start; never longer than it was ordered for. What has ended enables the node by itself; a node that was
 * disabled without an end stays so.
 */
import type { MaintenanceRequest } from '../../contract/operations.ts';
import type { State } from '../state.ts';
import type { Turn } from '../turn.ts';
import { momentOf } from './moments.ts';
import type { MaintenanceRecord } from './records.ts';

export interface Maintenance {
  readonly record: MaintenanceRecord;
  /** Infinity where it has no end. */
  readonly endsAtMs: number;
}

const NEVER = Number.POSITIVE_INFINITY;

/** The node is taken out; without a word of why, it stays out until it is enabled. */
export function disable(turn: Turn, asked: MaintenanceRequest | null): void {
  const { operations } = turn.state;
  const maintenance = asked === null ? null : {
    record: { ...asked, until: asked.forMs === null ? null : asked.since + asked.forMs },
    endsAtMs: asked.forMs === null ? NEVER : turn.now + asked.forMs,
  };
  turn.update({ enabled: false, operations: { ...operations, maintenance } });
  turn.report('disabled', asked === null ? {} : { owner: asked.owner, because: asked.reason, for_ms: asked.forMs });
}

export function enable(turn: Turn, because: 'order' | 'maintenance_over'): void {
  turn.update({ enabled: true, operations: { ...turn.state.operations, maintenance: null } });
  turn.report('enabled', { because });
}

/** What our registry record says at the start of this agent. */
export function maintenanceFound({ records, settings, operations, nowMs }: State): Maintenance | null {
  const record = records.nodes.get(settings.name)?.value.maintenance ?? null;
  if (record === null) return null;
  return { record, endsAtMs: Math.min(endsAtMs(record, operations.timeOfDay), nowMs + (record.forMs ?? NEVER)) };
}

function endsAtMs({ until }: MaintenanceRecord, time: State['operations']['timeOfDay']): number {
  return until === null ? NEVER : (momentOf(time, until) ?? NEVER);
}

/** After a sleep that the monotonic clock may not have counted. Never longer than before. */
export function maintenanceAfterSleep(state: State, time: State['operations']['timeOfDay']): Maintenance | null {
  const { maintenance } = state.operations;
  if (maintenance === null) return null;
  return { ...maintenance, endsAtMs: Math.min(maintenance.endsAtMs, endsAtMs(maintenance.record, time)) };
}

/** Enables the node when its maintenance is over. */
export function endMaintenance(turn: Turn): void {
  const { enabled, operations: { maintenance } } = turn.state;
  if (enabled !== false || maintenance === null || maintenance.endsAtMs === NEVER) return;
  if (turn.now >= maintenance.endsAtMs) enable(turn, 'maintenance_over');
  else turn.wakeAt(maintenance.endsAtMs);
}
