// An agent is cut off from the ensemble while everything else goes on: the holder fences in time, a replica leaves.

import { afterAll, expect, test } from 'vitest';

import { FENCE_MIN_REPLICAS } from '../../src/core/fencing.ts';
import type { FaultProxy } from '../support/fault-proxy.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { failureStage } from '../support/failure-stage.ts';
import { heal, listen, peace, says } from '../support/healing.ts';
import type { Node } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { followedPort, minReplicas, untilFollows } from '../support/writers.ts';

let proxies: FaultProxy[] = [];

const stage = failureStage({}, async ({ port }) => {
  proxies = await Promise.all([1, 2, 3].map(() => startFaultProxy({ targetPort: port })));
  return { zkPort: (index) => proxies[index]?.port ?? 0 };
});
afterAll(() => Promise.all(proxies.map((proxy) => proxy.stop())));

function proxyOf(node: Node): FaultProxy {
  const proxy = proxies[stage.service.nodes.indexOf(node)];
  if (proxy === undefined) throw new Error(`${node.name} has no proxy`);
  return proxy;
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
  const { master } = await heal(stage.service);
  const epoch = (await master.agent.view())?.epoch ?? 0;
  const writers = stage.writeTo(stage.service.nodes);
  await writers.progress(master, 100);
  const lines = listen(master);
  await cut(proxyOf(master));
  const successor = await stage.successorOf(master);
  await writers.progress(successor, 100);
  expect(says(lines(), 'lease_in_doubt')).toBe(true);
  await mend(proxyOf(master));
  await untilFollows(master, successor);
  await peace(stage.service);
  await writers.stop();
  expect((await successor.agent.view())?.epoch).toBe(epoch + 1);
  expect(writers.overlap(master, successor)).toEqual([]);
  expect(await writers.missingOn(successor.redis)).toEqual([]);
  await waitFor(async () => (await minReplicas(master.redis)) < FENCE_MIN_REPLICAS, 'no fence is left behind');
});

test('the agent of a replica is cut off: its Redis leaves the master, which refuses no write', async () => {
  const { master, replicas: [victim, other] } = await heal(stage.service);
  const writers = stage.writeTo([master]);
  await writers.progress(master, 100);
  proxyOf(victim).freeze('toServer', 'toClient');
  await waitFor(async () => (await followedPort(victim.redis)) === null, 'it leaves its master');
  await waitFor(async () => (await master.agent.view())?.inSync.join() === other.name, 'the set without it');
  await writers.progress(master, 100);
  proxyOf(victim).resetAll();
  proxyOf(victim).thaw();
  await peace(stage.service);
  await writers.stop();
  expect(writers.refused).toEqual([]);
});

test('all agents are cut off: the same master goes on, and no write is refused', async () => {
  const { master } = await heal(stage.service);
  const writers = stage.writeTo([master]);
  await writers.progress(master, 100);
  const lines = listen(master);
  for (const proxy of proxies) proxy.freeze('toServer', 'toClient');
  await waitFor(() => says(lines(), 'failsafe_started'), 'the promises of the others');
  await writers.progress(master, 500);
  for (const proxy of proxies) {
    proxy.resetAll();
    proxy.thaw();
  }
  await waitFor(() => says(lines(), 'failsafe_ended'), 'the ensemble to be heard again');
  const { master: after } = await peace(stage.service);
  await writers.progress(after, 100);
  await writers.stop();
  expect(after).toBe(master);
  expect(writers.refused).toEqual([]);
  expect(await writers.missingOn(after.redis)).toEqual([]);
});
