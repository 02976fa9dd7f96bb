/**
 * I7: within `2 T + 5 s` of the last fault there is one master, or a reason that says what an operator must decide;
 * everybody else was told to follow it, and all that publish a master name the same.
 */
import type { Checker, NodeSight, Overview, Sight } from './checker.ts';

export class ItHeals implements Checker {
  see(sight: Sight, world: Overview): void {
    if (sight.saw !== 'bound_passed') return;
    const { lease } = world.committed;
    const master = lease === null ? undefined : world.nodes.get(lease.node);
    if (master?.redis?.acknowledges !== true || master.agent?.role !== 'master') return this.nobody(world);
    for (const node of world.nodes.values()) if (node.name !== master.name) this.follower(node, master, world);
    if (world.committed.masterRecordOwner === lease?.owner) return;
    world.violated('I7', 'the published record is not that of the lease holder');
  }

  /** Nobody is master: then somebody must say why. */
  private nobody(world: Overview): void {
    const reasons = [...world.nodes.values()].flatMap(({ agent }) => agent?.reasons ?? []);
    if (reasons.length === 0) world.violated('I7', `no master and no reason: ${describe(world)}`);
    for (const node of world.nodes.values()) {
      if (!node.agent?.reasons.includes('no_promotable_replica') || !stands(node, world)) continue;
      world.violated('I7', `${node.name} stands, in sync and with its data, and says that nobody can be promoted`);
    }
  }

  private follower(node: NodeSight, master: NodeSight, world: Overview): void {
    const { agent, redis } = node;
    if (agent === null || !agent.enabled || redis === null) return;
    if (agent.master !== master.name) {
      world.violated('I7', `${node.name} names ${agent.master ?? 'nobody'} as master, not ${master.name}`);
    }
    if (redis.acknowledges) world.violated('I7', `${node.name} takes writes beside ${master.name}`);
    if (redis.target?.host === master.name || agent.reasons.length > 0) return;
    world.violated('I7', `${node.name} does not follow ${master.name} and does not say why: ${describe(world)}`);
  }
}

/** Its ballot for the next epoch says that it may be promoted, and so do the records. */
function stands({ name, redis }: NodeSight, { committed: { term, ballots } }: Overview): boolean {
  const ballot = ballots.get(name);
  if (ballot === undefined || term?.inSync.includes(name) !== true || redis === null) return false;
  return ballot.epoch === term.epoch && ballot.refusal === null && ballot.priority > 0 && redis.data.size > 0;
}

export function describe({ nodes, committed }: Overview): string {
  const each = [...nodes.values()].map(({ name, agent, redis }) => {
    const follows = redis === null ? 'no redis' : (redis.target?.host ?? (redis.acknowledges ? 'writable' : 'fenced'));
    return `${name} ${agent?.role ?? 'no agent'} (${agent?.reasons.join(',') ?? ''}) ${follows}`;
  });
  return `lease ${committed.lease?.node ?? 'none'}; ${each.join('; ')}`;
}
