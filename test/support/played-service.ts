/** A service as its records and agents would show it, played: three nodes, healthy, until a test changes something. */
import type { ServiceRecords, Stamped } from '../../src/cli/ensemble.ts';
import type { ServiceFacts } from '../../src/cli/facts.ts';
import type { AgentView } from '../../src/cli/live.ts';
import type { Ballot, Lease, Member, NodeRecord, Term } from '../../src/core/records.ts';
import { PLAYED_NOW_MS } from './cli-io.ts';

const NAMES = ['redis1', 'redis2', 'redis3'] as const;
const EPOCH = 7;
const OFFSET = 1_048_576;
const SESSIONS: Readonly<Record<string, bigint>> = { redis1: 1n, redis2: 2n, redis3: 3n };

export const addressOf = (name: string, port: number) => ({ host: `10.0.0.${name.slice(-1)}`, port });

export function stamped<T>(value: T, agoMs: number, owner = 0n): Stamped<T> {
  return { value, writtenMs: PLAYED_NOW_MS - agoMs, version: 1, owner, format: 1 };
}

export const playedTerm = (change: Partial<Term> = {}): Term => ({
  epoch: EPOCH,
  master: { name: 'redis1', runId: 'run-redis1', redis: addressOf('redis1', 6379) },
  nodes: NAMES,
  inSync: ['redis2', 'redis3'],
  lineage: [
    { epoch: 5, replid: 'a'.repeat(40), offset: 0 },
    { epoch: EPOCH, replid: 'b'.repeat(40), offset: 900_000 },
  ],
  pending: null,
  designated: null,
  handOver: null,
  falls: 0,
  settingsVersion: 1,
  ...change,
});

export const playedLease = (node = 'redis1'): Lease => ({
  epoch: EPOCH,
  node,
  instance: `agent-${node}`,
  http: addressOf(node, 8000),
  redis: addressOf(node, 6379),
  runId: `run-${node}`,
});

export const playedMember = (name: string, change: Partial<Member> = {}): Member => ({
  name,
  instance: `agent-${name}`,
  http: addressOf(name, 8000),
  redis: addressOf(name, 6379),
  runId: `run-${name}`,
  priority: 100,
  dataset: null,
  zone: null,
  noRead: false,
  refusesWrites: false,
  complainsOf: null,
  rememberedEpoch: EPOCH,
  rememberedVersion: null,
  ...change,
});

export const playedNode = (name: string, change: Partial<NodeRecord> = {}): NodeRecord => ({
  name,
  epoch: EPOCH,
  replid: 'b'.repeat(40),
  offset: OFFSET - 576,
  runId: `run-${name}`,
  inSync: name !== 'redis1',
  whole: true,
  disabled: false,
  maintenance: null,
  zone: null,
  ...change,
});

export const playedBallot = (name: string, change: Partial<Ballot> = {}): Ballot => ({
  name,
  epoch: EPOCH,
  runId: `run-${name}`,
  replid: 'b'.repeat(40),
  replid2: null,
  secondReplOffset: -1,
  offset: OFFSET,
  priority: 100,
  standing: 'frozen',
  holds: 'whole',
  refusal: null,
  deathProof: null,
  ...change,
});

export function playedRecords(change: Partial<ServiceRecords> = {}): ServiceRecords {
  return {
    service: 'cache',
    lease: stamped(playedLease(), 60_000, 1n),
    term: stamped(playedTerm(), 50_000),
    settings: null,
    masterRecord: stamped({ host: '10.0.0.1', port: '6379', name: 'redis1' }, 59_000, 1n),
    order: null,
    pause: null,
    live: NAMES,
    members: new Map(NAMES.map((name) => [name, stamped(playedMember(name), 90_000, SESSIONS[name] ?? 0n)])),
    nodes: new Map(NAMES.map((name) => [name, stamped(playedNode(name), 12_000)])),
    ballots: new Map(),
    unreadable: [],
    ...change,
  };
}

export function playedView(name: string, change: Partial<AgentView> = {}): AgentView {
  const isMaster = name === 'redis1';
  const replica = (node: string, lagBytes: number) => ({
    name: node,
    ...addressOf(node, 6379),
    state: 'online',
    offset: OFFSET - lagBytes,
    lagBytes,
    inSync: true,
  });
  return {
    version: 1,
    service: 'cache',
    node: { name, ...addressOf(name, 6379) },
    instance: `agent-${name}`,
    enabled: true,
    role: isMaster ? 'master' : 'replica',
    epoch: EPOCH,
    master: { name: 'redis1', ...addressOf('redis1', 6379) },
    fence: 'none',
    reasons: [],
    lease: { heardAgoMs: 400, fenceInMs: isMaster ? 2400 : null },
    session: { connected: true, timeoutMs: 5000 },
    redis: {
      reachable: true, role: isMaster ? 'master' : 'replica', runId: `run-${name}`, offset: OFFSET, linkUp: !isMaster,
    },
    failover: { falls: 0, resumesInMs: null },
    rescue: { running: false },
    inSync: ['redis2', 'redis3'],
    nodes: NAMES,
    members: NAMES,
    peers: NAMES.filter((each) => each !== name),
    replicas: isMaster ? [replica('redis2', 0), replica('redis3', 2048)] : [],
    failsafe: null,
    pause: null,
    maintenance: null,
    operation: null,
    switchover: isMaster ? {
      candidates: [
        { node: 'redis2', refusal: null, byNameOnly: false },
        { node: 'redis3', refusal: null, byNameOnly: false },
      ],
      gapsMs: [9, 14, 12],
    } : null,
    ...change,
  } as AgentView;
}

export const playedViews = (change: Readonly<Record<string, Partial<AgentView> | null>> = {}): Map<string, AgentView> =>
  new Map(NAMES.flatMap((name) => {
    const own = change[name];
    return own === null ? [] : [[name, playedView(name, own ?? {})] as const];
  }));

export function playedFacts(change: Partial<ServiceFacts> = {}): ServiceFacts {
  return {
    service: 'cache',
    nowMs: PLAYED_NOW_MS,
    ensemble: 'read',
    records: playedRecords(),
    views: playedViews(),
    silent: [],
    ...change,
  };
}
