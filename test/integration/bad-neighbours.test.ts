/** "Refused with a reason code, touching nothing": nodes that contradict each other. */
import { networkInterfaces } from 'node:os';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { AgentProcess } from '../support/agent-process.ts';
import type { RedisServerProcess } from '../support/redis-server.ts';
import { refuses, serves, Stage } from '../support/scene.ts';
import { waitFor } from '../support/wait-for.ts';

const stage = new Stage(8);
beforeAll(stage.open);
afterEach(stage.clear);
afterAll(stage.close);

/** Everything of a server that an agent could have changed. */
async function stateOf(redis: RedisServerProcess): Promise<unknown> {
  return [(await redis.cmd('ROLE') as unknown[])[0], await redis.cmd('CONFIG', 'GET', '*'), await redis.cmd('DBSIZE')];
}

/** What becomes of an agent: it serves, or it refuses for this reason. */
function oneWord(agent: AgentProcess, reason: string): Promise<string> {
  return waitFor(async () => {
    const view = await agent.view();
    if (view?.role === 'master' && view.master?.name === agent.options.name) return 'serves';
    return view?.reasons.some((each) => each === reason) === true && view.role === 'starting' ? 'refuses' : null;
  }, `${agent.options.name} to serve, or to refuse with ${reason}`);
}

test('a second live agent with the same node name touches nothing: duplicate_node_name', async () => {
  const scene = await stage.scene();
  const [first, second] = [await scene.redis(), await scene.grownRedis()];
  const master = await scene.agent({ name: 'same', redis: first });
  await serves(master);
  const lease = await scene.znode(`${scene.root}/lease`);
  const member = await scene.znode(`${scene.root}/members/same`);
  await second.cmd('SET', 'mine', 'data');
  const before = await stateOf(second);
  const twin = await scene.agent({ name: 'same', redis: second });
  await refuses(twin, 'duplicate_node_name');
  expect(await stateOf(second)).toEqual(before);
  expect(await scene.znode(`${scene.root}/lease`)).toEqual(lease);
  expect(await scene.znode(`${scene.root}/members/same`)).toEqual(member);
  await serves(master);

  // The name is free again once the first is gone: then the second is simply the node.
  await second.cmd('FLUSHALL');
  master.signal('SIGTERM');
  expect(await master.exited).toBe(0);
  await waitFor(() => twin.said('refusal_ended', 'duplicate_node_name'), 'the name to be free');
});

test('a copied configuration, name and Redis alike, leaves the running agent its lease', async () => {
  const scene = await stage.scene();
  const redis = await scene.grownRedis();
  const master = await scene.agent({ name: 'same', redis });
  await serves(master);
  const { epoch } = (await master.view())!;
  const before = await stateOf(redis);
  const copy = await scene.agent({ name: 'same', redis });
  await refuses(copy, 'duplicate_node_name');
  expect(await stateOf(redis)).toEqual(before);
  expect((await master.view())?.epoch).toBe(epoch);
  expect(copy.said('lease_adopted') || copy.said('epoch_claimed')).toBe(false);
});

test('a twin of a replica keeps its data: nothing follows before it is known who has the name', async () => {
  const scene = await stage.scene();
  const [first, second, third] = [await scene.redis(), await scene.redis(), await scene.grownRedis()];
  const master = await scene.agent({ name: 'a', redis: first });
  await serves(master);
  await scene.agent({ name: 'b', redis: second });
  await waitFor(async () => (await master.view())?.inSync.includes('b'), 'b to be in sync');
  await third.cmd('SET', 'mine', 'data');
  const before = await stateOf(third);
  const twin = await scene.agent({ name: 'b', redis: third });
  await refuses(twin, 'duplicate_node_name');
  expect(await stateOf(third)).toEqual(before);
  expect((await master.view())?.inSync).toEqual(['b']);
});

test('a node whose address leads to the Redis of another node touches nothing: duplicate_run_id', async () => {
  const scene = await stage.scene();
  const redis = await scene.grownRedis();
  const master = await scene.agent({ name: 'a', redis });
  await serves(master);
  await redis.cmd('SET', 'key', 'value');
  const before = await stateOf(redis);
  const astray = await scene.agent({ name: 'b', redis });
  await refuses(astray, 'duplicate_run_id');
  expect(await stateOf(redis)).toEqual(before);
  await serves(master);
  expect((await master.view())?.reasons).not.toContain('duplicate_run_id');
  expect((await master.view())?.nodes).toEqual(['a']);
});

test('a replica whose address leads to the master does not take part either', async () => {
  const scene = await stage.scene();
  const [second, first] = [await scene.redis(), await scene.grownRedis()];
  const master = await scene.agent({ name: 'a', redis: first });
  await serves(master);
  const replica = await scene.agent({ name: 'b', redis: second });
  await waitFor(async () => (await master.view())?.inSync.includes('b'), 'b to be in sync');
  await replica.kill();
  replica.restart({ node: { name: 'b', host: '127.0.0.1', port: first.port, loading_timeout: 30 } });
  await refuses(replica, 'duplicate_run_id');
  await first.cmd('SET', 'still', 'writable');
  await serves(master);
});

test('of two agents that start at once with one name, or with one Redis, exactly one serves', async () => {
  const scene = await stage.scene();
  const [first, second] = [await scene.redis(), await scene.redis()];
  const twins = [await scene.agent({ name: 'same', redis: first }), await scene.agent({ name: 'same', redis: second })];
  const names = await Promise.all(twins.map((twin) => oneWord(twin, 'duplicate_node_name')));
  expect(names.sort()).toEqual(['refuses', 'serves']);

  const other = await stage.scene();
  const redis = await other.grownRedis();
  const pair = [await other.agent({ name: 'a', redis }), await other.agent({ name: 'b', redis })];
  const owners = await Promise.all(pair.map((agent) => oneWord(agent, 'duplicate_run_id')));
  expect(owners.sort()).toEqual(['refuses', 'serves']);
  expect(await redis.cmd('SET', 'key', 'value')).toBe('OK');
});

test('a loopback node.host beside members of other hosts touches nothing: loopback_host', async () => {
  const scene = await stage.scene();
  const redis = await scene.grownRedis();
  const member = {
    v: 1,
    name: 'elsewhere',
    instance: 'aaaaaaaaaaaaaaaa',
    http: { host: '192.0.2.7', port: 8000 },
    redis: { host: '192.0.2.7', port: 6379 },
    runId: 'a'.repeat(40),
    dataset: null,
    rememberedEpoch: 0, rememberedVersion: null,
  };
  await scene.put(`${scene.root}/members/elsewhere`, JSON.stringify(member));
  const before = await stateOf(redis);
  const agent = await scene.agent({ name: 'a', redis });
  await refuses(agent, 'loopback_host');
  expect(await stateOf(redis)).toEqual(before);
  expect(await scene.children(scene.root)).not.toContain('term');
  await scene.zk.delete(`${scene.root}/members/elsewhere`);
  await serves(agent);
});

test('a newcomer with a loopback host does not disturb a service on real addresses', async () => {
  const real = Object.values(networkInterfaces()).flat().find((each) => each?.family === 'IPv4' && !each.internal);
  expect(real, 'this test needs an address of this machine other than loopback').toBeDefined();
  const scene = await stage.scene();
  const host = real!.address;
  const [first, second] = [await scene.redis({ args: ['--bind', '127.0.0.1', host] }), await scene.grownRedis()];
  const master = await scene.agent({ name: 'a', redis: { host, port: first.port } });
  await serves(master);
  const before = await stateOf(second);
  const newcomer = await scene.agent({ name: 'b', redis: second });
  await refuses(newcomer, 'loopback_host');
  expect(await stateOf(second)).toEqual(before);
  await serves(master);
  await first.cmd('SET', 'still', 'writable');
});
