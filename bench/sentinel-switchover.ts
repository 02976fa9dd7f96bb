/**
 * `SENTINEL FAILOVER`, the planned switchover of Redis Sentinel, under the same clients: the old master is told to
 * follow some ten seconds after the new one was promoted, and takes writes until then.
 */
import { setTimeout as pause } from 'node:timers/promises';

import { waitFor } from '../test/support/wait-for.ts';
import type { Context } from './context.ts';
import { add } from './context.ts';
import type { SentinelTrio } from './sentinel-trio.ts';
import { onFreshTrios } from './sentinel.ts';
import { movedOf, writeTo } from './switchover.ts';

const FAILOVER_TIMEOUT_MS = 30_000;
const DEMOTION_TIMEOUT_MS = 60_000;
const AFTERWARDS_MS = 500;
const ROLE_EVERY_MS = 50;

async function run(context: Context, trio: SentinelTrio): Promise<string> {
  const nodes = trio.servers.map((redis, index) => ({ name: `server${String(index + 1)}`, redis }));
  const master = await trio.master();
  const from = nodes.find(({ redis }) => redis === master);
  const [sentinel] = trio.sentinels;
  if (from === undefined || sentinel === undefined) throw new Error('a trio without its master');
  const writers = await writeTo(nodes, from);
  try {
    const sinceMs = performance.now();
    await sentinel.failover();
    const to = await waitFor(
      () => nodes.find((node) => node !== from && writers.acknowledgedBy(node).length > 0) ?? null,
      'another server takes writes', FAILOVER_TIMEOUT_MS,
    );
    await waitFor(async () => {
      await pause(ROLE_EVERY_MS);
      const answer = await master.cmd('ROLE');
      return Array.isArray(answer) && answer[0] === 'slave';
    }, 'the old master is a replica', DEMOTION_TIMEOUT_MS);
    await pause(AFTERWARDS_MS);
    await writers.stop();
    const { untilMs, overlapMs, lost } = await movedOf(writers, { from, to, sinceMs });
    add(context, 'sentinel.switchover.until', untilMs);
    add(context, 'sentinel.switchover.overlap', overlapMs);
    add(context, 'sentinel.switchover.lost', lost);
    return `${untilMs.toFixed(0)} ms, two masters for ${overlapMs.toFixed(0)} ms, ${lost} writes lost`;
  } finally {
    await writers.stop();
  }
}

export function measureSentinelSwitchover(context: Context): Promise<void> {
  return onFreshTrios(context, 'SENTINEL FAILOVER', (trio) => run(context, trio));
}
