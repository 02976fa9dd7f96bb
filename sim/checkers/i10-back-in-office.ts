/**
 * I10, what was undone: a master whose switchover was given up serves again, and orders in peace end soon.
 *
 * Whoever holds the lease, hears the ensemble and has a Redis that serves is a master and takes writes; it may be on
 * its way out of the office, or back into it, for a bounded time.
 */
import type { Checker, NodeSight, Overview, Sight } from './checker.ts';

/** A hand-over waits for its fence as long as its order may be begun, by a slow clock; then a dead-man is lowered. */
const IDLE_MAX_MS = 20_000;
/** It heard the ensemble this lately. */
const HEARD_MS = 1500;
const IN_PEACE_MS = 5000;

export class BackInOffice implements Checker {
  /** Since when each lease holder has had all that a master needs, and yet takes no writes. */
  private readonly idleSinceMs = new Map<string, number>();
  private readonly reported = new Set<string>();
  private standsSince: { readonly id: string; readonly atMs: number } | null = null;

  see(sight: Sight, world: Overview): void {
    if (sight.saw === 'committed') this.noteOrder(world);
    if (sight.saw !== 'time') return;
    for (const node of world.nodes.values()) this.idle(node, world);
    this.inPeace(world);
  }

  private noteOrder({ committed: { order }, nowMs }: Overview): void {
    if (order === null) this.standsSince = null;
    else if (this.standsSince?.id !== order.id) this.standsSince = { id: order.id, atMs: nowMs };
  }

  private idle(node: NodeSight, world: Overview): void {
    const { name, agent } = node;
    if (!couldServe(node, world) || node.redis?.acknowledges === true) return void this.idleSinceMs.delete(name);
    const sinceMs = this.idleSinceMs.get(name) ?? world.nowMs;
    this.idleSinceMs.set(name, sinceMs);
    if (world.nowMs - sinceMs <= IDLE_MAX_MS || this.reported.has(name)) return;
    this.reported.add(name);
    world.violated('I10', `${name} holds the lease as ${agent?.role ?? ''} and takes no writes`);
  }

  /** Nothing is wrong, or was, or will be: an order for now has its result at once. */
  private inPeace(world: Overview): void {
    const { standsSince } = this;
    const { order } = world.committed;
    if (standsSince === null || order?.scheduledAt !== null || world.nowMs - standsSince.atMs <= IN_PEACE_MS) return;
    if (!isPeace(standsSince.atMs, world) || this.reported.has(standsSince.id)) return;
    this.reported.add(standsSince.id);
    world.violated('I10', `the order of ${order.asker} has had no result for ${IN_PEACE_MS} ms in peace`);
  }
}

function couldServe(node: NodeSight, world: Overview): boolean {
  const { name, agent, agentRunsSinceMs, redisServesSinceMs, twins, redis } = node;
  const { committed: { lease }, nowMs } = world;
  if (lease?.node !== name || agent === null || agentRunsSinceMs === null || redisServesSinceMs === null) return false;
  if (redis?.runId !== lease.runId || twins.length > 0 || !agent.enabled || agent.stopping) return false;
  return nowMs - agent.proofMs < HEARD_MS && agent.reasons.length === 0;
}

/** No fault from well before this moment until now, nobody else at work, and no agent that was stopped and left so. */
function isPeace(fromMs: number, { plan, nowMs, nodes }: Overview): boolean {
  if ([...nodes.values()].some(({ agentRunsSinceMs }) => agentRunsSinceMs === null)) return false;
  const healsMs = (2 * plan.sessionTimeoutMs + 5000) / 0.95;
  const near = plan.faults.filter(({ atMs, forMs }) => atMs <= nowMs && atMs + forMs + healsMs >= fromMs);
  return near.length <= 1 && near.every(({ kind }) => kind.startsWith('order_'));
}
