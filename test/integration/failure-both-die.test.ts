// Failure table, "Redis and agent of the master die together": the proof of death, and the session's end without it.

import { describe, expect, test } from 'vitest';

import { failureStages } from '../support/failure-stage.ts';
import { heal, listen, peace, says } from '../support/healing.ts';
import type { Node } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { untilFollows } from '../support/writers.ts';

const stage = failureStages();

/** Kills both at one moment, as a process group dies. */
async function killBoth(node: Node): Promise<void> {
  node.agent.signal('SIGKILL');
  await Promise.all([node.redis.kill(), node.agent.kill()]);
}

test('three nodes: the death is proved, and nobody waits for the session to end', async () => {
  const three = await stage.start({ nodes: 3 });
  const { master, replicas } = await peace(three);
  const epoch = (await master.agent.view())?.epoch ?? 0;
  const writers = stage.writeTo(three.nodes, { wait: 1 });
  await writers.progress(master, 100);
  const heard = replicas.map(listen);
  await killBoth(master);
  const successor = await stage.successorOf(master);
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
    const some = await stage.start(options);
    const { master } = await peace(some);
    const writers = stage.writeTo(some.nodes, { wait: 1 });
    await writers.progress(master, 100);
    const heard = some.others(master).map(listen);
    await killBoth(master);
    const successor = await stage.successorOf(master);
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
