/** The world as checkers see it: true, complete, and looked up only when somebody asks. */
import { coverEndsAtMs, proofEndsAtMs } from '../../src/core/fencing.ts';
import type { Committed, Invariant, NodeSight, Overview, Violation } from '../checkers/checker.ts';
import type { Data } from '../models/redis/dataset.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import type { Plan } from '../plan/plan.ts';
import type { NodePlace } from './node-place.ts';
import { NOTHING_COMMITTED } from './records.ts';

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
    const { process } = this.place.run;
    return process.alive && !process.frozen && process.slowMs === 0 ? this.place.agentRunsSinceMs : null;
  }

  get redisServesSinceMs(): number | null {
    const { redisProcess } = this.place;
    return redisProcess.alive && !redisProcess.frozen ? this.place.redisServesSinceMs : null;
  }

  get redisStartedMs(): number {
    return this.place.redisStartedMs;
  }

  get rescued(): readonly Data[] {
    return this.place.rescued;
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
      role: role.name,
      epoch: records.term?.value.epoch ?? 0,
      reasons: [...reasons],
      enabled: enabled !== false,
      stopping: state.stopping !== null,
      master: records.lease?.value.node ?? null,
      rememberedEpoch,
      powerEndsMs: run.clock.toTrueMs(Math.max(proofEndsAtMs(state), coverEndsAtMs(state))),
      proofMs: run.clock.toTrueMs(state.lastProofMs),
      heardSentMs: run.heardSentMs,
      onPromises: state.failsafe !== null,
    };
  }
}

export class WorldView implements Overview {
  readonly plan: Plan;
  readonly nodes = new Map<string, NodeSight>();
  readonly violations: Violation[] = [];
  committed: Committed = NOTHING_COMMITTED;
  commits = 0;
  private readonly scheduler: Scheduler;
  private readonly places: ReadonlyMap<string, NodePlace>;

  constructor(plan: Plan, scheduler: Scheduler, places: ReadonlyMap<string, NodePlace>) {
    this.plan = plan;
    this.scheduler = scheduler;
    this.places = places;
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

  violated(invariant: Invariant, text: string): void {
    this.violations.push({ invariant, atMs: this.nowMs, text });
  }
}
