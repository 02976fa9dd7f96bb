/**
 * I2, before anybody writes: a lease goes with its session, by the hand of its holder, or because its holder is gone.
 * And a record that sends clients to a node goes up only while that node's session holds the lease.
 */
import type { Checker, Overview, Sight } from './checker.ts';

export class ALivingHolderKeepsItsLease implements Checker {
  see(sight: Sight, world: Overview): void {
    if (sight.saw !== 'committed' || sight.by === null) return;
    const { before, after, by } = sight;
    const { lease } = before;
    const gone = lease !== null && after.lease?.czxid !== lease.czxid;
    if (gone && lease.owner !== by && world.agentLives(lease.instance)) {
      world.violated('I2', `the lease of ${lease.node} (epoch ${lease.epoch}) was taken from its living agent`);
    }
    const { masterRecordOwner: owner } = after;
    if (owner === null || owner === before.masterRecordOwner || owner === after.lease?.owner) return;
    world.violated('I2', `a master was announced by a session that holds no lease`);
  }
}
