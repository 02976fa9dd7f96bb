/**
 * The same faults under Redis Sentinel: the gap, when the new address is published, and what a restarted master does
 * beside the new one. Every run has a fresh trio: what a failover leaves in Sentinel's state delays the next.
 */
import { setTimeout as pause } from 'node:timers/promises';

import type { RedisServerProcess } from '../test/support/redis-server.ts';
import { waitFor } from '../test/support/wait-for.ts';
import type { Context } from './context.ts';
import { add, repeat } from './context.ts';
import { PROBE_EVERY_MS } from './failover.ts';
import { countKeys, hammer, KEYS, loadKeys, RESTART_AFTER_MS } from './overlap.ts';
import { replicated, SentinelTrio } from './sentinel-trio.ts';
import { WriteProbe } from './write-probe.ts';

/** 500 writes a second. */
const HAMMER_EVERY_MS = 2;
const FAILOVER_TIMEOUT_MS = 30_000;
/** Sentinel makes a replica of the old master some 10 s after it came back. */
const DEMOTION_TIMEOUT_MS = 60_000;
const RESYNC_TIMEOUT_MS = 30_000;
const POLL_PUBLISHED_MS = 2;
const AFTERWARDS_MS = 500;

/** When the first Sentinel named another server than this one. */
async function publishedElsewhere(trio: SentinelTrio, port: number): Promise<number> {
  const deadlineMs = performance.now() + FAILOVER_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    const ports = await Promise.all(trio.sentinels.map((sentinel) => sentinel.masterPort()));
    if (ports.some((named) => named !== port)) return performance.now();
    await pause(POLL_PUBLISHED_MS);
  }
  throw new Error('Sentinel published no other address');
}

async function gap(context: Context, trio: SentinelTrio, victim: RedisServerProcess): Promise<string> {
  let firstAtMs: number | null = null;
  const onAccepted = ({ port, acceptedAtMs }: { port: number; acceptedAtMs: number }): void => {
    if (port !== victim.port) firstAtMs ??= acceptedAtMs;
  };
  const probes = trio.servers.map(
    ({ port }) => new WriteProbe({ port, everyMs: PROBE_EVERY_MS, key: 'bench:probe', onAccepted }),
  );
  try {
    await pause(AFTERWARDS_MS);
    const killedAtMs = performance.now();
    process.kill(victim.pid, 'SIGKILL');
    const publishedAtMs = await publishedElsewhere(trio, victim.port);
    const acceptedAtMs = await waitFor(() => firstAtMs, 'a write accepted elsewhere');
    add(context, 'sentinel.gap', acceptedAtMs - killedAtMs);
    // The new address is of use once both are true: it is known, and it takes writes.
    const usableAtMs = Math.max(publishedAtMs, acceptedAtMs);
    add(context, 'sentinel.published', usableAtMs - killedAtMs);
    add(context, 'sentinel.published-more', usableAtMs - acceptedAtMs);
    return `${(acceptedAtMs - killedAtMs).toFixed(0)} ms, published ${(usableAtMs - killedAtMs).toFixed(0)} ms`;
  } finally {
    for (const probe of probes) probe.stop();
  }
}

/** After its failover, the old master comes back with its old data. */
async function overlapOld(context: Context, trio: SentinelTrio, victim: RedisServerProcess): Promise<string> {
  await victim.kill();
  // One Sentinel told it; the others hear of it within two seconds.
  const successor = await waitFor(async () => {
    const master = await trio.master();
    return master === victim ? null : master;
  }, 'another master in the eyes of the first Sentinel');
  await waitFor(async () => String(await successor.cmd('INFO', 'replication')).includes('state=online'), 'a replica');
  const client = hammer(victim.port, HAMMER_EVERY_MS);
  try {
    const startedAtMs = performance.now();
    await victim.restart();
    const demoted = async (): Promise<boolean> => {
      const answer = await victim.cmd('ROLE');
      return Array.isArray(answer) && answer[0] === 'slave';
    };
    await waitFor(demoted, 'the old master is a replica', DEMOTION_TIMEOUT_MS);
    await pause(AFTERWARDS_MS);
    const { overlapMs, lost } = client.since(startedAtMs);
    add(context, 'sentinel.overlap.old', overlapMs);
    add(context, 'sentinel.overlap.old.lost', lost);
    return `overlap ${overlapMs.toFixed(0)} ms, ${lost} writes lost`;
  } finally {
    client.stop();
  }
}

/** The master comes back empty before Sentinel looked again. Its replicas copy that. */
async function keysLost(context: Context, trio: SentinelTrio): Promise<string> {
  await trio.settled();
  const master = await trio.master();
  await loadKeys(master);
  await pause(AFTERWARDS_MS);
  const killedAtMs = performance.now();
  await master.kill();
  await pause(Math.max(0, killedAtMs + RESTART_AFTER_MS - performance.now()));
  await master.restart({ empty: true });
  await waitFor(async () => await replicated(await trio.master()), 'replicas of the restarted', RESYNC_TIMEOUT_MS);
  const lost = KEYS - (await countKeys(await trio.master()));
  add(context, 'sentinel.overlap.empty.keys-lost', lost);
  return `${lost} of ${KEYS} keys lost`;
}

/** Runs something on servers and Sentinels that are fresh for every run. */
export function onFreshTrios(
  context: Context,
  name: string,
  run: (trio: SentinelTrio) => Promise<string>,
): Promise<void> {
  return repeat(context, {
    name,
    runs: context.options.sentinelRuns,
    open: () => Promise.resolve(null),
    close: () => Promise.resolve(),
    run: async () => {
      const trio = await SentinelTrio.start();
      try {
        return await run(trio);
      } finally {
        await trio.stop();
      }
    },
  });
}

export function measureSentinel(context: Context): Promise<void> {
  const withOverlap = context.options.only.includes('restart-overlap');
  return onFreshTrios(context, 'Sentinel', async (trio) => {
    const victim = await trio.master();
    if (withOverlap) await victim.cmd('SAVE');
    const results = [await gap(context, trio, victim)];
    if (withOverlap) results.push(await overlapOld(context, trio, victim), await keysLost(context, trio));
    return results.join(', ');
  });
}
