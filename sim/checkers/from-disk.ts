/**
 * Who serves what a disk brought back, and when that is allowed: a process that was never linked since its start holds
 * no more than its files, and others may hold more in their memory, or on a better disk.
 */
import type { Ballot } from '../../src/core/records.ts';
import type { Committed, Overview } from './checker.ts';

/** Agents count the grace on clocks of their own, up to five per cent fast, from when they see the lease gone. */
const GRACE_SHOWN = 0.94;
/** An agent that runs for so long has seen its Redis, and is a member. */
const LOOKED_MS = 5000;
/** It heard the ensemble this lately, so that its session stands. */
const HEARD_MS = 1500;
/** Refusals with which a node that brought something back says so. */
const BACK: readonly (string | null)[] = [null, 'not_in_sync', 'priority_zero'];

export class FromDisk {
  /** Nodes whose process has been nothing but restarted, as far as was told. */
  private readonly restarted = new Set<string>();
  /** Since when there is no lease, or its holder is proved dead: that is as good. */
  private leaseGoneMs = Number.NEGATIVE_INFINITY;
  private deadSinceMs: number | null = null;
  /** Ballots that are gone, or say something else by now, and since when. */
  private readonly left = new Map<string, { readonly ballot: Ballot; readonly atMs: number }>();
  /** When each node last acknowledged a write. */
  private readonly acknowledgedMs = new Map<string, number>();

  restarts(node: string): void {
    this.restarted.add(node);
  }

  promoted(node: string): void {
    this.restarted.delete(node);
  }

  acknowledged(node: string, nowMs: number): void {
    this.acknowledgedMs.set(node, nowMs);
  }

  /** Whether this claim is of a node that should have waited for those who may have more; to be asked at the claim. */
  isTooEarly(before: Committed, after: Committed, world: Overview): boolean {
    const { term } = before;
    const winner = after.lease?.node;
    const former = term?.master?.name;
    if (winner === undefined || term === null || former === undefined) return false;
    if (term.designated !== null || !this.holdsOnlyFiles(winner, world)) return false;
    const hangs = term.inSync.some((name) => before.ballots.get(name)?.epoch !== term.epoch && this.hangs(name, world));
    if (winner === former && !hangs) return false;
    const named = [former, ...term.inSync];
    const isBack = (name: string): boolean => {
      // A claim goes by what was read; a server that was cut off from its quorum tells its clients of a change late.
      const left = this.left.get(name);
      const lateMs = world.nowMs - (left?.atMs ?? Number.NEGATIVE_INFINITY);
      const told = [before.ballots.get(name), lateMs < world.plan.sessionTimeoutMs ? left?.ballot : undefined];
      return told.some((ballot) => ballot?.epoch === term.epoch && BACK.includes(ballot.refusal));
    };
    if (named.every(isBack)) return false;
    const sinceMs = before.lease === null ? this.leaseGoneMs : this.acknowledgedMs.get(former) ?? this.leaseGoneMs;
    return world.nowMs - sinceMs < GRACE_SHOWN * world.plan.recoveryGraceMs;
  }

  /** To be told after the claim was judged. */
  committed(before: Committed, after: Committed, nowMs: number): void {
    for (const [name, ballot] of before.ballots) {
      if (after.ballots.get(name) !== ballot) this.left.set(name, { ballot, atMs: nowMs });
    }
    if (before.lease !== null && after.lease === null) this.leaseGoneMs = this.deadSinceMs ?? nowMs;
    if (after.lease === null || after.lease.czxid !== before.lease?.czxid) this.deadSinceMs = null;
    else if (isProvedDead(after)) this.deadSinceMs ??= nowMs;
  }

  /** It is there with all its memory, beside an agent that could say so, and does not answer. */
  private hangs(name: string, { nodes, nowMs }: Overview): boolean {
    const node = nodes.get(name);
    const { redis = null, redisServesSinceMs, agent = null, agentRunsSinceMs = null, twins = [] } = node ?? {};
    if (redis === null || redisServesSinceMs !== null || !redis.everLinked || redis.loading) return false;
    const looksOn = agentRunsSinceMs !== null && nowMs - agentRunsSinceMs >= LOOKED_MS && twins.length === 0;
    return looksOn && agent?.enabled === true && nowMs - agent.proofMs < HEARD_MS;
  }

  private holdsOnlyFiles(name: string, { nodes }: Overview): boolean {
    const redis = nodes.get(name)?.redis;
    if (redis?.everLinked !== true) return this.restarted.has(name);
    this.restarted.delete(name);
    return false;
  }
}

/** By a majority of the registered nodes. */
function isProvedDead({ lease, term, ballots }: Committed): boolean {
  if (lease === null || term === null) return false;
  const provers = term.nodes.filter((name) => ballots.get(name)?.deathProof === lease.runId);
  return provers.length > term.nodes.length / 2;
}
