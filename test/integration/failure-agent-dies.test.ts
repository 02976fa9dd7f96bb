// Failure table, "agent of the master dies, Redis lives": adoption by a restarted agent, else a lossless takeover.

import { expect, test } from 'vitest';

import { YOUNG_SERVER_SECONDS } from '../../src/core/fencing.ts';
import { failureStage } from '../support/failure-stage.ts';
import { heal, listen, peace, says } from '../support/healing.ts';
import type { Node } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { followedPort, roleOf, untilFollows } from '../support/writers.ts';

const stage = failureStage({
  // Long enough for a restarted agent to be back in time on a busy machine.
  config: { zk_session_timeout_ms: 4000 },
});

/** A younger Redis may have been restarted together with its agent, and is fenced until that is known. */
async function untilGrownUp(node: Node): Promise<void> {
  await waitFor(async () => {
    const uptime = /^uptime_in_seconds:(\d+)/m.exec(String(await node.redis.cmd('INFO', 'server')))?.[1];
    return Number(uptime) > YOUNG_SERVER_SECONDS;
  }, `the Redis of ${node.name} is older than ${String(YOUNG_SERVER_SECONDS)} s`);
}

test('a restarted agent adopts the lease: one epoch more, and no write is refused', async () => {
  const { master, replicas } = await peace(stage.service);
  await untilGrownUp(master);
  const epoch = (await master.agent.view())?.epoch ?? 0;
  const runId = (await master.agent.view())?.redis.runId;
  const writers = stage.writeTo(stage.service.nodes);
  await writers.progress(master, 100);
  const heard = replicas.map(listen);
  await master.agent.kill();
  master.agent.restart();
  await waitFor(async () => (await master.agent.view())?.epoch === epoch + 1, 'the next epoch');
  await waitFor(async () => (await stage.service.master()) === master, 'the same master');
  await writers.progress(master, 100);
  const settled = await stage.service.settled();
  await writers.progress(master, 100);
  await writers.stop();
  expect(settled.view.redis.runId).toBe(runId);
  expect(writers.refusedBy(master)).toEqual([]);
  for (const replica of replicas) {
    expect(writers.acknowledgedBy(replica)).toEqual([]);
    expect(await followedPort(replica.redis)).toBe(master.redis.port);
  }
  expect(heard.some((lines) => says(lines(), 'frozen'))).toBe(false);
  expect(await writers.missingOn(master.redis)).toEqual([]);
});

test('without its agent the master is taken over at the session end, and no acknowledged write is lost', async () => {
  const { master } = await heal(stage.service);
  const epoch = (await master.agent.view())?.epoch ?? 0;
  const writers = stage.writeTo(stage.service.nodes, { batch: 2 });
  await writers.progress(master, 500);
  await master.agent.kill();
  const successor = await stage.successorOf(master);
  await writers.progress(successor, 200);
  await waitFor(async () => (await followedPort(master.redis)) === successor.redis.port, 'the orphan follows');
  await writers.stop();
  expect((await successor.agent.view())?.epoch).toBe(epoch + 1);
  expect(await writers.missingOn(successor.redis)).toEqual([]);
  expect(writers.overlap(master, successor)).toEqual([]);
  expect(says(successor.agent.lines, 'epoch_claimed', { takeover: true, epoch: epoch + 1 })).toBe(true);
});

test('the agent of the deposed master comes back and its node follows on', async () => {
  const dead = stage.service.nodes.find(({ agent }) => !agent.alive);
  if (dead === undefined) throw new Error('the test before leaves a dead agent');
  dead.agent.restart();
  const { master } = await peace(stage.service);
  expect(master).not.toBe(dead);
  expect(await roleOf(dead.redis)).toBe('slave');
  await untilFollows(dead, master);
  await waitFor(async () => (await dead.agent.view())?.fence === 'none', 'no fence is left behind');
});

test('two agents in a row die: the takeover is repeated by the next one', async () => {
  const { master } = await heal(stage.service);
  const writers = stage.writeTo(stage.service.nodes);
  await writers.progress(master, 100);
  await master.agent.kill();
  const first = await stage.successorOf(master);
  await writers.progress(first, 100);
  await stage.service.settled(1);
  await first.agent.kill();
  const second = await stage.successorOf(master, first);
  await writers.progress(second, 100);
  await writers.stop();
  expect(await writers.missingOn(second.redis)).toEqual([]);
  expect(writers.overlap(master, first)).toEqual([]);
  expect(writers.overlap(first, second)).toEqual([]);
  await heal(stage.service);
});
