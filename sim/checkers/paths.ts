/** Since when what one node writes can travel to everybody who reads it. */
import type { Overview } from './checker.ts';

/** Between the node and each server, and among the servers: a follower that is cut off takes writes, and waits. */
export function pathsGoodSinceMs(node: string, world: Overview): number {
  const { servers } = world.plan;
  const ends = [node, ...servers];
  const pairs = servers.flatMap((server) => ends.filter((end) => end !== server).map((end) => [end, server] as const));
  return Math.max(...pairs.map(([end, server]) => world.goodBetweenSinceMs(end, server) ?? Number.POSITIVE_INFINITY));
}
