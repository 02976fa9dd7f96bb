/**
 * Builders for tests of the core: records, facts and whole states of a small service that works.
 *
 * Three nodes, `a`, `b` and `c`; `a` is master in epoch 5, the other two are in sync. A test starts from there and
 * says only what is different: `world('b', 'replica', { lease: null })`. `run` plays inputs and collects what the
 * core decided; a number among the inputs lets so many milliseconds pass and ends in a tick.
 */
import type { Action, ActionKind } from '../actions.ts';
import type { LinkFacts, RedisFacts, RedisSight, ReplicaFacts, SightEvent } from '../facts.ts';
import { UNSEEN } from '../facts.ts';
import type { Input, Outcome } from '../inputs.ts';
import type { OrderRecord } from '../operations/records.ts';
import type {
  Address,
  Ballot,
  Kept,
  Lease,
  MasterRecord,
  Member,
  NodeRecord,
  OperatorSettings,
  RecordRead,
  Records,
  SettingsRecord,
  SharedSettings,
  Term,
} from '../records.ts';
import { NO_OPERATOR_SETTINGS } from '../records.ts';
import type { Role, RoleOf } from '../role.ts';
import type { Settings, State } from '../state.ts';
import { initialState } from '../state.ts';
import { step } from '../step.ts';

export const NAMES = ['a', 'b', 'c'] as const;
/** Session timeout T; then F = 4000, and fencing begins at 3500. */
export const T_MS = 6000;
/** The moment at which every built world stands. */
export const START_MS = 100_000;
export const EPOCH = 5;
/** replid of the lineage entry of the present epoch, and of the one before. */
export const REPLID = 'replid-5';
export const OLD_REPLID = 'replid-4';

export const redisOf = (name: string): Address => ({ host: `10.0.0.${name}`, port: 6379 });
export const httpOf = (name: string): Address => ({ host: `10.0.0.${name}`, port: 8080 });
export const runIdOf = (name: string): string => `run-${name}`;
export const instanceOf = (name: string): string => `instance-${name}`;
export const sessionOf = (name: string): bigint => BigInt(name.charCodeAt(0));

export const SHARED: SharedSettings & OperatorSettings = {
  durability: 'async',
  waitReplicas: 1,
  onEnsembleLoss: 'fence',
  priorityLagBytes: 0,
  ...NO_OPERATOR_SETTINGS,
};

export function settings(name: string, change: Partial<Settings> = {}): Settings {
  return {
    service: 'shop',
    name,
    instance: instanceOf(name),
    redis: redisOf(name),
    http: httpOf(name),
    priority: null,
    sessionTimeoutMs: 5000,
    downAfterMs: 2000,
    loadingTimeoutMs: 30_000,
    fenceMarginMs: null,
    trustRefused: true,
    bootstrapSettleMs: 1000,
    expectedNodes: null,
    electionSettleMs: 1000,
    recoveryGraceMs: 3000,
    shared: SHARED,
    failsafePromiseMs: null,
    forgetAfterMs: 86_400_000,
    shutdownTimeoutMs: 6000,
    onStop: 'switchover',
    neverMaster: false,
    zone: null,
    noRead: false,
    complaintAfterMs: 5000,
    failoverBudget: 3,
    failoverCalmMs: 30_000,
    unwritableAfterMs: 5000,
    fenceByKill: false,
    publishReplicas: false,
    rescueMode: 'on',
    ...change,
  };
}

export function kept<V>(value: V, change: Partial<Kept<V>['znode']> = {}): Kept<V> {
  return { value, znode: { version: 0, owner: 0n, czxid: 1n, format: 1, ...change } };
}

export function lease(name = 'a', change: Partial<Lease> = {}): Lease {
  return {
    epoch: EPOCH,
    node: name,
    instance: instanceOf(name),
    http: httpOf(name),
    redis: redisOf(name),
    runId: runIdOf(name),
    ...change,
  };
}

export function term(change: Partial<Term> = {}): Term {
  return {
    epoch: EPOCH,
    master: { name: 'a', runId: runIdOf('a'), redis: redisOf('a') },
    nodes: ['a', 'b', 'c'],
    inSync: ['b', 'c'],
    lineage: [
      { epoch: EPOCH - 1, replid: OLD_REPLID, offset: 100 },
      { epoch: EPOCH, replid: REPLID, offset: 500 },
    ],
    pending: null,
    designated: null,
    handOver: null,
    falls: 0,
    settingsVersion: 1,
    ...change,
  };
}

function nobodyAttached(): Pick<RoleOf<'master'>, 'attaching' | 'joining' | 'absent'> {
  return { attaching: new Map(), joining: [], absent: new Map() };
}

export function member(name: string, change: Partial<Member> = {}): Member {
  return {
    name,
    instance: instanceOf(name),
    http: httpOf(name),
    redis: redisOf(name),
    runId: runIdOf(name),
    priority: 100,
    dataset: null,
    zone: null,
    noRead: false,
    refusesWrites: false,
    complainsOf: null,
    rememberedEpoch: 0,
    rememberedVersion: null,
    ...change,
  };
}

export function nodeRecord(name: string, change: Partial<NodeRecord> = {}): NodeRecord {
  return {
    name,
    epoch: EPOCH,
    replid: REPLID,
    offset: 1000,
    runId: runIdOf(name),
    inSync: true,
    whole: true,
    disabled: false,
    maintenance: null,
    zone: null,
    ...change,
  };
}

export function ballot(name: string, change: Partial<Ballot> = {}): Ballot {
  return {
    name,
    epoch: EPOCH,
    runId: runIdOf(name),
    replid: REPLID,
    replid2: OLD_REPLID,
    secondReplOffset: 501,
    offset: 1000,
    priority: 100,
    standing: 'frozen',
    holds: 'whole',
    refusal: null,
    deathProof: null,
    ...change,
  };
}

export function masterRecord(name = 'a'): MasterRecord {
  return { host: redisOf(name).host, port: String(redisOf(name).port), name };
}

export function attached(name: string, change: Partial<ReplicaFacts> = {}): ReplicaFacts {
  return { ...redisOf(name), state: 'online', offset: 1000, lagSeconds: 0, ...change };
}

export function linkTo(target: Address, change: Partial<LinkFacts> = {}): LinkFacts {
  return { ...target, up: true, syncInProgress: false, everUp: true, readOffset: 1000, ...change };
}

/** A Redis of the service as `INFO` shows it: a master unless a link is given. */
export function facts(name: string, change: Partial<RedisFacts> = {}): RedisFacts {
  return {
    runId: runIdOf(name),
    version: '7.0.15',
    mode: 'standalone',
    activeReplica: false,
    loading: false,
    uptimeSeconds: 3600,
    processId: 4000 + name.charCodeAt(0),
    refusesWrites: false,
    role: change.link ? 'replica' : 'master',
    replid: REPLID,
    replid2: OLD_REPLID,
    secondReplOffset: 501,
    offset: 1000,
    priority: 100,
    keys: 10,
    changes: 3,
    link: null,
    replicas: [],
    minReplicas: 0,
    fullSyncsClosed: false,
    announced: redisOf(name),
    ...change,
  };
}

/** The Redis of the master in peace: its replicas stream, the dead-man is set. */
export function masterFacts(change: Partial<RedisFacts> = {}): RedisFacts {
  return facts('a', { minReplicas: 1, replicas: [attached('b'), attached('c')], ...change });
}

export function replicaFacts(name: string, change: Partial<RedisFacts> = {}): RedisFacts {
  return facts(name, { link: linkTo(redisOf('a')), ...change });
}

export function frozenFacts(name: string, change: Partial<RedisFacts> = {}): RedisFacts {
  return facts(name, { link: linkTo({ host: '127.0.0.1', port: 1 }, { up: false }), ...change });
}

export function sight(seen: RedisFacts | null, change: Partial<RedisSight> = {}): RedisSight {
  const open = { link: 'open', facts: seen, current: seen !== null, answeredAtMs: START_MS } as const;
  return { ...UNSEEN, ...open, readOffsetSinceMs: START_MS, ...change };
}

/** Records of the service in peace; each can be replaced, a lease or term of null is absent. */
export interface RecordsChange {
  readonly lease?: Kept<Lease> | null;
  readonly term?: Term | null;
  readonly masterRecord?: Kept<MasterRecord> | null;
  readonly settings?: SettingsRecord | null;
  readonly order?: OrderRecord;
  readonly members?: readonly Member[];
  readonly nodes?: readonly NodeRecord[];
  readonly ballots?: readonly Ballot[];
}

export function records(change: RecordsChange = {}): Records {
  const { members = NAMES.map((name) => member(name)), ballots = [] } = change;
  const { nodes = NAMES.map((name) => nodeRecord(name)) } = change;
  const { settings: shared = { version: 1, ...SHARED } } = change;
  const termNow = change.term === undefined ? term() : change.term;
  const keep = <V extends { readonly name: string }>(value: V): [string, Kept<V>] => [
    value.name,
    kept(value, { owner: sessionOf(value.name) }),
  ];
  return {
    lease: change.lease === undefined ? kept(lease(), { owner: sessionOf('a') }) : change.lease,
    term: termNow === null ? null : kept(termNow, { version: 7 }),
    masterRecord:
      change.masterRecord === undefined ? kept(masterRecord(), { owner: sessionOf('a') }) : change.masterRecord,
    settings: shared === null ? null : kept(shared),
    order: change.order === undefined ? null : kept(change.order, { version: 4 }),
    results: null,
    pause: null,
    changes: null,
    members: new Map(members.map(keep)),
    nodes: new Map(nodes.map((node) => [node.name, kept(node, { version: 3 })])),
    ballots: new Map(ballots.map(keep)),
  };
}

export type Change = Partial<State> & { readonly record?: RecordsChange };

function roleOf(name: Role['name']): Role {
  const common = { sinceMs: START_MS - 60_000, epoch: EPOCH };
  switch (name) {
    case 'starting':
    case 'replica':
      return { name, sinceMs: common.sinceMs };
    case 'candidate':
      return {
        ...common, name, sinceMs: START_MS, leaseGoneSinceMs: null, expected: null, mayLink: true, redisRanMs: 0,
      };
    case 'promoting':
      return { ...common, name, sinceMs: START_MS, deposed: null, takeover: false, remoteFence: 'none' };
    case 'master':
      return { ...common, name, deposed: null, inDoubt: false, demotedSinceMs: null, ...nobodyAttached() };
    case 'stepping_down':
      return {
        ...common, name, sinceMs: START_MS, because: 'stop', alone: false, releaseSentAtMs: null, released: false,
      };
  }
}

/** The state of one node's agent in the working service, in a role, with what is different. */
export function world(node: string, role: Role['name'], change: Change = {}): State {
  const { record, ...rest } = change;
  const own = node === 'a' ? masterFacts() : replicaFacts(node);
  const remote = node === 'a' ? UNSEEN : sight(masterFacts());
  return {
    ...initialState(settings(node), START_MS),
    session: { id: sessionOf(node), timeoutMs: T_MS, connected: true },
    synced: true,
    records: records(record),
    lastLease: kept(lease(), { owner: sessionOf('a') }),
    lastProofMs: START_MS,
    proofBeforeMs: START_MS,
    own: sight(own),
    remote,
    remoteTarget: node === 'a' ? null : redisOf('a'),
    everSynced: true,
    enabled: true,
    minReplicasFloor: 0,
    rememberedEpoch: EPOCH,
    role: roleOf(role),
    ...rest,
  };
}

/** The present role, which the test knows. */
export function roleIs<N extends Role['name']>(state: State, name: N): RoleOf<N> {
  if (state.role.name !== name) throw new Error(`role is ${state.role.name}, not ${name}`);
  return state.role as RoleOf<N>;
}

export interface Run {
  readonly state: State;
  readonly actions: readonly Action[];
  /** Kinds of the actions without the talk, in order. */
  readonly does: readonly ActionKind[];
  /** Names of the reported events, in order. */
  readonly says: readonly string[];
}

/** Plays inputs one after the other; a number lets that many milliseconds pass, then ticks. */
export function run(before: State, ...inputs: readonly (Input | number)[]): Run {
  let state = before;
  const actions: Action[] = [];
  for (const input of inputs) {
    const passes = typeof input === 'number';
    const result = step(state, passes ? { kind: 'tick' } : input, state.nowMs + (passes ? input : 0));
    actions.push(...result.actions);
    state = result.state;
  }
  const does = actions.filter((action) => action.kind !== 'report').map((action) => action.kind);
  const says = actions.flatMap((action) => (action.kind === 'report' ? [action.event] : []));
  return { state, actions, does, says };
}

/** The only action of a kind, with its own fields. */
export function only<K extends ActionKind>(played: Run, kind: K): Extract<Action, { kind: K }> {
  const found = played.actions.filter((action): action is Extract<Action, { kind: K }> => action.kind === kind);
  const [first] = found;
  const one = first !== undefined && found.length === 1;
  if (!one) throw new Error(`${found.length} actions ${kind}: ${played.does.join()}`);
  return first;
}

export const ownSees = (event: SightEvent): Input => ({ kind: 'own_redis', event });
export const ownAnswers = (seen: RedisFacts): Input => ownSees({ seen: 'answered', facts: seen });
export const remoteSees = (event: SightEvent): Input => ({ kind: 'remote_redis', event });
export const remoteAnswers = (seen: RedisFacts): Input => remoteSees({ seen: 'answered', facts: seen });
export const reads = (read: RecordRead): Input => ({ kind: 'record_read', read });
export const readsLease = (of: Kept<Lease> | null): Input => reads({ record: 'lease', kept: of });
export const readsTerm = (value: Term, version = 8): Input => reads({ record: 'term', kept: kept(value, { version }) });
export const readsBallot = (value: Ballot): Input =>
  reads({ record: 'ballots', name: value.name, kept: kept(value, { owner: sessionOf(value.name) }) });
export const peer = (name: string, event: Extract<Input, { kind: 'peer' }>['event']): Input => ({
  kind: 'peer',
  name,
  event,
});

/** The answer to the action of this kind that is on its way. */
export function answer(state: State, kind: ActionKind, outcome?: Outcome): Input {
  const flight = state.inFlight.get(kind);
  if (flight === undefined) throw new Error(`no ${kind} is on its way`);
  return { kind: 'action_done', id: flight.id, outcome: outcome ?? { result: 'done', sentAtMs: flight.sinceMs } };
}

/** The remote Redis dies under its connection. */
export const dead: readonly Input[] = [remoteSees({ seen: 'closed' }), remoteSees({ seen: 'refused' })];

/** The lease of that node and epoch is read. */
export const leaseOf = (name: string, epoch: number, owner = sessionOf(name)): Input =>
  readsLease(kept(lease(name, { epoch }), { owner }));

/** A term is read that names this node as master, with nobody in sync. */
export const termOf = (name: string, epoch: number, change: Partial<Term> = {}): Input =>
  readsTerm(term({ epoch, master: { name, runId: runIdOf(name), redis: redisOf(name) }, inSync: [], ...change }));
