/**
 * What an agent remembers of operations, beside the records: when they are due, what a caller of ours waits for, and
 * the hand-over that it began. Nothing here gives power; all of it may be lost with the process.
 */
import type { OperationRequest, PauseRequest } from '../../contract/operations.ts';
import type { ReasonCode } from '../../contract/reasons.ts';
import type { Znode } from '../records.ts';
import type { Ending } from './ending.ts';
import type { Maintenance } from './maintenance.ts';
import type { OrderMoments, TimeOfDay } from './moments.ts';
import type { SettingsRequest } from './settings.ts';

/**
 * What became of storing what was asked for. `perhaps`: the answer was lost, so it may stand, or come to stand, unseen.
 * `declined`: something else stands than what it was made for.
 */
export type Stored = 'no' | 'declined' | 'perhaps' | 'yes';

/** What one caller of this agent waits for. */
export interface Asked {
  readonly id: string;
  readonly what:
    | { readonly kind: 'order'; readonly request: OperationRequest; readonly stored: Stored }
    /** `order`: the one that we tried to take back. */
    | { readonly kind: 'cancel'; readonly order: string | null }
    | { readonly kind: 'pause'; readonly pause: PauseRequest; readonly stored: Stored }
    /** `of`: the pause that stood when it was asked for. */
    | {
        readonly kind: 'resume';
        readonly of: Pick<Znode, 'czxid' | 'version'> | null;
        readonly stored: Stored;
      }
    | { readonly kind: 'settings'; readonly request: SettingsRequest };
  /** Then it is told that nobody can say. */
  readonly untilMs: number;
}

/** A switchover that this agent, as master, began. */
export interface Handing {
  readonly order: string;
  readonly to: string;
  readonly sinceMs: number;
  /** When our fence was seen to hold. */
  readonly fencedAtMs: number | null;
  /** When its target was first seen promoted, and under a lease of which epoch. */
  readonly promoted: { readonly atMs: number; readonly epoch: number } | null;
  /** How it was given up, back in office; its order is not begun again. */
  readonly undone: Ending | null;
}

export interface Operations {
  /** As it was told last. */
  readonly timeOfDay: TimeOfDay | null;
  /** Of the order that stands. */
  readonly moments: OrderMoments | null;
  /** When the pause that stands ends for us, and which one that is. */
  readonly pause: { readonly czxid: bigint; readonly version: number; readonly endsAtMs: number } | null;
  /** Of this node, while it is disabled; null where nobody said why. */
  readonly maintenance: Maintenance | null;
  readonly asked: Asked | null;
  readonly handing: Handing | null;
  /** The order that this node began to carry out itself; `renewed`: its Redis has nothing that a master continues. */
  readonly carrying: { readonly id: string; readonly renewed: boolean } | null;
  /** Why the latest failover that was ordered was refused. */
  readonly failoverRefused: ReasonCode | null;
  /** The same of the latest forget. */
  readonly forgetRefused: ReasonCode | null;
}

export const NO_OPERATIONS: Operations = {
  timeOfDay: null,
  moments: null,
  pause: null,
  maintenance: null,
  asked: null,
  handing: null,
  carrying: null,
  failoverRefused: null,
  forgetRefused: null,
};
