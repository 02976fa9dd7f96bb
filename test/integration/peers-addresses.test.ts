// Names that resolve to something else than before, or never: the proof of a death stays with one address.
//
// The resolver is the one thing replaced here, because no name server can be told to change its mind on time.

import { lookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';

import { afterEach, expect, test, vi } from 'vitest';

import { systemClock } from '../../src/agent/system-clock.ts';
import type { Clock } from '../../src/contract/clock.ts';
import { helloHeaders, PEER_PROTOCOL } from '../../src/peers/hello.ts';
import { createPeerHub } from '../../src/peers/hub.ts';
import { waitFor } from '../support/wait-for.ts';

vi.mock('node:dns', async (original) => ({ ...(await original<object>()), lookup: vi.fn() }));

type Answer = (error: Error | null, addresses: LookupAddress[]) => void;

/** What the resolver does with a question from now on. */
function resolveBy(resolver: (answer: Answer) => void): void {
  const replaced = (_hostname: string, _options: unknown, answer: Answer): void => resolver(answer);
  vi.mocked(lookup).mockImplementation(replaced as unknown as typeof lookup);
}

function resolveTo(...addresses: string[]): void {
  resolveBy((answer) => setImmediate(answer, null, addresses.map((address) => ({ address, family: 4 }))));
}

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
  vi.mocked(lookup).mockReset();
});

const SELF = { service: 'local', name: 'a', instance: 'a-1' };
const PEER = { service: 'local', name: 'b', instance: 'b-1' };

function startHub(port: number, clock: Clock = systemClock): string[] {
  const told: string[] = [];
  const tell = (...words: string[]): void => void told.push(words.join(' '));
  const hub = createPeerHub(
    SELF,
    {
      onUp: () => tell('up'),
      onEnded: (_name, how) => tell('ended', how),
      onRefused: (_name, address) => tell('refused', address),
      onFailed: (_name, code) => tell('failed', code),
      onMessage: () => tell('message'),
    },
    clock,
  );
  cleanups.push(() => hub.stop());
  hub.setPeers([{ ...PEER, host: 'moving.example', port }]);
  return told;
}

/** The smallest peer, on one address; `die` closes it as a kernel does. */
async function startPeer(address: string, port: number): Promise<{ port: number; die(): void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer();
  server.on('connection', (socket) => sockets.add(socket));
  server.on('upgrade', (_request, socket) => {
    socket.on('error', () => socket.destroy());
    const headers = Object.entries({ Connection: 'Upgrade', Upgrade: PEER_PROTOCOL, ...helloHeaders(PEER) });
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
  });
  server.listen(port, address);
  await once(server, 'listening');
  const die = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  cleanups.push(die);
  return { port: (server.address() as AddressInfo).port, die };
}

test('the dials that prove a death go to the address of the ended stream, later ones resolve anew', async () => {
  resolveTo('127.0.0.1');
  const peer = await startPeer('127.0.0.1', 0);
  const told = startHub(peer.port);
  await waitFor(() => told.includes('up'), 'the stream is up');
  await startPeer('127.0.0.2', peer.port);
  resolveTo('127.0.0.2');
  peer.die();
  await waitFor(() => told.filter((word) => word === 'up').length === 2, 'the other address is found');
  expect(told.filter((word) => word === 'refused 127.0.0.1').length).toBeGreaterThanOrEqual(2);
  expect(told).not.toContain('refused 127.0.0.2');
  expect(told.at(-1)).toBe('up');
});

test('a name with two addresses refuses only when both do', async () => {
  resolveTo('127.0.0.3', '127.0.0.2');
  const peer = await startPeer('127.0.0.2', 0);
  const told = startHub(peer.port);
  await waitFor(() => told.includes('up'), 'the second address is found');
  expect(told).toEqual(['up']);
});

test('a silent name server makes dials time out, with one question under way', async () => {
  let underWay = 0;
  let answerLate: Answer | undefined;
  resolveBy((answer) => {
    underWay += 1;
    answerLate = answer;
  });
  const fastClock: Clock = {
    now: () => systemClock.now(),
    after: (delayMs, callback) => systemClock.after(delayMs / 100, callback),
  };
  const peer = await startPeer('127.0.0.1', 0);
  const told = startHub(peer.port, fastClock);
  await waitFor(() => told.filter((word) => word === 'failed timeout').length >= 3, 'three dials timed out');
  expect(underWay).toBe(1);
  resolveTo('127.0.0.1');
  answerLate?.(null, [{ address: '127.0.0.1', family: 4 }]);
  await waitFor(() => told.includes('up'), 'the stream is up');
});
