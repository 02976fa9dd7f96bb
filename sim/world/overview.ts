/** The world as checkers see it: true, complete, and looked up only when somebody asks. */
import { coverEndsAtMs, FENCE_PART, proofEndsAtMs } from '../../src/core/fencing.ts';
import type { State } from '../../src/core/state.ts';
import { knowsItsMaster, POLL_PEACE_MS } from '../../src/core/wanted.ts';
import type { Committed, Invariant, NodeSight, Overview, Violation } from '../checkers/checker.ts';
import type { Network } from '../kernel/network.ts';
import type { Process } from '../kernel/process.ts';
import type { Data } from '../models/redis/dataset.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import type { Plan } from '../plan/plan.ts';
import type { NodePlace } from './node-place.ts';
import { NOTHING_COMMITTED } from './records.ts';

interface Parts {
  readonly plan: Plan;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly nodes: ReadonlyMap<string, NodePlace>;
}

/** From the moment at which a replica has to leave until its Redis has. */
const LEAVES_WITHIN_MS = 100;

/** From the moment at which an agent is due to look again until it has. */
const LOOKS_WITHIN_MS = 100;

/** It looked as lately as it has to, and saw its Redis stream from the recorded master, which answers. */
function trustsLink(state: State, nowMs: number): boolean {
  const { answeredAtMs, facts } = state.own;
  return facts?.link?.up === true && knowsItsMaster(state) && nowMs - answeredAtMs <= POLL_PEACE_MS + LOOKS_WITHIN_MS;
}

class View implements NodeSight {
  private readonly place: NodePlace;

  constructor(place: NodePlace) {
    this.place = place;
  }

  get name(): string {
    return this.place.name;
  }

  get hostUp(): boolean {
    return this.place.host.up;
  }

  get agentRunsSinceMs(): number | null {
    const { process, leaving } = this.place.run;
    const runs = process.alive && !leaving && !process.frozen && process.slowMs === 0;
    return runs ? this.place.agentRunsSinceMs : null;
  }

  get agentStartedMs(): number {
    return this.place.agentStartedMs;
  }

  get agentStandsStill(): boolean {
    return this.place.run.process.frozen;
  }

  get redisServesSinceMs(): number | null {
    const { redisProcess, redis, redisServesSinceMs } = this.place;
    if (!redisProcess.alive || redisProcess.frozen || redisServesSinceMs === null) return null;
    return Math.max(redisServesSinceMs, redis.scriptEndedMs);
  }

  get redisStartedMs(): number {
    return this.place.redisStartedMs;
  }

  get redisRunId(): string {
    return this.place.redis.runId;
  }

  get rescued(): readonly Data[] {
    return this.place.rescued;
  }

  get twins(): NodeSight['twins'] {
    return this.place.twins;
  }

  get redis(): NodeSight['redis'] {
    if (!this.place.redisLives) return null;
    const { redis } = this.place;
    const { role, loading, linkUp, everLinked, target, runId, data } = redis;
    const acknowledges = redis.acknowledges();
    return { acknowledges, isMaster: role === 'master', loading, linkUp, everLinked, target, runId, data };
  }

  get agent(): NodeSight['agent'] {
    const { run } = this.place;
    if (!run.process.alive) return null;
    const { state } = run.agent;
    const { role, reasons, enabled, records, rememberedEpoch } = state;
    return {
      instance: state.settings.instance,
      role: role.name,
      epoch: records.term?.value.epoch ?? 0,
      reasons: [...reasons],
      enabled: enabled !== false,
      stopping: state.stopping !== null,
      master: records.lease?.value.node ?? null,
      rememberedEpoch,
      connectedSinceMs: state.session?.connected === true ? run.clock.toTrueMs(state.connectedAtMs) : null,
      powerEndsMs: run.clock.toTrueMs(Math.max(proofEndsAtMs(state), coverEndsAtMs(state))),
      proofMs: run.clock.toTrueMs(state.lastProofMs),
      heardSentMs: run.heardSentMs,
      trustsLink: trustsLink(state, run.clock.shownMs),
      onPromises: state.failsafe !== null,
      looseRelease: state.looseRelease,
      sleptMs: run.clock.toTrueMs(state.sleptAtMs),
      sentLateMs: run.process.sentLateMs,
      wokeMs: run.process.wokeMs,
    };
  }
}

export class WorldView implements Overview {
  readonly plan: Plan;
  readonly nodes = new Map<string, NodeSight>();
  readonly violations: Violation[] = [];
  committed: Committed = NOTHING_COMMITTED;
  commits = 0;
  /** The process behind every instance of an agent that there ever was. */
  readonly agents = new Map<string, Process>();
  private readonly scheduler: Scheduler;
  private readonly network: Network;
  private readonly places: ReadonlyMap<string, NodePlace>;

  constructor({ plan, scheduler, network, nodes }: Parts) {
    this.plan = plan;
    this.scheduler = scheduler;
    this.network = network;
    this.places = nodes;
  }

  /** All nodes are there now. */
  lookAtNodes(): void {
    for (const [name, place] of this.places) this.nodes.set(name, new View(place));
  }

  get nowMs(): number {
    return this.scheduler.nowMs;
  }

  lastGoodReplicaMs(node: string): number {
    return this.places.get(node)?.lastGoodReplicaMs ?? 0;
  }

  agentLives(instance: string): boolean {
    return this.agents.get(instance)?.alive === true;
  }

  goodBetweenSinceMs(a: string, b: string): number | null {
    return this.network.goodBetweenSinceMs(a, b);
  }

  /**
   * Whether a replica may still keep its master writable: nobody is there who could take it away, or whoever is has
   * had a proof from the ensemble within F, or promised.
   */
  mayFollow(name: string): boolean {
    const place = this.places.get(name);
    const node = this.nodes.get(name);
    const agent = node?.agent ?? null;
    if (place === undefined || node === undefined || agent === null) return true;
    const { agentRunsSinceMs, redisServesSinceMs } = node;
    if (agentRunsSinceMs === null || redisServesSinceMs === null) return true;
    if (!agent.enabled || agent.stopping || place.run.agent.state.promise !== null) return true;
    const provedMs = Math.max(agent.heardSentMs, place.agentStartedMs);
    const untilMs = Math.max(provedMs + FENCE_PART * this.plan.sessionTimeoutMs / place.clockRate,
      agentRunsSinceMs, redisServesSinceMs);
    return this.nowMs <= untilMs + LEAVES_WITHIN_MS;
  }

  violated(invariant: Invariant, text: string): void {
    this.violations.push({ invariant, atMs: this.nowMs, text });
  }
}
