/**
 * The service as a tree: the master, and below it every other node with its role, its link, how far it is behind and
 * what is wrong with it. Pure: facts in, a value out, which JSON shows as it is.
 */
import { REASONS } from '../contract/reasons.ts';
import type { Stamped } from './ensemble.ts';
import type { ServiceFacts } from './facts.ts';
import type { AgentView } from './live.ts';
import type { Member, NodeRecord } from '../core/records.ts';
import { nodeProblems } from './problems.ts';

/** Redis' own default of replica-priority: what nobody has to be told. */
const PRIORITY_DEFAULT = 100;

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface NodeRow {
  readonly name: string;
  /** As its agent says; `replica` or `master` by the records where the agent is silent; `gone` without an agent. */
  readonly role: string;
  readonly redis: Address | null;
  readonly http: Address | null;
  /** Whether its agent answered this reader; null where it was not asked. */
  readonly answers: boolean | null;
  /** Replication link to the master; null on the master, and where nobody says. */
  readonly link: 'up' | 'down' | null;
  /** Bytes behind the master, as the master's agent sees it now; null where nobody says. */
  readonly lagBytes: number | null;
  /** Replication offset now; null where nobody says. */
  readonly offset: number | null;
  /** Offset in the registry, and how long ago it was written. */
  readonly recorded: { readonly offset: number; readonly ageMs: number } | null;
  readonly inSync: boolean;
  readonly priority: number | null;
  /** `priority=N`, `never_master`, `no_read`, `zone=NAME`, `disabled`, `unregistered`. */
  readonly tags: readonly string[];
  /** Why it is disabled, where somebody said so; null where it is not, or nobody did. */
  readonly maintenance: Planned | null;
  /** Codes: those of `problems.ts`, then the reasons that its agent names. */
  readonly problems: readonly string[];
}

/** Who wanted it, why, and until when; ms since 1970, null = no end. */
export interface Planned {
  readonly owner: string;
  readonly reason: string;
  readonly until: number | null;
}

export interface Topology {
  readonly service: string;
  readonly epoch: number;
  /** Node name, or null while there is none. */
  readonly master: string | null;
  readonly health: Health;
  readonly ensemble: ServiceFacts['ensemble'];
  /** The pause that holds, or null. */
  readonly pause: Planned | null;
  /** The operation that stands, or null. */
  readonly operation: NonNullable<AgentView['operation']> | null;
  /** The master first, then by name. */
  readonly nodes: readonly NodeRow[];
}

/** `ok`: every registered node serves or could. `degraded`: there is a master. `no_master`. `unknown`: nobody says. */
export type Health = 'ok' | 'degraded' | 'no_master' | 'unknown';

export function topologyOf(facts: ServiceFacts): Topology {
  const master = masterOf(facts);
  const nodes = namesOf(facts)
    .map((name) => rowOf(facts, name, master))
    .concat(strangersOf(facts, master))
    .toSorted((a, b) => Number(b.name === master) - Number(a.name === master) || (a.name < b.name ? -1 : 1));
  return {
    service: facts.service,
    epoch: epochOf(facts),
    master,
    health: healthOf(facts, master, nodes),
    ensemble: facts.ensemble,
    pause: pauseOf(facts),
    operation: operationOf(facts),
    nodes,
  };
}

/** The pause that holds now: as recorded, else as an agent says. */
export function pauseOf({ records, views, nowMs }: ServiceFacts): Planned | null {
  const [found] = records === null
    ? [...views.values()].flatMap(({ pause }) => pause === null ? [] : [pause])
    : [records.pause?.value].filter((each) => each !== undefined);
  if (found === undefined || found.until <= nowMs) return null;
  const { owner, reason, until } = found;
  return { owner, reason, until };
}

export function operationOf({ records, views }: ServiceFacts): Topology['operation'] {
  const [found] = records === null
    ? [...views.values()].flatMap(({ operation }) => operation === null ? [] : [operation])
    : [records.order?.value].filter((each) => each !== undefined);
  if (found === undefined) return null;
  const { id, kind, target, asker, scheduledAt, phase } = found;
  return { id, kind, target, asker, scheduledAt, phase };
}

/** Why a node is disabled, where somebody said so. */
export function maintenanceOf(facts: Pick<ServiceFacts, 'records' | 'views'>, name: string): Planned | null {
  const { records, views } = facts;
  const record = records?.nodes.get(name)?.value;
  const found = views.get(name)?.maintenance ?? (record?.disabled === true ? record.maintenance : null) ?? null;
  return found === null ? null : { owner: found.owner, reason: found.reason, until: found.until };
}

export function epochOf({ records, views }: ServiceFacts): number {
  return records?.term?.value.epoch ?? Math.max(0, ...[...views.values()].map(({ epoch }) => epoch));
}

/** The holder of the lease; without the records, whom the agents name. */
export function masterOf({ records, views }: ServiceFacts): string | null {
  if (records !== null) return records.lease?.value.node ?? null;
  const [first] = [...views.values()].flatMap(({ master }) => master === null ? [] : [master.name]);
  return first ?? null;
}

/** What the master's agent says of itself and its replicas. */
export const masterViewOf = (facts: ServiceFacts): AgentView | undefined => {
  const master = masterOf(facts);
  return master === null ? undefined : facts.views.get(master);
};

/** Registered nodes and live members, and the holder of the lease. */
export function namesOf({ records, views }: ServiceFacts): readonly string[] {
  const ofRecords = records === null ? [] : [
    ...(records.term?.value.nodes ?? []),
    ...records.live,
    ...(records.lease === null ? [] : [records.lease.value.node]),
  ];
  const ofViews = [...views.values()].flatMap(({ node, nodes, members }) => [node.name, ...nodes, ...members]);
  return [...new Set(records === null ? ofViews : ofRecords)].sort();
}

function rowOf(facts: ServiceFacts, name: string, master: string | null): NodeRow {
  const view = facts.views.get(name);
  const member = facts.records?.members.get(name)?.value;
  const record = facts.records?.nodes.get(name);
  const attached = masterViewOf(facts)?.replicas.find((replica) => replica.name === name);
  const priority = member?.priority ?? null;
  return {
    name,
    role: roleOf(facts, name, master),
    redis: member?.redis ?? addressOf(view) ?? addressOfReplica(attached),
    http: member?.http ?? null,
    answers: answersOf(view, member),
    ...(name === master ? { link: null, lagBytes: null } : linkOf(view, attached)),
    offset: view?.redis.offset ?? attached?.offset ?? null,
    recorded: recordedOf(record, facts.nowMs),
    inSync: inSyncOf(facts).includes(name),
    priority,
    tags: tagsOf(priority, record?.value.disabled ?? view?.enabled === false, member),
    maintenance: maintenanceOf(facts, name),
    problems: problemsOfRow(facts, name),
  };
}

/** The in-sync set: as recorded, else as an agent says. */
export function inSyncOf({ records, views }: Pick<ServiceFacts, 'records' | 'views'>): readonly string[] {
  const [anyView] = views.values();
  return records?.term?.value.inSync ?? anyView?.inSync ?? [];
}

function problemsOfRow(facts: ServiceFacts, name: string): readonly string[] {
  const reasons = facts.views.get(name)?.reasons ?? [];
  return [...new Set([...nodeProblems(facts, name), ...reasons.filter((reason) => reason !== 'node_disabled')])];
}

function answersOf(view: AgentView | undefined, member: Member | undefined): boolean | null {
  if (view !== undefined) return true;
  return member === undefined ? null : false;
}

const addressOfReplica = (attached: AgentView['replicas'][number] | undefined): Address | null =>
  attached === undefined ? null : { host: attached.host, port: attached.port };

const addressOf = (view: AgentView | undefined): Address | undefined =>
  view === undefined ? undefined : { host: view.node.host, port: view.node.port };

function roleOf({ records, views }: ServiceFacts, name: string, master: string | null): string {
  const said = views.get(name)?.role;
  if (said !== undefined) return said;
  if (name === master) return 'master';
  const [view] = views.values();
  const live = records?.live ?? view?.members ?? [name];
  return live.includes(name) ? 'replica' : 'gone';
}

function linkOf(
  view: AgentView | undefined,
  attached: AgentView['replicas'][number] | undefined,
): Pick<NodeRow, 'link' | 'lagBytes'> {
  const said = attached === undefined ? null : attached.state === 'online';
  // What a Redis said last that does not answer any more is no news; its master knows.
  const up = view?.redis.reachable === false ? (said ?? false) : (view?.redis.linkUp ?? said);
  return { link: up === null ? null : up ? 'up' : 'down', lagBytes: attached?.lagBytes ?? null };
}

function recordedOf(record: Stamped<NodeRecord> | undefined, nowMs: number): NodeRow['recorded'] {
  if (record === undefined) return null;
  // The clock of the ensemble may be ahead of this one.
  return { offset: record.value.offset, ageMs: Math.max(0, Math.round(nowMs - record.writtenMs)) };
}

function tagsOf(priority: Member['priority'], disabled: boolean, member: Member | undefined): readonly string[] {
  const where = member?.zone ?? null;
  const rank = priority === 0 ? ['never_master'] : [`priority=${priority ?? PRIORITY_DEFAULT}`];
  return [
    ...(priority === null || priority === PRIORITY_DEFAULT ? [] : rank),
    ...(member?.noRead === true ? ['no_read'] : []),
    ...(where === null ? [] : [`zone=${where}`]),
    ...(disabled ? ['disabled'] : []),
  ];
}

/** Servers that replicate from the master and belong to no node. */
function strangersOf(facts: ServiceFacts, master: string | null): NodeRow[] {
  const replicas = masterViewOf(facts)?.replicas ?? [];
  if (master === null) return [];
  return replicas.filter(({ name }) => name === undefined).map(({ host, port, state, offset, lagBytes }) => ({
    name: `${host}:${port}`,
    role: 'replica',
    redis: { host, port },
    http: null,
    answers: null,
    link: state === 'online' ? 'up' : 'down',
    lagBytes,
    offset,
    recorded: null,
    inSync: false,
    priority: null,
    tags: ['unregistered'],
    maintenance: null,
    problems: [],
  }));
}

/** What is no defect of a node: it says so for other reasons. */
const HARMLESS: ReadonlySet<string> = new Set(['setting_differs', 'starts_writable', 'unregistered_replica']);

function healthOf(facts: ServiceFacts, master: string | null, nodes: readonly NodeRow[]): Health {
  if (facts.records === null && facts.views.size === 0) return 'unknown';
  if (master === null || masterViewOf(facts)?.redis.reachable === false) return 'no_master';
  if (facts.ensemble === 'silent') return 'degraded';
  const defects = nodes.flatMap(({ problems }) => problems).filter((problem) => !HARMLESS.has(problem));
  return defects.length === 0 ? 'ok' : 'degraded';
}

/** A reason in words, for codes of this version. */
export const reasonText = (code: string): { readonly what: string; readonly next: string } | undefined =>
  Object.hasOwn(REASONS, code) ? REASONS[code as keyof typeof REASONS] : undefined;
