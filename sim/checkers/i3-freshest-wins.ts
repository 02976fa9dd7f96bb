/**
 * I3: who is promoted was in the in-sync set, is whole, and has everything that any other voter of that set has.
 */
import type { Checker, Committed, NodeSight, Overview, Sight } from './checker.ts';
import { contains } from './datasets.ts';

export class FreshestWins implements Checker {
  /** Voters of the election that was won last: members of the set with their memory, not what a disk brought back. */
  private claim: { readonly node: string; readonly voters: readonly string[] } | null = null;

  see(sight: Sight, world: Overview): void {
    if (sight.saw === 'committed') this.committed(sight.before, sight.after, world);
    if (sight.saw === 'promoted') this.promoted(sight.node, world);
  }

  private committed(before: Committed, after: Committed, world: Overview): void {
    const { lease } = after;
    const { term } = before;
    if (lease === null || lease.czxid === before.lease?.czxid) return;
    this.claim = null;
    const former = term?.master ?? null;
    if (term === null || former === null) return;
    const entitled = term.inSync.includes(lease.node) || term.designated === lease.node || former.name === lease.node;
    if (!entitled && term.inSync.length > 0) {
      world.violated('I3', `${lease.node} claimed epoch ${lease.epoch}, but in sync were ${term.inSync.join(', ')}`);
    }
    const remembers = ['whole', 'stream'];
    const voters = [...before.ballots.values()].filter(
      ({ name, holds }) => term.inSync.includes(name) && name !== lease.node && remembers.includes(holds),
    );
    this.claim = { node: lease.node, voters: voters.map(({ name }) => name) };
  }

  private promoted(name: string, world: Overview): void {
    const redis = world.nodes.get(name)?.redis ?? null;
    if (redis === null || this.claim?.node !== name) return;
    if (redis.loading) world.violated('I3', `${name} was promoted while loading`);
    for (const voter of this.claim.voters) {
      const other = world.nodes.get(voter);
      if (other === undefined || !mayStand(other, world) || other.redis === null) continue;
      if (contains(redis.data, other.redis.data)) continue;
      world.violated('I3', `${name} was promoted without writes that ${voter}, who voted, has`);
    }
  }
}

/** A disabled node is left alone, by order of its operator. */
function mayStand({ name, redis, agent }: NodeSight, { plan }: Overview): boolean {
  const priority = plan.nodes.find((node) => node.name === name)?.priority ?? 0;
  return agent?.enabled === true && redis !== null && !redis.isMaster && !redis.loading && priority > 0;
}
