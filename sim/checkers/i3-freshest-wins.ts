/**
 * I3: who is promoted was in the in-sync set, is whole, and has everything that any other voter of that set has. Who
 * joins the set is whole, too; who has nothing but its disk waits for those who may have more; and nobody throws away
 * what the dead master's last words left in its socket.
 */
import type { Lease } from '../../src/core/records.ts';
import type { Checker, Committed, NodeSight, Overview, Sight, WritesSight } from './checker.ts';
import { missing } from './datasets.ts';
import { Forced } from './forced.ts';
import { FromDisk } from './from-disk.ts';
import { InSyncByRight } from './in-sync-by-right.ts';
import { InSyncKeptTrue } from './in-sync-kept-true.ts';
import { pathsGoodSinceMs } from './paths.ts';

/**
 * What replicas acknowledged counts for two whole seconds. A process as young as this may be another than the one that
 * did, and a master that was stopped until then has only now read what it was told before.
 */
const SEEN_MS = 2500;
/** Reading what lies in the socket may end after 200 ms of a clock that is up to five per cent fast. */
const DRAIN_MS = 180;
/** A ballot as young as this may have come behind the look that decided the claim. */
const CAST_BEFORE_MS = 5;
/** Others are waited for until 1 s after the lease is gone, by a clock that is up to five per cent fast. */
const SETTLED_MS = 950;
/** From the look that takes a node into the set until that is written: an agent may need 300 ms for each step. */
const TAKEN_IN_MS = 1000;
/** Looking at everybody for every write would cost more than the run. */
const EVERY = 32;
/** The best have two settling times of 1 s to claim, by clocks up to five per cent fast; then they are passed over. */
const PASSED_OVER_MS = 1900;

export class FreshestWins implements Checker {
  /** Voters of the election that was won last: members of the set with their memory, not what a disk brought back. */
  private claim: { readonly node: string; readonly voters: readonly string[] } | null = null;
  /** When each node cast its ballot of its latest epoch. */
  private readonly castMs = new Map<string, number>();
  private leaselessSinceMs = 0;
  private orderRunsSinceMs = Number.NEGATIVE_INFINITY;
  /** When each node last made its Redis copy everything anew: an order may wait for the node. */
  private readonly reinitializedMs = new Map<string, number>();
  private readonly inSync = new InSyncByRight();
  private readonly fromDisk = new FromDisk();
  private readonly forced = new Forced();
  private readonly keptTrue = new InSyncKeptTrue();
  private acknowledged = 0;
  /** Writes that an earlier promotion left behind: whoever still has them has no more than the service. */
  private readonly left = new Set<number>();
  /** In which role each agent told its Redis last to give up its link; null for want of proof from the ensemble. */
  private readonly frozenBy = new Map<string, string | null>();

  see(sight: Sight, world: Overview): void {
    this.forced.see(sight);
    this.keptTrue.see(sight, world);
    if (sight.saw === 'committed') this.committed(sight.before, sight.after, world);
    if (sight.saw === 'wiped') this.inSync.forget();
    if (sight.saw === 'restarted') this.fromDisk.restarts(sight.node);
    if (sight.saw === 'said' && sight.event === 'reinitialized') this.reinitializedMs.set(sight.node, world.nowMs);
    if (sight.saw === 'replaced') this.inSync.replaced(sight.node, sight.fromRunId, world.committed);
    if (sight.saw === 'promoted') this.promoted(sight.node, world);
    if (sight.saw === 'said' && sight.event === 'frozen') {
      const unproven = sight.fields['because'] === 'no_proof_from_ensemble';
      this.frozenBy.set(sight.node, unproven ? null : (world.nodes.get(sight.node)?.agent?.role ?? null));
    }
    if (sight.saw === 'unread') this.thrownAway(sight, world);
  }

  seeWrites(sight: WritesSight, world: Overview): void {
    if (sight.saw === 'acknowledged') this.acknowledges(sight.node, sight.ids.length, world);
  }

  private committed(before: Committed, after: Committed, world: Overview): void {
    const { lease } = after;
    if (lease === null && before.lease !== null) this.leaselessSinceMs = world.nowMs;
    if (after.order?.phase === 'running' && before.order?.phase !== 'running') this.orderRunsSinceMs = world.nowMs;
    const claimed = lease !== null && lease.czxid !== before.lease?.czxid;
    if (claimed) this.claimed(lease.node, before, world);
    else this.changed(before, after, world);
    const byItself = claimed && !this.forced.was(lease.node);
    if (byItself && isBehind(lease, world) && this.fromDisk.isTooEarly(before, after, world)) {
      world.violated('I3', `${lease.node} claimed with what its disk had, before others were back`);
    }
    for (const [name, { epoch }] of after.ballots) {
      if (before.ballots.get(name)?.epoch !== epoch) this.castMs.set(name, world.nowMs);
    }
    this.fromDisk.committed(before, after, world.nowMs);
    this.inSync.committed(before, after);
  }

  private claimed(node: string, { term, ballots, lease }: Committed, world: Overview): void {
    this.claim = null;
    this.keptTrue.claimed(node, world);
    const former = term?.master ?? null;
    if (term === null || former === null) return;
    // Who hands over by an order stands until its successor is a master that says so.
    const handsOver = term.handOver?.from ?? null;
    const comesBack = handsOver?.name === node && handsOver.runId === world.nodes.get(node)?.redis?.runId;
    const isNamed = term.inSync.includes(node) || term.designated === node || former.name === node;
    if (!isNamed && !comesBack && !this.forced.was(node) && term.inSync.length > 0) {
      world.violated('I3', `${node} claimed the epoch after ${term.epoch}, but in sync were ${term.inSync.join(', ')}`);
    }
    const remembers = ['whole', 'stream'];
    const voters = [...ballots.values()].filter(
      ({ name, holds, epoch, runId }) =>
        this.inSync.has(name) && name !== node && remembers.includes(holds) && epoch === term.epoch &&
        world.nowMs - (this.castMs.get(name) ?? 0) >= CAST_BEFORE_MS &&
        !(lease === null && this.readsLate(node, this.castMs.get(name) ?? 0, world)) &&
        // A twin's ballot speaks of another server.
        world.nodes.get(name)?.redis?.runId === runId,
    );
    this.claim = { node, voters: voters.map(({ name }) => name) };
  }

  /** Its wait for the others was over before their ballots reached it: the paths have been bad since they were cast. */
  private readsLate(node: string, castMs: number, world: Overview): boolean {
    if (world.nowMs - this.leaselessSinceMs < SETTLED_MS) return false;
    return pathsGoodSinceMs(node, world) > castMs;
  }

  private acknowledges(node: string, writes: number, world: Overview): void {
    this.fromDisk.acknowledged(node, world.nowMs);
    this.acknowledged += writes;
    if (this.acknowledged % EVERY >= writes) return;
    const gone = this.keptTrue.longGone(node, world);
    if (gone !== null) world.violated('I3', `${gone} still counts as in sync with ${node}, long after it was gone`);
  }

  private changed(before: Committed, after: Committed, world: Overview): void {
    this.joined(before, after, world);
    const out = this.keptTrue.takenOutAtOnce(before, after, world);
    if (out !== null) world.violated('I3', `${out} was taken out of the in-sync set before it could attach`);
  }

  /**
   * Whom the lease holder takes into the set could be its successor from this moment on. Without one the set is only
   * put back as it stood, after the ensemble lost it.
   */
  private joined(before: Committed, after: Committed, world: Overview): void {
    if (after.lease === null) return;
    const holder = world.nodes.get(after.lease.node);
    const stood = before.term?.inSync ?? [];
    for (const name of after.term?.inSync ?? []) {
      const { redis = null, twins = [] } = world.nodes.get(name) ?? {};
      if (stood.includes(name) || redis === null || !isKnown(world.nodes.get(name), holder, world)) continue;
      // The name may be that of another server by now.
      if (twins.some(({ lives }) => lives)) continue;
      if (this.beginsAnew(name, after, world)) continue;
      if (redis.loading) world.violated('I3', `${name} counts as in sync while it is loading`);
      else if (!redis.everLinked && !redis.isMaster) {
        world.violated('I3', `${name} counts as in sync before it was ever linked`);
      }
    }
  }

  /** It began to copy everything anew, by an order, while it was being taken in. */
  private beginsAnew(name: string, { order }: Committed, { nowMs }: Overview): boolean {
    const begins = order?.kind === 'reinitialize' && order.phase === 'running' && order.target === name;
    return begins && nowMs - Math.max(this.orderRunsSinceMs, this.reinitializedMs.get(name) ?? 0) < TAKEN_IN_MS;
  }

  private promoted(name: string, world: Overview): void {
    const redis = world.nodes.get(name)?.redis ?? null;
    this.fromDisk.promoted(name);
    this.keptTrue.promoted(name, world.nowMs);
    if (redis === null || this.claim?.node !== name) return;
    if (redis.loading) world.violated('I3', `${name} was promoted while loading`);
    // Noted when everybody was looked at: what one leaves behind with the old master, another may have voted with.
    const left: number[] = [];
    for (const other of world.nodes.values()) {
      if (other.redis === null || other.name === name) continue;
      const lacks = missing(redis.data, other.redis.data).filter((id) => !this.left.has(id));
      if (lacks.length === 0) continue;
      const passedOver = world.nowMs - this.leaselessSinceMs >= PASSED_OVER_MS;
      if (this.claim.voters.includes(other.name) && !passedOver && mayStand(other, world)) {
        world.violated('I3', `${name} was promoted without writes that ${other.name}, who voted, has`);
      }
      left.push(...lacks);
    }
    for (const id of left) this.left.add(id);
  }

  /** What lies in the socket of a replica whose master is gone is nowhere else. */
  private thrownAway({ node, bytes, endedMs }: Extract<Sight, { saw: 'unread' }>, world: Overview): void {
    const { agent = null, redisServesSinceMs = null, redis = null } = world.nodes.get(node) ?? {};
    if (agent?.role !== 'candidate' || redis?.target?.host !== '127.0.0.1') return;
    // Told for want of proof, or before it was one: a master that may be deposed is left at once (the dead-man's rule).
    if (this.frozenBy.get(node) !== 'candidate') return;
    if (endedMs === null || redisServesSinceMs === null || !wasInSync(node, world)) return;
    if (world.nowMs - Math.max(endedMs, redisServesSinceMs) >= DRAIN_MS) return;
    world.violated('I3', `${node} threw away ${bytes} bytes that its master had sent before it ended`);
  }
}

/** Whether what the holder's Redis counts for this node was said by this process of its. */
function isKnown(node: NodeSight | undefined, holder: NodeSight | undefined, { nowMs }: Overview): boolean {
  const readsSinceMs = holder?.redisServesSinceMs ?? nowMs;
  return nowMs - Math.max(node?.redisStartedMs ?? 0, readsSinceMs) >= SEEN_MS;
}

/** In sync with a master that has not come back, not for a moment: what did would be followed, and might be empty. */
function wasInSync(node: string, { committed: { term }, nodes }: Overview): boolean {
  if (term?.inSync.includes(node) !== true) return false;
  const former = nodes.get(term.master?.name ?? '');
  return former === undefined || former.redisRunId === term.master?.runId;
}

/** Whether the process that claimed is the one that stands here under this name: a twin has another. */
function isBehind({ node, runId }: Lease, { nodes }: Overview): boolean {
  return nodes.get(node)?.redis?.runId === runId;
}

/** A disabled node is left alone, by order of its operator; whoever voted and then stands still is passed over. */
function mayStand({ name, redis, agent, agentStandsStill }: NodeSight, { plan }: Overview): boolean {
  const priority = plan.nodes.find((node) => node.name === name)?.priority ?? 0;
  if (agentStandsStill) return false;
  return agent?.enabled === true && redis !== null && !redis.isMaster && !redis.loading && priority > 0;
}
