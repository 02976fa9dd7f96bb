// An agent is cut off from the ensemble while everything else goes on: the holder fences in time, a replica leaves.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { FENCE_MIN_REPLICAS } from '../../src/core/fencing.ts';
import type { FaultProxy } from '../support/fault-proxy.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { heal, listen, peace, says } from '../support/healing.ts';
import type { Node, Service } from '../support/service.ts';
import { startService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { followedPort, minReplicas, untilFollows, Writers } from '../support/writers.ts';
import type { ZooKeeperServer } from '../support/zookeeper-server.ts';
import { startZooKeeper } from '../support/zookeeper-server.ts';

let zookeeper: ZooKeeperServer;
let proxies: FaultProxy[] = [];
let service: Service;
let writers: Writers | null = null;

beforeAll(async () => {
  zookeeper = await startZooKeeper({ tickTimeMs: 200 });
  proxies = await Promise.all([1, 2, 3].map(() => startFaultProxy({ targetPort: zookeeper.port })));
  service = await startService({
    zookeeper,
    zkPort: (index) => proxies[index]?.port ?? 0,
    config: { zk_session_timeout_ms: 2000, down_after_ms: 1000 },
    redisArgs: ['--repl-diskless-sync-delay', '0'],
  });
});
afterEach(async () => {
  await writers?.stop();
  writers = null;
});
afterAll(async () => {
  await service.stop();
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await zookeeper.stop();
});

function proxyOf(node: Node): FaultProxy {
  const proxy = proxies[service.nodes.indexOf(node)];
  if (proxy === undefined) throw new Error(`${node.name} has no proxy`);
  return proxy;
}

async function successorOf(old: Node): Promise<Node> {
  return waitFor(async () => {
    for (const node of service.others(old)) {
      const view = await node.agent.view();
      if (view?.role === 'master' && view.master?.name === node.name) return node;
    }
    return null;
  }, 'a successor');
}

test.each<[string, (proxy: FaultProxy) => Promise<void> | void, (proxy: FaultProxy) => Promise<void> | void]>([
  ['silently', (proxy) => proxy.freeze('toServer', 'toClient'), (proxy) => {
    proxy.resetAll();
    proxy.thaw();
  }],
  ['with a reset, and refused since', (proxy) => proxy.refuse(), (proxy) => proxy.accept()],
  ['in one direction: its requests arrive, no answer does', (proxy) => proxy.freeze('toClient'), (proxy) => {
    proxy.resetAll();
    proxy.thaw();
  }],
])('the agent of the master is cut off %s: fenced first, then a successor, nothing lost', async (_name, cut, mend) => {
  const { master } = await heal(service);
  const epoch = (await master.agent.view())?.epoch ?? 0;
  writers = new Writers(service.nodes);
  await writers.progress(master, 100);
  const lines = listen(master);
  await cut(proxyOf(master));
  const successor = await successorOf(master);
  await writers.progress(successor, 100);
  expect(says(lines(), 'lease_in_doubt')).toBe(true);
  await mend(proxyOf(master));
  await untilFollows(master, successor);
  await peace(service);
  await writers.stop();
  expect((await successor.agent.view())?.epoch).toBe(epoch + 1);
  expect(writers.overlap(master, successor)).toEqual([]);
  expect(await writers.missingOn(successor.redis)).toEqual([]);
  await waitFor(async () => (await minReplicas(master.redis)) < FENCE_MIN_REPLICAS, 'no fence is left behind');
});

test('the agent of a replica is cut off: its Redis leaves the master, which refuses no write', async () => {
  const { master, replicas: [victim, other] } = await heal(service);
  writers = new Writers([master]);
  await writers.progress(master, 100);
  proxyOf(victim).freeze('toServer', 'toClient');
  await waitFor(async () => (await followedPort(victim.redis)) === null, 'it leaves its master');
  await waitFor(async () => (await master.agent.view())?.inSync.join() === other.name, 'the set without it');
  await writers.progress(master, 100);
  proxyOf(victim).resetAll();
  proxyOf(victim).thaw();
  await peace(service);
  await writers.stop();
  expect(writers.refused).toEqual([]);
});

test('all agents are cut off: the master is fenced, nobody takes over, and all is well again afterwards', async () => {
  const { master } = await heal(service);
  writers = new Writers(service.nodes);
  await writers.progress(master, 100);
  for (const proxy of proxies) proxy.freeze('toServer', 'toClient');
  await waitFor(async () => (await minReplicas(master.redis)) === FENCE_MIN_REPLICAS, 'the master is fenced');
  for (const proxy of proxies) {
    proxy.resetAll();
    proxy.thaw();
  }
  const { master: after } = await peace(service);
  await writers.progress(after, 100);
  await writers.stop();
  if (after !== master) expect(writers.overlap(master, after)).toEqual([]);
  expect(await writers.missingOn(after.redis)).toEqual([]);
});
