/** The world as checkers see it: true, complete, and looked up only when somebody asks. */
import { coverEndsAtMs, FENCE_PART, proofEndsAtMs } from '../../src/core/fencing.ts';
import type { State } from '../../src/core/state.ts';
import { knowsItsMaster, POLL_PEACE_MS } from '../../src/core/wanted.ts';
import type { Committed, Invariant, NodeSight, Overview, Violation } from '../checkers/checker.ts';
import { Writes } from '../checkers/writes.ts';
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

type AgentSight = NonNullable<NodeSight['agent']>;

/** Worked out when it is asked for: most of those who look want one or two of these facts, and look at every write. */
class AgentView implements AgentSight {
  private readonly place: NodePlace;

  constructor(place: NodePlace) {
    this.place = place;
  }

  private get state(): State {
    return this.place.run.agent.state;
  }

  private trueMs(atMs: number): number {
    return this.place.run.clock.toTrueMs(atMs);
  }

  get instance(): string { return this.state.settings.instance; }
  get role(): string { return this.state.role.name; }
  get epoch(): number { return this.state.records.term?.value.epoch ?? 0; }
  get reasons(): readonly string[] { return [...this.state.reasons]; }
  get enabled(): boolean { return this.state.enabled !== false; }
  get stopping(): boolean { return this.state.stopping !== null; }
  get master(): string | null { return this.state.records.lease?.value.node ?? null; }
  get rememberedEpoch(): number { return this.state.rememberedEpoch; }
  get proofMs(): number { return this.trueMs(this.state.lastProofMs); }
  get heardSentMs(): number { return this.place.run.heardSentMs; }
  get trustsLink(): boolean { return trustsLink(this.state, this.place.run.clock.shownMs); }
  get onPromises(): boolean { return this.state.failsafe !== null; }
  get looseRelease(): boolean { return this.state.looseRelease; }
  get sleptMs(): number { return this.trueMs(this.state.sleptAtMs); }
  get sentLateMs(): number { return this.place.run.process.sentLateMs; }
  get wokeMs(): number { return this.place.run.process.wokeMs; }

  get connectedSinceMs(): number | null {
    const { session, connectedAtMs } = this.state;
    return session?.connected === true ? this.trueMs(connectedAtMs) : null;
  }

  get powerEndsMs(): number {
    return this.trueMs(Math.max(proofEndsAtMs(this.state), coverEndsAtMs(this.state)));
  }
}

class View implements NodeSight {
  private readonly place: NodePlace;
  private readonly agentSight: AgentSight;

  constructor(place: NodePlace) {
    this.place = place;
    this.agentSight = new AgentView(place);
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
    return this.place.run.process.alive ? this.agentSight : null;
  }
}

export class WorldView implements Overview {
  readonly plan: Plan;
  readonly nodes = new Map<string, NodeSight>();
  readonly violations: Violation[] = [];
  committed: Committed = NOTHING_COMMITTED;
  commits = 0;
  readonly acknowledged = new Writes();
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
