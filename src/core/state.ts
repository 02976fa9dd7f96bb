/**
 * The state of one agent: configuration that does not change, facts, and the role.
 *
 * Facts are shared by all roles: a replica and a master look at the same records. What exists only in one of them is in
 * `role.ts`. Nothing here is a clock: moments are monotonic milliseconds that came in.
 */
import type { ReasonCode } from '../contract/reasons.ts';
import type { ActionKind } from './actions.ts';
import type { PeerSight, RedisSight } from './facts.ts';
import { UNSEEN } from './facts.ts';
import type { Lag } from './health.ts';
import type { DataIdentity } from './lineage.ts';
import type { Applied } from './parameters.ts';
import type { Memory } from './restore.ts';
import type { Address, Kept, Lease, Records, SharedSettings, Term } from './records.ts';
import type { CatchUp } from './wholeness.ts';
import { NO_RECORDS } from './records.ts';
import type { Operations } from './operations/state.ts';
import type { Role } from './role.ts';
import { NO_OPERATIONS } from './operations/state.ts';

/** Who this agent is and how patient it is. All durations in milliseconds. */
export interface Settings {
  readonly service: string;
  readonly name: string;
  /** Random per process. */
  readonly instance: string;
  readonly redis: Address;
  readonly http: Address;
  /** Overrides Redis' own `replica-priority`; null = use that. */
  readonly priority: number | null;
  /** Never promoted by itself, whatever its priority. */
  readonly neverMaster: boolean;
  readonly zone: string | null;
  readonly noRead: boolean;
  /** What is asked of the ensemble; what it grants replaces it. */
  readonly sessionTimeoutMs: number;
  readonly downAfterMs: number;
  readonly loadingTimeoutMs: number;
  /** Null = the smaller of 500 and T/8. */
  readonly fenceMarginMs: number | null;
  readonly trustRefused: boolean;
  readonly bootstrapSettleMs: number;
  /** Node names that a first start waits for; null = wait `bootstrapSettleMs` instead. */
  readonly expectedNodes: readonly string[] | number | null;
  readonly electionSettleMs: number;
  /** How long the last master is waited for after every node lost its memory. */
  readonly recoveryGraceMs: number;
  /** What this agent's file says of the settings that must be equal within a service; the record overrides it. */
  readonly shared: SharedSettings;
  /** How long the promises last that a master asks for while the ensemble is silent; null = T. */
  readonly failsafePromiseMs: number | null;
  /** A registered node outside the in-sync set that had no member record for so long is forgotten. */
  readonly forgetAfterMs: number;
  /** An order to stop has ended the process by then; for half of it a successor is waited for. */
  readonly shutdownTimeoutMs: number;
  /** `keep`: a master that is asked to stop leaves its lease to its next process, where nothing is in doubt. */
  readonly onStop: 'switchover' | 'keep';
  /** A replica that cannot reach a living master for so long says so in its member record. */
  readonly complaintAfterMs: number;
  /** Quick failovers, one after the other, before the next ones are put off. */
  readonly failoverBudget: number;
  /** A master that has served for so long ends the series. */
  readonly failoverCalmMs: number;
  readonly unwritableAfterMs: number;
  readonly fenceByKill: boolean;
  /** This node has an entry in the pool of replicas while it is one. */
  readonly publishReplicas: boolean;
  /** `require`: data that cannot be copied is not discarded, and the node stays out. */
  readonly rescueMode: 'on' | 'off' | 'require';
}

export interface Session {
  readonly id: bigint;
  /** What the server granted: every deadline derives from it. */
  readonly timeoutMs: number;
  readonly connected: boolean;
}

/** What a claim was meant to do. */
export interface Claimed {
  readonly epoch: number;
  readonly deposed: Address | null;
  readonly takeover: boolean;
  /** The fence that a planned takeover sends together with its claim was answered. */
  readonly fenced: boolean;
  /** It took over the lease of an earlier process of this agent, beside the same Redis. */
  readonly adopt: boolean;
  /** The term that it succeeded. */
  readonly former: Term | null;
  /** When it was decided: it was sent later, so a claim that stands was heard after this moment. */
  readonly atMs: number;
}

export interface CutOff {
  readonly epoch: number;
  readonly sinceMs: number;
  readonly complains: boolean;
  /** Since when a full sync seems to be under way, or null. */
  readonly syncsSinceMs: number | null;
}

/** Which data a rescue is about, and what is at stake. */
export interface Rescuing {
  readonly runId: string;
  /** Replication offset that its copy holds, at least. */
  readonly offset: number;
  /** Null = unknown. */
  readonly divergentBytes: number | null;
  /** What its data was known by before it was detached; null = it took office since, and went on from there. */
  readonly history: Pick<DataIdentity, 'replid' | 'replid2' | 'secondReplOffset'> | null;
}

/** What became of the latest rescue. */
export interface RescueNote extends Rescuing {
  /** Null = there is no copy. */
  readonly path: string | null;
  readonly bytes: number;
  /** Why there is none. */
  readonly code: string | null;
  readonly attempts: number;
  readonly atMs: number;
  /** It followed a master since: what was copied is gone, and nothing that it holds now. */
  readonly spent: boolean;
}

/** An action that was issued and not yet answered. */
export interface InFlight {
  readonly id: number;
  readonly epoch: number;
  readonly sinceMs: number;
}

/** A promise that this agent gave: until its end it neither claims nor votes, whatever the ensemble says. */
export interface PromiseGiven {
  readonly to: string;
  readonly epoch: number;
  /** Redis of the master that it was given to: ours goes on streaming from it. */
  readonly redis: Address;
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** How a master stands with the promises that stand in for the silent ensemble. */
export interface Failsafe {
  readonly sinceMs: number;
  /** The process of our Redis that the promises were asked for. */
  readonly runId: string;
  /** Every node that was registered at any moment since: all of them are asked. */
  readonly nodes: readonly string[];
  /** Until when power rests on promises (or on an operator's `continue`); -Infinity before the first round. */
  readonly untilMs: number;
  /** Whether it rests on `continue`, with somebody silent. */
  readonly byChoice: boolean;
  readonly round: { readonly sentAtMs: number; readonly endedAtMs: number; readonly promiseMs: number } | null;
  readonly confirmed: readonly string[];
  readonly refused: readonly { readonly node: string; readonly reason: ReasonCode }[];
}

export interface State {
  /** What holds for this agent: its own configuration, and over it what the service's record says. */
  readonly settings: Settings;
  /** Its own configuration alone. */
  readonly local: Settings;
  readonly nowMs: number;
  readonly session: Session | null;
  /** All records have been read on this connection. */
  readonly synced: boolean;
  /** They were read at least once by this process: before that, nothing is known of how long a record has stood. */
  readonly everSynced: boolean;
  readonly records: Records;
  /** Paths that hold something which is not ours; while one of them decides, nothing is claimed. */
  readonly unreadable: readonly string[];
  /** The lease before the present one: its master record goes with it, though perhaps one event later. */
  readonly lastLease: Kept<Lease> | null;
  /** Session of the latest master record that was known to be one of ours: it stays so, however many leases later. */
  readonly explainedOwner: bigint | null;
  /**
   * Moment at which the latest answered heartbeat was sent; before the first one, the start of this agent. Older than
   * the truth is always safe: every deadline of power is measured from it.
   */
  readonly lastProofMs: number;
  /**
   * The proof before that. What is read for the first time is younger: news come in the order of the answers, so only
   * the latest heartbeat can have been on its way together with them.
   */
  readonly proofBeforeMs: number;
  /**
   * A heartbeat that was heard so late that the ensemble may have been about to end the session, and may end it yet:
   * when it was sent, and the proof before it. Null once a later one says that it did not.
   */
  readonly lateProof: { readonly atMs: number; readonly beforeMs: number } | null;
  /**
   * A release of the lease that we hold was sent, and nobody said what became of it. It may lie in the socket of a
   * server that stands still, and be carried out behind anything that was heard since.
   */
  readonly looseRelease: boolean;
  /** When the machine was last seen to have slept: what was sent before may have been under way for any time. */
  readonly sleptAtMs: number;
  /** When the present connection to the ensemble was made. */
  readonly connectedAtMs: number;
  /** When this agent's memory begins. */
  readonly startedAtMs: number;
  readonly promise: PromiseGiven | null;
  readonly failsafe: Failsafe | null;
  /** Last known addresses of the other nodes: they outlive the member records, which go with an outage. */
  readonly agents: ReadonlyMap<string, { readonly http: Address; readonly redis: Address }>;
  /** Nodes of the latest term that we tried to write, until it is known whether it was: they may be registered. */
  readonly offered: {
    readonly nodes: readonly string[];
    readonly inSync: readonly string[];
    readonly atMs: number;
  } | null;
  /** An earlier agent of this node managed our Redis: it announced our address when we first saw it. */
  readonly managedBefore: boolean;
  /** Whether the term named us when we first read it; null = there was none. */
  readonly registeredAtStart: boolean | null;
  readonly own: RedisSight;
  readonly remote: RedisSight;
  /** Which Redis `remote` speaks of. */
  readonly remoteTarget: Address | null;
  readonly peers: ReadonlyMap<string, PeerSight>;
  readonly inFlight: ReadonlyMap<ActionKind, InFlight>;
  readonly nextActionId: number;
  /** Earliest moment at which each kind of failed action may be tried again. */
  readonly retryAtMs: ReadonlyMap<ActionKind, number>;
  /** Kept by the node's registry record across restarts; null until that was read. */
  readonly enabled: boolean | null;
  readonly stopping: { readonly sinceMs: number } | null;
  /** `min-replicas-to-write` that the operator configured: never go below. */
  readonly minReplicasFloor: number | null;
  /** Where this agent answers as a Sentinel, as others reach it; null while it does not. */
  readonly sentinel: Address | null;
  /** Our Redis streams under an address that is not ours yet: the master cannot tell who it is until it relinks. */
  readonly mustRelink: boolean;
  /** Our Redis was restarted (or seen young) since we last gave it a place: it may be writable without an office. */
  readonly unplaced: boolean;
  /** Before the first start: nodes whose data was seen, of a master or of whoever conflicts. Sorted. */
  readonly awaited: readonly string[];
  /** It was fenced because nobody could say whose it is: if it turns out to be none of ours, that is taken back. */
  readonly fencedUnseen: boolean;
  /** The last restart of our Redis that we saw came up as a master that takes writes: it has no start fence. */
  readonly startsWritable: boolean;
  /** Rounds of disconnecting clients that are still due after our Redis was deposed, or null. */
  readonly stragglers: { readonly rounds: number; readonly nextMs: number } | null;
  /** A process of our Redis that was linked, on its way to hold everything again; null when none is. */
  readonly catchUp: CatchUp | null;
  /** run_id of the process of our Redis that this agent saw whole. */
  readonly wholeRunId: string | null;
  /** How far our Redis was behind its master when both were last seen at once. */
  readonly lag: Lag | null;
  /** When a ballot of ours for the present epoch was last seen to stand. */
  readonly ballotSeenMs: number;
  /** The rescue on its way. */
  readonly rescuing: Rescuing | null;
  readonly rescue: RescueNote | null;
  /** The claim on its way, or the last one: what a lease of ours means when it is read back. */
  readonly claimed: Claimed | null;
  /** Epoch in which a lossless takeover was tried in vain: its successor is elected among frozen candidates. */
  readonly takeoverFailedEpoch: number | null;
  /** Epoch that this node gave up because its Redis refuses writes: others come first in the election after it. */
  readonly unwritableEpoch: number | null;
  /** Code of the last command that our Redis refused, or null. */
  readonly commandRefused: string | null;
  /** Since when our Redis cannot replicate from the master of this epoch, and whether that is a complaint by now. */
  readonly cutOff: CutOff | null;
  /** We gave up the lease of this epoch for others to take it, and do not stand for it until then. */
  readonly heldBack: { readonly epoch: number; readonly untilMs: number } | null;
  /** Since when a full sync of ours waits for those of others, and when it was held back last. */
  readonly syncWait: { readonly sinceMs: number; readonly lastMs: number } | null;
  /** Parameters that the service sets, as our Redis took them; null where there are none. */
  readonly applied: Applied | null;
  /** Planned operations: what this agent remembers of them beside the records. */
  readonly operations: Operations;
  /** An operator's order that this node be master, which waits for its answer. */
  readonly orderedFailover: { readonly acknowledgeLoss: boolean; readonly sinceMs: number } | null;
  /** An operator's `bootstrap` that waits for its answer. */
  readonly bootstrap: string | null;
  /** An operator's `forget` that waits for its answer. */
  readonly forget: string | null;
  /** Answer of `identify` about a twin: our name's other session is alive. */
  readonly twin: { readonly instance: string; readonly as: 'same' | 'other' | 'refused' | 'silent' } | null;
  readonly rememberedEpoch: number;
  /** The last term that was read, for an ensemble that forgets it. */
  readonly memory: Memory | null;
  /** Look closely (poll without pause) until then. */
  readonly alertUntilMs: number;
  readonly reasons: ReadonlySet<ReasonCode>;
  readonly role: Role;
  /** The next moment at which something is due, if nothing happens before. */
  readonly wakeAtMs: number;
}

export function initialState(settings: Settings, nowMs: number): State {
  return {
    settings,
    local: settings,
    nowMs,
    session: null,
    synced: false,
    everSynced: false,
    sentinel: null,
    records: NO_RECORDS,
    unreadable: [],
    lastLease: null,
    explainedOwner: null,
    lastProofMs: nowMs,
    proofBeforeMs: nowMs,
    lateProof: null,
    looseRelease: false,
    sleptAtMs: Number.NEGATIVE_INFINITY,
    connectedAtMs: Number.NEGATIVE_INFINITY,
    startedAtMs: nowMs,
    promise: null,
    failsafe: null,
    agents: new Map(),
    offered: null,
    managedBefore: false,
    registeredAtStart: null,
    own: UNSEEN,
    remote: UNSEEN,
    remoteTarget: null,
    peers: new Map(),
    inFlight: new Map(),
    nextActionId: 1,
    retryAtMs: new Map(),
    enabled: null,
    stopping: null,
    minReplicasFloor: null,
    mustRelink: false,
    unplaced: false,
    awaited: [],
    fencedUnseen: false,
    startsWritable: false,
    stragglers: null,
    catchUp: null,
    wholeRunId: null,
    lag: null,
    ballotSeenMs: Number.NEGATIVE_INFINITY,
    rescuing: null,
    rescue: null,
    claimed: null,
    takeoverFailedEpoch: null,
    unwritableEpoch: null,
    commandRefused: null,
    cutOff: null,
    heldBack: null,
    applied: null,
    operations: NO_OPERATIONS,
    orderedFailover: null,
    syncWait: null,
    bootstrap: null,
    forget: null,
    twin: null,
    rememberedEpoch: 0,
    memory: null,
    alertUntilMs: Number.NEGATIVE_INFINITY,
    reasons: new Set(),
    role: { name: 'starting', sinceMs: nowMs },
    wakeAtMs: nowMs,
  };
}
