/**
 * I2: no two servers acknowledge writes at the same time, outside of the named exceptions.
 *
 * Acknowledgements are put down to tenures: a node's tenure begins with its first acknowledgement under a lease of its
 * own. An acknowledgement by the holder of an earlier tenure, after a later one began, is an overlap. It is excused
 * only while the deposed Redis could not be told: and then no longer than the dead-man allows.
 */
import type { Checker, NodeSight, Overview, Sight } from './checker.ts';

interface Tenure {
  readonly node: string;
  readonly epoch: number;
}

/** `min-replicas-max-lag` of 2 s, counted in whole seconds, checked once a second. */
export const DEAD_MAN_MS = 4000;
/** A dead-man check falls into the second in which its bound passes. */
const DEAD_MAN_SLACK_MS = 1000;
/** A Redis without the start fence, until its agent's first command. */
const UNFENCED_START_MS = 100;
/** The batch that was being executed when a process was stopped. */
const THAW_BATCH_MS = 50;
/** A fence that is on its way when an impairment ends. */
const FENCE_UNDER_WAY_MS = 100;

export class NoTwoMasters implements Checker {
  private newest: Tenure | null = null;
  private readonly leases = new Map<string, number>();
  /** Whether this overlap was reported: one line for each pair, not one for each write. */
  private reported = '';

  see(sight: Sight, world: Overview): void {
    if (sight.saw === 'committed') {
      const { lease } = sight.after;
      if (lease !== null) this.leases.set(lease.node, Math.max(lease.epoch, this.leases.get(lease.node) ?? 0));
    }
    if (sight.saw === 'acknowledged') this.acknowledged(sight.node, world);
  }

  private acknowledged(node: string, world: Overview): void {
    const epoch = this.leases.get(node);
    // Before the first lease of a service nobody has been made master by anybody.
    if (epoch === undefined) return;
    if (this.newest === null || epoch >= this.newest.epoch) {
      this.newest = { node, epoch };
      return;
    }
    const deposed = world.nodes.get(node);
    if (deposed === undefined || isExcused(deposed, world)) return;
    const pair = `${node}/${this.newest.epoch}`;
    if (this.reported === pair) return;
    this.reported = pair;
    const other = this.newest;
    world.violated('I2', `${node} (epoch ${epoch}) takes writes beside ${other.node} (epoch ${other.epoch})`);
  }
}

/** Exceptions that the contract names. */
function isExcused(deposed: NodeSight, world: Overview): boolean {
  const { nowMs, plan } = world;
  const { agentRunsSinceMs, redisServesSinceMs, redisStartedMs } = deposed;
  const justStarted = nowMs - redisStartedMs <= UNFENCED_START_MS;
  if (!plan.startFence && (justStarted || agentRunsSinceMs === null)) return true;
  if (redisServesSinceMs !== null && nowMs - redisServesSinceMs <= THAW_BATCH_MS) return true;
  const impaired = agentRunsSinceMs === null || nowMs - agentRunsSinceMs <= FENCE_UNDER_WAY_MS;
  return impaired && nowMs <= world.lastGoodReplicaMs(deposed.name) + DEAD_MAN_MS + DEAD_MAN_SLACK_MS;
}
