/** I5: the last good copy is never wiped, and nothing empty is promoted while somebody has the data. */
import type { Checker, Overview, Sight } from './checker.ts';

/** From the start or the thaw of an agent until it has seen its Redis and the records. */
const FIRST_LOOK_MS = 500;

export class NeverWipe implements Checker {
  see(sight: Sight, world: Overview): void {
    if (sight.saw === 'replaced') this.replaced(sight, world);
    if (sight.saw === 'promoted') this.promoted(sight.node, world);
  }

  private replaced({ node, had, gets, fromRunId }: Extract<Sight, { saw: 'replaced' }>, world: Overview): void {
    const { lease } = world.committed;
    // Nobody guards a Redis whose agent does not run, or has just begun to, or was told to leave it alone.
    const { agentRunsSinceMs: guardedSinceMs = null, agent = null } = world.nodes.get(node) ?? {};
    const leaves = agent === null || agent.stopping || !agent.enabled;
    if (leaves || guardedSinceMs === null || world.nowMs - guardedSinceMs < FIRST_LOOK_MS) return;
    if (had.size === 0 || lease === null || lease.runId === fromRunId) return;
    const what = gets.size === 0 ? 'an empty' : 'another';
    world.violated('I5', `${node} replaced its data by ${what} dataset from a process that is not the recorded master`);
  }

  private promoted(name: string, world: Overview): void {
    const redis = world.nodes.get(name)?.redis ?? null;
    const term = world.committed.term;
    if (redis === null || redis.data.size > 0 || term === null) return;
    for (const other of world.nodes.values()) {
      const data = other.redis?.data;
      if (other.name === name || data === undefined || data.size === 0 || !term.nodes.includes(other.name)) continue;
      world.violated('I5', `${name} was promoted empty while ${other.name} holds ${data.size} keys`);
      return;
    }
  }
}
