// Failure table, "Redis and agent of the master die together": the proof of death, and the session's end without it.

import { afterEach, beforeAll, afterAll, describe, expect, test } from 'vitest';

import { heal, listen, peace, says } from '../support/healing.ts';
import type { Node, Service } from '../support/service.ts';
import { startService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { untilFollows, Writers } from '../support/writers.ts';
import type { ZooKeeperServer } from '../support/zookeeper-server.ts';
import { startZooKeeper } from '../support/zookeeper-server.ts';

const FAST_SYNC = ['--repl-diskless-sync-delay', '0'];
const CONFIG = { zk_session_timeout_ms: 2000, down_after_ms: 1000 };

let zookeeper: ZooKeeperServer;
let service: Service | null = null;
let writers: Writers | null = null;

beforeAll(async () => {
  zookeeper = await startZooKeeper({ tickTimeMs: 200 });
});
afterEach(async () => {
  await writers?.stop();
  await service?.stop();
  writers = null;
  service = null;
});
afterAll(() => zookeeper.stop());

async function start(options: { nodes: number; config?: Record<string, unknown> }): Promise<Service> {
  const config = { ...CONFIG, ...options.config };
  service = await startService({ zookeeper, nodes: options.nodes, config, redisArgs: FAST_SYNC });
  return service;
}

/** Kills both at one moment, as a process group dies. */
async function killBoth(node: Node): Promise<void> {
  node.agent.signal('SIGKILL');
  await Promise.all([node.redis.kill(), node.agent.kill()]);
}

async function successorOf(old: Node): Promise<Node> {
  return waitFor(async () => service?.master().then((master) => (master === old ? null : master)), 'a successor');
}

test('three nodes: the death is proved, and nobody waits for the session to end', async () => {
  const three = await start({ nodes: 3 });
  const { master, replicas } = await peace(three);
  const epoch = (await master.agent.view())?.epoch ?? 0;
  writers = new Writers(three.nodes, { wait: 1 });
  await writers.progress(master, 100);
  const heard = replicas.map(listen);
  await killBoth(master);
  const successor = await successorOf(master);
  await writers.progress(successor);
  await writers.stop();
  expect(heard.some((lines) => says(lines(), 'death_proved', { master: master.name, epoch }))).toBe(true);
  expect((await successor.agent.view())?.epoch).toBe(epoch + 1);
  expect(await writers.missingOn(successor.redis)).toEqual([]);
  await heal(three);
  expect((await successor.agent.view())?.epoch).toBe(epoch + 1);
  expect(await writers.missingOn(master.redis)).toEqual([]);
});

describe('without a proof the end of the session decides', () => {
  test.each([
    ['two nodes have no majority', { nodes: 2 }],
    ['trust_refused is off', { nodes: 3, config: { trust_refused: false } }],
  ])('%s', async (_name, options) => {
    const some = await start(options);
    const { master } = await peace(some);
    writers = new Writers(some.nodes, { wait: 1 });
    await writers.progress(master, 100);
    const heard = some.others(master).map(listen);
    await killBoth(master);
    const successor = await successorOf(master);
    // The last of two nodes has no replica that WAIT could count.
    await waitFor(async () => (await successor.redis.cmd('SET', 'after', '1')) === 'OK', 'the successor takes writes');
    await writers.stop();
    const lines = heard.flatMap((each) => each());
    expect(says(lines, 'refused', { reason: 'awaiting_session_end' })).toBe(true);
    expect(says(lines, 'death_proved')).toBe(false);
    expect(await writers.missingOn(successor.redis)).toEqual([]);
    master.agent.restart();
    await master.redis.restart();
    await untilFollows(master, successor);
  });
});
