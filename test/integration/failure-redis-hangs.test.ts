// Failure table, "Redis of the master hangs": after down_after_ms another takes over, and the thawed one follows.

import { setTimeout as pause } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { failureStage } from '../support/failure-stage.ts';
import { heal, listen, peace, says } from '../support/healing.ts';
import { roleOf, untilFollows } from '../support/writers.ts';

/** How long the fault itself lasts: well below down_after_ms. */
const SHORT_HANG_MS = 200;

const stage = failureStage();

test('a stopped Redis is replaced, acknowledges nothing after its thaw, and follows', async () => {
  const { master } = await peace(stage.service);
  const writers = stage.writeTo(stage.service.nodes, { wait: 1 });
  await writers.progress(master, 100);
  const lines = listen(master);
  master.redis.freeze();
  const successor = await stage.successorOf(master);
  await writers.progress(successor);
  expect(says(lines(), 'lease_released', { because: 'redis_hung' })).toBe(true);
  master.redis.thaw();
  await untilFollows(master, successor);
  await writers.progress(successor, 200);
  await writers.stop();
  expect(writers.overlap(master, successor)).toEqual([]);
  expect(await writers.missingOn(successor.redis)).toEqual([]);
  await peace(stage.service);
});

test('a Redis whose clients are all paused hangs just the same', async () => {
  const { master } = await heal(stage.service);
  const writers = stage.writeTo(stage.service.nodes, { wait: 1 });
  await writers.progress(master, 100);
  await master.redis.cmd('CLIENT', 'PAUSE', 5000, 'ALL');
  const successor = await stage.successorOf(master);
  await writers.progress(successor);
  await untilFollows(master, successor);
  await writers.stop();
  expect(writers.overlap(master, successor)).toEqual([]);
  expect(await writers.missingOn(successor.redis)).toEqual([]);
});

test('a hang shorter than down_after_ms changes nothing', async () => {
  const { master } = await heal(stage.service);
  const epoch = (await master.agent.view())?.epoch;
  const writers = stage.writeTo(stage.service.nodes, { wait: 1 });
  await writers.progress(master);
  const { length: before } = writers.acknowledgedBy(master);
  master.redis.freeze();
  await pause(SHORT_HANG_MS);
  master.redis.thaw();
  await writers.progress(master, 100);
  await writers.stop();
  expect((await stage.service.settled()).master.name).toBe(master.name);
  expect((await master.agent.view())?.epoch).toBe(epoch);
  expect(await roleOf(master.redis)).toBe('master');
  expect(writers.acknowledgedBy(master).length).toBeGreaterThan(before);
  expect(await writers.missingOn(master.redis)).toEqual([]);
});
