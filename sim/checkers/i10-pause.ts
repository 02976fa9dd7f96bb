/**
 * I10, the pause: while it lasts nobody takes the office of a master by itself, and nobody believes in it past its end.
 *
 * It begins with the transaction that writes it and lasts for what that says, in true time and as clocks count it that
 * run up to five per cent wrong. An agent that was not there when it was written has only the time of day to go by, and
 * is given what clocks may be wrong by.
 */
import type { Plan } from '../plan/plan.ts';
import type { Checker, Committed, NodeSight, Overview, Sight } from './checker.ts';

const SLOWEST_CLOCK = 0.95;
const FASTEST_CLOCK = 1.05;
/** Until everybody has read a record, in a service whose ensemble works. */
const KNOWN_MS = 1500;
/** The news and its watch, what is asked behind a sync, its answer, and a claim that was on its way: by slow paths. */
const PATHS_UNTIL_KNOWN = 8;
/** A timer, and the turn behind it. */
const TURN_MS = 100;
/** An agent that runs for so long has had its turn. */
const RUNS_MS = 1000;
/** Two heartbeats of who holds no lease. */
const TWICE_HEARD_PART = 1 / 2;

interface Pause {
  readonly sinceMs: number;
  readonly forMs: number;
}

export class PauseIsKept implements Checker {
  private stands: Pause | null = null;
  /** Every pause that there was: an agent that hears nothing may believe in any of them until it ends. */
  private readonly all: Pause[] = [];
  private readonly reported = new Set<string>();

  see(sight: Sight, world: Overview): void {
    if (sight.saw === 'wiped') this.stands = null;
    if (sight.saw === 'committed') this.committed(sight.before, sight.after, world);
    if (sight.saw === 'time') for (const node of world.nodes.values()) this.believed(node, world);
  }

  private committed(before: Committed, after: Committed, world: Overview): void {
    const { lease } = after;
    if (lease !== null && lease.czxid !== before.lease?.czxid) this.claimed(lease.node, before, world);
    if (before.pause === after.pause) return;
    this.stands = after.pause === null ? null : { sinceMs: world.nowMs, forMs: after.pause.forMs };
    if (this.stands !== null) this.all.push(this.stands);
  }

  private claimed(node: string, { term, order }: Committed, world: Overview): void {
    const { stands } = this;
    const former = term?.master?.name ?? null;
    if (stands === null || term === null || former === null || former === node) return;
    const ordered = term.handOver !== null || term.designated !== null || order?.kind === 'failover';
    if (ordered || readItLate(world.nodes.get(node), stands, world.plan.sessionTimeoutMs)) return;
    // Whoever read it counts from the proof before its last one, and whose time of day jumps ahead may have slept.
    const untilMs = stands.sinceMs + stands.forMs / FASTEST_CLOCK - world.plan.sessionTimeoutMs - jumpsMs(world.plan);
    const knownMs = stands.sinceMs + KNOWN_MS + PATHS_UNTIL_KNOWN * slowestPathMs(world.plan, stands.sinceMs);
    if (world.nowMs < knownMs || world.nowMs > untilMs) return;
    world.violated('I10', `${node} took the office of ${former} though the service is paused`);
  }

  private believed(node: NodeSight, world: Overview): void {
    const { name, agent, agentRunsSinceMs } = node;
    if (agent?.reasons.includes('service_paused') !== true || this.reported.has(name)) return;
    if (agentRunsSinceMs === null || world.nowMs - agentRunsSinceMs < RUNS_MS) return;
    const endsMs = (pause: Pause): number => {
      const late = sawItLate(node, pause, world.plan.sessionTimeoutMs) ? wrongBy(node, pause, world) : 0;
      return pause.sinceMs + pause.forMs / SLOWEST_CLOCK + late;
    };
    if (this.all.some((pause) => world.nowMs <= endsMs(pause) + TURN_MS)) return;
    this.reported.add(name);
    world.violated('I10', `${name} believes in a pause that is over`);
  }
}

/** It heard nothing for a while when the pause was written, and so counts from before that: no pause is prolonged. */
function readItLate(node: NodeSight | undefined, pause: Pause, timeoutMs: number): boolean {
  const { agent = null, agentRunsSinceMs = null } = node ?? {};
  const sinceMs = Math.max(agentRunsSinceMs ?? pause.sinceMs, agent?.connectedSinceMs ?? pause.sinceMs);
  return sawItLate(node, pause, timeoutMs) || sinceMs > pause.sinceMs - timeoutMs;
}

/** It was not there when the pause was written, did not hear of it at once, or its machine slept since. */
function sawItLate(node: NodeSight | undefined, { sinceMs }: Pause, timeoutMs: number): boolean {
  return node === undefined || anewMs(node, timeoutMs) > sinceMs;
}

/** Since when it has known what it knows without a break: behind a sleep, as it believes, it must be heard twice. */
function anewMs({ agentStartedMs, agent }: NodeSight, timeoutMs: number): number {
  const sleptMs = (agent?.sleptMs ?? Number.NEGATIVE_INFINITY) + timeoutMs * TWICE_HEARD_PART;
  return Math.max(agentStartedMs, agent?.wokeMs ?? 0, agent?.connectedSinceMs ?? 0, sleptMs);
}

/** What its time of day may be wrong by; never more than the whole duration from when it began. */
function wrongBy(node: NodeSight, { sinceMs, forMs }: Pause, { plan, nowMs }: Overview): number {
  const clocksMs = jumpsMs(plan) + (1 / SLOWEST_CLOCK - SLOWEST_CLOCK) * nowMs;
  const lateMs = anewMs(node, plan.sessionTimeoutMs) - sinceMs + forMs * (1 / SLOWEST_CLOCK - 1) + RUNS_MS;
  return Math.min(clocksMs, Math.max(0, lateMs));
}

/** What a message takes longer than usual, at that moment. */
function slowestPathMs({ faults }: Plan, nowMs: number): number {
  const slow = faults.filter(({ atMs, forMs }) => atMs <= nowMs && nowMs < atMs + forMs);
  return slow.reduce((most, fault) => (fault.kind === 'delayed' ? Math.max(most, fault.delayMs) : most), 0);
}

/** All jumps of all clocks of a run. */
function jumpsMs({ faults }: Plan): number {
  return faults.reduce((sum, fault) => sum + (fault.kind === 'clock_jump' ? Math.abs(fault.byMs) : 0), 0);
}
