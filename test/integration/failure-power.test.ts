// Failure table, "every node lost power at once": in several orders of return, with what RDB, AOF or no file kept.

import { describe, expect, test } from 'vitest';

import { FAST_SYNC, failureStages } from '../support/failure-stage.ts';
import { peace } from '../support/healing.ts';
import type { Node, Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

const AOF = [...FAST_SYNC, '--appendonly', 'yes', '--appendfsync', 'always'];
const GRACE_MS = 1500;

const stage = failureStages();

interface Blackout {
  readonly service: Service;
  readonly master: Node;
  readonly replicas: readonly [Node, Node];
  readonly keys: number;
}

/** Everything dies at one moment, with all that was written on whatever disk there is. */
async function blackout(redisArgs: readonly string[], save = false): Promise<Blackout> {
  const service = await stage.start({ redisArgs, config: { recovery_grace_ms: GRACE_MS } });
  const { master, replicas } = await peace(service);
  const writers = stage.writeTo([master], { wait: 2 });
  await writers.progress(master, 200);
  await writers.stop();
  if (save) for (const { redis } of service.nodes) await redis.cmd('SAVE');
  const keys = await keysOf(master);
  for (const { agent } of service.nodes) agent.signal('SIGKILL');
  await Promise.all(service.nodes.flatMap(({ redis, agent }) => [redis.kill(), agent.kill()]));
  return { service, master, replicas, keys };
}

async function comesBack(node: Node, disk: 'kept' | 'lost' = 'kept'): Promise<void> {
  await node.redis.restart({ empty: disk === 'lost' });
  node.agent.restart();
  await waitFor(async () => (await node.agent.view())?.redis.role !== null, `${node.name} is back`);
}

async function keysOf(node: Node): Promise<number> {
  return Number(await node.redis.cmd('DBSIZE'));
}

async function reasonsOf(node: Node): Promise<readonly string[]> {
  return (await node.agent.view())?.reasons ?? [];
}

/** Everybody follows one master again, with this many keys. */
async function expectAll(service: Service, keys: number): Promise<Node> {
  const { master } = await peace(service);
  for (const node of service.nodes) {
    await waitFor(async () => (await keysOf(node)) === keys, `${node.name} has all keys`);
  }
  return master;
}

describe('the last master serves again when it is back with its data', () => {
  test.each<[string, readonly string[], boolean, 'first' | 'last']>([
    ['as the first, from an AOF', AOF, false, 'first'],
    ['as the last, from an AOF', AOF, false, 'last'],
    ['as the last, from an RDB', FAST_SYNC, true, 'last'],
  ])('%s', async (_how, args, save, when) => {
    const { service, master, replicas, keys } = await blackout(args, save);
    for (const node of when === 'first' ? [master, ...replicas] : [...replicas, master]) await comesBack(node);
    expect((await expectAll(service, keys)).name).toBe(master.name);
  });
});

test('without the last master a replica that was in sync serves, after the grace', async () => {
  const { service, master, replicas, keys } = await blackout(AOF);
  for (const node of replicas) await comesBack(node);
  await waitFor(async () => (await reasonsOf(replicas[0])).includes('awaiting_recovery'), 'the wait to be visible');
  const successor = await stage.successorOf(master);
  expect(await keysOf(successor)).toBe(keys);
  await comesBack(master);
  expect((await expectAll(service, keys)).name).toBe(successor.name);
});

test('a last master that comes back empty serves nobody while others have data', async () => {
  const { service, master, replicas, keys } = await blackout(FAST_SYNC, true);
  await comesBack(master, 'lost');
  await waitFor(async () => (await reasonsOf(master)).length > 0, 'the empty one to say why it waits');
  for (const node of replicas) await comesBack(node);
  expect((await expectAll(service, keys)).name).not.toBe(master.name);
});

test('with nothing on any disk nobody serves before all are back, then the last master does', async () => {
  const { service, master, replicas } = await blackout(FAST_SYNC);
  for (const node of replicas) await comesBack(node, 'lost');
  await waitFor(async () => (await reasonsOf(replicas[0])).includes('nothing_recoverable'), 'an operator is needed');
  await comesBack(master, 'lost');
  expect((await expectAll(service, 0)).name).toBe(master.name);
});
