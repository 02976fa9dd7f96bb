/**
 * I6, its safe half, for a master whose agent runs. It acknowledges nothing beyond `F` after the last proof from the
 * ensemble, unless the other agents' promises cover it; what it takes for a proof is one; and by the time at which its
 * lease is gone it has long been fenced, so that it acknowledges nothing without.
 */
import type { Checker, Committed, NodeSight, Overview, Sight, WritesSight } from './checker.ts';
import { ToldToTakePart } from './told-to-take-part.ts';
import { isNotFencedYet } from './unfenced-start.ts';
import { isWaking } from './waking.ts';

/** Between the command and the last reply that was already on its way; after a thaw, too. */
const UNDER_WAY_MS = 5;
/** A fence that a busy script refuses is tried again this late. */
const REFUSED_BY_SCRIPT_MS = 15;
/** Looking at the agent for every write would cost more than the run. */
const EVERY = 8;
/** True time is worked out from the clocks of agents, in fractions. */
const ROUNDING_MS = 0.01;
/** A clock that stood still for less than 100 ms is not noticed, and one that is five per cent slow shows fewer. */
const STOOD_STILL_MS = 106;
/** From the start of an agent until it has seen its Redis and the records. */
const FIRST_LOOK_MS = 600;
/** A lease that goes by other means than its time is read by its holder a heartbeat later. */
const HEARTBEAT_PART = 1 / 4;

/**
 * The name is that of a twin by now, on another host, and neither this server nor its agent is the process that
 * held the lease: an agent that says duplicate_node_name touches nothing.
 */
function isAnothers({ twins, agent, agentStartedMs, redisStartedMs }: NodeSight, heldUntilMs: number): boolean {
  const began = Math.min(agentStartedMs, redisStartedMs) > heldUntilMs;
  return began && twins.length > 0 && agent?.reasons.includes('duplicate_node_name') === true;
}

export class PowerEndsInTime implements Checker {
  private seen = 0;
  private reported = false;
  private holder: string | null = null;
  /** The process that the lease names. */
  private heldBy: string | null = null;
  /** Until when each node held a lease, and for which process of its Redis. */
  private readonly held = new Map<string, { readonly untilMs: number; readonly runId: string | null }>();
  private readonly told = new ToldToTakePart();

  see(sight: Sight, world: Overview): void {
    if (sight.saw === 'wiped') this.forget();
    if (sight.saw === 'committed') this.noteHolder(sight.after.lease, world);
    this.told.see(sight, world);
  }

  seeWrites(sight: WritesSight, world: Overview): void {
    if (sight.saw !== 'acknowledged' || this.reported) return;
    // Who holds no lease is looked at each time.
    if (this.holder === sight.node && this.isSkipped(sight.ids.length)) return;
    const node = world.nodes.get(sight.node);
    if (node === undefined || node.agentRunsSinceMs === null || node.redisServesSinceMs === null) return;
    // From then on it fences what it left as it was.
    const toldMs = this.told.lastMs(sight.node) ?? 0;
    const ranMs = world.nowMs - Math.max(node.agentRunsSinceMs, node.redisServesSinceMs, toldMs);
    const wasBusy = world.plan.faults.some((fault) => fault.kind === 'redis_busy' && fault.node === sight.node);
    if (ranMs < (wasBusy ? REFUSED_BY_SCRIPT_MS : UNDER_WAY_MS) || isWaking(node, world)) return;
    this.inTime(node, world);
    this.withLease(node, world, ranMs);
  }

  /** One write in so many is looked at, and with it all of its moment. */
  private isSkipped(writes: number): boolean {
    this.seen += writes;
    return this.seen % EVERY >= writes;
  }

  /** With the records of a wiped ensemble everybody's office is gone, and nobody's is told. */
  private forget(): void {
    this.holder = null;
    this.held.clear();
  }

  private noteHolder(lease: Committed['lease'], { nowMs }: Overview): void {
    const node = lease?.node ?? null;
    if (this.holder !== null && this.holder !== node) {
      this.held.set(this.holder, { untilMs: nowMs, runId: this.heldBy });
    }
    this.holder = node;
    this.heldBy = lease?.runId ?? null;
  }

  private violated(world: Overview, text: string): void {
    if (this.reported) return;
    this.reported = true;
    world.violated('I6', text);
  }

  private inTime({ name, agent }: NodeSight, world: Overview): void {
    if (agent?.role !== 'master') return;
    // A twin that leads to the same Redis may hold the lease by now, and have it take writes by right.
    const { lease } = world.committed;
    if (lease?.node === name && lease.instance !== agent.instance) return;
    // What it takes for a sleep ends its power at that moment, although it then counts from long before.
    const lateMs = world.nowMs - Math.max(agent.powerEndsMs, agent.sleptMs);
    if (lateMs > UNDER_WAY_MS) {
      this.violated(world, `${name} takes writes ${lateMs.toFixed(0)} ms after its power ended`);
    }
    const earlyMs = agent.proofMs - agent.heardSentMs;
    const stoodStill = world.plan.faults.some((fault) => fault.kind === 'host_suspended' && fault.node === name);
    if (earlyMs > (stoodStill ? STOOD_STILL_MS : ROUNDING_MS) && !agent.onPromises) {
      this.violated(world, `${name} counts its lease from ${earlyMs.toFixed(1)} ms after the ensemble heard of it`);
    }
  }

  private withLease(node: NodeSight, world: Overview, ranMs: number): void {
    const { name, agent, agentStartedMs } = node;
    const held = this.held.get(name);
    if (agent === null || held === undefined || world.committed.lease?.node === name) return;
    // Whose name another agent holds touches nothing; the next master fences its Redis.
    if (agent.reasons.includes('duplicate_node_name')) return;
    // Whoever is told to go, or to keep out, leaves its Redis as it is when nobody takes over.
    if (agent.onPromises || agent.stopping || !agent.enabled) return;
    if (isAnothers(node, held.untilMs)) return;
    if (ranMs < FIRST_LOOK_MS && world.nowMs - agentStartedMs < FIRST_LOOK_MS) return;
    if (!world.plan.startFence && node.redisRunId !== held.runId && isNotFencedYet(node, world, ranMs)) return;
    const graceMs = UNDER_WAY_MS + HEARTBEAT_PART * world.plan.sessionTimeoutMs;
    const lateMs = world.nowMs - held.untilMs;
    if (lateMs > graceMs) this.violated(world, `${name} takes writes ${lateMs.toFixed(0)} ms after its lease was gone`);
  }
}
