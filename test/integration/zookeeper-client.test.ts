// The client against one real server: every request, every kind of watch, and the order of things.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { connectZooKeeper, type WatchEvent, type ZooKeeperClient } from '../../src/zookeeper/index.ts';
import { recordEvents, type RecordedEvents } from '../support/zookeeper-events.ts';
import { startZooKeeper, type ZooKeeperServer } from '../support/zookeeper-server.ts';
import { waitFor } from '../support/wait-for.ts';

let server: ZooKeeperServer;
let client: ZooKeeperClient;
let events: RecordedEvents;

beforeAll(async () => {
  server = await startZooKeeper({ fsync: false, java: ['-Dzookeeper.extendedTypesEnabled=true'] });
  events = recordEvents();
  client = connectZooKeeper(
    { hosts: [{ host: '127.0.0.1', port: server.port }], sessionTimeoutMs: 2000, chroot: '/test/root' },
    events,
  );
  await waitFor(() => client.state === 'connected', 'connected');
  await client.mkdirp('/');
}, 40_000);

afterAll(async () => {
  await client.close();
  await server.stop();
});

describe('requests', () => {
  test('are refused with CONNECTION_LOSS before the first connection, at once', async () => {
    const early = connectZooKeeper(
      { hosts: [{ host: '127.0.0.1', port: server.port }], sessionTimeoutMs: 2000 }, recordEvents());
    await expect(early.getData('/')).rejects.toMatchObject({ code: 'CONNECTION_LOSS', path: '/' });
    await early.close();
    await expect(early.getData('/')).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('create, read, change and delete a node', async () => {
    const created = await client.create('/node', 'one');
    expect(created.path).toBe('/node');
    expect(created.stat).toMatchObject({ version: 0, dataLength: 3, ephemeralOwner: 0n });
    const { data, stat } = await client.getData('/node');
    expect(data.toString()).toBe('one');
    expect(stat).toEqual(created.stat);
    expect(await client.setData('/node', Buffer.from('two'))).toMatchObject({ version: 1 });
    expect(await client.exists('/node')).toMatchObject({ version: 1 });
    expect(await client.getChildren('/')).toContain('node');
    await client.delete('/node');
    expect(await client.exists('/node')).toBeNull();
  });

  test('name what is wrong', async () => {
    await expect(client.getData('/missing')).rejects.toMatchObject({ code: 'NO_NODE', path: '/missing' });
    await client.create('/twice', '');
    await expect(client.create('/twice', '')).rejects.toMatchObject({ code: 'NODE_EXISTS' });
    await expect(client.create('/no/parent', '')).rejects.toMatchObject({ code: 'NO_NODE' });
    await client.create('/twice/child', '');
    await expect(client.delete('/twice')).rejects.toMatchObject({ code: 'NOT_EMPTY' });
    for (const path of ['', 'relative', '/slash/', '//', '/a/../b', '/nul\0']) {
      await expect(client.delete(path)).rejects.toMatchObject({ code: 'BAD_ARGUMENTS' });
    }
    await expect(client.create('/large', Buffer.alloc(1_100_000))).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(client.state).toBe('connected');
  });

  test('with version 0 compare with version 0', async () => {
    await client.create('/versioned', 'a');
    await client.setData('/versioned', 'b', 0);
    await expect(client.setData('/versioned', 'c', 0)).rejects.toMatchObject({ code: 'BAD_VERSION' });
    await expect(client.delete('/versioned', 0)).rejects.toMatchObject({ code: 'BAD_VERSION' });
    await client.delete('/versioned', 1);
  });

  test('make ephemeral, sequential, container and ttl nodes', async () => {
    const ephemeral = await client.create('/ephemeral', '', { ephemeral: true });
    expect(ephemeral.stat.ephemeralOwner).toBe(client.sessionId);
    await expect(client.create('/ephemeral/child', '')).rejects.toMatchObject({ code: 'NO_CHILDREN_FOR_EPHEMERALS' });
    const first = await client.create('/item-', '', { sequential: true, ephemeral: true });
    const second = await client.create('/item-', '', { sequential: true, ephemeral: true });
    expect(first.path).toMatch(/^\/item-\d{10}$/);
    expect(second.path > first.path).toBe(true);
    await client.create('/numbers', '');
    expect((await client.create('/numbers/', '', { sequential: true })).path).toMatch(/^\/numbers\/\d{10}$/);
    await expect(client.create('/numbers/', '')).rejects.toMatchObject({ code: 'BAD_ARGUMENTS' });
    expect((await client.create('/container', '', { container: true })).path).toBe('/container');
    expect((await client.create('/ttl', '', { ttlMs: 60_000 })).path).toBe('/ttl');
  });

  test('mkdirp makes all parents and is content when they exist', async () => {
    await client.mkdirp('/deep/er/est');
    await client.mkdirp('/deep/er/est');
    expect(await client.exists('/deep/er/est')).toMatchObject({ dataLength: 0 });
  });

  test('are answered in the order of their issue', async () => {
    const order: string[] = [];
    const note = (what: string): (() => void) => () => { order.push(what); };
    await Promise.all([
      client.create('/order', '0').then(note('create')),
      client.sync('/order').then(note('sync')),
      client.setData('/order', '1').then(note('set')),
      client.getData('/order').then(({ data }) => { order.push(`get ${data.toString()}`); }),
      client.delete('/order').then(note('delete')),
      client.getData('/order').catch(note('missing')),
    ]);
    expect(order).toEqual(['create', 'sync', 'set', 'get 1', 'delete', 'missing']);
  });

  test('beyond the bound are refused with QUEUE_FULL, and all others answered', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 1500 }, () => client.exists('/')));
    const refused = outcomes.filter((each) => each.status === 'rejected');
    expect(refused).toHaveLength(500);
    for (const each of refused) expect(each.reason).toMatchObject({ code: 'QUEUE_FULL' });
  });
});

describe('multi', () => {
  test('does everything, and tells paths and stats', async () => {
    await client.create('/lease', 'old');
    const results = await client.multi([
      { op: 'check', path: '/lease', version: 0 },
      { op: 'delete', path: '/lease', version: 0 },
      { op: 'create', path: '/lease', data: 'new', ephemeral: true },
      { op: 'setData', path: '/lease', data: 'newer', version: 0 },
    ]);
    expect(results.map((result) => result.op)).toEqual(['check', 'delete', 'create', 'setData']);
    const stat = await client.exists('/lease');
    expect(stat).toMatchObject({ ephemeralOwner: client.sessionId, version: 1 });
    expect(results[2]).toMatchObject({ path: '/lease', czxid: stat?.czxid });
    expect(results[3]).toMatchObject({ stat: { version: 1 } });
  });

  test('with a stale version 0 refuses everything and names the operation', async () => {
    await client.create('/term', 'a');
    await client.setData('/term', 'b');
    await expect(client.multi([
      { op: 'create', path: '/must-not-appear', data: '' },
      { op: 'setData', path: '/term', data: 'c', version: 0 },
      { op: 'delete', path: '/term' },
    ])).rejects.toMatchObject({ code: 'BAD_VERSION', path: '/term', index: 1 });
    expect(await client.exists('/must-not-appear')).toBeNull();
    expect((await client.getData('/term')).data.toString()).toBe('b');
  });

  test('of nothing is fine', async () => {
    expect(await client.multi([])).toEqual([]);
  });
});

describe('watches', () => {
  const since = (start: number): WatchEvent[] => events.watches.slice(start);

  test('one-shot watches fire once, with the path below the chroot', async () => {
    const start = events.watches.length;
    expect(await client.exists('/shot', { watch: true })).toBeNull();
    await client.create('/shot', '');
    await client.getData('/shot', { watch: true });
    await client.getChildren('/shot', { watch: true });
    await client.setData('/shot', '1');
    await client.setData('/shot', '2');
    await client.create('/shot/child', '');
    await client.sync('/');
    expect(since(start).map(({ type, path }) => `${type} ${path}`)).toEqual([
      'created /shot', 'changed /shot', 'children /shot',
    ]);
  });

  test('a persistent recursive watch reports everything below, until it is removed', async () => {
    await client.mkdirp('/tree');
    await client.addWatch('/tree', 'persistent_recursive');
    const start = events.watches.length;
    await client.create('/tree/a', '');
    await client.create('/tree/a/b', '');
    await client.setData('/tree/a/b', 'x');
    await client.delete('/tree/a/b');
    await client.sync('/');
    expect(since(start).map(({ type, path }) => `${type} ${path}`)).toEqual([
      'created /tree/a', 'created /tree/a/b', 'changed /tree/a/b', 'deleted /tree/a/b',
    ]);
    await client.removeWatches('/tree');
    await client.removeWatches('/tree');
    await client.delete('/tree/a');
    await client.sync('/');
    expect(since(start)).toHaveLength(4);
  });
});

test('lastReceivedMs moves with idle pings, and closing ends the session at once', async () => {
  const other = connectZooKeeper(
    { hosts: [{ host: 'localhost', port: server.port }], sessionTimeoutMs: 600, chroot: '/test/root' }, recordEvents());
  expect(other.lastReceivedMs).toBe(Number.NEGATIVE_INFINITY);
  await waitFor(() => other.state === 'connected', 'second client connected');
  await other.create('/mine', '', { ephemeral: true });
  const heardMs = other.lastReceivedMs;
  await waitFor(() => other.lastReceivedMs > heardMs, 'a ping was answered');
  await other.close();
  await client.sync('/');
  expect(await client.exists('/mine')).toBeNull();
  expect(other.state).toBe('closed');
});
