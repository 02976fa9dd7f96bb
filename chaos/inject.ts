/**
 * Puts faults into place and takes them away again. What a fault of the plan is aimed at is decided here, at the
 * moment it begins: at the master of that moment, or at a node that has room for it.
 */
import type { Book } from './clients/book.ts';
import type { FaultKind } from './plan/kinds.ts';
import { traitsOf } from './plan/kinds.ts';
import type { Peers, PlannedFault } from './plan/schedule.ts';
import type { Network, Shape } from './world/network.ts';
import type { RedisHost } from './world/redis-host.ts';
import type { Cgroup } from './world/cgroup.ts';
import type { Filter } from './world/rules.ts';
import type { ChaosNode, Subject } from './world/subject.ts';

export interface Fault {
  readonly id: number;
  readonly kind: FaultKind;
  /** Index of the node; null: the ensemble. */
  readonly victim: number | null;
  /** What the victim was when it was hit. */
  readonly role: 'master' | 'replica' | 'ensemble';
  /** In words, for the report. */
  readonly detail: string;
  readonly beganMs: number;
  /** Null while it lasts; what it needed to end (a restart) is part of it. */
  endedMs: number | null;
  /** Redis ended of it by itself, as one may that cannot write or read its files; it was started again. */
  died: boolean;
}

type Undo = () => Promise<void> | void;

interface Placed {
  readonly undo: Undo;
  readonly detail: string;
}

export interface InjectorParts {
  readonly subject: Subject;
  readonly network: Network;
  readonly book: Book;
  readonly cgroups: readonly (Cgroup | null)[];
  /** Nodes that may lose their memory within one round. */
  readonly memoryLosersMax: number;
}

export class Injector {
  readonly faults: Fault[] = [];
  /** Planned, but there was nobody left to do it to. */
  skipped = 0;
  private readonly parts: InjectorParts;
  private readonly held = new Set<string>();
  private readonly filters: Map<number, Filter>[];
  private readonly applying = new Map<number, Promise<void>>();
  private readonly memoryLosers = new Set<number>();
  private next = 1;

  constructor(parts: InjectorParts) {
    this.parts = parts;
    this.filters = parts.subject.nodes.map(() => new Map<number, Filter>());
  }

  beginRound(): void {
    this.memoryLosers.clear();
  }

  /** Resolves with the fault and how to end it; null when nobody could be hit. */
  async begin(planned: PlannedFault): Promise<{ readonly fault: Fault; readonly end: () => Promise<void> } | null> {
    const { victim: kind, holds } = traitsOf(planned.kind);
    const victim = kind === 'ensemble' ? null : this.chooseVictim(planned);
    if (victim === undefined || (victim === null && this.parts.subject.ensemble === null)) {
      this.skipped += 1;
      return null;
    }
    const keys = victim === null ? ['ensemble'] : holds.map((hold) => `${hold} of ${victim}`);
    if (keys.some((key) => this.held.has(key))) {
      this.skipped += 1;
      return null;
    }
    for (const key of keys) this.held.add(key);
    if (victim !== null && traitsOf(planned.kind).losesMemory) this.memoryLosers.add(victim);
    const id = this.next++;
    const beganMs = performance.now();
    const role = this.roleOf(victim);
    const redis = victim === null ? undefined : this.parts.subject.nodes[victim]?.redis;
    const livesBefore = lives(redis);
    const placed = victim === null ? await this.hitEnsemble(planned) : await this.hitNode(planned, victim, id);
    const fault: Fault = {
      id, kind: planned.kind, victim, role, detail: placed.detail, beganMs, endedMs: null, died: false,
    };
    this.faults.push(fault);
    const end = async (): Promise<void> => {
      const ended = planned.kind === 'disk-full' && redis?.running === false;
      await placed.undo();
      fault.died = ended || lives(redis) > livesBefore;
      if (fault.died && victim !== null) this.memoryLosers.add(victim);
      for (const key of keys) this.held.delete(key);
      fault.endedMs = performance.now();
    };
    return { fault, end };
  }

  private roleOf(victim: number | null): Fault['role'] {
    if (victim === null) return 'ensemble';
    return this.parts.book.acknowledging(performance.now()) === victim ? 'master' : 'replica';
  }

  /** The one that was meant, else the next that nothing stands against; undefined: nobody. */
  private chooseVictim({ aim, kind }: PlannedFault): number | undefined {
    const { nodes } = this.parts.subject;
    const { holds, losesMemory } = traitsOf(kind);
    const first = aim === 'master' ? this.parts.book.acknowledging(performance.now()) ?? 0 : aim;
    const order = nodes.map((_node, index) => (first + index) % nodes.length);
    return order.find((index) => {
      if (holds.some((hold) => this.held.has(`${hold} of ${index}`))) return false;
      const forgets = losesMemory === true && !this.memoryLosers.has(index);
      return !forgets || this.memoryLosers.size < this.parts.memoryLosersMax;
    });
  }

  private async hitEnsemble(planned: PlannedFault): Promise<Placed> {
    const { ensemble } = this.parts.subject;
    if (ensemble === null) return { undo: () => undefined, detail: 'there is none' };
    const everyone = Array.from({ length: ensemble.size }, (_value, index) => index);
    if (planned.kind === 'zookeeper-leader-killed') {
      const leader = await ensemble.leader() ?? 0;
      await ensemble.kill(leader);
      return { undo: () => ensemble.restart(leader), detail: `server ${leader + 1}` };
    }
    if (planned.byStopping) {
      for (const index of everyone) ensemble.signal(index, 'SIGSTOP');
      const thaw = async (): Promise<void> => {
        for (const index of everyone) ensemble.signal(index, 'SIGCONT');
        await ensemble.whenLed();
      };
      return { undo: thaw, detail: 'stopped' };
    }
    await Promise.all(everyone.map((index) => ensemble.kill(index)));
    const restart = async (): Promise<void> => {
      await Promise.all(everyone.map((index) => ensemble.restart(index)));
      await ensemble.whenLed();
    };
    return { undo: restart, detail: 'killed' };
  }

  private async hitNode(planned: PlannedFault, victim: number, id: number): Promise<Placed> {
    const node = this.parts.subject.nodes[victim];
    if (node === undefined) throw new Error(`no node ${victim}`);
    const filter = this.filterFor(planned, victim);
    if (filter !== null) return this.putFilter({ victim, id, filter: filter.filter, detail: filter.detail });
    const shape = shapeFor(planned);
    if (shape !== null) {
      await this.parts.network.shape(node.host, shape.shape);
      return { undo: () => this.parts.network.shape(node.host, null), detail: shape.detail };
    }
    return { undo: await this.hitProcesses(planned.kind, node, victim), detail: '' };
  }

  private async putFilter(parts: {
    readonly victim: number; readonly id: number; readonly filter: Filter; readonly detail: string;
  }): Promise<Placed> {
    const { victim, id, filter, detail } = parts;
    const { network, subject } = this.parts;
    const filters = this.filters[victim];
    if (filters === undefined) throw new Error(`no node ${victim}`);
    filters.set(id, filter);
    if (network.kind === 'loopback') {
      subject.cutFromZooKeeper?.(victim, true);
      return { undo: () => { subject.cutFromZooKeeper?.(victim, false); }, detail: 'by proxies' };
    }
    await this.applyFilters(victim);
    const undo = async (): Promise<void> => {
      filters.delete(id);
      await this.applyFilters(victim);
    };
    return { undo, detail };
  }

  /** One after the other, each with what holds then: of two at the same time the older could come last. */
  private applyFilters(victim: number): Promise<void> {
    const host = this.parts.subject.nodes[victim]?.host;
    if (host === undefined) throw new Error(`no node ${victim}`);
    const apply = (): Promise<void> => this.parts.network.filter(host, [...this.filters[victim]?.values() ?? []]);
    const applied = (this.applying.get(victim) ?? Promise.resolve()).then(apply);
    this.applying.set(victim, applied);
    return applied;
  }

  private addresses(victim: number, peers: Peers): readonly string[] {
    const { subject, network } = this.parts;
    const nodes = subject.nodes.filter((_node, index) => index !== victim).map(({ host }) => host.address);
    const zookeeper = subject.ensemble?.addresses ?? [];
    const groups: Record<Peers, readonly string[]> = {
      nodes,
      // Where there is no ensemble, the other nodes take its place.
      zookeeper: zookeeper.length > 0 ? zookeeper : nodes,
      both: [...nodes, ...zookeeper],
      all: [...nodes, ...zookeeper, network.clients],
    };
    return groups[peers];
  }

  /** Null when this kind is nothing that a packet filter does. */
  private filterFor(planned: PlannedFault, victim: number): { filter: Filter; detail: string } | null {
    const { kind, peers, lossPercent, rejection } = planned;
    const cut = (from: Peers, direction: 'in' | 'out' | 'both'): { filter: Filter; detail: string } => (
      { filter: { kind: 'cut', peers: this.addresses(victim, from), direction }, detail: from }
    );
    switch (kind) {
      case 'cut-from-nodes': return cut('nodes', 'both');
      case 'cut-from-zookeeper': return cut('zookeeper', 'both');
      case 'cut-from-both': return cut('both', 'both');
      case 'cut-from-all': return cut('all', 'both');
      case 'deaf': return cut(peers, 'in');
      case 'mute': return cut(peers, 'out');
      case 'loss': return { filter: { kind: 'loss', percent: lossPercent }, detail: `${lossPercent} %` };
      case 'rejected': return {
        filter: {
          kind: 'reject', how: rejection, peers: this.addresses(victim, 'all'),
          ports: this.parts.subject.nodes[victim]?.ports ?? [],
        },
        detail: rejection,
      };
      case 'redis-killed': case 'agent-killed': case 'both-killed': case 'redis-stopped': case 'agent-stopped':
      case 'both-stopped': case 'slow-link': case 'delay': case 'zookeeper-leader-killed': case 'ensemble-down':
      case 'redis-emptied': case 'disk-full': case 'cpu-starved':
        return null;
    }
  }

  private async hitProcesses(kind: FaultKind, node: ChaosNode, victim: number): Promise<Undo> {
    const { redis, guard } = node;
    if (kind === 'disk-full') {
      await redis.fillDisk();
      return async () => {
        redis.freeDisk();
        await redis.start();
      };
    }
    if (kind === 'cpu-starved') {
      this.parts.cgroups[victim]?.starve(true);
      return () => { this.parts.cgroups[victim]?.starve(false); };
    }
    const stops = kind.endsWith('-stopped');
    const hitsRedis = kind !== 'agent-killed' && kind !== 'agent-stopped';
    const hitsGuard = kind.startsWith('agent-') || kind.startsWith('both-');
    if (stops) {
      if (hitsRedis) redis.signal('SIGSTOP');
      if (hitsGuard) guard.signal('SIGSTOP');
      return () => {
        if (hitsRedis) redis.signal('SIGCONT');
        if (hitsGuard) guard.signal('SIGCONT');
      };
    }
    await Promise.all([hitsRedis ? redis.kill() : null, hitsGuard ? guard.kill() : null]);
    if (kind === 'redis-emptied') redis.empty();
    return async () => {
      if (hitsGuard) guard.start();
      if (hitsRedis) await redis.start();
    };
  }
}

/** Beginnings of its Redis that no fault ordered: what was in memory is gone. */
function lives(redis: RedisHost | undefined): number {
  return (redis?.discarded ?? 0) + (redis?.revived ?? 0);
}

function shapeFor({ kind, kbitPerSecond, delayMs }: PlannedFault): { shape: Shape; detail: string } | null {
  if (kind === 'slow-link') return { shape: { kind: 'slow', kbitPerSecond }, detail: `${kbitPerSecond} kbit/s` };
  return kind === 'delay' ? { shape: { kind: 'delay', delayMs }, detail: `${delayMs} ms` } : null;
}
