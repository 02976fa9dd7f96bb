// Giving up mastership in order: SIGTERM, a second SIGTERM, /disable and /enable, with and without a successor.

import { describe, expect, test } from 'vitest';

import { failureStage, type FailureStage } from '../support/failure-stage.ts';
import { heal, listen, peace, says } from '../support/healing.ts';
import type { Node } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { followedPort, minReplicas, roleOf, untilFollows, type Writers } from '../support/writers.ts';

const EXIT_SIGNALLED = 130;

async function expectHandedOver(stage: FailureStage, old: Node, writing: Writers): Promise<Node> {
  const successor = await stage.successorOf(old);
  await writing.progress(successor, 100);
  expect(await writing.missingOn(successor.redis)).toEqual([]);
  expect(writing.overlap(old, successor)).toEqual([]);
  return successor;
}

describe('a service of three', () => {
  const stage = failureStage();

  test('SIGTERM hands over without losing a write, and exits 0', async () => {
    const { master } = await peace(stage.service);
    const epoch = (await master.agent.view())?.epoch ?? 0;
    const writers = stage.writeTo(stage.service.nodes, { batch: 2 });
    await writers.progress(master, 500);
    master.agent.signal('SIGTERM');
    expect(await master.agent.exited).toBe(0);
    const successor = await expectHandedOver(stage, master, writers);
    expect((await successor.agent.view())?.epoch).toBe(epoch + 1);
    await waitFor(async () => (await followedPort(master.redis)) === successor.redis.port, 'the old one follows');
    expect(says(master.agent.lines, 'agent_stopped', { code: 0 })).toBe(true);
    expect(says(successor.agent.lines, 'refused', { reason: 'awaiting_session_end' })).toBe(false);
  });

  test('SIGTERM of a replica\'s agent disturbs nobody', async () => {
    const { master, replicas: [victim] } = await heal(stage.service);
    const writers = stage.writeTo([master]);
    await writers.progress(master, 100);
    victim.agent.signal('SIGTERM');
    expect(await victim.agent.exited).toBe(0);
    await writers.progress(master, 100);
    expect(writers.refused).toEqual([]);
    expect(await followedPort(victim.redis)).toBe(master.redis.port);
  });

  test('a second SIGTERM exits at once', async () => {
    const { master, replicas } = await heal(stage.service);
    // Nobody can succeed while the replicas' agents are stopped, so the first one waits.
    for (const { agent } of replicas) agent.signal('SIGSTOP');
    const lines = listen(master);
    master.agent.signal('SIGTERM');
    await waitFor(() => says(lines(), 'lease_released'), 'the first signal is being obeyed');
    master.agent.signal('SIGTERM');
    expect(await master.agent.exited).toBe(EXIT_SIGNALLED);
    await heal(stage.service);
  });

  test('/disable on the master: another takes over, the node follows and stays out, also restarted', async () => {
    const { master } = await peace(stage.service);
    const writers = stage.writeTo(stage.service.nodes, { batch: 2 });
    await writers.progress(master, 200);
    expect((await master.agent.http('/disable'))?.status).toBe(200);
    const first = await expectHandedOver(stage, master, writers);
    await untilFollows(master, first);
    await waitFor(async () => (await first.agent.view())?.inSync.length === 1, 'the disabled node is not in sync');
    await master.agent.kill();
    master.agent.restart();
    await waitFor(async () => (await master.agent.view())?.enabled === false, 'still disabled after a restart');
    await waitFor(async () => (await master.agent.view())?.reasons.includes('node_disabled') ?? null, 'it says so');
    await waitFor(async () => (await first.agent.view())?.inSync.length === 1, 'the other replica is in sync');
    await first.redis.kill();
    const second = await stage.successorOf(first);
    expect(second).not.toBe(master);
    await writers.stop();
    await first.redis.restart();
    expect((await master.agent.http('/enable'))?.status).toBe(200);
    await peace(stage.service);
    await untilFollows(master, second);
  });
});

describe('a node without a successor', () => {
  const stage = failureStage({ nodes: 2 });

  test('SIGTERM fences nothing: Redis stays a writable master, and the next agent takes it up', async () => {
    const { master, replicas: [replica] } = await peace(stage.service);
    await replica.agent.kill();
    await replica.redis.kill();
    await waitFor(async () => (await master.agent.view())?.inSync.length === 0, 'nobody is in sync');
    await waitFor(async () => (await master.agent.view())?.members.length === 1, 'the other session ended');
    await waitFor(async () => (await minReplicas(master.redis)) === 0, 'the dead-man is lowered');
    const writers = stage.writeTo([master]);
    await writers.progress(master, 100);
    const lines = listen(master);
    master.agent.signal('SIGTERM');
    expect(await master.agent.exited).toBe(0);
    await writers.progress(master, 100);
    expect(says(lines(), 'refused', { reason: 'no_successor' })).toBe(true);
    expect(writers.refused).toEqual([]);
    master.agent.restart();
    await waitFor(async () => (await stage.service.master()) === master, 'master again');
    await writers.progress(master, 100);
    // Without a lease it is fenced for the moment that the claim takes: anybody else might have claimed.
    expect(writers.refused.every(({ code }) => code === 'NOREPLICAS')).toBe(true);
    expect(await writers.missingOn(master.redis)).toEqual([]);
  });

  test('/disable fences nothing either, and /enable makes it master again', async () => {
    const [alone] = stage.service.nodes.filter(({ redis }) => redis.running);
    if (alone === undefined) throw new Error('one node is up');
    await waitFor(async () => (await stage.service.master()) === alone, 'it is master');
    const writers = stage.writeTo([alone]);
    await writers.progress(alone, 100);
    const lines = listen(alone);
    expect((await alone.agent.http('/disable'))?.status).toBe(200);
    await waitFor(() => says(lines(), 'lease_released'), 'the record is gone');
    await writers.progress(alone, 100);
    expect(await roleOf(alone.redis)).toBe('master');
    expect(writers.refused).toEqual([]);
    expect((await alone.agent.http('/enable'))?.status).toBe(200);
    await waitFor(async () => (await stage.service.master()) === alone, 'master again');
    await writers.progress(alone, 100);
    expect(await writers.missingOn(alone.redis)).toEqual([]);
  });
});
