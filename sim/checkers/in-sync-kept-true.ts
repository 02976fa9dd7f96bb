/**
 * Whether the in-sync set is kept true: nobody is taken out of it before it could attach to a new master, and nobody
 * stays in it who has long been gone from a master that could have said so.
 */
import type { Committed, NodeSight, Overview, Sight } from './checker.ts';
import { pathsGoodSinceMs } from './paths.ts';
import { ToldToTakePart } from './told-to-take-part.ts';

/** A new master waits 200 ms on its clock for those whom its claim kept. */
const ATTACH_MS = 180;
/** By then a master that may be slow has read that a disabled node takes part again. */
const TOLD_MS = 1000;
/** A death is seen within milliseconds; before that the ensemble must be heard. */
const GONE_MS = 5000;
/** The lease holder heard the ensemble this lately. */
const HEARD_MS = 1500;
/** Nobody looks while nothing is acknowledged: who is seen after as long may have gone at any time between. */
const LOOKS_MS = 1000;

export class InSyncKeptTrue {
  /** Who claimed to be promoted, and when it was. */
  private claimant: string | null = null;
  private promotedMs: number | null = null;
  private readonly told = new ToldToTakePart();
  /** When each node's Redis was last seen alive. */
  private readonly aliveMs = new Map<string, number>();
  /** The lease holder that was seen to be able to say who is gone, since when, and at which look. */
  private holder: { readonly name: string | null; readonly sinceMs: number; readonly lookedMs: number } = {
    name: null, sinceMs: 0, lookedMs: 0,
  };

  claimed(node: string, world: Overview): void {
    const serves = world.nodes.get(node)?.redis?.isMaster === true;
    this.claimant = serves ? null : node;
    this.promotedMs = null;
  }

  see(sight: Sight, world: Overview): void {
    this.told.see(sight, world);
  }

  promoted(node: string, nowMs: number): void {
    if (this.claimant === node) this.promotedMs ??= nowMs;
  }

  /** Whom a new master took out of the set at once, though it lives and takes part. */
  takenOutAtOnce(before: Committed, after: Committed, world: Overview): string | null {
    const { nodes, nowMs } = world;
    if (this.promotedMs === null || nowMs - this.promotedMs >= ATTACH_MS || after.term === null) return null;
    const { inSync } = after.term;
    const gone = before.term?.inSync.filter((name) => !inSync.includes(name)) ?? [];
    const isTold = (name: string): boolean => {
      const toldMs = this.told.lastMs(name);
      const heardSinceMs = nodes.get(name)?.agent?.connectedSinceMs ?? nowMs;
      if (toldMs === undefined) return true;
      return nowMs - Math.max(toldMs, heardSinceMs, pathsGoodSinceMs(name, world)) >= TOLD_MS;
    };
    return gone.find((name) => isTold(name) && takesPart(nodes.get(name))) ?? null;
  }

  /** Who has been gone for long while the master that acknowledges could have said so all the time. */
  longGone(master: string, { nodes, nowMs, committed: { lease, term } }: Overview): string | null {
    for (const { name, redis, twins } of nodes.values()) {
      if (redis !== null || twins.some(({ lives }) => lives)) this.aliveMs.set(name, nowMs);
    }
    const looksOn = this.holder.name === master && nowMs - this.holder.lookedMs < LOOKS_MS;
    if (lease?.node !== master || !couldSay(nodes.get(master), nowMs)) {
      this.holder = { name: null, sinceMs: nowMs, lookedMs: nowMs };
      return null;
    }
    this.holder = { name: master, sinceMs: looksOn ? this.holder.sinceMs : nowMs, lookedMs: nowMs };
    const { sinceMs } = this.holder;
    const goneSinceMs = (name: string): number => Math.max(this.aliveMs.get(name) ?? nowMs, sinceMs);
    return term?.inSync.find((name) => nowMs - goneSinceMs(name) >= GONE_MS) ?? null;
  }
}

const takesPart = (node: NodeSight | undefined): boolean => (
  node?.twins.length === 0 && node.redis !== null && node.agentRunsSinceMs !== null && node.agent?.enabled === true
);

function couldSay(node: NodeSight | undefined, nowMs: number): boolean {
  const { agent = null, agentRunsSinceMs = null } = node ?? {};
  return agentRunsSinceMs !== null && agent?.role === 'master' && nowMs - agent.proofMs < HEARD_MS;
}
