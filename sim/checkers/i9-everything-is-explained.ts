/** I9: whoever has no place in the service, or does not act, says why; and no agent breaks an invariant of its own. */
import type { Checker, NodeSight, Overview, Sight } from './checker.ts';

const PLACED: readonly string[] = ['master', 'replica'];

export class EverythingIsExplained implements Checker {
  see(sight: Sight, world: Overview): void {
    if (sight.saw === 'said' && sight.event === 'invariant_broken') {
      world.violated('I9', `${sight.node}: the core's own invariant broke`);
    }
    if (sight.saw !== 'bound_passed') return;
    for (const node of world.nodes.values()) this.node(node, world);
  }

  private node({ name, agent, redis }: NodeSight, world: Overview): void {
    if (agent === null || redis === null || agent.reasons.length > 0) return;
    if (!PLACED.includes(agent.role)) world.violated('I9', `${name} is ${agent.role} and does not say why`);
  }
}
