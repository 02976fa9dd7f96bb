/**
 * Everything an agent can do, as one closed union, each with its ordering duty: what must be true before it is
 * carried out, and what may be believed after it.
 *
 * The planner emits actions in an order that is safe if cut anywhere. Drivers carry them out and nothing more: no
 * retry, no policy. A reply is never proof of a Redis state; what follows an action is a fresh observation.
 */
import type { EventName } from '../contract/events.ts';
import type { OperationAnswer, OperationResult } from '../contract/operations.ts';
import type { FailsafeAnswer, FailsafeQuestion } from '../contract/failsafe.ts';
import type { OrderRecord, PauseRecord } from './operations/records.ts';
import type {
  Address, Ballot, ChangesRecord, Lease, MasterRecord, Member, NodeRecord, SettingsRecord, Term,
} from './records.ts';

export type FieldValue = string | number | boolean | null | readonly string[];
export type Fields = Readonly<Record<string, FieldValue>>;

export type ActionBody =
  /**
   * `sync`, then read the lease, on one connection.
   * After: if the lease is ours, `lastProofMs` may move to the moment the `sync` was sent, never later.
   */
  | { readonly kind: 'heartbeat' }
  /** Create, update or replace (delete + create in one transaction) our member record. */
  | { readonly kind: 'write_member'; readonly member: Member; readonly how: 'create' | 'set' | 'replace' }
  /** Write our registry record. Never on the failover path. */
  | { readonly kind: 'write_node'; readonly node: NodeRecord; readonly version: number | null }
  /** Before: our position is final (`frozen`), or the ballot says that it is not. */
  | { readonly kind: 'cast_ballot'; readonly ballot: Ballot; readonly exists: boolean }
  /** Before anything unfreezes us: a ballot that stands must stay true. */
  | { readonly kind: 'withdraw_ballot' }
  /**
   * One transaction: [delete the proved-dead lease and its record], create the lease, write the term with the version
   * that was read, create the service's settings or check that they are the ones that were read, [replace the master
   * record: adoption only, where the promotion is already true].
   * After: we hold the lease of `term.epoch`; nothing is promoted yet.
   */
  | {
      readonly kind: 'claim';
      readonly lease: Lease;
      readonly term: Term;
      readonly termVersion: number | null;
      /** The service's settings, where there are none yet. */
      readonly settings: SettingsRecord | null;
      /** Data version of the settings that this claim obeys. */
      readonly settingsVersion: number | null;
      readonly removeLease: boolean;
      readonly removeRecord: boolean;
      readonly record: MasterRecord | null;
    }
  /**
   * One transaction: delete lease and master record, leave a ballot that says why we do not stand.
   * Before: our Redis is dead, or fenced, or nobody else can take over.
   */
  | {
      readonly kind: 'release';
      readonly ballot: Ballot | null;
      readonly ballotExists: boolean;
      readonly removeRecord: boolean;
      /** Version of the term that the lease goes with: a release that comes late must not take a later lease away. */
      readonly termVersion: number | null;
      /** New term that names a successor (an empty master yields), written in the same transaction. */
      readonly term: { readonly term: Term; readonly version: number } | null;
      /** The order that this carries out, marked as running in the same transaction: it can be carried out once. */
      readonly order?: { readonly order: OrderRecord; readonly version: number };
    }
  /**
   * Store a new order, while none stands and no other results than those that were read: one whose answer was lost may
   * have been carried out and ended meanwhile, and must not be stored again. Null = there must be no results yet.
   */
  | { readonly kind: 'store_order'; readonly order: OrderRecord; readonly resultsVersion: number | null }
  /** Mark the order that was read as running. */
  | { readonly kind: 'write_order'; readonly order: OrderRecord; readonly version: number }
  /** One transaction: delete the order that was read, append its result to those that were read. */
  | {
      readonly kind: 'end_order';
      readonly orderVersion: number;
      readonly results: readonly OperationResult[];
      readonly resultsVersion: number | null;
    }
  /** Store, replace or (`pause` null) remove the pause. */
  | { readonly kind: 'write_pause'; readonly pause: PauseRecord | null; readonly version: number | null }
  /** One transaction: the service's settings over the version that was read, and the list of who changed what. */
  | {
      readonly kind: 'write_settings';
      readonly settings: SettingsRecord;
      readonly version: number | null;
      readonly changes: ChangesRecord;
      readonly changesVersion: number | null;
    }
  /**
   * Before: a grown in-sync set has its dead-man raised already.
   * After (committed): a shrunken in-sync set may have its dead-man lowered.
   * `settings`: created in the same transaction, where the service has none.
   */
  | {
      readonly kind: 'write_term';
      readonly term: Term;
      readonly version: number | null;
      readonly settings?: SettingsRecord;
    }
  /**
   * Before: `ROLE` said master under this epoch. `replace`: a record of our own earlier session is in the way.
   * Checked against the version of the term: one that comes late must not announce a master of the past.
   */
  | {
      readonly kind: 'announce';
      readonly record: MasterRecord;
      readonly replace: boolean;
      readonly termVersion: number;
    }
  /** Ask who answers at the address of a recorded agent. */
  | { readonly kind: 'identify'; readonly address: Address; readonly instance: string }
  /**
   * Ask these agents for a promise, all at the same time, each for at most `timeoutMs`; one result for all of them.
   * After: with every one promised, power lasts for a share of the promise, counted from when the questions left.
   */
  | {
      readonly kind: 'ask_promises';
      readonly questions: readonly { readonly address: Address; readonly question: FailsafeQuestion }[];
      readonly timeoutMs: number;
    }
  /** Before: a promise that it gives is part of the state already. */
  | { readonly kind: 'answer_question'; readonly question: number; readonly answer: FailsafeAnswer }
  /** Refuse every write at once, undone without a resync (`min-replicas-to-write` out of reach). */
  | { readonly kind: 'fence_reversibly' }
  /** `MULTI`, `REPLICAOF target`, kill clients, `EXEC`. After: what ran in that turn was never acknowledged. */
  | { readonly kind: 'fence_hard'; readonly target: Address }
  /** Set `min-replicas-to-write` (dead-man or none) and `max-lag`, both together. */
  | { readonly kind: 'set_min_replicas'; readonly minReplicas: number }
  /** Let replicas copy from our Redis. Before: it was seen to be the master of an epoch that we hold. */
  | { readonly kind: 'open_full_syncs' }
  /** `REPLICAOF` the closed address: the position is final once observed. */
  | { readonly kind: 'freeze' }
  /**
   * A frozen replica becomes a master that takes no write, so that its data can be copied.
   * Before: the reversible fence was seen to hold; with it, nothing but a promotion may lift it.
   */
  | { readonly kind: 'detach' }
  /**
   * Copy the dataset of our Redis to a file, by `SYNC`. Before: it is a master and was seen to be fenced reversibly.
   * After: its data may be discarded.
   */
  | { readonly kind: 'rescue'; readonly masterEpoch: number }
  /**
   * Before: the target was seen to be a master with the run_id of the lease, no ballot of ours stands, and what our
   * Redis holds beyond the target's history was rescued or given up.
   */
  | { readonly kind: 'follow'; readonly target: Address }
  /** Before: we hold the lease and the deposed master is fenced, gone, or covered by the lease rules. */
  | { readonly kind: 'promote'; readonly minReplicas: number }
  /** Runtime settings of our Redis: announced address, credentials for replication, backlog. Never to its file. */
  | { readonly kind: 'configure' }
  /** `CONFIG SET` of each that differs, by itself; answered with the names that were refused. */
  | { readonly kind: 'apply_parameters'; readonly parameters: Readonly<Record<string, string>> }
  /**
   * SIGKILL for our Redis. Before: the kernel shows it stopped, its lease is lost, and it may acknowledge when it goes
   * on. The driver proves once more that the process is that server, and stopped.
   */
  | { readonly kind: 'kill_redis' }
  /** Disconnect clients that reached a deposed master after its fence. Before: it is a replica. */
  | { readonly kind: 'kill_stragglers' }
  | { readonly kind: 'remote_fence_reversibly' }
  /** Left queued in the socket of a Redis that does not answer. */
  | { readonly kind: 'remote_fence_hard'; readonly target: Address }
  /** Tell other agents; nothing may depend on its arrival. */
  | { readonly kind: 'tell'; readonly hint: 'redis_died' | 'promoted' | 'look' }
  /** One line of log. */
  | { readonly kind: 'report'; readonly event: EventName; readonly fields: Fields }
  /** An operator's order has its answer. */
  | {
      readonly kind: 'answer_order';
      readonly order: 'bootstrap' | 'forget';
      readonly refusal: string | null;
    }
  /** The caller of this agent who asked for an operation has its answer. */
  | { readonly kind: 'answer_operation'; readonly operation: string; readonly answer: OperationAnswer }
  /**
   * End the process. `keepsLease`: the session is left to run out by itself, and the lease with it, for the next
   * process of this agent to adopt; otherwise it is closed in order.
   */
  | { readonly kind: 'exit'; readonly keepsLease: boolean };

export type ActionKind = ActionBody['kind'];

/** Actions that nobody answers. */
export const UNANSWERED = [
  'tell',
  'report',
  'answer_order',
  'answer_operation',
  'answer_question',
  'exit',
] as const satisfies readonly ActionKind[];

/** An action with the id under which its result comes back, and the epoch it was issued under. */
export type Action = ActionBody & {
  readonly id: number;
  readonly epoch: number;
  /** Not to be carried out after this moment: whoever carries it out looks at the clock once more before. */
  readonly notAfterMs: number;
};

/** Code of an action that was dropped because its moment had passed. */
export const TOO_LATE = 'TOO_LATE';
