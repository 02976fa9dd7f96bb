/**
 * Whether the in-sync set is kept true: nobody is taken out of it before it could attach to a new master, and nobody
 * stays in it who has long been gone from a master that could have said so.
 */
import type { Committed, NodeSight, Overview } from './checker.ts';

/** A new master waits 200 ms on its clock for those whom its claim kept. */
const ATTACH_MS = 180;
/** A death is seen within milliseconds; before that the ensemble must be heard. */
const GONE_MS = 5000;
/** The lease holder heard the ensemble this lately. */
const HEARD_MS = 1500;

export class InSyncKeptTrue {
  /** Who claimed to be promoted, and when it was. */
  private claimant: string | null = null;
  private promotedMs: number | null = null;
  /** When each node's Redis was last seen alive. */
  private readonly aliveMs = new Map<string, number>();

  claimed(node: string, world: Overview): void {
    const serves = world.nodes.get(node)?.redis?.isMaster === true;
    this.claimant = serves ? null : node;
    this.promotedMs = null;
  }

  promoted(node: string, nowMs: number): void {
    if (this.claimant === node) this.promotedMs ??= nowMs;
  }

  /** Whom a new master took out of the set at once, though it lives and takes part. */
  takenOutAtOnce(before: Committed, after: Committed, { nodes, nowMs }: Overview): string | null {
    if (this.promotedMs === null || nowMs - this.promotedMs >= ATTACH_MS || after.term === null) return null;
    const { inSync } = after.term;
    const gone = before.term?.inSync.filter((name) => !inSync.includes(name)) ?? [];
    return gone.find((name) => takesPart(nodes.get(name))) ?? null;
  }

  /** Who has long been gone from the master that acknowledges. */
  longGone(master: string, { nodes, nowMs, committed: { lease, term } }: Overview): string | null {
    for (const { name, redis } of nodes.values()) if (redis !== null) this.aliveMs.set(name, nowMs);
    const holder = nodes.get(master);
    if (lease?.node !== master || !couldSay(holder, nowMs)) return null;
    const looksSinceMs = holder?.agentRunsSinceMs ?? nowMs;
    const goneSinceMs = (name: string): number => Math.max(this.aliveMs.get(name) ?? nowMs, looksSinceMs);
    return term?.inSync.find((name) => nowMs - goneSinceMs(name) >= GONE_MS) ?? null;
  }
}

const takesPart = (node: NodeSight | undefined): boolean => (
  node?.redis !== null && node?.agentRunsSinceMs !== null && node?.agent?.enabled === true
);

function couldSay(node: NodeSight | undefined, nowMs: number): boolean {
  const { agent = null, agentRunsSinceMs = null } = node ?? {};
  return agentRunsSinceMs !== null && agent?.role === 'master' && nowMs - agent.proofMs < HEARD_MS;
}
