/** "znode data that is not ours or not JSON: named, ignored, never crashed on." */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { AgentProcess } from '../support/agent-process.ts';
import { freePort } from '../support/free-port.ts';
import { refuses, serves, Stage } from '../support/scene.ts';
import { waitFor } from '../support/wait-for.ts';

const stage = new Stage();
beforeAll(stage.open);
afterEach(stage.clear);
afterAll(stage.close);

/** Things that are found in a ZooKeeper: nothing, text, half a file, other JSON, binary, ours with a wrong member. */
const GARBAGE = [
  '',
  'not json',
  '{"epoch": 1, "node":',
  '[]',
  'null',
  '"text"',
  '{"host": "10.0.0.1"}',
  '\u0000\u0001\u0002\ufffd',
  '{"v":1,"epoch":"seven","node":1}',
  `{"v":1,"name":${'['.repeat(20_000)}`,
];

function named(agent: AgentProcess, path: string): boolean {
  return agent.lines.some((line) => line.event === 'record_ignored' && (line['paths'] as string[]).includes(path));
}

test('garbage among members, nodes and ballots is named and ignored, whatever it is', async () => {
  const scene = await stage.scene();
  for (const [index, garbage] of GARBAGE.entries()) {
    for (const folder of ['members', 'nodes', 'ballots']) {
      await scene.put(`${scene.root}/${folder}/garbage${String(index)}`, garbage);
    }
  }
  await scene.put(`${scene.root}/members/liar`, '{"v":1,"name":"somebody else"}');
  await scene.put(`${scene.root}/stray`, 'a path that is no record');
  await scene.put(`${scene.root}/members/deeper/than/any`, 'record of ours');
  const agent = await scene.agent({ name: 'a', redis: await scene.redis() });
  await serves(agent);
  await waitFor(() => named(agent, `${scene.root}/nodes/garbage0`), 'the unreadable paths to be named');
  for (const folder of ['members', 'nodes', 'ballots']) {
    for (const index of GARBAGE.keys()) {
      expect(named(agent, `${scene.root}/${folder}/garbage${String(index)}`), `${folder}, ${String(index)}`).toBe(true);
    }
  }
  expect(named(agent, `${scene.root}/members/liar`)).toBe(true);
  await refuses(agent, 'record_unreadable');
  expect((await agent.view())?.members).toEqual(['a']);
  expect(await scene.data(`${scene.root}/members/garbage1`), 'what is not ours is not overwritten').toBe('not json');
});

test('garbage that appears while the agent runs is named, and forgotten when it is gone', async () => {
  const scene = await stage.scene();
  const agent = await scene.agent({ name: 'a', redis: await scene.redis() });
  await serves(agent);
  const path = `${scene.root}/members/late`;
  await scene.put(path, 'not json');
  await refuses(agent, 'record_unreadable');
  expect(named(agent, path)).toBe(true);
  await scene.zk.delete(path);
  await waitFor(() => agent.said('refusal_ended', 'record_unreadable'), 'the refusal to end');
});

for (const record of ['lease', 'term']) {
  test(`something else in place of the ${record} is not overwritten, and nothing is claimed beside it`, async () => {
    const scene = await stage.scene();
    const path = `${scene.root}/${record}`;
    await scene.put(path, 'not json');
    const port = await freePort();
    const agent = await scene.agent({ name: 'a', redis: { port } });
    await refuses(agent, 'record_unreadable');
    const redis = await scene.redis({ port });
    await waitFor(async () => (await agent.view())?.redis.reachable, 'Redis to be seen');
    expect(named(agent, path)).toBe(true);
    for (const garbage of GARBAGE) {
      await scene.zk.setData(path, garbage);
      await waitFor(async () => (await agent.view())?.session.connected, 'the agent to live on');
    }
    expect(await scene.data(path)).toBe(GARBAGE.at(-1));
    expect(await redis.cmd('SET', 'key', 'value'), 'nothing was touched').toBe('OK');
    expect(agent.alive).toBe(true);
    await scene.zk.delete(path);
    await serves(agent);
  });
}

test('garbage written over the term of a running service does not end its mastership', async () => {
  const scene = await stage.scene();
  const redis = await scene.redis();
  const agent = await scene.agent({ name: 'a', redis });
  await serves(agent);
  const term = await scene.data(`${scene.root}/term`);
  await scene.zk.setData(`${scene.root}/term`, 'not json');
  await refuses(agent, 'record_unreadable');
  expect((await agent.view())?.role).toBe('master');
  expect(await redis.cmd('SET', 'key', 'value')).toBe('OK');
  await scene.zk.setData(`${scene.root}/term`, term ?? '');
  await waitFor(() => agent.said('refusal_ended', 'record_unreadable'), 'the refusal to end');
  await serves(agent);
});

for (const garbage of ['', 'not json', '{"host": "10.0.0.1"}', '{"host": "10.0.0.1", "port": "x", "name": "y"}']) {
  const what = garbage === '' ? 'empty' : garbage;
  test(`a master record that is ${what} is named, and announced over once it is gone`, async () => {
    const scene = await stage.scene();
    await scene.put(scene.masterRecord, garbage);
    const agent = await scene.agent({ name: 'a', redis: await scene.redis() });
    await refuses(agent, 'record_unreadable');
    expect(named(agent, scene.masterRecord)).toBe(true);
    expect(await scene.data(scene.masterRecord)).toBe(garbage);
    await scene.zk.delete(scene.masterRecord);
    await serves(agent);
    expect(await scene.data(scene.masterRecord)).toContain('"name": "a"');
  });
}

test('records of a newer version are read, and not rewritten', async () => {
  const scene = await stage.scene();
  const agent = await scene.agent({ name: 'a', redis: await scene.redis() });
  await serves(agent);
  agent.signal('SIGTERM');
  await agent.exited;
  const term = JSON.parse((await scene.data(`${scene.root}/term`)) ?? '{}') as Record<string, unknown>;
  const newer = JSON.stringify({ ...term, v: 2, purpose: 'unknown to this version' });
  await scene.zk.setData(`${scene.root}/term`, newer);
  agent.restart();
  await refuses(agent, 'record_newer');
  expect(await scene.data(`${scene.root}/term`)).toBe(newer);
});
