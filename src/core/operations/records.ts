/**
 * Records of planned operations: the one order that stands, the results of those that ended, and the pause.
 *
 * There is one znode for orders and not a folder, because only one operation may run at a time: creating it is the
 * lock, and ending it is one transaction that deletes the order and writes its result. An order that has begun says so
 * in the very transaction that gives up what cannot be taken back. That is what makes "at most once" true whoever
 * crashes, and when.
 */
import type { OperationKind, OperationResult } from '../../contract/operations.ts';

/** An order begins within this from when it is given (or due), or not at all. */
export const ORDER_WITHIN_MS = 10_000;
/** Results that are kept, the latest ones. */
export const RESULTS_MAX = 32;

/** `/dictator/<svc>/order`: persistent. */
export interface OrderRecord {
  readonly id: string;
  readonly kind: OperationKind;
  /** Null = the best replica; a running order names it. */
  readonly target: string | null;
  /** Node that must be master when it begins; null = whoever is. */
  readonly from: string | null;
  /** Epoch that it is bound to; null while it is scheduled. */
  readonly epoch: number | null;
  readonly asker: string;
  /** Times of day in milliseconds. */
  readonly askedAt: number;
  readonly scheduledAt: number | null;
  /** Never begun after this time of day: for people, and for whoever finds it standing. */
  readonly deadline: number;
  /** The same as a duration from when it was stored (or is due), which no clock that is set can lengthen. */
  readonly withinMs: number;
  readonly force: boolean;
  readonly phase: 'waiting' | 'running';
  /** Agent process that began it. */
  readonly instance: string | null;
}

/** `/dictator/<svc>/results`: persistent, bounded, the latest result last. */
export interface ResultsRecord {
  readonly list: readonly OperationResult[];
}

/** `/dictator/<svc>/pause`: persistent, and void past its end whoever finds it. */
export interface PauseRecord {
  readonly owner: string;
  readonly reason: string;
  /** Times of day in milliseconds. */
  readonly since: number;
  readonly until: number;
  /** The same as a duration. */
  readonly forMs: number;
}

/** In the registry record of a node that is disabled: void past its end, whoever finds it. */
export interface MaintenanceRecord {
  readonly owner: string;
  readonly reason: string;
  /** Times of day in milliseconds; `until` is null where it has no end. */
  readonly since: number;
  readonly until: number | null;
  /** The same as a duration. */
  readonly forMs: number | null;
}

/**
 * In a term: its master hands over to `to`, fenced, by a planned switchover. Until `to` is a verified master that
 * process of the old one stands in an election as if it were in sync: it holds all there is.
 */
export interface HandOver {
  readonly from: { readonly name: string; readonly runId: string };
  readonly to: string;
}
