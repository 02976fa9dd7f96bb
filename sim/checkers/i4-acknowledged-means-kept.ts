/**
 * I4: in durable mode no write that `WAIT w` acknowledged is lost, as long as at most `w` of the nodes that held it
 * lost their memory: by a restart, or by a full sync that no agent could prevent, because it was stopped.
 */
import type { Checker, Overview, Sight, WritesSight } from './checker.ts';
import type { Data } from '../models/redis/dataset.ts';
import { missing } from './datasets.ts';
import { isFirstStart } from './first-start.ts';

export class AcknowledgedMeansKept implements Checker {
  /** Writes that WAIT confirmed for enough replicas. */
  private readonly waited = new Set<number>();
  /** How many nodes that held a write have lost their memory of it. */
  private readonly forgotten = new Map<number, number>();

  see(sight: Sight, world: Overview): void {
    if (sight.saw === 'restarted') this.forgets(sight.had, sight.has);
    const stopped = sight.saw === 'replaced' && world.nodes.get(sight.node)?.agentRunsSinceMs === null;
    if (stopped) this.forgets(sight.had, sight.gets);
    // With its records the ensemble lost who held what: a first start takes what it finds, and is no failover.
    if (sight.saw === 'committed' && (isFirstStart(sight) || isOrdered(sight))) this.waited.clear();
    if (sight.saw === 'ended') this.compare(world);
  }

  seeWrites(sight: WritesSight, world: Overview): void {
    if (sight.saw !== 'confirmed' || sight.replicas < (world.plan.waitReplicas ?? 1)) return;
    // A master that everybody forgot is a stranger to the service that began without it.
    if (world.committed.term?.nodes.includes(sight.node) === false) return;
    for (const id of sight.ids) this.waited.add(id);
  }

  private forgets(had: Data, has: Data): void {
    for (const id of missing(has, had)) this.forgotten.set(id, (this.forgotten.get(id) ?? 0) + 1);
  }

  private compare(world: Overview): void {
    const { waitReplicas } = world.plan;
    // Without the start fence a Redis that restarted may take writes; where nobody was made master nothing is decided.
    const master = world.nodes.get(world.committed.lease?.node ?? '');
    if (waitReplicas === null || master?.redis?.acknowledges !== true) return;
    const kept = master.redis.data.all();
    // What a second Redis of a node's name held, and acknowledged, is gone with it.
    const ended = [...world.nodes.values()].flatMap(({ twins }) => twins).filter(({ lives }) => !lives).length;
    const forgotten = (id: number): number => (this.forgotten.get(id) ?? 0) + ended;
    const lost = [...this.waited].filter((id) => !kept.has(id) && forgotten(id) <= waitReplicas);
    if (lost.length === 0) return;
    world.violated('I4', `${lost.length} writes that WAIT acknowledged are not on ${master.name}: ${lost[0]}`);
  }
}

/** An operator had this node stand, and accepted that writes may be lost. */
function isOrdered({ before, after }: Extract<Sight, { saw: 'committed' }>): boolean {
  const { order, lease } = before;
  if (order?.kind !== 'failover' || order.phase !== 'running' || !order.force) return false;
  return after.lease !== null && after.lease.czxid !== lease?.czxid && after.lease.node === order.target;
}
