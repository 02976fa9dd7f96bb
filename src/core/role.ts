/**
 * The roles of an agent. What exists only in one role lives only in that member of the union, and nowhere else.
 *
 * Who goes from which role to which is in `transitions.ts`; what each does is in `roles/`.
 */
import type { Address } from './records.ts';

/** Why an agent gives up mastership in an orderly way. */
export type SteppingDownBecause =
  | 'stop' | 'disable' | 'foreign_master_record' | 'yield' | 'unwritable' | 'complaint' | 'switchover';

export type Role =
  /** No place in the service yet: no session, no Redis, or something forbids to act. */
  | { readonly name: 'starting'; readonly sinceMs: number }
  /** Follows, or waits to follow, the master of the term. */
  | { readonly name: 'replica'; readonly sinceMs: number }
  /** Takes part in the election that succeeds `epoch`. */
  | {
      readonly name: 'candidate';
      readonly epoch: number;
      readonly sinceMs: number;
      /** Since when the lease is known to be gone, or null while it stands. */
      readonly leaseGoneSinceMs: number | null;
      /** Who should claim next, as we rank the ballots: its Redis is worth a connection in advance. */
      readonly expected: string | null;
      /** Whether a lossless takeover from the old master's living Redis is still worth trying. */
      readonly mayLink: boolean;
      /** `own.ranMs` when it began. */
      readonly redisRanMs: number;
    }
  /** Holds the lease of `epoch`; Redis is not yet verified as master. */
  | {
      readonly name: 'promoting';
      readonly epoch: number;
      readonly sinceMs: number;
      /** The deposed master, when it was another node. */
      readonly deposed: Address | null;
      /** Lossless takeover: wait for the deposed master's final offset before promoting. */
      readonly takeover: boolean;
      /** Our fence of the deposed master: reversible in a takeover, hard otherwise. */
      readonly remoteFence: 'none' | 'asked' | 'answered';
    }
  /** Holds the lease of `epoch` and was seen to be master. */
  | {
      readonly name: 'master';
      readonly epoch: number;
      readonly sinceMs: number;
      /** The node to fence again wherever it reappears, until it is seen following. */
      readonly deposed: Address | null;
      /** Since when our Redis says that it is a replica, which nobody of ours asked for; null while it does not. */
      readonly demotedSinceMs: number | null;
      /** Heartbeats are overdue and Redis is fenced until one is answered. */
      readonly inDoubt: boolean;
      /** Replicas seen online, with the offset they must pass before they count as in sync. */
      readonly attaching: ReadonlyMap<string, { readonly offset: number; readonly sinceMs: number }>;
      /** Replicas that passed it: the dead-man is raised for them, then the term names them. Sorted. */
      readonly joining: readonly string[];
      /** Registered nodes without a member record, and since when we have missed it. */
      readonly absent: ReadonlyMap<string, number>;
    }
  /** Gives up the lease in order. */
  | {
      readonly name: 'stepping_down';
      readonly epoch: number;
      readonly sinceMs: number;
      readonly because: SteppingDownBecause;
      /** Nobody can take over: Redis is left writable. */
      readonly alone: boolean;
      /** When a release was sent last, or null. */
      readonly releaseSentAtMs: number | null;
      readonly released: boolean;
    };

export type RoleOf<N extends Role['name']> = Extract<Role, { name: N }>;
