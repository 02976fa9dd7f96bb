/**
 * I7: within `2 T + 5 s` of the last fault there is one master, or a reason that says what an operator must decide;
 * everybody else was told to follow it, and all that publish a master name the same.
 */
import type { Checker, Committed, NodeSight, Overview, Sight } from './checker.ts';

export class ItHeals implements Checker {
  /** The process of each member of the in-sync set when it joined, as long as its dataset is what it was. */
  private readonly joinedAs = new Map<string, string>();

  see(sight: Sight, world: Overview): void {
    if (sight.saw === 'committed') this.committed(sight.before, sight.after, world);
    if (sight.saw === 'replaced') this.joinedAs.delete(sight.node);
    if (sight.saw === 'wiped') this.joinedAs.clear();
    if (sight.saw !== 'bound_passed') return;
    const { lease } = world.committed;
    const master = lease === null ? undefined : world.nodes.get(lease.node);
    if (master?.redis?.acknowledges !== true || master.agent?.role !== 'master') return this.nobody(world);
    for (const node of world.nodes.values()) if (node.name !== master.name) this.follower(node, master, world);
    if (world.committed.masterRecordOwner === lease?.owner) return;
    world.violated('I7', 'the published record is not that of the lease holder');
  }

  private committed(before: Committed, after: Committed, { nodes }: Overview): void {
    const inSync = after.term?.inSync ?? [];
    for (const name of this.joinedAs.keys()) if (!inSync.includes(name)) this.joinedAs.delete(name);
    // A set that is only put back, after the ensemble lost it or a takeover failed, speaks of what was.
    const isPutBack = before.term?.master?.runId !== after.term?.master?.runId;
    const stood = isPutBack ? inSync : (before.term?.inSync ?? inSync);
    for (const name of inSync) {
      const redis = nodes.get(name)?.redis ?? null;
      if (!stood.includes(name) && redis?.linkUp === true) this.joinedAs.set(name, redis.runId);
    }
  }

  /** Nobody is master: then somebody must say why. */
  private nobody(world: Overview): void {
    const reasons = [...world.nodes.values()].flatMap(({ agent }) => agent?.reasons ?? []);
    if (reasons.length === 0) world.violated('I7', `no master and no reason: ${describe(world)}`);
    for (const node of world.nodes.values()) {
      if (!node.agent?.reasons.includes('no_promotable_replica') || !stands(node, world)) continue;
      world.violated('I7', `${node.name} stands, in sync and with its data, and says that nobody can be promoted`);
    }
    for (const [name, runId] of this.joinedAs) {
      if (!deniesItself(name, world) || world.nodes.get(name)?.redis?.runId !== runId) continue;
      world.violated('I7', `${name} is in sync as the same process with the same data, and says that it is not`);
    }
  }

  private follower(node: NodeSight, master: NodeSight, world: Overview): void {
    const { agent, redis } = node;
    if (agent === null || !agent.enabled || redis === null) return;
    if (agent.master !== master.name) {
      world.violated('I7', `${node.name} names ${agent.master ?? 'nobody'} as master, not ${master.name}`);
    }
    if (redis.acknowledges && !isStranger(node, world)) {
      world.violated('I7', `${node.name} takes writes beside ${master.name}`);
    }
    if (redis.target?.host === master.name || agent.reasons.length > 0) return;
    world.violated('I7', `${node.name} does not follow ${master.name} and does not say why: ${describe(world)}`);
  }
}

/** It has data that this service knows nothing of, and is none of its nodes: an operator decides, nobody touches it. */
function isStranger({ name, agent }: NodeSight, { committed: { term } }: Overview): boolean {
  return agent?.reasons.includes('foreign_dataset') === true && term?.nodes.includes(name) === false;
}

/** Its ballot for the next epoch says that it may be promoted, and so do the records. */
function stands({ name, redis }: NodeSight, { committed: { term, ballots } }: Overview): boolean {
  const ballot = ballots.get(name);
  if (ballot === undefined || term?.inSync.includes(name) !== true || redis === null) return false;
  return ballot.epoch === term.epoch && ballot.refusal === null && ballot.priority > 0 && redis.data.size > 0;
}

/** Its ballot for the next epoch says that it is not in sync, though the records say that it is. */
function deniesItself(name: string, { committed: { term, ballots } }: Overview): boolean {
  const ballot = ballots.get(name);
  return ballot?.refusal === 'not_in_sync' && ballot.epoch === term?.epoch && term.inSync.includes(name);
}

export function describe({ nodes, committed }: Overview): string {
  const each = [...nodes.values()].map(({ name, agent, redis }) => {
    const follows = redis === null ? 'no redis' : (redis.target?.host ?? (redis.acknowledges ? 'writable' : 'fenced'));
    return `${name} ${agent?.role ?? 'no agent'} (${agent?.reasons.join(',') ?? ''}) ${follows}`;
  });
  return `lease ${committed.lease?.node ?? 'none'}; ${each.join('; ')}`;
}
