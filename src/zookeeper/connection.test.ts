// Against a server of a few lines that says exactly what a test wants, when it wants.

import { createServer, type Server, type Socket } from 'node:net';

import { afterEach, expect, test } from 'vitest';

import { connectZooKeeper, type ZooKeeperClient, type ZooKeeperEvents } from './client.ts';
import { FrameSplitter, JuteReader, JuteWriter } from './codec.ts';
import { OP, XID } from './protocol.ts';

const SESSION_TIMEOUT_MS = 10_000;

interface Received {
  readonly xid: number;
  readonly op: number;
}

type Answer = (request: Received, socket: Socket) => void;

let server: Server | null = null;
let client: ZooKeeperClient | null = null;

afterEach(async () => {
  await client?.close();
  await new Promise((resolve) => server === null ? resolve(null) : server.close(resolve));
});

const events: ZooKeeperEvents = {
  onConnected: () => undefined,
  onDisconnected: () => undefined,
  onExpired: () => undefined,
  onWatch: () => undefined,
};

function handshake(): Buffer {
  return new JuteWriter().int(0).int(SESSION_TIMEOUT_MS).long(77n).buffer(Buffer.alloc(16)).boolean(false).frame();
}

function reply(xid: number, error = 0): JuteWriter {
  return new JuteWriter().int(xid).long(5n).int(error);
}

function changed(path: string): Buffer {
  const [type, connectedState] = [3, 3];
  return new JuteWriter().int(XID.watchEvent).long(-1n).int(0).int(type).int(connectedState).string(path).frame();
}

/** Grants a session, then gives each request to `answer`; a request to end the session closes the connection. */
async function serve(answer: Answer, overrides: Partial<ZooKeeperEvents> = {}): Promise<ZooKeeperClient> {
  const listener = createServer((socket) => {
    const splitter = new FrameSplitter(1_000_000);
    let greeted = false;
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      splitter.push(chunk);
      for (let frame = splitter.next(); frame !== null; frame = splitter.next()) {
        if (!greeted) {
          greeted = true;
          socket.write(handshake());
          continue;
        }
        const reader = new JuteReader(frame);
        const request = { xid: reader.int(), op: reader.int() };
        if (request.op === OP.closeSession) socket.end(reply(request.xid).frame());
        else answer(request, socket);
      }
    });
  });
  server = listener;
  await new Promise<void>((resolve) => { listener.listen(0, '127.0.0.1', resolve); });
  const address = listener.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return await new Promise((resolve) => {
    const opening = connectZooKeeper(
      { hosts: [{ host: '127.0.0.1', port }], sessionTimeoutMs: SESSION_TIMEOUT_MS },
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
      reply(first).string('/').frame(), changed('/a'), changed('/b'), reply(second).string('/').frame(), changed('/c'),
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
    socket.write(Buffer.concat([reply(xid).string('/').frame(), changed('/a')]));
  }, { onWatch: ({ path }) => { heard.push(path); }, onDisconnected: () => { heard.push('disconnected'); } });
  await opening.sync('/').then(() => opening.close());
  expect(heard).toEqual([]);
});

test('an answer in the place of another ends the connection, and both requests are rejected', async () => {
  const faults: string[] = [];
  const opening = await serve(({ xid }, socket) => {
    if (xid === 2) socket.write(reply(2).string('/').frame());
  }, { onFault: ({ code }) => { faults.push(code); } });
  const outcomes = await Promise.allSettled([opening.sync('/'), opening.sync('/')]);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'CONNECTION_LOSS' } });
  }
  expect(faults).toEqual(['protocol']);
});
