/**
 * What the live view shows, as plain data. Everything that draws reads this, everything that measures writes it.
 */
import type { PublishedView } from '../../src/contract/view.ts';
import type { ReasonCode } from '../../src/contract/reasons.ts';

/** `silent`: the process runs but does not answer. */
export type ProcessState = 'running' | 'frozen' | 'down' | 'silent';

export interface NodeRow {
  readonly name: string;
  readonly port: number;
  readonly agent: ProcessState;
  readonly redis: ProcessState | 'loading';
  /** Role and link as the server itself tells them (ROLE); null while it does not answer. */
  readonly role: 'master' | 'replica' | null;
  readonly link: 'up' | 'down' | 'copying' | null;
  /** Behind the master; null where there is nothing to compare. */
  readonly lagBytes: number | null;
  readonly inSync: boolean;
  /** As its agent publishes them. */
  readonly fence: PublishedView['fence'];
  readonly reasons: readonly ReasonCode[];
}

export interface LiveEvent {
  /** Milliseconds since 1970, from the clock of whoever reports. */
  readonly atMs: number;
  /** A node, `you`, `canary` or `demo`. */
  readonly who: string;
  readonly text: string;
  readonly tone: 'plain' | 'good' | 'bad' | 'yours';
}

export interface CanaryState {
  /** Where it writes: the published master; null while none is published. */
  readonly target: string | null;
  readonly perSecond: number;
  /** Since the latest accepted write. */
  readonly gapNowMs: number;
  /** The longest since your latest key; null before the first one. */
  readonly gapSinceKeyMs: number | null;
  readonly gapWorstMs: number;
  /** The longest gap seen in each slice of time, oldest first. */
  readonly slices: readonly number[];
}

export interface LiveState {
  readonly service: string;
  readonly phase: 'starting' | 'running' | 'stopping';
  /** The published master with its epoch. */
  readonly master: { readonly name: string; readonly epoch: number } | null;
  /** As the lease holder's agent publishes it; null while no such agent answers. */
  readonly lease: {
    readonly heardAgoMs: number | null;
    readonly fenceInMs: number | null;
    readonly sessionTimeoutMs: number;
  } | null;
  readonly nodes: readonly NodeRow[];
  readonly canary: CanaryState;
  /** Oldest first. */
  readonly events: readonly LiveEvent[];
}

/** How the view may look: what the terminal and the user's environment allow. */
export interface Look {
  readonly columns: number;
  readonly rows: number;
  readonly colour: boolean;
  /** False where the locale knows nothing but ASCII. */
  readonly unicode: boolean;
}
