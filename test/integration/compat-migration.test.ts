/**
 * Migration from the original, in the order that docs/compatibility.md tells: replicas first, then the master; and a
 * mixed service in which an original agent wins the record again.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { AgentProcess } from '../support/agent-process.ts';
import { Original } from '../support/original.ts';
import { RawRedisError } from '../support/raw-redis.ts';
import type { RedisServerProcess } from '../support/redis-server.ts';
import { isLinked, refuses, serves, Stage, streams } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { waitFor } from '../support/wait-for.ts';

const stage = new Stage();
beforeAll(stage.open);
afterEach(stage.clear);
afterAll(stage.close);

/** Writes without a pause and remembers what was acknowledged, until Redis refuses or hangs up. */
function writeTo(redis: RedisServerProcess): { acknowledged: string[]; refused: Promise<Error> } {
  const acknowledged: string[] = [];
  async function run(): Promise<Error> {
    const client = await redis.client();
    try {
      for (let count = 0; ; count++) {
        const key = `write:${String(count)}`;
        await client.cmd('SET', key, String(count));
        acknowledged.push(key);
      }
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    } finally {
      client.close();
    }
  }
  return { acknowledged, refused: run() };
}

async function refusesWrites(redis: RedisServerProcess): Promise<boolean> {
  try {
    await redis.cmd('SET', 'probe', 'x');
    return false;
  } catch (error) {
    return error instanceof RawRedisError && ['READONLY', 'NOREPLICAS'].includes(error.code);
  }
}

/** The service of an original: its master has data, two replicas follow, one election token each. */
async function originalService(scene: Scene) {
  const servers = [await scene.redis(), await scene.redis(), await scene.redis()] as const;
  const originals = [
    await Original.start(scene, 'redis1.local', servers[0]),
    await Original.start(scene, 'redis2.local', servers[1]),
    await Original.start(scene, 'redis3.local', servers[2]),
  ] as const;
  await originals[0].stand();
  await originals[0].win();
  await servers[0].cmd('SET', 'before', 'migration');
  for (const original of originals.slice(1)) await original.follow();
  for (const server of servers.slice(1)) {
    await waitFor(() => isLinked(server, servers[0]), 'the replicas of the original');
  }
  return { servers, originals };
}

async function someoneServes(agents: readonly AgentProcess[]): Promise<AgentProcess> {
  return waitFor(async () => {
    for (const agent of agents) {
      const view = await agent.view();
      if (view?.role === 'master' && view.master?.name === agent.options.name) return agent;
    }
    return null;
  }, 'one of ours to be master');
}

test('replicas first: ours follow the original, take over without loss, and its Redis is fenced', async () => {
  const scene = await stage.scene();
  const { servers, originals } = await originalService(scene);
  const [first, second, third] = servers;
  const fullSyncs = async (): Promise<number> => {
    return Number(/sync_full:(\d+)/.exec(String(await first.cmd('INFO', 'stats')))?.[1]);
  };
  const syncsBefore = await fullSyncs();

  // Ours replace the agents of the replicas.
  await originals[1].stop();
  await originals[2].stop();
  const b = await scene.agent({ name: 'redis2.local', redis: second });
  const c = await scene.agent({ name: 'redis3.local', redis: third });
  for (const agent of [b, c]) {
    await refuses(agent, 'foreign_master_record');
    await streams(agent);
  }
  await waitFor(async () => (await b.view())?.inSync.length === 2, 'both replicas to be known as in sync');
  expect(await scene.data(scene.masterRecord), "the original's record stands as it was").toBe(originals[0].record);
  expect(await scene.children(scene.root)).not.toContain('lease');
  expect(await isLinked(second, first) && await isLinked(third, first)).toBe(true);
  expect(await first.cmd('SET', 'during', 'migration')).toBe('OK');

  // `/disable` on the original: its record goes, its Redis goes on taking writes.
  const writer = writeTo(first);
  await waitFor(() => writer.acknowledged.length > 100, 'writes to the original');
  await originals[0].disable();
  const master = await someoneServes([b, c]);
  await writer.refused;
  expect(await refusesWrites(first)).toBe(true);
  expect((await master.view())?.reasons).not.toContain('foreign_master_record');
  const winner = master === b ? second : third;
  const values = await winner.cmd('MGET', 'before', 'during', ...writer.acknowledged) as (string | null)[];
  expect(values.slice(0, 2)).toEqual(['migration', 'migration']);
  expect(values.filter((value) => value === null), 'every acknowledged write is kept').toEqual([]);
  expect(await winner.cmd('SET', 'after', 'migration')).toBe('OK');

  // Last, ours replaces the original itself.
  await originals[0].stop();
  const a = await scene.agent({ name: 'redis1.local', redis: first });
  await streams(a);
  await waitFor(async () => (await master.view())?.inSync.length === 2, 'the old master to be in sync');
  expect(await first.cmd('GET', 'after')).toBe('migration');
  expect(await fullSyncs(), 'nobody had to synchronise in full from the original again').toBe(syncsBefore);
});

test('the original stops instead of being disabled: the same, once its session ended', async () => {
  const scene = await stage.scene();
  const { servers, originals } = await originalService(scene);
  await originals[1].stop();
  const b = await scene.agent({ name: 'redis2.local', redis: servers[1] });
  await refuses(b, 'foreign_master_record');
  await waitFor(async () => (await b.view())?.inSync.includes('redis2.local'), 'b to be known as in sync');
  await originals[0].stop();
  await serves(b);
  await waitFor(() => refusesWrites(servers[0]), "the original's Redis to be fenced");
  expect(await servers[1].cmd('GET', 'before')).toBe('migration');
});

test("the original's Redis dies while ours only follow: ours elect when its agent gives up the record", async () => {
  const scene = await stage.scene();
  const { servers, originals } = await originalService(scene);
  await originals[1].stop();
  await originals[2].stop();
  const b = await scene.agent({ name: 'redis2.local', redis: servers[1] });
  const c = await scene.agent({ name: 'redis3.local', redis: servers[2] });
  for (const agent of [b, c]) await refuses(agent, 'foreign_master_record');
  await waitFor(async () => (await b.view())?.inSync.length === 2, 'both replicas to be known as in sync');
  await servers[0].kill();
  await waitFor(() => b.said('refused') && c.said('refused'), 'a word from ours');
  expect(await scene.data(scene.masterRecord), 'the original never looks at Redis').toBe(originals[0].record);
  expect(await scene.children(scene.root)).not.toContain('lease');
  await originals[0].disable();
  const master = await someoneServes([b, c]);
  expect(await (master === b ? servers[1] : servers[2]).cmd('GET', 'before')).toBe('migration');
});

test('a mixed service: an original wins the record, ours fences, releases and follows it; and back again', async () => {
  const scene = await stage.scene();
  const [first, second, third] = [await scene.redis(), await scene.redis(), await scene.redis()];
  const config = { expected_nodes: 2, bootstrap_settle_ms: 600_000 };
  const a = await scene.agent({ name: 'redis1.local', redis: first, config, node: { priority: 1 } });
  const b = await scene.agent({ name: 'redis2.local', redis: second, config });
  await serves(a);
  await waitFor(async () => (await a.view())?.inSync.length === 1, 'the replica of ours in sync');
  const original = await Original.start(scene, 'redis3.local', third);
  await original.stand();
  await original.follow();
  await waitFor(() => isLinked(third, first), 'the original to follow ours');
  await first.cmd('SET', 'of', 'ours');
  await waitFor(async () => (await third.cmd('GET', 'of')) === 'ours', 'the write to reach the original');

  await original.takeRecord();
  await waitFor(async () => !(await scene.children(scene.root)).includes('lease'), 'ours to give up the lease');
  for (const agent of [a, b]) {
    await refuses(agent, 'foreign_master_record');
    await streams(agent);
  }
  for (const redis of [first, second]) await waitFor(() => isLinked(redis, third), 'ours to follow the original');
  expect(await refusesWrites(first)).toBe(true);
  expect(await scene.data(scene.masterRecord)).toBe(original.record);
  expect(await third.cmd('SET', 'of', 'the original')).toBe('OK');
  await waitFor(async () => (await first.cmd('GET', 'of')) === 'the original', 'the write to reach ours');
  await waitFor(async () => (await a.view())?.inSync.length === 2, 'both of ours to be known as in sync');

  await original.disable();
  const master = await someoneServes([a, b]);
  await waitFor(() => refusesWrites(third), "the original's Redis to be fenced");
  const winner = master === a ? first : second;
  expect(await winner.cmd('GET', 'of')).toBe('the original');
  expect(await winner.cmd('SET', 'of', 'ours again')).toBe('OK');
  for (const agent of [a, b]) {
    await waitFor(() => agent.said('refusal_ended', 'foreign_master_record'), 'the refusal to end');
  }
});
