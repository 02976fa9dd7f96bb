/** I1: an epoch is claimed once, and epochs never go back, not even after the ensemble was wiped. */
import type { Checker, Committed, Overview, Sight } from './checker.ts';

export class OneMasterPerEpoch implements Checker {
  private highest = 0;

  see(sight: Sight, world: Overview): void {
    if (sight.saw === 'wiped') this.highest = this.remembered(world);
    if (sight.saw === 'committed') this.committed(sight.before, sight.after, world);
  }

  /** What a wiped ensemble can still be told: the highest epoch that an agent of a registered node remembers. */
  private remembered({ nodes }: Overview): number {
    return Math.max(0, ...[...nodes.values()].map(({ agent }) => agent?.rememberedEpoch ?? 0));
  }

  private committed(before: Committed, after: Committed, world: Overview): void {
    const { lease, term } = after;
    if (lease !== null && lease.czxid !== before.lease?.czxid) {
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
