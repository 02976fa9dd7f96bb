/**
 * Operations: what an operator may ask of a whole service, and how each ended.
 *
 * An order is stored beside the other records of the service, so that any agent may take it and no restart loses it.
 * It ends in exactly one result. Fields are only ever added.
 */
import type { ReasonCode } from './reasons.ts';

export const OPERATION_KINDS = ['switchover', 'failover', 'reinitialize', 'forget'] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

/**
 * `done`: carried out. `refused`: nothing was changed, `reason` says why. `interrupted`: begun and not completed;
 * `master` says what was found afterwards. `cancelled`: taken back before it began.
 */
export const OUTCOMES = ['done', 'refused', 'interrupted', 'cancelled'] as const;
export type OperationOutcome = (typeof OUTCOMES)[number];

export interface OperationResult {
  readonly id: string;
  readonly kind: OperationKind;
  /** Node that the operation was about; null where it ended before one was chosen. */
  readonly target: string | null;
  /** Who asked, in the words of the order. */
  readonly asker: string;
  /** Epoch in which it ended. */
  readonly epoch: number;
  readonly outcome: OperationOutcome;
  readonly reason: ReasonCode | null;
  /**
   * Milliseconds without a master: from the moment the old one's fence was seen to hold until the new one was seen
   * promoted, both by the old one's agent. Null where nobody could measure it.
   */
  readonly gapMs: number | null;
  /** Master when it ended, or null. */
  readonly master: string | null;
  /** Time of day in milliseconds, for people; null = not known. */
  readonly endedAt: number | null;
}

/** What became of one request of a caller. `unknown`: nobody can say; look before asking again. */
export type OperationAnswer =
  | { readonly answer: 'ended'; readonly result: OperationResult }
  | { readonly answer: 'scheduled'; readonly id: string }
  | { readonly answer: 'refused'; readonly reason: ReasonCode }
  | { readonly answer: 'done' }
  | { readonly answer: 'unknown' };

/** What a caller asks; `id` is unique among all requests of the service. */
export interface OperationRequest {
  readonly id: string;
  readonly kind: OperationKind;
  /** Node that it is about; null = the best replica. */
  readonly target: string | null;
  /** Node that must be master for it to be carried out; null = whoever is. */
  readonly from: string | null;
  readonly asker: string;
  /** Time of day in milliseconds, now, for people. */
  readonly askedAt: number;
  /** Time of day in milliseconds at which it shall begin; null = at once. */
  readonly scheduledAt: number | null;
  /** `failover`: also where writes may be lost. `reinitialize`: also the last replica in sync. */
  readonly force: boolean;
}

export interface PauseRequest {
  readonly owner: string;
  readonly reason: string;
  readonly forMs: number;
  /** Time of day in milliseconds, now. */
  readonly since: number;
}

/** Why a node is taken out of the service, by whom, and for how long. */
export interface MaintenanceRequest {
  readonly owner: string;
  readonly reason: string;
  /** Null = until it is enabled. */
  readonly forMs: number | null;
  /** Time of day in milliseconds, now. */
  readonly since: number;
}

/** Longest pause: a forgotten one must not outlive a week. */
export const PAUSE_MAX_MS = 7 * 86_400_000;
/** Longest maintenance that ends by itself. */
export const MAINTENANCE_MAX_MS = 31 * 86_400_000;
/** How far ahead an order may be scheduled. */
export const SCHEDULE_AHEAD_MAX_MS = 31 * 86_400_000;
/** Longest name of an asker or owner, and longest reason. */
export const OPERATION_TEXT_MAX = 200;
