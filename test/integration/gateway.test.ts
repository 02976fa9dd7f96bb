/**
 * One Sentinel port for every service of an ensemble: of a gateway, and of an agent that answers for others too. One
 * service is real, two hundred exist as records.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AgentProcess } from '../support/agent-process.ts';
import { Ear } from '../support/ear.ts';
import { FAST_SYNC, TICK_MS } from '../support/failure-stage.ts';
import { freePort } from '../support/free-port.ts';
import { connectRaw } from '../support/raw-redis.ts';
import type { RawRedis, RawReply } from '../support/raw-redis.ts';
import { startService } from '../support/service.ts';
import type { Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { WrittenServices } from '../support/written-services.ts';
import { startZooKeeper } from '../support/zookeeper-server.ts';
import type { ZooKeeperServer } from '../support/zookeeper-server.ts';

const WRITTEN = Array.from({ length: 200 }, (_value, index) => `cache-${index}`);
const FIRST = ['10.0.0.1', '6379'];
const SECOND = ['10.0.0.2', '6379'];
const GATEWAY_SESSION_MS = 2000;
/** Longer than any pause of a machine with much to do: the written services are those of one session. */
const SESSION_MAX_MS = 120_000;

const folder = mkdtempSync(join(tmpdir(), 'dictator-gateway-'));
let zookeeper: ZooKeeperServer;
let real: Service;
let written: WrittenServices;
let gateway: AgentProcess;
let port = 0;
let ask: RawRedis;
const ears: Ear[] = [];

beforeAll(async () => {
  zookeeper = await startZooKeeper({ tickTimeMs: TICK_MS, config: { maxSessionTimeout: SESSION_MAX_MS } });
  written = await WrittenServices.open(zookeeper.port);
  await written.write(WRITTEN);
  real = await startService({
    nodes: 2, zookeeper, redisArgs: FAST_SYNC, sentinel: { services: ['cache-1*'] },
  });
  await real.settled();
  port = await freePort();
  const httpPort = await freePort();
  const config = {
    svc_name: real.name, http_port: httpPort, zk_hosts: [`127.0.0.1:${zookeeper.port}`],
    zk_session_timeout_ms: GATEWAY_SESSION_MS,
    sentinel: { port, master_name: [real.name, 'mymaster'] },
  };
  const program = [process.execPath, 'dist/dictator.cjs', 'gateway'];
  gateway = new AgentProcess({ name: 'gateway', folder, config, httpPort, program });
  await waitFor(async () => (await gateway.http('/readiness'))?.status === 200, 'the gateway to know all services');
  ask = await waitFor(() => connectRaw(port), 'the Sentinel port of the gateway');
});
afterAll(async () => {
  for (const ear of ears) ear.close();
  ask.close();
  await gateway.kill();
  await real.stop();
  await written.close();
  await zookeeper.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function listen(at: number): Promise<Ear> {
  const ear = await Ear.at(at);
  ears.push(ear);
  return ear;
}

const address = (name: string, of = ask): Promise<RawReply> => of.cmd('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name);

async function names(name: string, expected: RawReply, of = ask): Promise<void> {
  await waitFor(async () => JSON.stringify(await address(name, of)) === JSON.stringify(expected),
    `${name} to be at ${JSON.stringify(expected)}`);
}

test('a gateway answers for every service, under its own name and those that its configuration gives', async () => {
  const { master } = await real.settled();
  const at = ['127.0.0.1', String(master.redis.port)];
  for (const name of [real.name, 'mymaster']) await names(name, at);
  await names('cache-199', FIRST);
  expect(await address('no-such-service')).toBeNull();
  const masters = (await ask.cmd('SENTINEL', 'MASTERS')) as RawReply[];
  expect(masters).toHaveLength(WRITTEN.length + 2);
  const sentinels = (await ask.cmd('SENTINEL', 'SENTINELS', real.name)) as RawReply[];
  expect(sentinels).toHaveLength(2);
  await expect(ask.cmd('SENTINEL', 'FAILOVER', 'cache-1')).rejects.toThrow("No agent of 'cache-1' answers here");
  expect((await gateway.http('/liveness'))?.status).toBe(200);
  expect((await gateway.http('/primary'))?.status).toBe(404);
});

test('a subscriber of the gateway hears of a failover once, the replica after it', async () => {
  const { master } = await real.settled();
  const ear = await listen(port);
  await master.redis.kill();
  const successor = await waitFor(async () => {
    const now = await real.master();
    return now === master ? null : now;
  }, 'another master');
  const switched = `${real.name} 127.0.0.1 ${master.redis.port} 127.0.0.1 ${successor.redis.port}`;
  await ear.hears('+switch-master', switched);
  await names('mymaster', ['127.0.0.1', String(successor.redis.port)]);
  await master.redis.restart();
  await real.settled();
  const replica = `slave 127.0.0.1:${master.redis.port} 127.0.0.1 ${master.redis.port} @ ${real.name}`;
  await ear.hears('+slave', replica);
  await ear.hears('+convert-to-slave', replica);
  expect(ear.payloads('+switch-master', switched)).toHaveLength(1);
});

test('an agent answers for others beside its own, and its lease is none the worse', async () => {
  const { master } = await real.settled();
  const other = await connectRaw(master.sentinelPort ?? 0);
  await names('cache-17', FIRST, other);
  expect(await address('cache-20', other)).toBeNull();
  await names(real.name, ['127.0.0.1', String(master.redis.port)], other);
  const ear = await listen(master.sentinelPort ?? 0);
  await written.lose('cache-17');
  await names('cache-17', null, other);
  await written.promote('cache-17', 'redis2', 8);
  await names('cache-17', SECOND, other);
  await ear.hears('+switch-master', 'cache-17 10.0.0.1 6379 10.0.0.2 6379');
  other.close();
  expect(await real.master()).toBe(master);
});

test('a service that is removed has no master; one that comes is known', async () => {
  const ear = await listen(port);
  await written.remove('cache-5');
  await names('cache-5', null);
  await ear.hears('-monitor', 'master cache-5 ');
  await expect(ask.cmd('SENTINEL', 'MASTER', 'cache-5')).rejects.toThrow('No such master');
  await written.write(['cache-new']);
  await names('cache-new', FIRST);
  await ear.hears('+monitor', 'master cache-new ');
});

test('a gateway without ZooKeeper names nobody, says so, and knows all of them when it is back', async () => {
  const ear = await listen(port);
  await zookeeper.kill();
  await names('cache-7', null);
  await ear.hears('+tilt', '#tilt');
  const entry = (await ask.cmd('SENTINEL', 'MASTER', 'cache-7')) as RawReply[];
  expect(entry[entry.indexOf('flags') + 1]).toBe('s_down,master,disconnected');
  expect((await gateway.http('/readiness'))?.status).toBe(503);
  expect((await gateway.http('/liveness'))?.status).toBe(200);
  await zookeeper.restart();
  await names('cache-7', FIRST);
  await ear.hears('-tilt', '#tilt');
  await waitFor(async () => (await gateway.http('/readiness'))?.status === 200, 'the gateway to be ready again');
});

test('what happened while its session was lost is told once, as one difference', async () => {
  const ear = await listen(port);
  gateway.signal('SIGSTOP');
  const stoppedAtMs = performance.now();
  await written.lose('cache-8');
  await written.promote('cache-8', 'redis3', 8);
  await written.lose('cache-8');
  await written.promote('cache-8', 'redis2', 9);
  await waitFor(() => performance.now() - stoppedAtMs > 1.5 * GATEWAY_SESSION_MS, 'its session to end');
  gateway.signal('SIGCONT');
  await names('cache-8', SECOND);
  await ear.hears('+switch-master', 'cache-8 ');
  expect(ear.payloads('+switch-master', 'cache-8 ')).toEqual(['cache-8 10.0.0.1 6379 10.0.0.2 6379']);
});

test('it ends in order when it is told to', async () => {
  // Where a test before this one failed, it may be stopped still.
  gateway.signal('SIGCONT');
  gateway.signal('SIGTERM');
  expect(await gateway.exited).toBe(0);
  expect(gateway.said('gateway_stopped')).toBe(true);
});
