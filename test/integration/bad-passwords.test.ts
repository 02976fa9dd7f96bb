/** "Password and ACL user from the start", for clients and for replication, and shown to nobody. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { AgentProcess } from '../support/agent-process.ts';
import { connectRaw } from '../support/raw-redis.ts';
import type { RawReply } from '../support/raw-redis.ts';
import type { RedisServerProcess } from '../support/redis-server.ts';
import { serves, Stage, streams } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { waitFor } from '../support/wait-for.ts';

const stage = new Stage();
beforeAll(stage.open);
afterEach(stage.clear);
afterAll(stage.close);

const PASSWORD = 'correct-horse-battery';

async function ask(redis: RedisServerProcess, ...command: string[]): Promise<RawReply> {
  const client = await connectRaw(redis.port, { password: PASSWORD });
  try {
    return await client.cmd(...command);
  } finally {
    client.close();
  }
}

/** Everything that the agent shows of itself: log, HTTP, command line; and what it wrote into ZooKeeper. */
async function shown(agent: AgentProcess, scene: Scene): Promise<string> {
  const paths = ['/status', '/ping', '/v1/view', '/v1/node', '/nowhere'];
  const http = await Promise.all(paths.map((path) => agent.http(path)));
  const commandLine = readFileSync(`/proc/${String(agent.pid)}/cmdline`, 'utf8');
  const records: (string | null)[] = [];
  for (const folder of ['members', 'nodes', 'ballots']) {
    for (const name of await scene.children(`${scene.root}/${folder}`)) {
      records.push(await scene.data(`${scene.root}/${folder}/${name}`));
    }
  }
  for (const path of [`${scene.root}/lease`, `${scene.root}/term`, scene.masterRecord]) {
    records.push(await scene.data(path));
  }
  return JSON.stringify([agent.lines, agent.stray, http, commandLine, records]);
}

type Pair<T> = readonly [T, T];

async function failsOver(scene: Scene, agents: Pair<AgentProcess>, servers: Pair<RedisServerProcess>): Promise<void> {
  const [a, b] = agents;
  const [first, second] = servers;
  await serves(a);
  await streams(b);
  await waitFor(async () => (await a.view())?.inSync.includes('b'), 'b in sync');
  expect(await ask(first, 'SET', 'key', 'value')).toBe('OK');
  await waitFor(async () => (await ask(second, 'GET', 'key')) === 'value', 'the write to arrive');
  await first.restart();
  await serves(b);
  await streams(a);
  expect(await ask(second, 'GET', 'key')).toBe('value');
  for (const agent of agents) expect(await shown(agent, scene)).not.toContain(PASSWORD);
}

test('where a password is required the agent sets masterauth itself, fails over, and shows it nowhere', async () => {
  const scene = await stage.scene();
  const args = ['--requirepass', PASSWORD];
  const servers: Pair<RedisServerProcess> = [await scene.redis({ args }), await scene.redis({ args })];
  const config = { expected_nodes: 2, bootstrap_settle_ms: 600_000 };
  const a = await scene.agent({ name: 'a', redis: servers[0], node: { password: PASSWORD, priority: 1 }, config });
  const b = await scene.agent({ name: 'b', redis: servers[1], node: { password: PASSWORD }, config });
  await failsOver(scene, [a, b], servers);
});

test('an ACL user from a password file is used for replication too', async () => {
  const scene = await stage.scene();
  const acl = ['--user', 'dictator', 'on', `>${PASSWORD}`, '~*', '&*', '+@all'];
  const args = ['--requirepass', PASSWORD, ...acl];
  const servers: Pair<RedisServerProcess> = [await scene.redis({ args }), await scene.redis({ args })];
  const file = join(tmpdir(), `dictator-password-${String(process.pid)}`);
  writeFileSync(file, `${PASSWORD}\n`, { mode: 0o600 });
  scene.atEnd(() => rmSync(file, { force: true }));
  const node = { username: 'dictator', password_file: file };
  const config = { expected_nodes: 2, bootstrap_settle_ms: 600_000 };
  const a = await scene.agent({ name: 'a', redis: servers[0], node: { ...node, priority: 1 }, config });
  const b = await scene.agent({ name: 'b', redis: servers[1], node, config });
  await failsOver(scene, [a, b], servers);
  expect(await ask(servers[0], 'CONFIG', 'GET', 'masteruser')).toEqual(['masteruser', 'dictator']);
  expect(readFileSync(a.configFile, 'utf8')).not.toContain(PASSWORD);
});

test('a password from the environment is used, and shown nowhere', async () => {
  const scene = await stage.scene();
  const redis = await scene.redis({ args: ['--requirepass', PASSWORD] });
  const agent = await scene.agent({ name: 'a', redis, env: { DICTATOR_NODE_PASSWORD: PASSWORD } });
  await serves(agent);
  expect(await shown(agent, scene)).not.toContain(PASSWORD);
});
