// Against a server of a few lines that says exactly what a test wants, when it wants.

import { afterEach, expect, test } from 'vitest';

import {
  scriptedChange,
  scriptedReply,
  startScriptedZooKeeper,
  type Script,
  type ScriptedZooKeeper,
} from '../../test/support/zookeeper-scripted.ts';
import { connectZooKeeper, type ZooKeeperClient, type ZooKeeperEvents } from './client.ts';

let server: ScriptedZooKeeper | null = null;
let client: ZooKeeperClient | null = null;

afterEach(async () => {
  await client?.close();
  await server?.stop();
});

const events: ZooKeeperEvents = {
  onConnected: () => undefined,
  onDisconnected: () => undefined,
  onExpired: () => undefined,
  onWatch: () => undefined,
};

async function serve(
  onRequest: NonNullable<Script['onRequest']>,
  overrides: Partial<ZooKeeperEvents> = {},
): Promise<ZooKeeperClient> {
  const { port } = (server = await startScriptedZooKeeper({ onRequest }));
  return await new Promise((resolve) => {
    const opening = connectZooKeeper(
      { hosts: [{ host: '127.0.0.1', port }], sessionTimeoutMs: 10_000 },
      { ...events, onConnected: () => { resolve(opening); }, ...overrides },
    );
    client = opening;
  });
}

test('an event between two answers of one chunk comes between their continuations', async () => {
  const order: string[] = [];
  const waiting: number[] = [];
  const opening = await serve(({ xid }, socket) => {
    waiting.push(xid);
    const [first, second] = waiting;
    if (first === undefined || second === undefined) return;
    socket.write(Buffer.concat([
      scriptedReply(first).string('/').frame(),
      scriptedChange('/a'),
      scriptedChange('/b'),
      scriptedReply(second).string('/').frame(),
      scriptedChange('/c'),
    ]));
  }, { onWatch: ({ path }) => { order.push(path); } });
  const ask = async (name: string): Promise<void> => {
    await opening.sync('/');
    await Promise.resolve();
    await Promise.resolve();
    order.push(name);
  };
  await Promise.all([ask('first'), ask('second')]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual(['first', '/a', '/b', 'second', '/c']);
});

test('a client closed by the continuation of an answer hears nothing of what followed it', async () => {
  const heard: string[] = [];
  const opening = await serve(({ xid }, socket) => {
    socket.write(Buffer.concat([scriptedReply(xid).string('/').frame(), scriptedChange('/a')]));
  }, { onWatch: ({ path }) => { heard.push(path); }, onDisconnected: () => { heard.push('disconnected'); } });
  await opening.sync('/').then(() => opening.close());
  expect(heard).toEqual([]);
});

test('an answer in the place of another ends the connection, and both requests are rejected', async () => {
  const faults: string[] = [];
  const opening = await serve(({ xid }, socket) => {
    if (xid === 2) socket.write(scriptedReply(2).string('/').frame());
  }, { onFault: ({ code }) => { faults.push(code); } });
  const outcomes = await Promise.allSettled([opening.sync('/'), opening.sync('/')]);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'CONNECTION_LOSS' } });
  }
  expect(faults).toEqual(['protocol']);
});
