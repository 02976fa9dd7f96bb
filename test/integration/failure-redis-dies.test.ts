// Failure table, "Redis process of the master dies, agent lives" and "master restarts empty in 50 ms".

import { expect, test } from 'vitest';

import { FAST_SYNC, failureStage } from '../support/failure-stage.ts';
import { heal, listen, peace, says } from '../support/healing.ts';
import type { Node } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { roleOf, untilFollows, type Writers } from '../support/writers.ts';

const START_FENCE = [...FAST_SYNC, '--min-replicas-to-write', '1'];
const MEGABYTE = 1024 * 1024;
/** More than the sockets between a master and a stopped replica can hold. */
const BURST_MEGABYTES = 40;

const stage = failureStage();

function write(wait: number): Writers {
  return stage.writeTo(stage.service.nodes, { wait });
}

async function keysOf(node: Node): Promise<number> {
  return Number(await node.redis.cmd('DBSIZE'));
}

test('a replica takes over, and no write that WAIT confirmed is lost', async () => {
  const { master } = await peace(stage.service);
  const writing = write(1);
  await writing.progress(master, 200);
  await master.redis.kill();
  const successor = await stage.successorOf(master);
  await writing.progress(successor);
  await writing.stop();
  expect(await writing.missingOn(successor.redis)).toEqual([]);
  expect(writing.overlap(master, successor)).toEqual([]);
});

test('the old master comes back empty as a replica of the new one', async () => {
  const [dead] = stage.service.nodes.filter(({ redis }) => !redis.running);
  if (dead === undefined) throw new Error('the test before leaves a dead Redis');
  const before = await peaceOfTwo();
  const keys = await keysOf(before);
  const lines = listen(dead);
  await dead.redis.restart({ empty: true });
  await untilFollows(dead, before);
  await waitFor(async () => (await keysOf(dead)) === keys, 'the returned node has all data');
  expect(await keysOf(before)).toBe(keys);
  expect((await stage.service.master())?.name).toBe(before.name);
  expect(says(lines(), 'following', { master: before.name })).toBe(true);
});

/** The master while one node is down. */
async function peaceOfTwo(): Promise<Node> {
  const { master } = await stage.service.settled(1);
  return master;
}

test('the old master comes back with old data: it discards it and follows', async () => {
  const { master } = await peace(stage.service);
  const writing = write(1);
  await writing.progress(master);
  await master.redis.cmd('SAVE');
  await writing.progress(master);
  await master.redis.kill();
  const successor = await stage.successorOf(master);
  await writing.progress(successor);
  const lines = listen(master);
  await master.redis.restart({ args: START_FENCE });
  expect(await keysOf(master)).toBeGreaterThan(0);
  await untilFollows(master, successor);
  await writing.progress(successor);
  await writing.stop();
  expect(writing.overlap(master, successor)).toEqual([]);
  expect(await writing.missingOn(successor.redis)).toEqual([]);
  await waitFor(() => says(lines(), 'redis_restarted'), 'the restart to be noticed');
  await peace(stage.service);
  await waitFor(async () => (await keysOf(master)) === (await keysOf(successor)), 'both hold the same keys');
});

test('the most advanced replica wins, against the order of names', async () => {
  const { master, replicas } = await heal(stage.service);
  const [lagging, advanced] = [...replicas].sort((a, b) => (a.name < b.name ? -1 : 1)) as [Node, Node];
  const [laggingSays, advancedSays] = [listen(lagging), listen(advanced)];
  lagging.redis.freeze();
  const value = 'x'.repeat(MEGABYTE);
  for (let i = 0; i < BURST_MEGABYTES; i += 1) await master.redis.cmd('SET', `burst:${String(i)}`, value);
  const acknowledgedBy = Number(await master.redis.cmd('WAIT', 1, 5000));
  await master.redis.kill();
  lagging.redis.thaw();
  const successor = await stage.successorOf(master);
  expect(acknowledgedBy).toBe(1);
  const offsetIn = (lines: ReturnType<typeof laggingSays>): number =>
    Math.max(...lines.filter((line) => line.event === 'ballot_cast').map((line) => Number(line['offset'])));
  expect(offsetIn(laggingSays())).toBeLessThan(offsetIn(advancedSays()));
  expect(successor.name).toBe(advanced.name);
  expect(Number(await successor.redis.cmd('EXISTS', `burst:${String(BURST_MEGABYTES - 1)}`))).toBe(1);
  for (let i = 0; i < BURST_MEGABYTES; i += 1) await successor.redis.cmd('DEL', `burst:${String(i)}`);
});

test.each([
  ['with the start fence: no two servers ever acknowledge', START_FENCE],
  ['writable from its first moment: the replicas keep their data', FAST_SYNC],
])('a master restarts empty within milliseconds, %s', async (_name, args) => {
  const { master, replicas } = await heal(stage.service);
  const writing = write(1);
  await writing.progress(master, 100);
  const kept = writing.acknowledgedBy(master).length;
  await master.redis.restart({ empty: true, args });
  const successor = await stage.successorOf(master);
  await writing.progress(successor);
  await untilFollows(master, successor);
  await writing.stop();
  expect(replicas).toContain(successor);
  const old = writing.acknowledgedBy(master).slice(0, kept).map(({ key }) => key);
  expect(Number(await successor.redis.cmd('EXISTS', ...old))).toBe(kept);
  // Confirmed by WAIT means: a replica of the old process had it. The new process has had no replica.
  expect(await writing.missingOn(successor.redis)).toEqual([]);
  if (args === START_FENCE) expect(writing.overlap(master, successor)).toEqual([]);
  await peace(stage.service);
  expect(await roleOf(master.redis)).toBe('slave');
});
