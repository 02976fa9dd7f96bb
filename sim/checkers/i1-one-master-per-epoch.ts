/** I1: an epoch is claimed once, and epochs never go back, not even after the ensemble was wiped. */
import type { Checker, Committed, Overview, Sight } from './checker.ts';

/** An agent that has been connected for so long has read the records and written its own. */
const TOLD_AFTER_MS = 500;

export class OneMasterPerEpoch implements Checker {
  private highest = 0;
  /** The ensemble has forgotten, and nobody has claimed since. */
  private forgotten = false;

  see(sight: Sight, world: Overview): void {
    if (sight.saw === 'wiped') this.forgotten = true;
    if (sight.saw === 'committed') this.committed(sight.before, sight.after, world);
  }

  /** What a wiped ensemble was told again: the highest epoch that an agent remembers that has been there since. */
  private told({ nodes, nowMs }: Overview): number {
    const there = [...nodes.values()].filter(({ agentRunsSinceMs, agent, twins }) => {
      // Whose name another agent holds writes nothing, be that one dead: the name is free when its session ends.
      if (agent?.reasons.includes('duplicate_node_name') === true) return false;
      if (twins.length > 0 && agent?.reasons.includes('awaiting_session_end') === true) return false;
      const sinceMs = Math.max(agentRunsSinceMs ?? nowMs, agent?.connectedSinceMs ?? nowMs);
      return nowMs - sinceMs >= TOLD_AFTER_MS;
    });
    return Math.max(0, ...there.map(({ agent }) => agent?.rememberedEpoch ?? 0));
  }

  private committed(before: Committed, after: Committed, world: Overview): void {
    const { lease, term } = after;
    if (lease !== null && lease.czxid !== before.lease?.czxid) {
      if (this.forgotten) this.highest = this.told(world);
      this.forgotten = false;
      if (lease.epoch <= this.highest) {
        world.violated('I1', `${lease.node} claimed epoch ${lease.epoch} after epoch ${this.highest}`);
      }
      this.highest = Math.max(this.highest, lease.epoch);
      if (term?.epoch !== lease.epoch) world.violated('I1', `lease of epoch ${lease.epoch} without its term`);
    }
    if (term !== null && before.term !== null && term.epoch < before.term.epoch) {
      world.violated('I1', `the term went back from epoch ${before.term.epoch} to ${term.epoch}`);
    }
  }
}
