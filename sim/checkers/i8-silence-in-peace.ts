/** I8: once everything is as it should be, and nobody ordered anything, nothing is written to the ensemble. */
import type { Checker, Overview, Sight } from './checker.ts';

export class SilenceInPeace implements Checker {
  private commits: number | null = null;

  see(sight: Sight, world: Overview): void {
    if (sight.saw === 'bound_passed') this.commits = world.commits;
    // An order for later became due.
    if (sight.saw === 'said' && sight.event === 'switchover_begun') this.commits = null;
    if (sight.saw !== 'ended' || this.commits === null) return;
    const written = world.commits - this.commits;
    // A full sync or a settling in-sync set may end after the bound; what repeats itself does not.
    if (written > MAX_LATE_WRITES) world.violated('I8', `${written} transactions in peace`);
  }
}

const MAX_LATE_WRITES = 6;
