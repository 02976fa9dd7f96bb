/** What users of the original keep: command line, configuration, HTTP, znodes, and the readers of the record. */
import { spawn, spawnSync } from 'node:child_process';
import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { AgentProcess } from '../support/agent-process.ts';
import { freePort } from '../support/free-port.ts';
import { decodeAsOriginal, Original, recordOf, tokensAsOriginal } from '../support/original.ts';
import { isLinked, serves, Stage, streams } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { waitFor } from '../support/wait-for.ts';

const stage = new Stage();
beforeAll(stage.open);
afterEach(stage.clear);
afterAll(stage.close);

const PROGRAM = [process.execPath, 'dist/dictator.cjs'] as const;

/** The configuration that the original's README shows. */
const SAMPLE = `{
  "svc_name" : "default",
  "log_level" : "INFO",
  "http_port": 8000,
  "zk_hosts": ["127.0.0.1"],
  "node" : {
    "name" : "local",
    "host" : "127.0.0.1",
    "port" : 6379,
    "loading_timeout" : 30
  }
}
`;

function load(text: string | null) {
  const loaded = loadConfig({
    file: text === null ? undefined : 'dictator.conf',
    env: {},
    flags: {},
    readFile: () => ({ ok: true, text: text ?? '', othersMayRead: false }),
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
  return loaded;
}

test("the original's sample configuration is sufficient as it stands, without a warning", () => {
  const { config, warnings } = load(SAMPLE);
  expect(warnings).toEqual([]);
  expect(config).toMatchObject({
    svcName: 'default',
    logLevel: 'INFO',
    http: { port: 8000, host: null, announceHost: '127.0.0.1' },
    zk: { hosts: [{ host: '127.0.0.1', port: 2181 }] },
    node: { name: 'local', host: '127.0.0.1', port: 6379, loadingTimeoutMs: 30_000 },
  });
});

test('without --config all keys have the defaults of the original', () => {
  expect(load(null).config).toMatchObject({
    svcName: 'local',
    logLevel: 'INFO',
    http: { port: 8000 },
    zk: { hosts: [{ host: 'localhost', port: 2181 }] },
    node: { name: 'local', host: 'localhost', port: 6379, loadingTimeoutMs: 30_000 },
  });
});

test('every form of the flags runs the agent', async () => {
  const scene = await stage.scene();
  const redis = await scene.redis();
  const model = await scene.agent({ name: 'local', redis });
  await serves(model);
  model.signal('SIGTERM');
  expect(await model.exited).toBe(0);
  const file = model.configFile;
  for (const flags of [['-config', file], [`-config=${file}`], ['--config', file], [`--config=${file}`]]) {
    const line = [PROGRAM[1], ...flags, '--log-level', 'debug'];
    const child = spawn(PROGRAM[0], line, { stdio: ['ignore', 'ignore', 'pipe'] });
    scene.atEnd(() => void child.kill('SIGKILL'));
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
    await waitFor(() => log.includes('"announced"'), `the agent to serve with ${flags.join(' ')}`);
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  }
});

test('--log-level wins over the file, and a wrong one is a fault of the configuration', async () => {
  const scene = await stage.scene();
  const quiet = await scene.agent({ name: 'local', redis: await scene.redis(), config: { log_level: 'fatal' } });
  await serves(quiet);
  expect(quiet.lines, 'the file alone: only what is fatal').toEqual([]);
  quiet.signal('SIGTERM');
  await quiet.exited;
  const wrong = spawnSync(PROGRAM[0], [PROGRAM[1], '--log-level', 'LOUD'], { encoding: 'utf8' });
  expect(wrong.status).toBe(78);
  expect(wrong.stderr).toContain('--log-level');
});

test('--version names version, build time and revision', () => {
  for (const flag of ['--version', '-version']) {
    const said = spawnSync(PROGRAM[0], [PROGRAM[1], flag], { encoding: 'utf8' });
    expect(said.status).toBe(0);
    expect(said.stdout).toMatch(/^dictator \d+\.\d+\.\d+\S* \(built \d{4}-\d\d-\d\dT[\d:]+Z, revision \S+\)\n$/);
    expect(said.stderr).toBe('');
  }
});

test('without --config the program runs on its defaults and the environment alone', async () => {
  const scene = await stage.scene();
  const redis = await scene.redis();
  const env = {
    ...process.env,
    DICTATOR_SVC_NAME: scene.service,
    DICTATOR_HTTP_PORT: String(await freePort()),
    DICTATOR_ZK_HOSTS: `127.0.0.1:${String(scene.zookeeper.port)}`,
    DICTATOR_NODE_PORT: String(redis.port),
  };
  const child = spawn(PROGRAM[0], [PROGRAM[1]], { stdio: ['ignore', 'ignore', 'pipe'], env });
  scene.atEnd(() => void child.kill('SIGKILL'));
  await waitFor(async () => await scene.data(scene.masterRecord), 'the master record');
  expect(await scene.data(scene.masterRecord)).toBe(recordOf('local', redis.port, 'localhost'));
  const ended = new Promise((resolve) => child.on('exit', resolve));
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

interface Answer {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly body: string;
}

function call(agent: AgentProcess, method: string, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const target = { host: '127.0.0.1', port: agent.options.httpPort, method, path, agent: false };
    const question = request(target, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode, type: response.headers['content-type'], body }));
    });
    question.on('error', reject);
    question.end();
  });
}

const ENABLED = 'Dictator Status = Enable\n';
const DISABLED = 'Dictator Status = Disable/Paused\n';

test('the HTTP answers of the running program are those of the original, byte for byte, for any method', async () => {
  const scene = await stage.scene();
  const redis = await scene.redis();
  const agent = await scene.agent({ name: 'x', redis });
  await serves(agent);
  for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
    const bodyOf = async (path: string): Promise<string> => {
      const { status, type, body } = await call(agent, method, path);
      expect([status, type?.split(';')[0]]).toEqual([200, 'text/plain']);
      return body;
    };
    expect(await bodyOf('/status')).toBe(ENABLED);
    expect(await bodyOf('/ping')).toBe(ENABLED);
    expect(await bodyOf('/enable'), 'already enabled').toBe('');
    expect(await bodyOf('/disable')).toBe(DISABLED);
    expect(await bodyOf('/disable'), 'already disabled').toBe('');
    expect(await bodyOf('/status')).toBe(DISABLED);
    expect(await bodyOf('/ping')).toBe(DISABLED);
    await waitFor(async () => (await scene.data(scene.masterRecord)) === null, 'the record to be given up');
    expect(await redis.cmd('SET', 'key', method), 'nobody else could take over: Redis goes on').toBe('OK');
    expect(await bodyOf('/enable')).toBe(ENABLED);
    await serves(agent);
  }
});

test('a node that was disabled stays so when its agent restarts, until it is enabled', async () => {
  const scene = await stage.scene();
  const [first, second] = [await scene.redis(), await scene.redis()];
  const config = { expected_nodes: 2, bootstrap_settle_ms: 600_000 };
  const a = await scene.agent({ name: 'a', redis: first, config });
  const b = await scene.agent({ name: 'b', redis: second, config });
  await serves(a);
  await waitFor(async () => (await a.view())?.inSync.length === 1, 'the replica in sync');
  expect((await call(a, 'GET', '/disable')).body).toBe(DISABLED);
  await serves(b);
  await streams(a);
  const registered = `${scene.root}/nodes/a`;
  await waitFor(async () => (await scene.data(registered))?.includes('"disabled":true'), 'the registry to know');
  await a.kill();
  a.restart();
  await waitFor(async () => (await a.http('/status'))?.body === DISABLED, 'the restarted agent to be disabled');
  await second.kill();
  await waitFor(() => b.said('lease_released'), 'the master to give up');
  expect(await scene.data(scene.masterRecord), 'a disabled node takes no part').toBeNull();
  expect((await call(a, 'GET', '/enable')).body).toBe(ENABLED);
  expect((await call(a, 'GET', '/status')).body).toBe(ENABLED);
});

/** synapse and go-synapse: every child of the service is one backend; the parent's data is generator configuration. */
async function backendsAsSynapse(scene: Scene): Promise<readonly { host: string; port: number; name: string }[]> {
  const parent = await scene.data(scene.published);
  if (parent !== null && parent !== '') throw new Error(`the parent holds generator configuration: ${parent}`);
  const backends = [];
  for (const child of await scene.children(scene.published)) {
    const data = await scene.data(`${scene.published}/${child}`);
    if (data === null) continue;
    const value = JSON.parse(data) as Record<string, unknown>;
    const port = Number(value['port']);
    if (typeof value['host'] !== 'string' || !Number.isInteger(port)) throw new Error(`no backend: ${child}`);
    backends.push({ host: value['host'], port, name: typeof value['name'] === 'string' ? value['name'] : child });
  }
  return backends;
}

/** go-nerve: host and name are not empty, the port is not 0, and an absent `available` means yes. */
function reportAsNerve(data: string): { host: string; port: number; name: string; available: boolean } {
  const value = JSON.parse(data) as Record<string, unknown>;
  const { host, name } = value;
  const port = Number(value['port']);
  const available = value['available'] === undefined || value['available'] === true;
  const weight = Number(value['weight'] ?? 255);
  if (typeof host !== 'string' || host === '' || typeof name !== 'string' || name === '') throw new Error('incomplete');
  if (!Number.isInteger(port) || port === 0) throw new Error('no port');
  if (weight < 0 || weight > 255) throw new Error('a wrong weight');
  return { host, port, name, available };
}

test('the record is exact, ephemeral, understood by its readers, and the only child through an election', async () => {
  const scene = await stage.scene();
  await scene.zk.mkdirp(scene.published);
  await scene.zk.addWatch(scene.published, 'persistent_recursive');
  const [first, second] = [await scene.redis(), await scene.redis()];
  const config = { expected_nodes: 2, bootstrap_settle_ms: 600_000 };
  const a = await scene.agent({ name: 'x', redis: first, config, node: { priority: 1 } });
  const b = await scene.agent({ name: 'redis3.local', redis: second, config });
  await serves(a);
  await streams(b);
  await waitFor(async () => (await a.view())?.inSync.length === 1, 'the replica in sync');

  const before = await scene.znode(scene.masterRecord);
  expect(before?.data).toBe(recordOf('x', first.port));
  expect(before?.stat.ephemeralOwner).not.toBe(0n);
  expect(decodeAsOriginal(before?.data ?? '')).toEqual({ host: '127.0.0.1', port: String(first.port), name: 'x' });
  const backend = { host: '127.0.0.1', port: first.port, name: 'x' };
  expect(reportAsNerve(before?.data ?? '')).toEqual({ ...backend, available: true });
  expect(await backendsAsSynapse(scene)).toEqual([backend]);

  await first.kill();
  await serves(b);
  expect(await scene.data(scene.masterRecord)).toBe(recordOf('redis3.local', second.port));
  await first.restart();
  await streams(a);
  await waitFor(async () => (await b.view())?.inSync.length === 1, 'the old master in sync');
  expect((await call(b, 'GET', '/disable')).body).toBe(DISABLED);
  await serves(a);
  expect(await backendsAsSynapse(scene)).toEqual([backend]);

  const others = scene.changes.filter((path) => path !== scene.masterRecord && path !== scene.published);
  expect(others, 'nothing but the master record was ever touched there').toEqual([]);
  expect((await scene.znode(scene.published))?.data).toBe('');
  expect(await scene.children(`/elections/redis/${scene.service}`)).toEqual([]);
});

test("the original's election tokens and ours live side by side", async () => {
  const scene = await stage.scene();
  const [first, second] = [await scene.redis(), await scene.redis()];
  const original = await Original.start(scene, 'old', second);
  const token = await original.stand();
  expect(token).toMatch(/^\d{10}$/);
  const agent = await scene.agent({ name: 'new', redis: first });
  await serves(agent);
  expect(tokensAsOriginal(await scene.children(original.elections))).toEqual([Number(token)]);
  await original.follow();
  await waitFor(() => isLinked(second, first), 'the original to follow ours');
});
