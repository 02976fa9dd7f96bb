/**
 * "ZooKeeper or Redis unreachable, wrong password, loading, not yet there: keep trying, say so clearly once and again
 * when it changes, never exit."
 */
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { AgentProcess } from '../support/agent-process.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { freePort } from '../support/free-port.ts';
import { refusals, refuses, serves, Stage } from '../support/scene.ts';
import { waitFor } from '../support/wait-for.ts';

const stage = new Stage();
beforeAll(stage.open);
afterEach(stage.clear);
afterAll(stage.close);

/** How often the agent said that a reason holds, and that it no longer does. */
function said(agent: AgentProcess, reason: string): { begun: number; ended: number } {
  const ended = agent.lines.filter((line) => line.event === 'refusal_ended' && line.reason === reason).length;
  return { begun: refusals(agent, reason), ended };
}

test('a ZooKeeper that hangs up on everybody is said once, tried on and on, and used when it serves', async () => {
  const scene = await stage.scene();
  const proxy = await startFaultProxy({ targetPort: scene.zookeeper.port });
  scene.atEnd(() => proxy.stop());
  proxy.ignore();
  const redis = await scene.redis();
  const agent = await scene.agent({ name: 'a', redis, config: { zk_hosts: [`127.0.0.1:${String(proxy.port)}`] } });
  await refuses(agent, 'zookeeper_unreachable');
  // Silence ends an attempt after a third of the session timeout; three of them show that it goes on.
  await waitFor(() => {
    proxy.resetAll();
    return proxy.accepted >= 5;
  }, 'five attempts to reach ZooKeeper');
  expect(said(agent, 'zookeeper_unreachable')).toEqual({ begun: 1, ended: 0 });
  const faults = agent.lines.filter(({ event }) => event === 'zookeeper_fault').map(({ code }) => code);
  expect(faults.length, 'a fault is said when it changes').toBeLessThanOrEqual(new Set(faults).size + 1);
  expect(agent.alive).toBe(true);
  expect((await agent.http('/status'))?.body, 'HTTP is up without ZooKeeper').toBe('Dictator Status = Enable\n');
  proxy.carry();
  proxy.resetAll();
  await serves(agent);
  expect(said(agent, 'zookeeper_unreachable')).toEqual({ begun: 1, ended: 1 });
});

test('a ZooKeeper that is not there at all is waited for', async () => {
  const scene = await stage.scene();
  const proxy = await startFaultProxy({ targetPort: scene.zookeeper.port });
  scene.atEnd(() => proxy.stop());
  await proxy.refuse();
  const redis = await scene.redis();
  const agent = await scene.agent({ name: 'a', redis, config: { zk_hosts: [`127.0.0.1:${String(proxy.port)}`] } });
  await refuses(agent, 'zookeeper_unreachable');
  expect((await redis.cmd('ROLE') as unknown[])[0], 'nothing is done without the ensemble').toBe('master');
  await proxy.accept();
  await serves(agent);
  expect(said(agent, 'zookeeper_unreachable')).toEqual({ begun: 1, ended: 1 });
});

test('a Redis that is not there yet is waited for, and said once', async () => {
  const scene = await stage.scene();
  const port = await freePort();
  const agent = await scene.agent({ name: 'a', redis: { port } });
  await refuses(agent, 'redis_unreachable');
  await waitFor(async () => (await agent.view())?.session.connected, 'the session, while Redis is missing');
  expect(agent.alive).toBe(true);
  await scene.redis({ port });
  await serves(agent);
  expect(said(agent, 'redis_unreachable')).toEqual({ begun: 1, ended: 1 });
});

test('a Redis that accepts connections and says nothing is reported as hung', async () => {
  const scene = await stage.scene();
  const mute = createServer((socket) => socket.on('error', () => socket.destroy()));
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  scene.atEnd(() => void mute.close());
  const address = mute.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const agent = await scene.agent({ name: 'a', redis: { port }, config: { down_after_ms: 500 } });
  await refuses(agent, 'redis_hung');
  expect(agent.alive).toBe(true);
});

test('a wrong password is redis_auth_failed, once, until Redis accepts it', async () => {
  const scene = await stage.scene();
  const redis = await scene.redis({ password: 'right-one' });
  const agent = await scene.agent({ name: 'a', redis, node: { password: 'sooner-or-later' } });
  await refuses(agent, 'redis_auth_failed');
  expect(agent.alive).toBe(true);
  const operator = await redis.client();
  await operator.cmd('CONFIG', 'SET', 'requirepass', 'sooner-or-later');
  operator.close();
  await serves(agent);
  expect(said(agent, 'redis_auth_failed')).toEqual({ begun: 1, ended: 1 });
  expect(refusals(agent, 'redis_unreachable'), 'it is there; only the password is wrong').toBeLessThanOrEqual(1);
});

test('a missing password is redis_auth_failed too', async () => {
  const scene = await stage.scene();
  const redis = await scene.redis({ password: 'needed' });
  const agent = await scene.agent({ name: 'a', redis });
  await refuses(agent, 'redis_auth_failed');
  const operator = await redis.client();
  await operator.cmd('CONFIG', 'SET', 'requirepass', '');
  operator.close();
  await serves(agent);
});

/** Loading a dataset of this many keys takes at least `KEYS * DELAY_MICROS`: long enough to be seen. */
const KEYS = 3000;
const DELAY_MICROS = 1000;
const SLOW_LOADING = ['--key-load-delay', String(DELAY_MICROS), '--loading-process-events-interval-bytes', '1024'];

test('a Redis that loads is waited for, and reported when it takes longer than loading_timeout', async () => {
  const scene = await stage.scene();
  const redis = await scene.redis({ save: true, args: ['--enable-debug-command', 'yes'] });
  await redis.cmd('DEBUG', 'POPULATE', KEYS);
  await redis.term();
  await redis.restart({ args: SLOW_LOADING });
  const agent = await scene.agent({ name: 'a', redis, node: { loading_timeout: 1 } });
  await waitFor(() => agent.said('refused', 'redis_loading'), 'the agent to say that Redis loads');
  await waitFor(() => agent.said('refused', 'loading_timeout'), 'the agent to say that loading takes too long');
  await serves(agent);
  expect(said(agent, 'redis_loading')).toEqual({ begun: 1, ended: 1 });
  expect(said(agent, 'loading_timeout')).toEqual({ begun: 1, ended: 1 });
  expect(await redis.cmd('DBSIZE')).toBe(KEYS);
});

test('an agent with a taken HTTP port says so, works without it, and takes it when it is free', async () => {
  const scene = await stage.scene();
  const redis = await scene.redis();
  const replica = await scene.redis();
  const squatter = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
  const address = squatter.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const master = await scene.agent({ name: 'a', redis });
  await serves(master);
  const agent = await scene.agent({ name: 'b', redis: replica, config: { http_port: port, http_host: '127.0.0.1' } });
  await waitFor(() => agent.said('refused', 'port_taken'), 'the agent to say that its port is taken');
  await waitFor(async () => (await master.view())?.inSync.includes('b'), 'the agent to work without its port');
  await new Promise<void>((resolve) => squatter.close(() => resolve()));
  await waitFor(() => agent.said('listening'), 'the agent to take its port');
  expect(refusals(agent, 'port_taken')).toBe(1);
});
