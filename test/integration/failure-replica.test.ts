// Failure table, "replica dies, hangs, is wiped, is thawed": the master goes on, and the in-sync set tells the truth.

import { expect, test } from 'vitest';

import { failureStage } from '../support/failure-stage.ts';
import { heal, peace } from '../support/healing.ts';
import type { Node } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { minReplicas, untilFollows } from '../support/writers.ts';

const stage = failureStage();

async function inSyncIs(master: Node, names: readonly string[]): Promise<void> {
  const wanted = [...names].sort().join();
  await waitFor(async () => (await master.agent.view())?.inSync.join() === wanted, `in sync: [${wanted}]`);
}

async function deadManIs(master: Node, count: number): Promise<void> {
  await waitFor(async () => (await minReplicas(master.redis)) === count, `min-replicas-to-write ${String(count)}`);
}

test.each<[string, (replica: Node) => Promise<void> | void, (replica: Node) => Promise<void> | void]>([
  ['dies and comes back', ({ redis }) => redis.kill(), ({ redis }) => redis.restart()],
  ['dies and comes back empty', ({ redis }) => redis.kill(), ({ redis }) => redis.restart({ empty: true })],
  ['hangs and is thawed', ({ redis }) => redis.freeze(), ({ redis }) => redis.thaw()],
])('one of two replicas %s: no write is refused', async (_name, hurt, mend) => {
  const { master, replicas: [victim, other] } = await peace(stage.service);
  const epoch = (await master.agent.view())?.epoch;
  const writers = stage.writeTo([master]);
  await writers.progress(master, 100);
  await hurt(victim);
  await inSyncIs(master, [other.name]);
  expect(await minReplicas(master.redis)).toBe(1);
  await writers.progress(master, 100);
  await mend(victim);
  await untilFollows(victim, master);
  await inSyncIs(master, [victim.name, other.name]);
  await writers.stop();
  expect(writers.refused).toEqual([]);
  expect((await master.agent.view())?.epoch).toBe(epoch);
  const keys = await master.redis.cmd('DBSIZE');
  await waitFor(async () => (await victim.redis.cmd('DBSIZE')) === keys, 'the replica has all data again');
});

test('an agent of a replica dies and comes back: no write is refused, the set stays or is restored', async () => {
  const { master, replicas: [victim, other] } = await peace(stage.service);
  const writers = stage.writeTo([master]);
  await writers.progress(master, 100);
  await victim.agent.kill();
  await writers.progress(master, 100);
  victim.agent.restart();
  await waitFor(async () => (await victim.agent.view())?.role === 'replica', 'the agent is back');
  await inSyncIs(master, [victim.name, other.name]);
  await writers.stop();
  expect(writers.refused).toEqual([]);
});

test('the last replica dies: writes are refused only until the set is empty; the dead-man returns', async () => {
  const { master, replicas: [first, last] } = await peace(stage.service);
  const writers = stage.writeTo([master]);
  await first.redis.kill();
  await inSyncIs(master, [last.name]);
  await writers.progress(master, 100);
  await last.redis.kill();
  await inSyncIs(master, []);
  await deadManIs(master, 0);
  await writers.progress(master, 100);
  expect(writers.refused.every(({ code }) => code === 'NOREPLICAS')).toBe(true);
  const refusedThen = writers.refused.length;
  await last.redis.restart();
  await inSyncIs(master, [last.name]);
  expect(await minReplicas(master.redis)).toBe(1);
  await first.redis.restart({ empty: true });
  await inSyncIs(master, [first.name, last.name]);
  await writers.progress(master, 100);
  await writers.stop();
  expect(writers.refused.length).toBe(refusedThen);
  await heal(stage.service);
});

test('the last replica hangs: writes are refused from max-lag on, until the set is empty', async () => {
  const { master, replicas: [first, last] } = await peace(stage.service);
  const writers = stage.writeTo([master]);
  await first.redis.kill();
  await inSyncIs(master, [last.name]);
  await writers.progress(master, 100);
  last.redis.freeze();
  await inSyncIs(master, []);
  await deadManIs(master, 0);
  await writers.progress(master, 100);
  expect(writers.refused.every(({ code }) => code === 'NOREPLICAS')).toBe(true);
  const refusedThen = writers.refused.length;
  last.redis.thaw();
  await inSyncIs(master, [last.name]);
  expect(await minReplicas(master.redis)).toBe(1);
  await writers.progress(master, 100);
  await writers.stop();
  expect(writers.refused.length).toBe(refusedThen);
  const { master: still } = await heal(stage.service);
  expect(still).toBe(master);
});

test('a replica that was wiped alone, then its master killed: it is not the successor', async () => {
  const { master, replicas: [victim, other] } = await peace(stage.service);
  const writers = stage.writeTo(stage.service.nodes, { wait: 1 });
  await writers.progress(master, 100);
  await victim.redis.kill();
  await writers.progress(master, 100);
  await master.redis.kill();
  await victim.redis.restart({ empty: true });
  const successor = await waitFor(async () => {
    const found = await stage.service.master();
    return found === master ? null : found;
  }, 'a successor');
  await writers.stop();
  expect(successor).toBe(other);
  expect(await writers.missingOn(other.redis)).toEqual([]);
  await heal(stage.service);
});
