// Durable mode (I4): a failover keeps what WAIT confirmed, or does not happen and says why.

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

import { failureStages } from '../support/failure-stage.ts';
import { heal, listen, peace, says } from '../support/healing.ts';
import type { Node, Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { untilFollows } from '../support/writers.ts';

const DURABLE = { durability: 'durable', wait_replicas: 1 };

const stage = failureStages();

/** All replicas proved, in the registry, that they hold everything: then each can be counted. */
async function wholePeace(service: Service): ReturnType<typeof peace> {
  const calm = await peace(service);
  await waitFor(
    async () => (await Promise.all(service.nodes.map(({ agent }) => agent.view()))).every((view) => view?.whole),
    'every node holds everything that it acknowledged',
  );
  return calm;
}

async function isUnproved(node: Node): Promise<boolean> {
  return (await node.agent.view())?.reasons.includes('durability_unproved') === true;
}

test('a failover with two of three loses nothing that WAIT confirmed', async () => {
  const service = await stage.start({ nodes: 3, config: DURABLE });
  const { master } = await wholePeace(service);
  const writers = stage.writeTo(service.nodes, { wait: 1 });
  await writers.progress(master, 200);
  await master.redis.kill();
  const successor = await stage.successorOf(master);
  await writers.progress(successor);
  await writers.stop();
  expect(await writers.missingOn(successor.redis)).toEqual([]);
  await heal(service);
  expect(await writers.missingOn(master.redis)).toEqual([]);
});

test('with one replica stopped nobody is promoted, until that one is back', async () => {
  const service = await stage.start({ nodes: 3, config: DURABLE });
  const { master, replicas: [first, second] } = await wholePeace(service);
  const writers = stage.writeTo([master], { wait: 1 });
  await writers.progress(master, 100);
  second.redis.freeze();
  await writers.progress(master, 50);
  await master.redis.kill();
  await writers.stop();
  await waitFor(() => isUnproved(first), 'the reason to be visible');
  expect(await service.master()).toBe(null);
  second.redis.thaw();
  const successor = await stage.successorOf(master);
  expect(await writers.missingOn(successor.redis)).toEqual([]);
});

test('a replica that restarted is no proof; an operator may decide without it', async () => {
  const service = await stage.start({ nodes: 3, config: DURABLE });
  const { master, replicas: [first, second] } = await wholePeace(service);
  // The master's agent is stopped, so that nothing is noticed before its Redis is gone.
  master.agent.signal('SIGSTOP');
  await second.redis.kill();
  await master.redis.kill();
  await second.redis.restart();
  master.agent.signal('SIGCONT');
  await waitFor(() => isUnproved(first), 'the reason to be visible');
  expect(await service.master()).toBe(null);
  execFileSync(process.execPath, [
    'dist/dictator.cjs', 'bootstrap', '--master', first.name, '--yes', '--config', first.agent.configFile,
  ]);
  await waitFor(async () => (await service.master())?.name === first.name, 'the operator is obeyed');
  await untilFollows(second, first);
});

test('a node whose file differs obeys the record; a newcomer is registered before it follows', async () => {
  const service = await stage.start({ nodes: 3, config: DURABLE });
  const { master, replicas: [replica] } = await peace(service);
  const heard = listen(replica);
  await replica.agent.kill();
  replica.agent.restart({ durability: 'async' });
  await waitFor(() => says(heard(), 'refused', { reason: 'setting_differs' }), 'the difference to be said');
  expect((await replica.agent.view())?.settings.durability).toBe('durable');
  const registered = master.agent.lines.filter((line) => line.event === 'node_registered');
  const followed = replica.agent.lines.find((line) => line.event === 'following');
  expect(registered[0]?.atMs).toBeLessThan(followed?.atMs ?? Number.POSITIVE_INFINITY);
});
