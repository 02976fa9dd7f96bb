/**
 * The configuration as the rest of the agent sees it: complete, validated, frozen.
 *
 * `load.ts` builds it from file, environment and flags. Nothing else reads the environment or the file, and nothing
 * writes either. Names and defaults of the keys are in `keys.ts`, one table that documentation and checks share.
 */
import type { Secret } from './secret.ts';

export type LogLevel = 'DEBUG' | 'INFO' | 'WARN' | 'FATAL';

export interface HostPort {
  /** Host name or address; an IPv6 address stands here without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface SentinelConfig {
  readonly port: number;
  /** Addresses to listen on; empty: all. */
  readonly bind: readonly string[];
  /** Names of the master; at least one. */
  readonly masterNames: readonly string[];
  /** Whoever may ask; empty: everybody. The password of the port is that of `default`. */
  readonly users: readonly { readonly name: string; readonly password: Secret }[];
  readonly announceHost: string;
  readonly announcePort: number;
  readonly announceHostnames: boolean;
  /** Patterns of the services that are answered for beside the own one. */
  readonly services: readonly string[];
  readonly aliases: boolean;
  readonly clientsMax: number;
}

export interface Config {
  /** Name of the service: one component of the paths in ZooKeeper. */
  readonly svcName: string;
  readonly logLevel: LogLevel;
  readonly http: {
    readonly port: number;
    /** Address to listen on; null: all addresses. */
    readonly host: string | null;
    /** Address under which the other agents reach this one; `node.host` unless set. */
    readonly announceHost: string;
  };
  readonly zk: {
    /** At least one. */
    readonly hosts: readonly HostPort[];
    /** What to ask the ensemble for; what it grants is the T that every deadline derives from. */
    readonly sessionTimeoutMs: number;
  };
  readonly node: {
    /** Stable identity, unique in the service: one component of the paths in ZooKeeper. */
    readonly name: string;
    /** Address of Redis, as published. */
    readonly host: string;
    readonly port: number;
    /** How long Redis may take to load its dataset (the key `node.loading_timeout` is in seconds). */
    readonly loadingTimeoutMs: number;
    /** ACL user of Redis; null: the default user. */
    readonly username: string | null;
    /** From `node.password` or the content of `node.password_file`; null: none. */
    readonly password: Secret | null;
    /** Less is better, 0 is never promoted; null: what Redis says in `replica-priority`. */
    readonly priority: number | null;
    /** Never promoted by itself. */
    readonly neverMaster: boolean;
    /** Clients shall not read from it. */
    readonly noRead: boolean;
    readonly zone: string | null;
  };
  /** Redis that leaves a command unanswered for this long is down. */
  readonly downAfterMs: number;
  /** How long before its deadline fencing begins; null: the smaller of 500 and T/8. */
  readonly fenceMarginMs: number | null;
  /** Whether refused connections may count towards a proof of death. */
  readonly trustRefused: boolean;
  readonly bootstrapSettleMs: number;
  /** How many nodes, or which (their names), make the first start wait no longer; null: not said. */
  readonly expectedNodes: number | readonly string[] | null;
  readonly electionSettleMs: number;
  /** How long the last master is waited for after every node lost power. */
  readonly recoveryGraceMs: number;
  /** What must be equal on all nodes; the record in ZooKeeper overrides it. */
  readonly shared: {
    readonly durability: 'async' | 'durable';
    readonly waitReplicas: number;
    readonly onEnsembleLoss: 'fence' | 'continue';
    readonly priorityLagBytes: number;
  };
  /** A master whose Redis refuses every write for this long is replaced, if a replica is better off. */
  readonly complaintAfterMs: number;
  readonly failoverBudget: number;
  readonly failoverCalmMs: number;
  readonly unwritableAfterMs: number;
  /** Whether a stopped Redis whose lease is lost may be killed. */
  readonly fenceByKill: boolean;
  /** Whether this node is listed among the replicas to read from while it is one. */
  readonly publishReplicas: boolean;
  /** Copies of data that following another master would discard. */
  readonly rescue: {
    readonly mode: 'on' | 'off' | 'require';
    readonly dir: string;
    readonly keep: number;
    /** Bytes that must stay free on the file system of `dir`. */
    readonly minFreeBytes: number;
    readonly timeoutMs: number;
  };
  /** How long a promise lasts while the ensemble is silent; null: T. */
  readonly failsafePromiseMs: number | null;
  /** How long a registered node that is gone is still counted and asked. */
  readonly forgetAfterMs: number;
  /** An orderly stop has ended by then. */
  readonly shutdownTimeoutMs: number;
  /** What a stop means for a master. */
  readonly onStop: 'switchover' | 'keep';
  /** The Sentinel protocol towards clients; null: off. */
  readonly sentinel: SentinelConfig | null;
}
