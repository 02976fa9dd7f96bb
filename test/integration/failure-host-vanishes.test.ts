// Failure table, "agent and host vanish": both are stopped in mid-step, as a host that is cut off and comes back.

import { expect, test } from 'vitest';

import { failureStage } from '../support/failure-stage.ts';
import { heal, listen, peace, says } from '../support/healing.ts';
import type { Node } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { followedPort, minReplicas, untilFollows } from '../support/writers.ts';

const stage = failureStage();

function freezeBoth({ agent, redis }: Node): void {
  agent.signal('SIGSTOP');
  redis.freeze();
}

/** What only a lease holder does. */
const ACTS_OF_POWER = ['epoch_claimed', 'promoted', 'announced', 'in_sync_changed', 'remote_fenced'];

test.each<[string, (node: Node) => void]>([
  ['Redis first', ({ agent, redis }) => {
    redis.thaw();
    agent.signal('SIGCONT');
  }],
  ['the agent first', ({ agent, redis }) => {
    agent.signal('SIGCONT');
    redis.thaw();
  }],
])('the host vanishes and comes back, %s: no two servers ever acknowledge', async (_name, thaw) => {
  const { master } = await peace(stage.service);
  const epoch = (await master.agent.view())?.epoch ?? 0;
  const writers = stage.writeTo(stage.service.nodes, { wait: 1 });
  await writers.progress(master, 100);
  freezeBoth(master);
  const successor = await stage.successorOf(master);
  await writers.progress(successor, 100);
  expect((await successor.agent.view())?.epoch).toBe(epoch + 1);
  const lines = listen(master);
  thaw(master);
  await untilFollows(master, successor);
  await writers.progress(successor, 100);
  await writers.stop();
  expect(writers.overlap(master, successor)).toEqual([]);
  expect(await writers.missingOn(successor.redis)).toEqual([]);
  // It fences, unless the new master's fence was the first thing that its Redis ran; nothing else, in any case.
  expect(lines().filter(({ event }) => ACTS_OF_POWER.includes(event))).toEqual([]);
  await peace(stage.service);
  await waitFor(async () => (await minReplicas(master.redis)) < 1_000_000, 'no fence is left behind');
});

test('only the agent is stopped: the takeover is lossless, and the thawed agent touches nobody', async () => {
  const { master } = await heal(stage.service);
  const writers = stage.writeTo(stage.service.nodes);
  await writers.progress(master, 100);
  master.agent.signal('SIGSTOP');
  const successor = await stage.successorOf(master);
  await writers.progress(successor, 100);
  await waitFor(async () => (await followedPort(master.redis)) === successor.redis.port, 'the orphan follows');
  master.agent.signal('SIGCONT');
  await peace(stage.service);
  await writers.progress(successor, 100);
  await writers.stop();
  expect((await stage.service.master())?.name).toBe(successor.name);
  expect(writers.overlap(master, successor)).toEqual([]);
  expect(await writers.missingOn(successor.redis)).toEqual([]);
});

test('only Redis is stopped for longer than the session: one successor, one thawed replica', async () => {
  const { master } = await heal(stage.service);
  const writers = stage.writeTo(stage.service.nodes, { wait: 1 });
  await writers.progress(master, 100);
  const lines = listen(master);
  master.redis.freeze();
  const successor = await stage.successorOf(master);
  await writers.progress(successor, 1000);
  master.redis.thaw();
  await untilFollows(master, successor);
  await writers.stop();
  expect(says(lines(), 'lease_released')).toBe(true);
  expect(writers.overlap(master, successor)).toEqual([]);
  expect(await writers.missingOn(successor.redis)).toEqual([]);
});

test('a replica vanishes with its agent and comes back: it follows whoever is master then', async () => {
  const { master, replicas: [victim, other] } = await heal(stage.service);
  const writers = stage.writeTo(stage.service.nodes, { wait: 1 });
  await writers.progress(master, 100);
  freezeBoth(victim);
  const shrunk = async (): Promise<boolean> => (await master.agent.view())?.inSync.join() === other.name;
  await waitFor(shrunk, 'the set without the frozen one');
  await master.redis.kill();
  const successor = await stage.successorOf(master);
  expect(successor).toBe(other);
  victim.redis.thaw();
  victim.agent.signal('SIGCONT');
  await untilFollows(victim, other);
  await writers.progress(other, 100);
  await writers.stop();
  expect(writers.acknowledgedBy(victim)).toEqual([]);
  expect(await writers.missingOn(other.redis)).toEqual([]);
  await heal(stage.service);
});
