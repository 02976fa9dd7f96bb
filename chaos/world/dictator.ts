/**
 * Dictator as it is installed: three ZooKeeper servers, and the built agent beside each Redis, with default settings
 * and the recommended configuration of Redis.
 */
import type { ReasonCode } from '../../src/contract/reasons.ts';
import type { FaultProxy } from '../../test/support/fault-proxy.ts';
import { startFaultProxy } from '../../test/support/fault-proxy.ts';
import { AgentProcess } from '../../test/support/agent-process.ts';
import type { LogLine } from '../../test/support/agent-process.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { believeTheRecord } from '../clients/belief.ts';
import type { RecordBelief } from '../clients/belief.ts';
import type { Target } from '../clients/writers.ts';
import type { Options } from '../plan/options.ts';
import { AgentGuard } from './agent-guard.ts';
import { startEnsemble } from './ensemble.ts';
import type { ZooKeepers } from './ensemble.ts';
import { oneMaster } from './role.ts';
import type { RedisPlace, Site } from './site.ts';
import type { ChaosNode, Complaint, Subject } from './subject.ts';

const PROGRAM = 'dist/dictator.cjs';
const SETTLE_MS = 60_000;
/** Codes that say that somebody has to decide, see docs/reasons.md. */
const OPERATOR_CODES: readonly string[] = [
  'no_promotable_replica', 'nothing_recoverable', 'awaiting_recovery', 'conflicting_datasets', 'foreign_dataset',
] satisfies readonly ReasonCode[];
/** A storm fells masters one after the other; put off, most of its faults would meet a service without one. */
const FAILOVER_BUDGET = 1000;
/** Lines of all agents that a trace may show. */
const KEPT_MAX = 20_000;

/** The recommended configuration: the start fence and the sync fence. */
export const DICTATOR_REDIS: readonly string[] = ['min-replicas-to-write 1', 'repl-diskless-sync-delay 86400'];

export interface Beginning {
  readonly site: Site;
  readonly options: Options;
  readonly count: number;
}

export async function startDictator({ site, options, count }: Beginning): Promise<DictatorSubject> {
  const ensemble = await startEnsemble(site);
  const places: RedisPlace[] = [];
  for (let index = 0; index < count; index += 1) {
    places.push(await site.redis(`node${index + 1}`, index, [...DICTATOR_REDIS, ...options.redis]));
  }
  const subject = new DictatorSubject({ site, options, ensemble, places });
  await subject.begin();
  return subject;
}

export class DictatorSubject implements Subject {
  readonly nodes: readonly ChaosNode[];
  readonly ensemble: ZooKeepers;
  readonly healWithinMs: number;
  cutFromZooKeeper: ((node: number, cut: boolean) => void) | null = null;
  readonly guards: readonly AgentGuard[];
  private readonly site: Site;
  private readonly options: Options;
  private readonly httpPorts: readonly number[];
  private readonly proxies: FaultProxy[][] = [];
  private record: RecordBelief | null = null;
  private generation = 1;
  private readonly places: readonly RedisPlace[];
  /** Lines collected from the agents, for a trace. */
  private readonly kept: string[] = [];
  /** Who said that it claimed an epoch. */
  private readonly claims = new Map<number, string>();

  constructor(parts: {
    readonly site: Site;
    readonly options: Options;
    readonly ensemble: ZooKeepers;
    readonly places: readonly RedisPlace[];
  }) {
    this.site = parts.site;
    this.options = parts.options;
    this.ensemble = parts.ensemble;
    this.healWithinMs = 2 * parts.options.sessionMs + 5000;
    this.places = parts.places;
    this.httpPorts = parts.places.map(() => parts.site.port(8000));
    this.guards = parts.places.map(({ host, cgroup }, index) => (
      new AgentGuard(host.name, cgroup, () => this.spawnAgent(index))
    ));
    this.nodes = this.guards.map((guard, index) => {
      const { host, redis, redisPort } = this.place(index);
      return { name: host.name, host, redis, guard, ports: [redisPort, this.httpPorts[index] ?? 0] };
    });
  }

  get belief(): RecordBelief {
    if (this.record === null) throw new Error('not begun');
    return this.record;
  }

  async begin(): Promise<void> {
    if (this.site.network.kind === 'loopback') await this.openProxies();
    await Promise.all(this.nodes.map(({ redis }) => redis.start()));
    for (const guard of this.guards) guard.start();
    this.record = believeTheRecord({
      hosts: this.ensemble.hosts,
      sessionTimeoutMs: this.options.sessionMs,
      service: this.service,
      identify: (host, port) => this.identify(host, port),
    });
    await waitFor(async () => await this.lacks() === null, 'the service is well for the first time', SETTLE_MS);
  }

  async namedAt(node: number): Promise<Target | null> {
    const named = (await this.guards[node]?.view())?.master;
    return named ? this.identify(named.host, named.port) : null;
  }

  private identify(host: string, port: number): Target | null {
    const server = this.nodes.findIndex((node) => node.host.address === host && node.ports[0] === port);
    return server < 0 ? null : { server, host, port };
  }

  /** One master by what every Redis is, every agent publishes, and the record says. */
  async lacks(): Promise<string | null> {
    const dead = this.nodes.filter(({ guard }) => !guard.alive);
    if (dead.length > 0) return `the agent of ${dead.map(({ name }) => name).join(', ')} does not run`;
    const seen = await oneMaster(this.nodes);
    if ('lacks' in seen) return seen.lacks;
    const master = this.nodes[seen.master];
    const views = await Promise.all(this.guards.map((guard) => guard.view()));
    const epochs = new Set(views.map((view) => view?.epoch));
    const others = this.nodes.filter((_node, index) => views[index]?.master?.name !== master?.name);
    if (others.length > 0) return `the agent of ${others.map(({ name }) => name).join(', ')} names another master`;
    if (epochs.size > 1) return `epochs differ: ${[...epochs].join(', ')}`;
    if (views[seen.master]?.role !== 'master') return `the agent of ${master?.name} is not master`;
    const published = this.belief.published();
    return published?.server === seen.master ? null : 'the master record names another, or nobody';
  }

  async isRedundant(): Promise<boolean> {
    const views = await Promise.all(this.guards.map((guard) => guard.view()));
    return views.every((view) => view?.inSync.length === this.nodes.length - 1);
  }

  async operatorCodes(): Promise<readonly string[]> {
    const views = await Promise.all(this.guards.map((guard) => guard.view()));
    const codes = views.flatMap((view) => view?.reasons ?? []);
    return [...new Set(codes)].filter((code) => OPERATOR_CODES.includes(code));
  }

  async rebuild(): Promise<void> {
    await Promise.all(this.guards.map((guard) => guard.kill()));
    await Promise.all(this.nodes.map(({ redis }) => redis.kill()));
    for (const { redis } of this.nodes) redis.empty();
    this.takeEvents();
    this.claims.clear();
    this.generation += 1;
    this.belief.turnTo(this.service);
    await Promise.all(this.nodes.map(({ redis }) => redis.start()));
    for (const guard of this.guards) guard.start();
    await waitFor(async () => await this.lacks() === null, 'the service is well again', SETTLE_MS);
  }

  takeEvents(): { counts: ReadonlyMap<string, number>; complaints: readonly Complaint[] } {
    const counts = new Map<string, number>();
    const complaints: Complaint[] = [];
    for (const [index, guard] of this.guards.entries()) {
      const name = this.nodes[index]?.name ?? '';
      for (const line of guard.lines.splice(0)) {
        counts.set(line.event, (counts.get(line.event) ?? 0) + 1);
        const said = JSON.stringify({ ...line, time: undefined, atMs: undefined });
        this.kept.push(`${line.atMs.toFixed(0)} ${name} ${said}`);
        complaints.push(...this.wrongIn(name, line));
      }
      if (guard.ended !== null) complaints.push({ rule: 'agents run', what: guard.ended });
      guard.ended = null;
    }
    this.kept.splice(0, this.kept.length - KEPT_MAX);
    return { counts, complaints };
  }

  trace(sinceMs: number): readonly string[] {
    this.takeEvents();
    return this.kept.filter((line) => Number.parseFloat(line) >= sinceMs);
  }

  async stop(): Promise<void> {
    await this.record?.close();
    await Promise.all(this.guards.map((guard) => guard.kill()));
    await Promise.all(this.nodes.map(({ redis }) => redis.kill()));
    await Promise.all(this.ensemble.servers.map((server) => server.kill()));
    await Promise.all(this.proxies.flat().map((proxy) => proxy.stop()));
  }

  private get service(): string {
    return `chaos${this.generation}`;
  }

  private place(index: number): RedisPlace {
    const place = this.places[index];
    if (place === undefined) throw new Error(`no node ${index}`);
    return place;
  }

  /** Rules that an agent breaks, or says that it broke, in one line of its log. */
  private wrongIn(name: string, line: LogLine): readonly Complaint[] {
    if (line.event === 'invariant_broken') {
      return [{ rule: 'agents contradict themselves never', what: `${name}: ${JSON.stringify(line)}` }];
    }
    const epoch = line['epoch'];
    if (line.event !== 'epoch_claimed' || typeof epoch !== 'number' || line['repeated'] !== undefined) return [];
    const before = this.claims.get(epoch);
    this.claims.set(epoch, name);
    if (before === undefined) return [];
    return [{ rule: 'I1 one master per epoch', what: `epoch ${epoch} was claimed by ${before} and by ${name}` }];
  }

  private spawnAgent(index: number): AgentProcess {
    const { host, redisPort } = this.place(index);
    const httpPort = this.httpPorts[index] ?? 0;
    const { durable, waitReplicas, sessionMs, config } = this.options;
    const durability = durable ? { durability: 'durable', wait_replicas: waitReplicas } : {};
    return new AgentProcess({
      name: `${host.name}-${this.service}`,
      folder: this.site.folder,
      httpPort,
      httpHost: host.address,
      program: [...host.prefix, process.execPath, PROGRAM],
      config: {
        svc_name: this.service,
        http_port: httpPort,
        zk_hosts: this.zooKeeperHosts(index),
        zk_session_timeout_ms: sessionMs,
        node: { name: host.name, host: host.address, port: redisPort },
        expected_nodes: this.places.length,
        failover_budget: FAILOVER_BUDGET,
        ...durability,
        ...config,
      },
    });
  }

  private zooKeeperHosts(index: number): readonly string[] {
    const proxies = this.proxies[index];
    if (proxies !== undefined) return proxies.map(({ port }) => `127.0.0.1:${port}`);
    return this.ensemble.hosts.map(({ host, port }) => `${host}:${port}`);
  }

  /** Each agent's way to ZooKeeper, where there is no packet filter to close it. */
  private async openProxies(): Promise<void> {
    for (let node = 0; node < this.places.length; node += 1) {
      const targets = this.ensemble.hosts.map(({ port }) => startFaultProxy({ targetPort: port }));
      this.proxies.push(await Promise.all(targets));
    }
    this.cutFromZooKeeper = (node, cut) => {
      for (const proxy of this.proxies[node] ?? []) {
        if (cut) proxy.freeze('toClient', 'toServer');
        else proxy.thaw();
      }
    };
  }
}
