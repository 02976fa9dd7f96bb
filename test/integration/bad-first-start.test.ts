/** First start: adopt what is found where it is unambiguous, touch nobody where it is not. */
import { spawn } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { AgentProcess } from '../support/agent-process.ts';
import { give } from '../support/orders.ts';
import type { RedisServerProcess } from '../support/redis-server.ts';
import { isLinked, refuses, serves, Stage, streams } from '../support/scene.ts';
import { waitFor } from '../support/wait-for.ts';

const stage = new Stage(2);
beforeAll(stage.open);
afterEach(stage.clear);
afterAll(stage.close);

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** `dictator bootstrap --master NAME`, as an operator types it beside this agent. */
function bootstrap(agent: AgentProcess, master: string): Promise<Ended> {
  const verb = ['dist/dictator.cjs', 'bootstrap', '--master', master, '--yes', '--config', agent.configFile];
  const child = spawn(process.execPath, verb);
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

async function role(redis: RedisServerProcess): Promise<unknown> {
  return (await redis.cmd('ROLE') as unknown[])[0];
}

test('two servers with unrelated data: nobody is touched, until an operator decides', async () => {
  const scene = await stage.scene();
  const [first, second] = [await scene.redis(), await scene.grownRedis()];
  await first.cmd('SET', 'of', 'first');
  await second.cmd('SET', 'of', 'second');
  const config = { expected_nodes: 2, bootstrap_settle_ms: 600_000 };
  const a = await scene.agent({ name: 'a', redis: first, config });
  const b = await scene.agent({ name: 'b', redis: second, config });
  await Promise.all([refuses(a, 'conflicting_datasets'), refuses(b, 'conflicting_datasets')]);
  for (const redis of [first, second]) {
    expect(await role(redis)).toBe('master');
    expect(await redis.cmd('SET', 'still', 'writable')).toBe('OK');
  }
  expect(await scene.children(scene.root)).not.toContain('term');
  expect(await scene.data(scene.masterRecord)).toBeNull();

  const unknown = await bootstrap(a, 'nobody');
  expect(unknown).toMatchObject({ code: 3, out: '' });
  expect(unknown.err).toContain('unknown_member');
  expect(await second.cmd('GET', 'of')).toBe('second');

  // The order may be given beside any agent, whoever it names.
  const ordered = await bootstrap(a, 'b');
  expect(ordered.code, ordered.err).toBe(0);
  await serves(b);
  await streams(a);
  expect(await first.cmd('GET', 'of')).toBe('second');
  await waitFor(async () => (await b.view())?.inSync.includes('a'), 'a to be in sync');

  const late = await bootstrap(b, 'a');
  expect(late.code).toBe(3);
  expect(late.err).toContain('master_exists');
});

test('bootstrap reaches an agent that listens on one address only', async () => {
  const scene = await stage.scene();
  const [first, second] = [await scene.redis(), await scene.redis()];
  await first.cmd('SET', 'of', 'first');
  await second.cmd('SET', 'of', 'second');
  const real = Object.values(networkInterfaces()).flat().find((each) => each?.family === 'IPv4' && !each.internal);
  expect(real, 'this test needs an address of this machine other than loopback').toBeDefined();
  const both = { expected_nodes: 2, bootstrap_settle_ms: 600_000 };
  const config = { ...both, http_host: real!.address, announce_http_host: real!.address };
  const a = await scene.agent({ name: 'a', redis: first, config });
  await scene.agent({ name: 'b', redis: second, config: both });
  await waitFor(() => a.said('refused', 'conflicting_datasets'), 'the conflict to be seen');
  expect(await bootstrap(a, 'a')).toMatchObject({ code: 0 });
  await waitFor(() => a.said('announced'), 'a to be master');
});

test('an existing master with replicas is adopted as it is', async () => {
  const scene = await stage.scene();
  const [first, second, third] = [await scene.redis(), await scene.redis(), await scene.redis()];
  // The name would make another choice: c is the master that is found.
  await third.cmd('SET', 'key', 'value');
  for (const redis of [first, second]) await redis.cmd('REPLICAOF', '127.0.0.1', third.port);
  for (const redis of [first, second]) {
    await waitFor(() => isLinked(redis, third), 'replication');
  }
  const replid = /master_replid:(\w+)/.exec(String(await third.cmd('INFO', 'replication')))?.[1];
  const a = await scene.agent({ name: 'a', redis: first });
  const b = await scene.agent({ name: 'b', redis: second });
  const c = await scene.agent({ name: 'c', redis: third });
  await serves(c);
  await waitFor(async () => (await c.view())?.inSync.length === 2, 'both replicas in sync');
  await Promise.all([streams(a), streams(b)]);
  expect((await c.view())?.redis.replid, 'the same history: nobody had to synchronise in full').toBe(replid);
  expect(await first.cmd('GET', 'key')).toBe('value');
});

test('the single server with data is adopted, whatever its name', async () => {
  const scene = await stage.scene();
  const [first, second] = [await scene.redis(), await scene.redis()];
  await second.cmd('SET', 'key', 'value');
  const config = { expected_nodes: 2, bootstrap_settle_ms: 600_000 };
  const a = await scene.agent({ name: 'a', redis: first, config });
  const b = await scene.agent({ name: 'b', redis: second, config });
  await serves(b);
  await streams(a);
  expect(await first.cmd('GET', 'key')).toBe('value');
});

test('an empty master yields to the node with data that comes later', async () => {
  const scene = await stage.scene();
  const [first, second] = [await scene.redis(), await scene.redis()];
  await second.cmd('SET', 'key', 'value');
  const a = await scene.agent({ name: 'a', redis: first });
  await serves(a);
  const b = await scene.agent({ name: 'b', redis: second });
  await serves(b);
  await streams(a);
  expect(await first.cmd('GET', 'key')).toBe('value');
  expect(await second.cmd('SET', 'key', 'other')).toBe('OK');
});

test('a master that took a write does not yield; the newcomer keeps its data and is kept out', async () => {
  const scene = await stage.scene();
  const [first, second] = [await scene.redis(), await scene.grownRedis()];
  await second.cmd('SET', 'key', 'value');
  const a = await scene.agent({ name: 'a', redis: first });
  await serves(a);
  await first.cmd('SET', 'taken', 'a write');
  const b = await scene.agent({ name: 'b', redis: second });
  await refuses(b, 'foreign_dataset');
  expect(await second.cmd('GET', 'key')).toBe('value');
  expect(await role(second)).toBe('master');
  await serves(a);
});

test('all empty: with expected_nodes the first master waits for nobody else', async () => {
  const scene = await stage.scene();
  const config = { expected_nodes: ['a', 'b'], bootstrap_settle_ms: 600_000 };
  const a = await scene.agent({ name: 'a', redis: await scene.redis(), config });
  await refuses(a, 'awaiting_bootstrap');
  expect((await a.view())?.role).toBe('starting');
  const b = await scene.agent({ name: 'b', redis: await scene.redis(), config });
  await serves(a);
  await streams(b);
});

test('all empty: who is missing is waited for, until an operator names the first master by HTTP', async () => {
  const scene = await stage.scene();
  const config = { expected_nodes: ['a', 'b'], bootstrap_settle_ms: 600_000 };
  const agent = await scene.agent({ name: 'a', redis: await scene.redis(), config });
  await refuses(agent, 'awaiting_bootstrap');
  const order = async (body: object | null): Promise<readonly unknown[]> => {
    const { status, body: { ok, error, reason } } = await give({ agent }, '/bootstrap', body);
    return [status, ok === true ? ok : (reason ?? error)];
  };
  expect(await order(null)).toEqual([400, 'bad_order']);
  expect(await order({ master: 'b' })).toEqual([412, 'unknown_member']);
  expect((await agent.view())?.role).toBe('starting');
  expect(await order({ master: 'a' })).toEqual([200, true]);
  await serves(agent);
  expect(await order({ master: 'a' })).toEqual([412, 'master_exists']);
});

test('all empty: without expected_nodes they settle, and one of them is master', async () => {
  const scene = await stage.scene();
  const agents: AgentProcess[] = [];
  for (const name of ['c', 'a', 'b']) agents.push(await scene.agent({ name, redis: await scene.redis() }));
  const master = await waitFor(async () => {
    for (const agent of agents) if ((await agent.view())?.role === 'master') return agent;
    return null;
  }, 'one master');
  await waitFor(async () => (await master.view())?.inSync.length === 2, 'the others in sync');
  const epochs = await Promise.all(agents.map(async (agent) => (await agent.view())?.epoch));
  expect(new Set(epochs).size).toBe(1);
});
