/** "A node may come back under another address (its name is its identity)." */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { AgentProcess } from '../support/agent-process.ts';
import { recordOf } from '../support/original.ts';
import type { RedisServerProcess } from '../support/redis-server.ts';
import { serves, Stage, streams } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { waitFor } from '../support/wait-for.ts';

const stage = new Stage();
beforeAll(stage.open);
afterEach(stage.clear);
afterAll(stage.close);

interface Node {
  readonly name: string;
  readonly redis: RedisServerProcess;
  readonly agent: AgentProcess;
}

async function start(scene: Scene, name: string, config: Record<string, unknown> = {}): Promise<Node> {
  const redis = await scene.redis();
  return { name, redis, agent: await scene.agent({ name, redis, config }) };
}

async function vanish({ agent, redis }: Node): Promise<void> {
  await Promise.all([agent.kill(), redis.kill()]);
}

async function inSync(master: Node, names: readonly string[]): Promise<void> {
  await waitFor(async () => {
    const view = await master.agent.view();
    return names.every((name) => view?.inSync.includes(name)) && view?.inSync.length === names.length;
  }, `${names.join(', ')} in sync`);
}

/** Where the members say that the Redis of this node is. */
async function portOf(scene: Scene, name: string): Promise<number> {
  const data = await scene.data(`${scene.root}/members/${name}`);
  return (JSON.parse(data ?? '{}') as { redis?: { port?: number } }).redis?.port ?? 0;
}

test('a replica that returns under other ports is the same node', async () => {
  const scene = await stage.scene();
  const config = { expected_nodes: 3, bootstrap_settle_ms: 600_000 };
  const a = await start(scene, 'a', config);
  const b = await start(scene, 'b', config);
  await start(scene, 'c', config);
  await serves(a.agent);
  await inSync(a, ['b', 'c']);
  await vanish(b);
  await inSync(a, ['c']);
  await a.redis.cmd('SET', 'meanwhile', 'written');
  const moved = await start(scene, 'b', config);
  await inSync(a, ['b', 'c']);
  expect(await portOf(scene, 'b')).toBe(moved.redis.port);
  expect((await a.agent.view())?.nodes).toEqual(['a', 'b', 'c']);
  expect((await a.agent.view())?.replicas.map(({ port }) => port)).toContain(moved.redis.port);
  expect(await moved.redis.cmd('GET', 'meanwhile')).toBe('written');
  expect((await a.agent.view())?.reasons).toEqual([]);
});

test('a master that returns under other ports follows its successor', async () => {
  const scene = await stage.scene();
  const config = { expected_nodes: 3, bootstrap_settle_ms: 600_000 };
  const a = await start(scene, 'a', config);
  const b = await start(scene, 'b', config);
  const c = await start(scene, 'c', config);
  await serves(a.agent);
  await inSync(a, ['b', 'c']);
  await a.redis.cmd('SET', 'key', 'value');
  for (const { redis } of [b, c]) await waitFor(async () => (await redis.cmd('GET', 'key')) === 'value', 'replication');
  await vanish(a);
  const successor = await waitFor(async () => {
    for (const node of [b, c]) if ((await node.agent.view())?.master?.name === node.name) return node;
    return null;
  }, 'a successor');
  const moved = await start(scene, 'a', config);
  await streams(moved.agent);
  await inSync(successor, [successor === b ? 'c' : 'b', 'a'].sort());
  expect((await successor.agent.view())?.nodes).toEqual(['a', 'b', 'c']);
  expect(await moved.redis.cmd('GET', 'key')).toBe('value');
  expect(await scene.data(scene.masterRecord)).toBe(recordOf(successor.name, successor.redis.port));
});

test('the only node of a service returns under other ports, with its data, and serves there', async () => {
  const scene = await stage.scene();
  const redis = await scene.redis({ save: true });
  const agent = await scene.agent({ name: 'a', redis });
  await serves(agent);
  await redis.cmd('SET', 'key', 'value');
  await redis.cmd('SAVE');
  await vanish({ name: 'a', redis, agent });
  const elsewhere = await scene.redis({ save: true, dataDir: redis.dataDir });
  const moved = await scene.agent({ name: 'a', redis: elsewhere });
  await serves(moved);
  expect(await elsewhere.cmd('GET', 'key')).toBe('value');
  expect(await elsewhere.cmd('SET', 'key', 'other')).toBe('OK');
  expect(await scene.data(scene.masterRecord)).toBe(recordOf('a', elsewhere.port));
  expect((await moved.view())?.nodes).toEqual(['a']);
});

test('only the agent returns under another HTTP port: the lease is adopted, and the history goes on', async () => {
  const scene = await stage.scene();
  const a = await start(scene, 'a');
  await serves(a.agent);
  const { epoch, redis } = (await a.agent.view())!;
  await a.redis.cmd('SET', 'key', 'value');
  await a.agent.kill();
  const again = await scene.agent({ name: 'a', redis: a.redis });
  await serves(again);
  expect((await again.view())?.epoch).toBe(epoch + 1);
  expect((await again.view())?.redis.replid, 'the same history goes on').toBe(redis.replid);
  expect(await a.redis.cmd('GET', 'key')).toBe('value');
});
