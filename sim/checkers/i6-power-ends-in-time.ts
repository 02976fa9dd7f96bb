/**
 * I6, its safe half: a master whose agent runs acknowledges nothing beyond `F` after the last proof from the ensemble,
 * unless the other agents' promises cover it.
 */
import type { Checker, Overview, Sight } from './checker.ts';

/** Between the command and the last reply that was already on its way. */
const UNDER_WAY_MS = 50;
/** Looking at the agent for every write would cost more than the run. */
const EVERY = 16;

export class PowerEndsInTime implements Checker {
  private seen = 0;
  private reported = false;

  see(sight: Sight, world: Overview): void {
    if (sight.saw !== 'acknowledged' || ++this.seen % EVERY !== 0 || this.reported) return;
    const node = world.nodes.get(sight.node);
    const agent = node?.agent ?? null;
    if (node === undefined || agent?.role !== 'master') return;
    if (node.agentRunsSinceMs === null || node.redisServesSinceMs === null) return;
    const ranMs = world.nowMs - Math.max(node.agentRunsSinceMs, node.redisServesSinceMs);
    if (ranMs < UNDER_WAY_MS || world.nowMs <= agent.powerEndsMs + UNDER_WAY_MS) return;
    this.reported = true;
    const lateMs = world.nowMs - agent.powerEndsMs;
    world.violated('I6', `${sight.node} takes writes ${lateMs.toFixed(0)} ms after its power ended`);
  }
}
