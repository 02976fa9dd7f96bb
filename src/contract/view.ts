/**
 * The published view: what one agent lets others see of itself and of its service.
 *
 * Projected once from the core's state, read by HTTP, the command line and the demo. It names times as ages in
 * milliseconds (the monotonic clock of one process means nothing to another). Fields are only ever added.
 */
import type { OperationKind, OperationResult } from './operations.ts';
import type { ReasonCode } from './reasons.ts';

/** Role of a node, as the decision core names its states. */
export type RoleName = 'starting' | 'replica' | 'candidate' | 'promoting' | 'master' | 'stepping_down';

export interface NodeAddress {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** One replica as the master sees it. */
export interface ReplicaView {
  /** Node name, or undefined when the attached server belongs to no member. */
  readonly name: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly state: string;
  readonly offset: number;
  /** Bytes behind the master, at the master's last observation. */
  readonly lagBytes: number;
  readonly inSync: boolean;
}

/** How this master lives through the silence of the ensemble. */
export interface FailsafeView {
  readonly sinceAgoMs: number;
  /** How much longer it may take writes on what it was promised; 0 or less: it is fenced. */
  readonly endsInMs: number | null;
  /** `continue`: somebody did not promise, and the operator chose to go on (`on_ensemble_loss`). */
  readonly by: 'promises' | 'continue';
  readonly confirmed: readonly string[];
  readonly refused: readonly { readonly node: string; readonly reason: ReasonCode }[];
}

/** What health checks are answered from; docs/http.md says which check asks for what. */
export interface HealthView {
  /** Its Redis answers and has its dataset loaded. */
  readonly serves: boolean;
  /** It is the master, by a lease (or promises that stand in for it) that is fresh at this very moment. */
  readonly primary: boolean;
  /** Its Redis replicates from the present master with its link up. */
  readonly follows: boolean;
  /** Bytes behind the master when both were last seen at the same moment; null: not known, or it follows nobody. */
  readonly lagBytes: number | null;
  readonly lagAgeMs: number | null;
  /** False: disabled, or about to stop. */
  readonly takesReads: boolean;
}

/** What this node promised: until its end it takes part in no election. */
export interface PromiseView {
  readonly to: string;
  readonly epoch: number;
  readonly endsInMs: number;
}

export interface PublishedView {
  readonly version: 1;
  readonly service: string;
  readonly node: NodeAddress;
  /** Random id of this agent process: tells a restarted agent from a running one. */
  readonly instance: string;
  readonly enabled: boolean;
  readonly role: RoleName;
  readonly epoch: number;
  /** The confirmed master of the current epoch, or of the promises that stand in for it; null while there is none. */
  readonly master: NodeAddress | null;
  readonly fence: 'none' | 'reversible' | 'hard';
  /** Every reason that holds now; empty when nothing is refused. */
  readonly reasons: readonly ReasonCode[];
  readonly lease: { readonly heardAgoMs: number | null; readonly fenceInMs: number | null };
  readonly session: { readonly connected: boolean; readonly timeoutMs: number };
  readonly redis: {
    readonly reachable: boolean;
    readonly role: 'master' | 'replica' | null;
    readonly runId: string | null;
    readonly replid: string | null;
    readonly offset: number;
    readonly linkUp: boolean;
  };
  /** What holds for the whole service, whatever the configuration of this node says. */
  readonly settings: {
    readonly durability: 'async' | 'durable';
    readonly waitReplicas: number;
    readonly onEnsembleLoss: 'fence' | 'continue';
    readonly priorityLagBytes: number;
    /** Version of the service's settings that this agent obeys; 0: it has none. */
    readonly version: number;
  };
  /** What this node says of itself, or the service says of it. */
  readonly tags: { readonly zone: string | null; readonly noRead: boolean; readonly neverMaster: boolean };
  /** Failovers in a row whose master did not serve for long, and when one that is put off for it may go on. */
  readonly failover: { readonly falls: number; readonly resumesInMs: number | null };
  /** Redis still holds everything that this node ever acknowledged to a master: in durable mode its ballot counts. */
  readonly whole: boolean;
  readonly rescue: {
    readonly running: boolean;
    /** The latest one of this agent process; `path` is null where there is no copy, and `code` says why. */
    readonly last: {
      readonly agoMs: number;
      readonly path: string | null;
      readonly bytes: number;
      /** What was at stake; null = unknown. */
      readonly divergentBytes: number | null;
      readonly code: string | null;
    } | null;
  };
  /** The pause that holds, or null. Times of day in milliseconds. */
  readonly pause: {
    readonly owner: string;
    readonly reason: string;
    readonly until: number;
    readonly endsInMs: number;
  } | null;
  /** Why this node is disabled, where somebody said so. Times of day in milliseconds; null = no end. */
  readonly maintenance: {
    readonly owner: string;
    readonly reason: string;
    readonly until: number | null;
    readonly endsInMs: number | null;
  } | null;
  /** The operation that stands, or null. */
  readonly operation: {
    readonly id: string;
    readonly kind: OperationKind;
    readonly target: string | null;
    readonly asker: string;
    readonly scheduledAt: number | null;
    readonly phase: 'waiting' | 'running';
  } | null;
  /** Who could take over by a switchover, the best first; null of a node that is not master. */
  readonly switchover: {
    readonly candidates: readonly {
      readonly node: string;
      /** Why it cannot, or null. */
      readonly refusal: ReasonCode | null;
      /** It says that it cannot replicate from this master, or its zone is excluded: taken only where it is named. */
      readonly byNameOnly: boolean;
    }[];
    /** Gaps of the latest switchovers, as they were measured. */
    readonly gapsMs: readonly number[];
  } | null;
  /** The latest operation that ended, or null. */
  readonly lastOperation: OperationResult | null;
  readonly inSync: readonly string[];
  readonly nodes: readonly string[];
  readonly members: readonly string[];
  /** Other agents to which this one holds a stream, by node name: their HTTP port can be reached from here. */
  readonly peers: readonly string[];
  readonly replicas: readonly ReplicaView[];
  /** Null in peace. */
  readonly failsafe: FailsafeView | null;
  readonly promise: PromiseView | null;
  readonly health: HealthView;
}
