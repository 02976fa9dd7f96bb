/**
 * Who is in sync by right: what the in-sync set has to be, worked out from what was committed and not from the set.
 *
 * Whoever joins the set is in it until the lease holder takes it out; a claim may drop only those who did not vote to
 * stand. A set that forgets a member without having seen it go leaves the service without a successor, and worse: a
 * master without anybody in sync may go on from whatever its disk brought back.
 */
import type { Ballot } from '../../src/core/records.ts';
import type { Committed } from './checker.ts';

export class InSyncByRight {
  private names = new Set<string>();

  has(name: string): boolean {
    return this.names.has(name);
  }

  forget(): void {
    this.names.clear();
  }

  /**
   * Its dataset is that of another process than the master that is recorded: a restarted one, with nobody to look
   * after either. (With its agent there, that is what I5 forbids.) What it has is not the service's any more.
   */
  replaced(name: string, fromRunId: string, { lease, term }: Committed): void {
    const recorded = lease?.runId ?? term?.master?.runId;
    if (fromRunId !== recorded) this.names.delete(name);
  }

  committed(before: Committed, after: Committed): void {
    const { lease, term } = after;
    if (term === null) return this.forget();
    const stood = new Set(before.term?.inSync ?? []);
    const stand = new Set(term.inSync);
    const claimed = lease !== null && lease.czxid !== before.lease?.czxid;
    if (claimed) this.claimed(lease.node, before, stand);
    else for (const name of stood) if (!stand.has(name)) this.names.delete(name);
    for (const name of stand) if (!stood.has(name)) this.names.add(name);
  }

  private claimed(winner: string, before: Committed, stand: ReadonlySet<string>): void {
    const epoch = before.term?.epoch ?? null;
    const stays = (name: string): boolean => stand.has(name) || mayStand(before.ballots.get(name), epoch);
    this.names = new Set([...this.names].filter((name) => name !== winner && stays(name)));
  }
}

function mayStand(ballot: Ballot | undefined, epoch: number | null): boolean {
  if (ballot === undefined) return false;
  return ballot.epoch === epoch && ballot.refusal === null && ballot.priority > 0;
}
