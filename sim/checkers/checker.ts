/**
 * What a checker sees, and what it says. One invariant, one file; each is told of every change of what it reads.
 *
 * Checkers look from outside and above: they know true time, every server's dataset and every committed transaction,
 * and nothing of what the agents believe, except where the invariant is about what agents say.
 */
import type { OperationAnswer, OperationResult } from '../../src/contract/operations.ts';
import type { OrderRecord, PauseRecord } from '../../src/core/operations/records.ts';
import type { Ballot, Lease, Term } from '../../src/core/records.ts';
import type { Fields } from '../../src/core/actions.ts';
import type { Plan } from '../plan/plan.ts';
import type { Data } from '../models/redis/dataset.ts';
import type { Writes } from './writes.ts';

export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9' | 'I10';

export interface Violation {
  readonly invariant: Invariant;
  readonly atMs: number;
  readonly text: string;
}

/** The service's records as committed: what the quorum knows, whatever any follower still shows. */
export interface Committed {
  readonly lease: (Lease & { readonly owner: bigint; readonly czxid: bigint }) | null;
  readonly term: Term | null;
  readonly ballots: ReadonlyMap<string, Ballot>;
  readonly masterRecordOwner: bigint | null;
  /** The order that stands, the results that are kept, and the pause. */
  readonly order: OrderRecord | null;
  readonly results: readonly OperationResult[];
  readonly pause: PauseRecord | null;
}

export type Sight =
  /** A transaction of the service was committed: by a session, or as the end of one (null). */
  | { readonly saw: 'committed'; readonly before: Committed; readonly after: Committed; readonly by: bigint | null }
  /** The ensemble forgot everything. */
  | { readonly saw: 'wiped' }
  /** A replica became a master, or a master was announced as the one of a new epoch. */
  | { readonly saw: 'promoted'; readonly node: string }
  /** A command made a Redis take writes that it refused before. */
  | { readonly saw: 'opened'; readonly node: string }
  /** A full sync replaces a dataset: from here on the old one is gone. */
  | { readonly saw: 'replaced'; readonly node: string; readonly had: Data; readonly gets: Data;
      readonly fromRunId: string }
  /** A replica gave up the link to its master with bytes unread; `endedMs`: when the master had ended it, if it had. */
  | { readonly saw: 'unread'; readonly node: string; readonly bytes: number; readonly endedMs: number | null }
  /** A Redis began with what its disk had. */
  | { readonly saw: 'restarted'; readonly node: string; readonly had: Data; readonly has: Data }
  /** An agent began to refuse something, or ended to, or crashed. */
  | { readonly saw: 'said'; readonly node: string; readonly event: string; readonly fields: Fields }
  /** A caller of this name was answered. */
  | { readonly saw: 'answered'; readonly asker: string; readonly answer: OperationAnswer }
  /** A caller was not answered by an agent that had all the time and never stood still. */
  | { readonly saw: 'unanswered'; readonly asker: string }
  /** Some time has passed; only where operators are at work. */
  | { readonly saw: 'time' }
  /** Everything works again; nothing more will be broken. */
  | { readonly saw: 'healed' }
  /** I7's bound after that has passed. */
  | { readonly saw: 'bound_passed' }
  | { readonly saw: 'ended' };

/** What clients were told: nine in ten of all that is seen, and few checkers are concerned. */
export type WritesSight =
  /** The acknowledgement of a pipeline of writes left this node's Redis. */
  | { readonly saw: 'acknowledged'; readonly node: string; readonly ids: readonly number[] }
  /** WAIT told a client that so many replicas have its writes. */
  | { readonly saw: 'confirmed'; readonly node: string; readonly ids: readonly number[]; readonly replicas: number };

/** The Redis of a twin on another host. */
export interface TwinSight {
  readonly lives: boolean;
  readonly data: Data;
}

/** One node, seen from above. */
export interface NodeSight {
  readonly name: string;
  readonly hostUp: boolean;
  /** Its agent's process lives, is not stopped and not about to exit; since when, in true time. */
  readonly agentRunsSinceMs: number | null;
  /** Its agent's process was stopped, and has not gone on. */
  readonly agentStandsStill: boolean;
  /** When the process of its agent began. */
  readonly agentStartedMs: number;
  /** Its Redis executes commands: not stopped, not busy, not paused; since when. */
  readonly redisServesSinceMs: number | null;
  readonly redisStartedMs: number;
  /** Of its latest process, whether that lives or not. */
  readonly redisRunId: string;
  /** Copies of datasets on its agent's disk. */
  readonly rescued: readonly Data[];
  /** Other servers that an agent of this name manages, or did: the records may speak of them. */
  readonly twins: readonly TwinSight[];
  readonly redis: {
    readonly acknowledges: boolean;
    readonly isMaster: boolean;
    readonly loading: boolean;
    readonly linkUp: boolean;
    /** This process had a link to a master since it began, or since it last was a master itself. */
    readonly everLinked: boolean;
    readonly target: { readonly host: string; readonly port: number } | null;
    readonly runId: string;
    readonly data: Data;
  } | null;
  readonly agent: {
    /** Its process. */
    readonly instance: string;
    readonly role: string;
    readonly epoch: number;
    readonly reasons: readonly string[];
    readonly enabled: boolean;
    /** Was told to stop. */
    readonly stopping: boolean;
    readonly master: string | null;
    readonly rememberedEpoch: number;
    /** True moment since which the ensemble hears it, as it knows; null = it does not. */
    readonly connectedSinceMs: number | null;
    /** True moment until which its proof from the ensemble is good (F after the heartbeat that was heard). */
    readonly powerEndsMs: number;
    /** True moment at which it believes to have sent what the ensemble answered last. */
    readonly proofMs: number;
    /** The same, as it was. */
    readonly heardSentMs: number;
    /** It looked as lately as it has to, and saw its Redis stream from the recorded master, which answers. */
    readonly trustsLink: boolean;
    /** The promises of the other agents stand in for the ensemble. */
    readonly onPromises: boolean;
    /** It gave its lease away, and nobody has said whether that was carried out. */
    readonly looseRelease: boolean;
    /** When it found that its machine had slept, or that its clock was set: no earlier proof counts since then. */
    readonly sleptMs: number;
    /** When something left that it was about to send when it was stopped; -Infinity: never. */
    readonly sentLateMs: number;
    /** When its machine woke up, with a clock and timers that had stood still; -Infinity: never. */
    readonly wokeMs: number;
  } | null;
}

export interface Overview {
  readonly plan: Plan;
  readonly nowMs: number;
  readonly committed: Committed;
  readonly nodes: ReadonlyMap<string, NodeSight>;
  /** Transactions committed so far. */
  readonly commits: number;
  /** Every write that was acknowledged to its client, with or without WAIT. */
  readonly acknowledged: Pick<Writes, 'has'>;
  /** When a replica that may follow was last in good standing with this node's Redis, in true time. */
  lastGoodReplicaMs(node: string): number;
  /** Whether the process behind this instance of an agent still lives, stopped or not. */
  agentLives(instance: string): boolean;
  /** Since when two hosts have had good paths to one another; null while they have not. */
  goodBetweenSinceMs(a: string, b: string): number | null;
  violated(invariant: Invariant, text: string): void;
}

export interface Checker {
  see(sight: Sight, world: Overview): void;
  seeWrites?(sight: WritesSight, world: Overview): void;
}
