/**
 * The records of a service, as the core knows them: decoded, validated, with the znode facts that matter.
 *
 * Two records carry power. The *lease* is ephemeral: whoever's session owns it is the master, and it vanishes with
 * the session. The *term* is persistent: it outlives every lease and holds what an election must know (who was
 * master, who had the data). A term is only ever changed with a check of the version that was read, so two writers
 * that read the same term cannot both succeed: that one rule makes epochs unique (I1).
 *
 * Everything else (members, registry, ballots) informs; nothing else decides.
 */
import type { ReasonCode } from '../contract/reasons.ts';
import type { SettingsChange, ZoneRule } from '../contract/settings.ts';
import type { LineageEntry } from './lineage.ts';
import type { HandOver, MaintenanceRecord, OrderRecord, PauseRecord, ResultsRecord } from './operations/records.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Facts of the znode that a record was read from. */
export interface Znode {
  /** Data version, for compare-and-set. */
  readonly version: number;
  /** Session that owns an ephemeral znode, 0n for a persistent one. */
  readonly owner: bigint;
  /** Transaction that created it: two znodes of one path differ in it, however equal their data. */
  readonly czxid: bigint;
  /** Format version `v` of the record; one newer than ours is read, but never rewritten. */
  readonly format: number;
}

/** Format of every record that this version writes. */
export const RECORD_FORMAT = 1;

/** `/dictator/<svc>/lease`: ephemeral; its owner is the master. */
export interface Lease {
  readonly epoch: number;
  readonly node: string;
  /** Random id of the agent process that claimed it. */
  readonly instance: string;
  readonly http: Address;
  readonly redis: Address;
  /** run_id of the Redis that the lease speaks of; another run_id is another process with other data. */
  readonly runId: string;
}

/** Who was master in an epoch, and with which Redis process. */
export interface TermMaster {
  readonly name: string;
  readonly runId: string;
  readonly redis: Address;
}

/** `/dictator/<svc>/term`: persistent, always written with a version check. */
export interface Term {
  readonly epoch: number;
  /** Master of this epoch; null only in a term that an operator's `bootstrap` created. */
  readonly master: TermMaster | null;
  /** Registered nodes: the number that majorities are counted over. Sorted. */
  readonly nodes: readonly string[];
  /** Names of the replicas that may be promoted automatically. Never contains the master. Sorted. */
  readonly inSync: readonly string[];
  readonly lineage: readonly LineageEntry[];
  /**
   * Set by a claim, cleared by the first term write after promotion: "the entry of this epoch is still unknown".
   * `former`: the master that the claim deposes, which nobody may have fenced yet.
   */
  readonly pending: {
    readonly epoch: number;
    readonly node: string;
    readonly former: TermMaster | null;
    /** The set that the claim found: it stands again where the claim is undone. */
    readonly inSync: readonly string[];
  } | null;
  /** The only node that may claim next, named by an operator or by an empty master that yields to data. */
  readonly designated: string | null;
  /** A planned switchover is on its way; null once its target is a verified master, or somebody else is. */
  readonly handOver: HandOver | null;
  /** Failovers in a row whose master did not serve for long: what puts off the next one. */
  readonly falls: number;
  /** Version of the service's settings in force; 0 while there are none. */
  readonly settingsVersion: number;
}

/** What must be equal within a service. */
export interface SharedSettings {
  /** `durable`: no automatic failover that cannot prove to keep every write that `WAIT waitReplicas` confirmed. */
  readonly durability: 'async' | 'durable';
  readonly waitReplicas: number;
  /** With the ensemble away and a registered node silent: stop taking writes, or go on. */
  readonly onEnsembleLoss: 'fence' | 'continue';
  /** Positions that are behind the best by no more than this count as equal to it. */
  readonly priorityLagBytes: number;
}

/** What the service says of one node, whatever its own file says; null = nothing. */
export interface NodeTags {
  readonly priority: number | null;
  readonly zone: string | null;
  /** A copy that is never promoted by itself. */
  readonly neverMaster: boolean | null;
  /** Clients shall not read from it. */
  readonly noRead: boolean | null;
}

/** Patience that the service sets for all its nodes; what is missing, each node's file says. */
export interface Thresholds {
  readonly downAfterMs?: number | undefined;
  readonly electionSettleMs?: number | undefined;
  readonly recoveryGraceMs?: number | undefined;
  readonly complaintAfterMs?: number | undefined;
  readonly failoverBudget?: number | undefined;
  readonly failoverCalmMs?: number | undefined;
  readonly unwritableAfterMs?: number | undefined;
  readonly forgetAfterMs?: number | undefined;
}

/** What operators set at runtime, beside what the first lease holder wrote. */
export interface OperatorSettings {
  /** Id of the change that wrote this record; null: a lease holder did, from its file. */
  readonly change: string | null;
  readonly thresholds: Thresholds;
  readonly zones: ZoneRule;
  /** Most replicas that are in a full sync at the same time; 0 = as many as there are. */
  readonly parallelSyncs: number;
  readonly nodes: Readonly<Record<string, NodeTags>>;
  /** Parameters of every Redis of the service. */
  readonly redis: Readonly<Record<string, string>>;
}

export const NO_OPERATOR_SETTINGS: OperatorSettings = {
  change: null,
  thresholds: {},
  zones: 'ignore',
  parallelSyncs: 0,
  nodes: {},
  redis: {},
};

/** `/dictator/<svc>/settings`: persistent, obeyed by everybody; first written by a lease holder. */
export interface SettingsRecord extends SharedSettings, OperatorSettings {
  /** Counts the records of this service, from 1: the term names the one in force when it was claimed. */
  readonly version: number;
}

/** `/dictator/<svc>/changes`: persistent, bounded; who changed the settings, the latest last. */
export interface ChangesRecord {
  readonly list: readonly SettingsChange[];
}

/** Changes that are kept, and characters that they may have all together. */
export const CHANGES_MAX = 32;
export const CHANGES_CHARS_MAX = 32 * 1024;

/** `/dictator/<svc>/members/<name>`: ephemeral; a live agent and what its Redis holds. */
export interface Member {
  readonly name: string;
  readonly instance: string;
  readonly http: Address;
  readonly redis: Address;
  /** Where it answers as a Sentinel; left out while it does not. */
  readonly sentinel?: Address | undefined;
  readonly runId: string | null;
  /** Priority in elections, 0 = never promoted; null until Redis was seen. */
  readonly priority: number | null;
  /** What a first start needs to know of the dataset; null until Redis was seen. */
  readonly dataset: MemberDataset | null;
  /** Where it stands, as its file or the service's settings say; null = nobody says. */
  readonly zone: string | null;
  /** Clients shall not read from it. */
  readonly noRead: boolean;
  /** Its Redis would refuse every write for a reason of its own: no better than a master that does. */
  readonly refusesWrites: boolean;
  /** Epoch of the master that this node's Redis should replicate from and cannot, or null (a complaint). */
  readonly complainsOf: number | null;
  /** Highest epoch that this agent remembers, so that a wiped ensemble cannot make epochs go back (I1). */
  readonly rememberedEpoch: number;
  /** Version of the last term that it read, where the ensemble no longer has it; null = remembers none, or need not. */
  readonly rememberedVersion: number | null;
}

export interface MemberDataset {
  readonly role: 'master' | 'replica';
  readonly replid: string;
  readonly replid2: string | null;
  /** Whether it holds any key: a flag, not a count, so that a busy dataset does not rewrite the record. */
  readonly hasKeys: boolean;
  readonly priority: number;
  readonly masterHost: string | null;
  readonly masterPort: number | null;
}

/** `/dictator/<svc>/nodes/<name>`: persistent; last known facts of a node, written on change only (I8). */
export interface NodeRecord {
  readonly name: string;
  readonly epoch: number;
  readonly replid: string;
  readonly offset: number;
  readonly runId: string;
  readonly inSync: boolean;
  /** The process of `runId` was seen to hold everything that this node ever acknowledged. */
  readonly whole: boolean;
  readonly disabled: boolean;
  /** Why, where somebody said so. */
  readonly maintenance: MaintenanceRecord | null;
  /** Its zone, for those who compare theirs with it when it is gone. */
  readonly zone: string | null;
}

/** `/dictator/<svc>/ballots/<name>`: ephemeral; what one candidate brings to one election. */
export interface Ballot {
  readonly name: string;
  /** Epoch of the term that is being succeeded; a ballot for any other epoch does not count. */
  readonly epoch: number;
  readonly runId: string;
  readonly replid: string;
  readonly replid2: string | null;
  readonly secondReplOffset: number;
  readonly offset: number;
  readonly priority: number;
  /**
   * `frozen`: the position is final. `linked`: the old master's Redis is alive and this candidate streams from it.
   * `incumbent`: this is the old master itself, same process, its data whole.
   * `designated`: named by the term.
   */
  readonly standing: 'frozen' | 'linked' | 'incumbent' | 'designated';
  /**
   * `whole`: frozen, with everything that this node ever acknowledged. `stream`: its process was linked to a master.
   * `disk`: its process was not, and found data when it started. `nothing`: no dataset, or half of one.
   */
  readonly holds: 'whole' | 'stream' | 'disk' | 'nothing';
  /** Why this node may not stand, or null. A refusing ballot still counts as "this member has spoken". */
  readonly refusal: ReasonCode | null;
  /** run_id of the master whose death this node proves (Redis and agent both refused), or null. */
  readonly deathProof: string | null;
}

/** `/services/redis/<svc>/master`: the record of the original, which clients read. */
export interface MasterRecord {
  readonly host: string;
  readonly port: string;
  readonly name: string;
}

/** A record together with its znode. */
export interface Kept<T> {
  readonly value: T;
  readonly znode: Znode;
}

/** What the mirror of the service's znodes holds now. */
export interface Records {
  readonly lease: Kept<Lease> | null;
  readonly term: Kept<Term> | null;
  readonly masterRecord: Kept<MasterRecord> | null;
  readonly settings: Kept<SettingsRecord> | null;
  /** Planned operations: the one that stands, those that ended, and the pause. */
  readonly order: Kept<OrderRecord> | null;
  readonly results: Kept<ResultsRecord> | null;
  readonly pause: Kept<PauseRecord> | null;
  readonly changes: Kept<ChangesRecord> | null;
  readonly members: ReadonlyMap<string, Kept<Member>>;
  readonly nodes: ReadonlyMap<string, Kept<NodeRecord>>;
  readonly ballots: ReadonlyMap<string, Kept<Ballot>>;
}

export const NO_RECORDS: Records = {
  lease: null,
  term: null,
  masterRecord: null,
  settings: null,
  order: null,
  results: null,
  pause: null,
  changes: null,
  members: new Map(),
  nodes: new Map(),
  ballots: new Map(),
};

/** One znode read: the new truth about one record; `null` = it is not there (or not readable as ours). */
export type RecordRead =
  | { readonly record: 'lease'; readonly kept: Kept<Lease> | null }
  | { readonly record: 'term'; readonly kept: Kept<Term> | null }
  | { readonly record: 'masterRecord'; readonly kept: Kept<MasterRecord> | null }
  | { readonly record: 'settings'; readonly kept: Kept<SettingsRecord> | null }
  | { readonly record: 'order'; readonly kept: Kept<OrderRecord> | null }
  | { readonly record: 'results'; readonly kept: Kept<ResultsRecord> | null }
  | { readonly record: 'pause'; readonly kept: Kept<PauseRecord> | null }
  | { readonly record: 'changes'; readonly kept: Kept<ChangesRecord> | null }
  | { readonly record: 'members'; readonly name: string; readonly kept: Kept<Member> | null }
  | { readonly record: 'nodes'; readonly name: string; readonly kept: Kept<NodeRecord> | null }
  | { readonly record: 'ballots'; readonly name: string; readonly kept: Kept<Ballot> | null };

function withEntry<T>(map: ReadonlyMap<string, T>, name: string, kept: T | null): ReadonlyMap<string, T> {
  const copy = new Map(map);
  if (kept === null) copy.delete(name);
  else copy.set(name, kept);
  return copy;
}

/** A copy with one change, field by field: see `amended` in `facts.ts`. */
function amended(records: Records, change: Partial<Records>): Records {
  const copy: Records = {
    lease: records.lease,
    term: records.term,
    masterRecord: records.masterRecord,
    settings: records.settings,
    order: records.order,
    results: records.results,
    pause: records.pause,
    changes: records.changes,
    members: records.members,
    nodes: records.nodes,
    ballots: records.ballots,
  };
  return Object.assign(copy, change);
}

/** The records after one read. */
export function withRead(records: Records, read: RecordRead): Records {
  switch (read.record) {
    case 'lease':
      return amended(records, { lease: read.kept });
    case 'term':
      return amended(records, { term: read.kept });
    case 'masterRecord':
      return amended(records, { masterRecord: read.kept });
    case 'settings':
      return amended(records, { settings: read.kept });
    case 'order':
      return amended(records, { order: read.kept });
    case 'results':
      return amended(records, { results: read.kept });
    case 'pause':
      return amended(records, { pause: read.kept });
    case 'changes':
      return amended(records, { changes: read.kept });
    case 'members':
      return amended(records, { members: withEntry(records.members, read.name, read.kept) });
    case 'nodes':
      return amended(records, { nodes: withEntry(records.nodes, read.name, read.kept) });
    case 'ballots':
      return amended(records, { ballots: withEntry(records.ballots, read.name, read.kept) });
  }
}
