/**
 * I2: no two servers acknowledge writes at the same time, outside of the named exceptions.
 *
 * Acknowledgements are put down to tenures: a node's tenure begins with its first acknowledgement under a lease of its
 * own. An acknowledgement by the holder of an earlier tenure, after a later one began, is an overlap. It is excused
 * only while the deposed Redis could not be told: and then no longer than the dead-man allows.
 */
import type { Checker, NodeSight, Overview, Sight, WritesSight } from './checker.ts';
import { isFirstStart, isForgotten } from './first-start.ts';
import { isNotFencedYet } from './unfenced-start.ts';
import { isWaking } from './waking.ts';

interface Tenure {
  readonly node: string;
  readonly epoch: number;
  /** Leases were committed in this order; epochs begin anew where nobody remembers any. */
  readonly order: number;
}

/** `min-replicas-max-lag` of 2 s, counted in whole seconds, checked once a second. */
export const DEAD_MAN_MS = 4000;
/** A dead-man check falls into the second in which its bound passes. */
const DEAD_MAN_SLACK_MS = 1000;
/** The turn in which a Redis that was stopped goes on: what it was executing, and what it reads beside the fence. */
const THAW_TURN_MS = 2;
/** A fence that is on its way when an agent goes on. */
const FENCE_UNDER_WAY_MS = 5;
/** From its start until an agent has seen its Redis and the records. */
const FIRST_LOOK_MS = 600;
/** By then a successor that can reach the deposed Redis has a connection to it. */
const SUCCESSOR_DIALS_MS = 3000;

export class NoTwoMasters implements Checker {
  private newest: Tenure | null = null;
  private readonly leases = new Map<string, Tenure>();
  private committed = 0;
  /** Whether this overlap was reported: one line for each pair, not one for each write. */
  private reported = '';

  see(sight: Sight, world: Overview): void {
    if (sight.saw !== 'committed') return;
    if (isFirstStart(sight)) this.forget(world);
    const { lease } = sight.after;
    if (lease === null || lease.czxid === sight.before.lease?.czxid) return;
    this.leases.set(lease.node, { node: lease.node, epoch: lease.epoch, order: ++this.committed });
  }

  /** With a wiped ensemble the offices went of all those whom nobody remembers. */
  private forget({ nodes }: Overview): void {
    for (const node of nodes.values()) if (isForgotten(node)) this.leases.delete(node.name);
  }

  seeWrites(sight: WritesSight, world: Overview): void {
    if (sight.saw === 'acknowledged') this.acknowledged(sight.node, world);
  }

  private acknowledged(node: string, world: Overview): void {
    const tenure = this.leases.get(node);
    // Before the first lease of a service nobody has been made master by anybody.
    if (tenure === undefined) return;
    if (this.newest === null || tenure.order >= this.newest.order) {
      this.newest = tenure;
      return;
    }
    const deposed = world.nodes.get(node);
    if (deposed === undefined || isExcused(deposed, this.newest.node, world)) return;
    const pair = `${node}/${this.newest.order}`;
    if (this.reported === pair) return;
    this.reported = pair;
    const other = this.newest;
    world.violated('I2', `${node} (epoch ${tenure.epoch}) takes writes beside ${other.node} (epoch ${other.epoch})`);
  }
}

/** Exceptions that the contract names. */
function isExcused(deposed: NodeSight, successor: string, world: Overview): boolean {
  const { nowMs, plan } = world;
  const { agentRunsSinceMs, agentStartedMs, redisServesSinceMs, redisStartedMs } = deposed;
  const notFencedYet = isNotFencedYet(deposed, world, nowMs - Math.max(agentStartedMs, redisStartedMs));
  // Beside a living agent of its name an agent touches nothing.
  const unguarded = agentRunsSinceMs === null || deposed.agent?.reasons.includes('duplicate_node_name') === true;
  // The ensemble forgot every master before this agent began: to it this is a first start.
  const knowsNobody = world.committed.term === null && deposed.agent?.rememberedEpoch === 0;
  if (!plan.startFence && (notFencedYet || unguarded || knowsNobody)) return true;
  if (redisServesSinceMs !== null && nowMs - redisServesSinceMs <= THAW_TURN_MS) return true;
  const graceMs = agentRunsSinceMs === agentStartedMs ? FIRST_LOOK_MS : FENCE_UNDER_WAY_MS;
  const impaired = agentRunsSinceMs === null || nowMs - agentRunsSinceMs <= graceMs || isWaking(deposed, world);
  if (!impaired || fencedFromAfar(deposed, successor, world)) return false;
  return nowMs <= world.lastGoodReplicaMs(deposed.name) + DEAD_MAN_MS + DEAD_MAN_SLACK_MS;
}

/** Whether the successor has been able to reach the deposed Redis for long enough to have fenced it. */
function fencedFromAfar({ name, redisServesSinceMs, redisStartedMs }: NodeSight, by: string, world: Overview): boolean {
  const since = [
    world.nodes.get(by)?.agentRunsSinceMs ?? null, redisServesSinceMs, redisStartedMs,
    world.goodBetweenSinceMs(by, name),
  ];
  return since.every((sinceMs) => sinceMs !== null && world.nowMs - sinceMs > SUCCESSOR_DIALS_MS);
}
