/** I8: once everything is as it should be, and nobody ordered anything, nothing is written to the ensemble. */
import type { Checker, Overview, Sight } from './checker.ts';

export class SilenceInPeace implements Checker {
  private commits: number | null = null;

  see(sight: Sight, world: Overview): void {
    if (sight.saw === 'bound_passed') this.commits = world.commits;
    if (endsPeace(sight)) this.commits = null;
    if (sight.saw !== 'ended' || this.commits === null) return;
    const written = world.commits - this.commits;
    // A full sync or a settling in-sync set may end after the bound; what repeats itself does not.
    if (written > MAX_LATE_WRITES) world.violated('I8', `${written} transactions in peace`);
  }
}

/** An order for later became due, or a pause that had held back a failover is over. */
function endsPeace(sight: Sight): boolean {
  if (sight.saw !== 'said') return false;
  const { event, fields } = sight;
  return event === 'switchover_begun' || (event === 'refusal_ended' && fields['reason'] === 'service_paused');
}

const MAX_LATE_WRITES = 6;
