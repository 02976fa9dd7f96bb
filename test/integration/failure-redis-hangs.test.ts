// Failure table, "Redis of the master hangs": after down_after_ms another takes over, and the thawed one follows.

import { setTimeout as pause } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { heal, listen, peace, says } from '../support/healing.ts';
import type { Node, Service } from '../support/service.ts';
import { startService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { roleOf, untilFollows, Writers } from '../support/writers.ts';

/** How long the fault itself lasts: well below down_after_ms. */
const SHORT_HANG_MS = 200;

let service: Service;
let writers: Writers | null = null;

beforeAll(async () => {
  service = await startService({
    tickTimeMs: 200,
    config: { zk_session_timeout_ms: 2000, down_after_ms: 1000 },
    redisArgs: ['--repl-diskless-sync-delay', '0'],
  });
});
afterEach(async () => {
  await writers?.stop();
  writers = null;
});
afterAll(() => service.stop());

async function successorOf(old: Node): Promise<Node> {
  return waitFor(async () => service.master().then((master) => (master === old ? null : master)), 'a successor');
}

test('a stopped Redis is replaced, acknowledges nothing after its thaw, and follows', async () => {
  const { master } = await peace(service);
  writers = new Writers(service.nodes, { wait: 1 });
  await writers.progress(master, 100);
  const lines = listen(master);
  master.redis.freeze();
  const successor = await successorOf(master);
  await writers.progress(successor);
  expect(says(lines(), 'lease_released', { because: 'redis_hung' })).toBe(true);
  master.redis.thaw();
  await untilFollows(master, successor);
  await writers.progress(successor, 200);
  await writers.stop();
  expect(writers.overlap(master, successor)).toEqual([]);
  expect(await writers.missingOn(successor.redis)).toEqual([]);
  await peace(service);
});

test('a Redis whose clients are all paused hangs just the same', async () => {
  const { master } = await heal(service);
  writers = new Writers(service.nodes, { wait: 1 });
  await writers.progress(master, 100);
  await master.redis.cmd('CLIENT', 'PAUSE', 5000, 'ALL');
  const successor = await successorOf(master);
  await writers.progress(successor);
  await untilFollows(master, successor);
  await writers.stop();
  expect(writers.overlap(master, successor)).toEqual([]);
  expect(await writers.missingOn(successor.redis)).toEqual([]);
});

test('a hang shorter than down_after_ms changes nothing', async () => {
  const { master } = await heal(service);
  const epoch = (await master.agent.view())?.epoch;
  writers = new Writers(service.nodes, { wait: 1 });
  await writers.progress(master);
  const { length: before } = writers.acknowledgedBy(master);
  master.redis.freeze();
  await pause(SHORT_HANG_MS);
  master.redis.thaw();
  await writers.progress(master, 100);
  await writers.stop();
  expect((await service.settled()).master.name).toBe(master.name);
  expect((await master.agent.view())?.epoch).toBe(epoch);
  expect(await roleOf(master.redis)).toBe('master');
  expect(writers.acknowledgedBy(master).length).toBeGreaterThan(before);
  expect(await writers.missingOn(master.redis)).toEqual([]);
});
