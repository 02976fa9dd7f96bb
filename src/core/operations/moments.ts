/**
 * When an order is due, when it is void, and when a pause ends: as moments of our own monotonic clock.
 *
 * The problem: an order must not be carried out late, and agents may restart while it stands, so its end must be found
 * in the record. A time of day would do if clocks were right; a duration would do if everybody knew since when it
 * counts. So both are stored, and the earlier end counts:
 *
 * 1. Whoever hears the ensemble knows since when at the latest a record stands that it did not know before: since the
 *    last of its proofs that was answered before there was any news of it. The latest one may have been on its way
 *    together with the news, and an agent that was stopped finds both in its socket; so the one before it counts, and
 *    from there the duration. No clock on a wall is asked.
 * 2. Whoever finds a record at its start, or when it wakes, does not know. An order for now is then void: it was asked
 *    of a service that was not restarted. A pause, and an order for later, count by the time of day, which is converted
 *    once.
 * 3. A pause never lasts longer than its duration from when it was first seen, whatever the clocks say.
 *
 * Times of day are therefore used for `scheduledAt`, and for the end of a pause that an agent finds at its start. If
 * the clock of that host is wrong, an order begins at the wrong time but never twice, and a pause ends too early or
 * after its duration.
 */
import type { State } from '../state.ts';
import type { OrderRecord, PauseRecord } from './records.ts';

/** The time of day at a moment of the monotonic clock. */
export interface TimeOfDay {
  readonly wallMs: number;
  readonly atMs: number;
}

export interface OrderMoments {
  readonly id: string;
  /** When it was first read. */
  readonly seenAtMs: number;
  readonly dueAtMs: number;
  /** Begun before this, or not at all. */
  readonly deadlineAtMs: number;
}

const NEVER = Number.POSITIVE_INFINITY;
const LONG_AGO = Number.NEGATIVE_INFINITY;

export function momentOf(time: TimeOfDay | null, wallMs: number): number | null {
  return time === null ? null : time.atMs + (wallMs - time.wallMs);
}

/** Time of day now, or null where nobody told us. */
export function wallNow({ operations: { timeOfDay: time }, nowMs }: State): number | null {
  return time === null ? null : Math.round(time.wallMs + (nowMs - time.atMs));
}

/**
 * A record that was not there then cannot be older. A fresh agent knows nothing, and nobody knows how much time there
 * was between a proof from before a sleep and now.
 */
function standsSinceMs({ everSynced, nowMs, proofBeforeMs, sleptAtMs }: State): number {
  return everSynced && proofBeforeMs > sleptAtMs ? Math.min(nowMs, proofBeforeMs) : LONG_AGO;
}

export function orderMoments(state: State, order: OrderRecord): OrderMoments {
  const { id, scheduledAt, withinMs } = order;
  const seenAtMs = state.nowMs;
  if (scheduledAt === null) return { id, seenAtMs, dueAtMs: LONG_AGO, deadlineAtMs: standsSinceMs(state) + withinMs };
  const dueAtMs = momentOf(state.operations.timeOfDay, scheduledAt) ?? NEVER;
  return { id, seenAtMs, dueAtMs, deadlineAtMs: dueAtMs === NEVER ? LONG_AGO : dueAtMs + withinMs };
}

/** When the pause ends for us, as it is first read. */
export function pauseEndsAtMs(state: State, { until, forMs }: PauseRecord): number {
  const sinceMs = standsSinceMs(state);
  if (sinceMs !== LONG_AGO) return sinceMs + forMs;
  return Math.min(state.nowMs + forMs, momentOf(state.operations.timeOfDay, until) ?? LONG_AGO);
}
