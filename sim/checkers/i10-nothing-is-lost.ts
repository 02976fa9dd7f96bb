/**
 * I10, the switchover: nothing that was acknowledged is lost by it, whether anybody waited for replicas or not.
 *
 * When the master gives its lease away it is fenced: what its Redis holds then is all there is. The node that takes the
 * office by that hand-over has it when it is promoted. No fault excuses anything else: a takeover that cannot have it
 * is given up.
 */
import type { Data } from '../models/redis/dataset.ts';
import type { Checker, Committed, Overview, Sight } from './checker.ts';
import { missing } from './datasets.ts';

interface HandedOver {
  readonly from: string;
  readonly runId: string;
  /** What the old master held when it gave up its lease. */
  readonly held: Data;
  /** Epoch that the target claimed by it; null until then. */
  readonly epoch: number | null;
}

export class SwitchoverLosesNothing implements Checker {
  private under: HandedOver | null = null;

  see(sight: Sight, world: Overview): void {
    if (sight.saw === 'wiped') this.under = null;
    if (sight.saw === 'committed') this.committed(sight.before, sight.after, world);
    if (sight.saw === 'promoted') this.promoted(sight.node, world);
  }

  private committed(before: Committed, after: Committed, world: Overview): void {
    const { lease, term } = after;
    if (before.lease !== null && lease === null) this.under = begun(after, world);
    if (lease === null || lease.czxid === before.lease?.czxid || this.under === null) return;
    // Its claim carries the hand-over on: anybody else's drops it.
    const planned = term?.handOver ?? null;
    this.under = planned?.to === lease.node ? { ...this.under, epoch: lease.epoch } : null;
  }

  private promoted(node: string, world: Overview): void {
    const { under } = this;
    const { lease } = world.committed;
    const { epoch = null } = under ?? {};
    if (under === null || epoch === null || lease?.epoch !== epoch || lease.node !== node) return;
    this.under = null;
    const redis = world.nodes.get(node)?.redis ?? null;
    const old = world.nodes.get(under.from)?.redis ?? null;
    if (redis === null) return;
    const all = old?.runId === under.runId ? old.data : under.held;
    const lost = missing(redis.data, all).filter((id) => world.acknowledged.has(id));
    if (lost.length === 0) return;
    world.violated('I10', `${node} took over from ${under.from} without ${lost.length} acknowledged writes`);
  }
}

function begun({ term }: Committed, { nodes }: Overview): HandedOver | null {
  const planned = term?.handOver ?? null;
  const redis = nodes.get(planned?.from.name ?? '')?.redis ?? null;
  if (planned === null || redis?.runId !== planned.from.runId) return null;
  return { from: planned.from.name, runId: redis.runId, held: redis.data, epoch: null };
}
