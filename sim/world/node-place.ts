/**
 * One node of the service: a host with a Redis and an agent, each started, ended and started again as faults have it.
 */
import type { EventName } from '../../src/contract/events.ts';
import type { Fields } from '../../src/core/actions.ts';
import type { Settings } from '../../src/core/state.ts';
import type { Network } from '../kernel/network.ts';
import { Host, Process } from '../kernel/process.ts';
import type { Random } from '../kernel/random.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import type { Trace } from '../kernel/trace.ts';
import { redisConnector } from '../models/redis/connector.ts';
import { Data } from '../models/redis/dataset.ts';
import { Disk } from '../models/redis/disk.ts';
import { RedisServer } from '../models/redis/server.ts';
import type { RedisServerParts } from '../models/redis/server.ts';
import type { Replacement, Unread } from '../models/redis/state.ts';
import type { Data as DiskFate } from '../plan/faults.ts';
import type { NodePlan, Plan } from '../plan/plan.ts';
import { AGENT_PORT, AgentRun, REDIS_PORT } from './agent-place.ts';
import { noEvidence, processPort, rescuePort } from './host-ports.ts';
import type { HostPortsParts } from './host-ports.ts';
import { settingsOf } from './settings.ts';

export interface NodeHooks {
  acknowledged(node: string, ids: readonly number[], waited: number): void;
  restarted(node: string, had: Data, has: Data): void;
  promoted(node: string): void;
  /** A command made it take writes. */
  opened(node: string): void;
  replaced(node: string, what: Replacement): void;
  unread(node: string, what: Unread): void;
  said(node: string, event: EventName, fields: Fields): void;
  /** An agent began: the process behind this instance. */
  started(instance: string, process: Process): void;
}

export interface NodeOptions {
  readonly plan: Plan;
  readonly node: NodePlan;
  readonly host: Host;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly random: Random;
  readonly trace: Trace;
  readonly hooks: NodeHooks;
}

/** A Redis beside a twin of the agent, on the twin's host. */
class Twin {
  readonly process: Process;
  readonly redis: RedisServer;

  constructor(process: Process, redis: RedisServer) {
    this.process = process;
    this.redis = redis;
  }

  get lives(): boolean {
    return this.process.alive;
  }

  get data(): Data {
    return this.lives ? this.redis.data : Data.EMPTY;
  }
}

export class NodePlace {
  readonly name: string;
  readonly host: Host;
  readonly disk = new Disk();
  redis: RedisServer;
  redisProcess: Process;
  redisStartedMs = 0;
  /** Since when its Redis executes commands; null while it is stopped or ended. */
  redisServesSinceMs: number | null = 0;
  run: AgentRun;
  agentRunsSinceMs: number | null = 0;
  agentStartedMs = 0;
  lastGoodReplicaMs = 0;
  /** Copies on its agent's disk, which outlive everything. */
  readonly rescued: Data[] = [];
  readonly twins: Twin[] = [];
  private readonly options: NodeOptions;
  private asleep = false;
  /** What was to be started meanwhile. */
  private readonly atWake: (() => void)[] = [];
  private starts = 0;
  private redisStarts = 0;

  constructor(options: NodeOptions) {
    this.options = options;
    this.name = options.node.name;
    this.host = options.host;
    this.redisProcess = this.newRedisProcess();
    this.redis = this.newRedis();
    this.run = this.newAgent();
  }

  private newRedisProcess(): Process {
    return new Process(`redis-${this.name}`, this.host, this.options.scheduler);
  }

  private newRedis(): RedisServer {
    const { scheduler, random, hooks } = this.options;
    this.redisStarts += 1;
    this.redisStartedMs = scheduler.nowMs;
    this.redisServesSinceMs = scheduler.nowMs;
    return new RedisServer({
      ...this.redisParts(this.redisProcess, random.fork(`redis-${this.redisStarts}`)),
      disk: this.disk,
      onAcknowledged: (ids, waited) => hooks.acknowledged(this.name, ids, waited),
      onPromoted: () => hooks.promoted(this.name),
      onOpened: () => hooks.opened(this.name),
      onReplaced: (what) => hooks.replaced(this.name, what),
      onUnread: (what) => hooks.unread(this.name, what),
    });
  }

  private redisParts(process: Process, random: Random): Omit<RedisServerParts, 'disk'> {
    const { plan, node, network, scheduler, trace } = this.options;
    return {
      process,
      network,
      scheduler,
      random,
      trace,
      options: {
        port: REDIS_PORT,
        priority: node.priority,
        persistence: node.persistence,
        startFence: plan.startFence,
        saveEverySeconds: node.persistence === 'none' ? 0 : 10,
        expiryChance: 0.05,
        disklessDelaySeconds: plan.disklessDelaySeconds,
        disklessLoad: plan.disklessLoad,
        transferMs: plan.transferMs,
        loadMs: plan.loadMs,
      },
    };
  }

  private newAgent(): AgentRun {
    const { scheduler } = this.options;
    this.starts += 1;
    this.agentRunsSinceMs = scheduler.nowMs;
    this.agentStartedMs = scheduler.nowMs;
    const run = this.agentOn(this.host, `${this.name}-${this.starts}`, {});
    run.process.onEnd.add(() => {
      if (this.run === run) this.agentRunsSinceMs = null;
    });
    return run;
  }

  private agentOn(host: Host, instance: string, change: Partial<Settings>): AgentRun {
    const { plan, node, network, scheduler, random, hooks } = this.options;
    const isTwin = host !== this.host;
    const ports = this.hostPorts(random.fork(isTwin ? `host-${instance}` : `host-${this.starts}`));
    const run: AgentRun = new AgentRun({
      host,
      scheduler,
      network,
      random: random.fork(isTwin ? `agent-${instance}` : `agent-${this.starts}`),
      clockRate: node.clockRate,
      servers: plan.servers,
      settings: { ...settingsOf(plan, node, instance), ...change },
      processName: `agent-${host.name}`,
      connector: (process) => redisConnector(network, process),
      rescue: rescuePort(ports),
      hostProcess: isTwin ? noEvidence((): Process => run.process, scheduler) : processPort(ports),
      onEvent: (name, fields) => hooks.said(host.name, name, fields),
    });
    hooks.started(instance, run.process);
    return run;
  }

  /**
   * An agent with a copied configuration: the same name, on a host of its own, beside the same Redis or another one,
   * which is empty. What it returns ends it.
   */
  startTwin(redis: 'same' | 'other'): () => void {
    const { network, scheduler, random } = this.options;
    this.starts += 1;
    const host = new Host(`${this.name}-twin-${this.starts}`);
    network.addHost(host);
    const http = { host: host.name, port: AGENT_PORT };
    if (redis === 'other') {
      const process = new Process(`redis-${host.name}`, host, scheduler);
      const server = new RedisServer({
        ...this.redisParts(process, random.fork(host.name)), disk: new Disk(), onAcknowledged: () => undefined,
        onPromoted: () => undefined, onReplaced: () => undefined, onUnread: () => undefined,
      });
      this.twins.push(new Twin(process, server));
    }
    const change = redis === 'same' ? { http } : { http, redis: { host: host.name, port: REDIS_PORT } };
    this.agentOn(host, `${host.name}-agent`, change);
    return () => {
      for (const process of [...host.processes]) process.kill();
      host.up = false;
    };
  }

  private hostPorts(random: Random): HostPortsParts {
    return {
      agent: () => this.run.process,
      scheduler: this.options.scheduler,
      random,
      redis: () => ({ process: this.redisProcess, server: this.redis, starts: this.redisStarts }),
      rescued: (data) => this.rescued.push(data),
    };
  }

  get clockRate(): number {
    return this.options.node.clockRate;
  }

  get nowMs(): number {
    return this.options.scheduler.nowMs;
  }

  /** After a script or a pause that held it up. */
  redisServesAgain(): void {
    if (this.redisProcess.alive && !this.redisProcess.frozen) this.redisServesSinceMs = this.nowMs;
  }

  get redisLives(): boolean {
    return this.redisProcess.alive;
  }

  startRedis(fate: DiskFate): void {
    if (this.asleep) return void this.atWake.push(() => this.startRedis(fate));
    if (this.redisProcess.alive || !this.host.up) return;
    const had = this.memory;
    if (fate === 'lost') this.disk.wipe();
    if (fate === 'aof') this.disk.rdb = null;
    this.redisProcess = this.newRedisProcess();
    this.redis = this.newRedis();
    this.options.hooks.restarted(this.name, had, this.redis.data);
  }

  /** Called when a write is acknowledged: how lately a replica that may still follow said that it does. */
  noteGoodReplica(mayFollow: (node: string) => boolean): void {
    const { state } = this.redis;
    for (const { replica } of state.replicas) {
      if (replica?.state !== 'online') continue;
      const heardMs = this.nowMs - Math.max(0, state.second - replica.ackSecond) * 1000;
      if (heardMs > this.lastGoodReplicaMs && mayFollow(replica.host)) this.lastGoodReplicaMs = heardMs;
    }
  }

  /** Whatever was done to it, it works again. */
  putRight(): void {
    this.host.up = true;
    this.wake();
    this.redis.state.rdbFailed = false;
    this.disk.full = false;
    this.redis.link.workBytesPerMs = Number.POSITIVE_INFINITY;
    this.catchUp(this.run.process);
    this.startRedis('kept');
    this.startAgent();
    const { process, agent } = this.run;
    process.deliver(() => agent.orders.give({ order: 'enable' }));
  }

  killRedis(): void {
    this.memory = this.redis.data;
    this.redisServesSinceMs = null;
    this.redisProcess.kill();
  }

  /** What its memory held when it ended. */
  private memory: Data = Data.EMPTY;

  startAgent(): void {
    if (this.asleep) return void this.atWake.push(() => this.startAgent());
    if (this.run.process.alive || !this.host.up) return;
    this.run = this.newAgent();
  }

  killAgent(): void {
    this.agentRunsSinceMs = null;
    this.run.process.kill();
  }

  freezeAgent(frozen: boolean): void {
    if (!this.run.process.alive) return;
    if (frozen) this.run.process.freeze();
    else this.run.process.thaw();
    if (!frozen && this.run.process.frozen) return;
    this.agentRunsSinceMs = frozen ? null : this.options.scheduler.nowMs;
  }

  /** A slow agent gets its processor back; what is on its way to it comes in order, so that it is late at first. */
  catchUp(process: Process): void {
    const { slowMs } = process;
    process.slowMs = 0;
    if (process !== this.run.process || this.agentRunsSinceMs === null) return;
    this.agentRunsSinceMs = Math.max(this.agentRunsSinceMs, this.nowMs + slowMs);
  }

  /** The machine sleeps: nothing on it runs, and nothing is started. */
  suspend(): void {
    this.asleep = true;
    this.freezeRedis(true);
    this.run.process.suspend();
    this.agentRunsSinceMs = null;
  }

  wake(): void {
    this.asleep = false;
    this.freezeRedis(false);
    if (this.run.process.frozen) this.freezeAgent(false);
    for (const start of this.atWake.splice(0)) start();
  }

  freezeRedis(frozen: boolean): void {
    if (!this.redisProcess.alive) return;
    if (frozen) this.redisProcess.freeze();
    else this.redisProcess.thaw();
    this.redisServesSinceMs = frozen ? null : this.options.scheduler.nowMs;
  }

  losePower(): void {
    this.asleep = false;
    this.memory = this.redis.data;
    this.redisServesSinceMs = null;
    this.agentRunsSinceMs = null;
    this.host.up = false;
    this.redisProcess.kill('power');
    this.run.process.kill('power');
  }
}
