/**
 * I6: no command makes a Redis take writes while the lease is another node's, not even for the moment until the fence
 * that follows. What was on its way to the system call when its agent was stopped is the exception that is named.
 */
import type { Checker, Overview, Sight } from './checker.ts';

/** From the thaw of an agent until what it was about to send has arrived. */
const ARRIVES_MS = 2;

export class PowerIsNotGivenLate implements Checker {
  see(sight: Sight, world: Overview): void {
    if (sight.saw !== 'opened') return;
    const { lease } = world.committed;
    if (lease === null || lease.node === sight.node) return;
    const { agent = null, redisServesSinceMs = null } = world.nodes.get(sight.node) ?? {};
    if (agent !== null && world.nowMs - agent.sentLateMs <= ARRIVES_MS) return;
    // It lay in the socket of a Redis that did not read, and the fence behind it.
    if (redisServesSinceMs !== null && world.nowMs - redisServesSinceMs <= ARRIVES_MS) return;
    world.violated('I6', `${sight.node} is made to take writes while ${lease.node} holds the lease`);
  }
}
