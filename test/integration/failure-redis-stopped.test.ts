// Failure table, "sooner when /proc proves it stopped", and fence_by_kill: what a stopped Redis may still do.

import { afterEach, expect, test } from 'vitest';

import { listen, peace, says } from '../support/healing.ts';
import type { Node, Service } from '../support/service.ts';
import { startService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { untilFollows, Writers } from '../support/writers.ts';

/** So long that only the evidence of the kernel explains a failover. */
const DOWN_AFTER_MS = 600_000;
/** Long enough for a stop to be noticed, were it one. */
const BUSY_SECONDS = 1;

let service: Service | null = null;
let writers: Writers | null = null;

afterEach(async () => {
  await writers?.stop();
  writers = null;
  await service?.stop();
  service = null;
});

async function start(config: Record<string, unknown> = {}): Promise<Service> {
  service = await startService({
    tickTimeMs: 200,
    config: { zk_session_timeout_ms: 2000, down_after_ms: DOWN_AFTER_MS, ...config },
    redisArgs: ['--repl-diskless-sync-delay', '0', '--enable-debug-command', 'yes'],
  });
  return service;
}

async function successorOf(of: Service, old: Node): Promise<Node> {
  return waitFor(async () => of.master().then((master) => (master === old ? null : master)), 'a successor');
}

test('a stopped Redis is replaced without waiting for down_after_ms', async () => {
  const of = await start();
  const { master } = await peace(of);
  writers = new Writers(of.nodes, { wait: 1 });
  await writers.progress(master, 100);
  const lines = listen(master);
  master.redis.freeze();
  const successor = await successorOf(of, master);
  expect(says(lines(), 'lease_released', { because: 'redis_hung' })).toBe(true);
  expect(says(lines(), 'redis_killed')).toBe(false);
  await writers.progress(successor);
  master.redis.thaw();
  await untilFollows(master, successor);
  await writers.stop();
  expect(await writers.missingOn(successor.redis)).toEqual([]);
});

test('with fence_by_kill it is killed when its lease is lost, and acknowledges nothing any more', async () => {
  const of = await start({ fence_by_kill: true });
  const { master } = await peace(of);
  writers = new Writers(of.nodes, { batch: 20 });
  await writers.progress(master, 100);
  const lines = listen(master);
  master.redis.freeze();
  const successor = await successorOf(of, master);
  expect(await master.redis.exited).toMatchObject({ signal: 'SIGKILL' });
  await waitFor(() => says(lines(), 'redis_killed'), 'it says so');
  await writers.progress(successor);
  expect(writers.overlap(master, successor)).toEqual([]);
  await writers.stop();
  await master.redis.restart();
  await untilFollows(master, successor);
});

test('a Redis that is only busy is neither replaced nor killed', async () => {
  const of = await start({ fence_by_kill: true });
  const { master } = await peace(of);
  const epoch = (await master.agent.view())?.epoch;
  const { pid } = master.redis;
  await master.redis.cmd('DEBUG', 'SLEEP', BUSY_SECONDS);
  await peace(of);
  expect((await of.settled()).master.name).toBe(master.name);
  expect((await master.agent.view())?.epoch).toBe(epoch);
  expect(master.redis.pid).toBe(pid);
});
