// Health checks of real agents: what a balancer is told of a master and a replica, and by an agent that overslept.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

import { connectZooKeeper } from '../../src/zookeeper/index.ts';
import type { ZooKeeperClient } from '../../src/zookeeper/index.ts';
import { failureStage } from '../support/failure-stage.ts';
import { peace } from '../support/healing.ts';
import { open } from '../support/http-raw.ts';
import { give } from '../support/orders.ts';
import { recordOf } from '../support/original.ts';
import type { Node } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

const stage = failureStage({ nodes: 2, config: { publish_replicas: true } });

/** Both nodes in their places, as a balancer sees it. */
async function settled(): Promise<{ master: Node; replica: Node }> {
  const { master, replicas: [replica] } = await peace(stage.service);
  await waitFor(async () => (await replica.agent.http('/replica'))?.status === 200, 'the replica may be read from');
  return { master, replica };
}

async function statuses({ agent }: Node, paths: readonly string[]): Promise<string> {
  const answers = [];
  for (const path of paths) answers.push((await agent.http(path))?.status);
  return answers.join(' ');
}

/** As `option httpchk` asks, with HTTP/1.0 and nothing else. */
async function asked({ agent }: Node, line: string): Promise<string> {
  const connection = await open(agent.options.httpPort);
  connection.socket.write(`${line} HTTP/1.0\r\n\r\n`);
  await waitFor(connection.closed, 'the agent answers and closes');
  return connection.text();
}

test('tell a master from a replica', async () => {
  const { master, replica } = await settled();
  const paths = ['/', '/primary', '/replica', '/read-only', '/health', '/liveness', '/readiness'];
  expect(await statuses(master, paths)).toBe('200 200 503 200 200 200 200');
  expect(await statuses(replica, paths)).toBe('503 503 200 200 200 200 200');
  for (const method of ['OPTIONS', 'HEAD']) {
    expect(await asked(master, `${method} /primary`)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n$/s);
    expect(await asked(replica, `${method} /primary`)).toMatch(/^HTTP\/1\.1 503 .*\r\n\r\n$/s);
  }
});

test('know how far a replica is behind', async () => {
  const { master, replica } = await settled();
  await master.redis.cmd('SET', 'key', 'value');
  await waitFor(async () => (await statuses(replica, ['/replica?lag=1MB'])) === '200', 'its lag is known');
  const body = JSON.parse((await replica.agent.http('/replica'))?.body ?? '{}') as Record<string, unknown>;
  expect(body).toMatchObject({ check: 'replica', ok: true, fault: null, role: 'replica', follows: true });
  expect(body['lagBytes']).toEqual(expect.any(Number));
});

test('keep reads from a disabled replica', async () => {
  const { replica } = await settled();
  await replica.agent.http('/disable');
  await waitFor(async () => (await statuses(replica, ['/replica', '/health'])) === '503 200', 'it is left alone');
  await replica.agent.http('/enable');
  await settled();
});

describe('the pool of replicas', () => {
  const pool = (): string => `/services/redis-replicas/${stage.service.name}`;

  test('lists the replica and not the master, in the words of the master record', async () => {
    const { zookeeper } = stage.service;
    const zk = await connected(zookeeper.port);
    try {
      const { master, replica } = await settled();
      const listed = async (): Promise<string> => (await zk.getChildren(pool())).join();
      await waitFor(async () => (await listed()) === replica.name, 'the replica is listed');
      const { data } = await zk.getData(`${pool()}/${replica.name}`);
      expect(data.toString()).toBe(recordOf(replica.name, replica.redis.port));
      await replica.agent.http('/disable');
      await waitFor(async () => (await listed()) === '', 'a disabled one is not');
      await replica.agent.http('/enable');
      await waitFor(async () => (await listed()) === replica.name, 'it is listed again');
      await settled();
      expect((await give(master, '/switchover')).status).toBe(200);
      await waitFor(async () => (await listed()) === master.name, 'after a switchover it is the other one');
    } finally {
      await zk.close();
    }
  });
});

function connected(port: number): Promise<ZooKeeperClient> {
  return new Promise((resolve) => {
    const client = connectZooKeeper({ hosts: [{ host: '127.0.0.1', port }], sessionTimeoutMs: 10_000 }, {
      onConnected: () => resolve(client),
      onDisconnected: () => undefined,
      onExpired: () => undefined,
      onWatch: () => undefined,
    });
  });
}

test('never name a master whose agent slept through its lease: its first answer is the truth', async () => {
  const { master, replica } = await settled();
  const connection = await open(master.agent.options.httpPort);
  master.agent.signal('SIGSTOP');
  await waitFor(() => /\) T /.test(readFileSync(`/proc/${master.agent.pid}/stat`, 'utf8')), 'the agent is stopped');
  connection.socket.write('GET /primary HTTP/1.0\r\n\r\n');
  await waitFor(async () => (await statuses(replica, ['/primary'])) === '200', 'another master');
  expect(connection.text()).toBe('');
  master.agent.signal('SIGCONT');
  await waitFor(connection.closed, 'the agent that slept answers');
  expect(connection.text()).toMatch(/^HTTP\/1\.1 503 /);
});
