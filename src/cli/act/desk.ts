/**
 * Where orders are given, and what becomes of them: the one thing that every acting verb needs to know.
 *
 * Two desks. The ensemble takes orders from any host, for every service, and keeps their results whoever dies
 * meanwhile; so it is the one that is used. An agent (`--agent`) takes them over HTTP, from its own host alone.
 */
import type { OperationKind, OperationResult } from '../../contract/operations.ts';

/** An order as a verb words it; who asks, when, and under which id is the desk's business. */
export interface WantedOrder {
  readonly kind: OperationKind;
  readonly target: string | null;
  readonly from?: string | null;
  /** Milliseconds since 1970; null or left out: now. */
  readonly scheduledAt?: number | null;
  readonly force?: boolean;
}

export interface WantedPause {
  readonly owner: string;
  readonly reason: string;
  readonly forMs: number;
}

export type Ended =
  /** It ended, in its one result. */
  | { readonly ended: 'result'; readonly result: OperationResult }
  | { readonly ended: 'done' }
  | { readonly ended: 'scheduled'; readonly id: string }
  /** A reason code; nothing was changed. */
  | { readonly ended: 'refused'; readonly reason: string }
  /** Nobody began it in time, so it was taken back: it will not be carried out. */
  | { readonly ended: 'not_taken' }
  /** It was not given: the place to give it at does not answer, or takes none from here. */
  | {
    readonly ended: 'not_given';
    readonly code: 'ensemble_unreachable' | 'agent_unreachable' | 'not_allowed' | 'not_an_agent';
    readonly why?: string;
  }
  /** It was given; what became of it nobody could say in time. */
  | { readonly ended: 'unknown'; readonly why: string };

export interface Desk {
  give(wanted: WantedOrder): Promise<Ended>;
  /** Takes back the order that is scheduled. */
  cancel(): Promise<Ended>;
  pause(wanted: WantedPause): Promise<Ended>;
  resume(): Promise<Ended>;
}
