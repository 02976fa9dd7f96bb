// Peer streams over real sockets: what is told about a peer that lives, dies, hangs, lies, or talks garbage.
//
// The other side is either our own hub behind our own HTTP server, or a small program in a process of its own that
// speaks the protocol by hand, so that it can be killed and stopped, and our reading of the wire is checked twice.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

import { afterEach, describe, expect, test } from 'vitest';

import { systemClock } from '../../src/agent/system-clock.ts';
import type { Clock } from '../../src/contract/clock.ts';
import type { HttpApi } from '../../src/http/api.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { helloHeaders, PEER_PROTOCOL } from '../../src/peers/hello.ts';
import type { PeerHello } from '../../src/peers/hello.ts';
import { createPeerHub } from '../../src/peers/hub.ts';
import { identifyAgent } from '../../src/peers/identify.ts';
import type { Identification } from '../../src/peers/identify.ts';
import type { PeerMessage } from '../../src/peers/messages.ts';
import { INCOMING_MAX, PEERS_MAX, PROOF_PAUSE_MS } from '../../src/peers/peers.ts';
import type { PeerAddress, PeerEvents, PeerHub } from '../../src/peers/peers.ts';
import { freePort } from '../support/free-port.ts';
import { waitFor } from '../support/wait-for.ts';

const SERVICE = 'local';
const HOST = '127.0.0.1';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Ten times as fast as time: a peer that says nothing is given up after a second. */
const fastClock: Clock = {
  now: () => systemClock.now() * 10,
  after: (delayMs, callback) => systemClock.after(delayMs / 10, callback),
};

interface Told {
  readonly what: string;
  readonly atMs: number;
}

interface TestHub {
  readonly hub: PeerHub;
  readonly told: Told[];
  readonly messages: [string, PeerMessage][];
  /** What was told, as words. */
  words(): string[];
  /** Whether that was told, at least so many times. */
  has(word: string, times?: number): boolean;
}

function startHub(self: PeerHello, clock: Clock = systemClock): TestHub {
  const told: Told[] = [];
  const messages: [string, PeerMessage][] = [];
  const tell = (...words: string[]): void => void told.push({ what: words.join(' '), atMs: performance.now() });
  const events: PeerEvents = {
    onUp: (name, instance) => tell('up', name, instance),
    onEnded: (name, how) => tell('ended', name, how),
    onRefused: (name, address) => tell('refused', name, address),
    onFailed: (name, code) => tell('failed', name, code),
    onMessage: (name, message) => void messages.push([name, message]),
  };
  const hub = createPeerHub(self, events, clock);
  cleanups.push(() => hub.stop());
  const words = (): string[] => told.map(({ what }) => what);
  const has = (word: string, times = 1): boolean => words().filter((each) => each === word).length >= times;
  return { hub, told, messages, words, has };
}

interface TestAgent extends TestHub {
  readonly address: PeerAddress;
  stopServer(): Promise<void>;
}

/** A hub behind the real HTTP server, on a free port. */
async function startAgent(name: string, instance = `${name}-1`, port = 0): Promise<TestAgent> {
  const self = { service: SERVICE, name, instance };
  const started = startHub(self);
  const api: HttpApi = {
    enabled: () => true,
    setEnabled: () => false,
    maintain: () => undefined,
    view: () => {
      throw new Error('no view here');
    },
    turnAgeMs: () => 0,
    identity: () => ({ ...self, version: '1.0.0' }),
    bootstrap: () => Promise.resolve({ ok: true }),
    forget: () => Promise.resolve({ ok: true }),
    events: () => Promise.reject(new Error('no events here')),
    operate: () => Promise.resolve({ answer: 'unknown' }),
    cancelOperation: () => Promise.resolve({ answer: 'unknown' }),
    pause: () => Promise.resolve({ answer: 'unknown' }),
    resume: () => Promise.resolve({ answer: 'unknown' }),
    settings: () => null,
    changeSettings: () => Promise.resolve({ answer: 'unknown' }),
    tryParameters: () => Promise.resolve(null),
    wallNow: () => 0,
    promise: () => Promise.resolve({ promised: false, reason: 'wrong_node' }),
    acceptPeer: (stream, hello) => started.hub.accept(stream, hello),
  };
  const server = createHttpServer({ port, host: HOST, api });
  cleanups.push(() => server.stop());
  const listening = await server.start();
  if (!listening.ok) throw new Error(listening.cause);
  const address = { name, instance, host: HOST, port: listening.port };
  return { ...started, address, stopServer: () => server.stop() };
}

const CHILD_PROGRAM = `
  const { createServer } = require('node:http');
  const [service, name, instance] = process.argv.slice(1);
  const server = createServer((request, response) => response.end('hello'));
  server.on('upgrade', (request, socket) => {
    socket.on('error', () => socket.destroy());
    socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: dictator-peer/1\\r\\n' +
      'Dictator-Service: ' + service + '\\r\\nDictator-Name: ' + name + '\\r\\nDictator-Instance: ' + instance +
      '\\r\\n\\r\\n{"kind":"promoted","epoch":3}\\n');
    setInterval(() => socket.write('{"kind":"beat"}\\n'), 50).unref();
    socket.resume();
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

async function startChild(name: string): Promise<{ child: ChildProcess; address: PeerAddress }> {
  const child = spawn(process.execPath, ['-e', CHILD_PROGRAM, SERVICE, name, 'c1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanups.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  const [line] = (await once(child.stdout as NodeJS.EventEmitter, 'data')) as [Buffer];
  return { child, address: { name, instance: 'c1', host: HOST, port: Number(line.toString()) } };
}

/** A server that answers every connection with these bytes. */
async function startImpostor(answer: string): Promise<PeerAddress> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.write(answer));
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { name: 'b', instance: 'b-1', host: HOST, port: (server.address() as AddressInfo).port };
}

/** A request's or an answer's first line with all that an upgrade needs behind it. */
function upgradeBytes(firstLine: string, hello: PeerHello, rest = ''): string {
  const headers = { Host: 'x', Connection: 'Upgrade', Upgrade: PEER_PROTOCOL, ...helloHeaders(hello) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${firstLine}\r\n${lines.join('')}\r\n${rest}`;
}

const upgradeAnswer = (hello: PeerHello, rest = ''): string =>
  upgradeBytes('HTTP/1.1 101 Switching Protocols', hello, rest);

describe('between two agents', () => {
  test('each has a stream to the other, and messages go both ways once', async () => {
    const [a, b] = [await startAgent('a'), await startAgent('b')];
    a.hub.setPeers([a.address, b.address]);
    b.hub.setPeers([a.address, b.address]);
    await waitFor(() => a.has('up b b-1') && b.has('up a a-1'), 'both streams are up');
    a.hub.tell('b', { kind: 'redis_died', runId: 'r1' });
    a.hub.tell('nobody', { kind: 'look' });
    b.hub.tell('all', { kind: 'promoted', epoch: 9 });
    await waitFor(() => a.messages.length > 0 && b.messages.length > 0, 'both messages came');
    expect(b.messages).toEqual([['a', { kind: 'redis_died', runId: 'r1' }]]);
    expect(a.messages).toEqual([['b', { kind: 'promoted', epoch: 9 }]]);
  });

  test('a message goes over the other direction while our own stream is down', async () => {
    const [a, b] = [await startAgent('a'), await startAgent('b')];
    b.hub.setPeers([{ ...a.address, port: await freePort() }]);
    a.hub.setPeers([b.address]);
    await waitFor(() => a.has('up b b-1') && b.words().some((word) => word.startsWith('refused a')), 'one way only');
    await waitFor(() => {
      b.hub.tell('a', { kind: 'look' });
      return a.messages.length > 0;
    }, 'the message came');
    expect(a.messages[0]).toEqual(['b', { kind: 'look' }]);
  });

  test('a peer that leaves the list ends as local, and one that stays is untouched', async () => {
    const [a, b, c] = [await startAgent('a'), await startAgent('b'), await startAgent('c')];
    a.hub.setPeers([b.address, c.address]);
    await waitFor(() => a.has('up b b-1') && a.has('up c c-1'), 'both streams are up');
    a.hub.setPeers([{ ...c.address }]);
    expect(a.words().slice(2)).toEqual(['ended b local']);
    a.hub.setPeers([{ ...c.address, instance: 'c-2' }]);
    await waitFor(() => a.has('failed c wrong_instance'), 'the successor is looked for');
    expect(a.words().slice(2, 4)).toEqual(['ended b local', 'ended c local']);
  });

  test('an agent that stops ends its streams, then refuses', async () => {
    const [a, b] = [await startAgent('a'), await startAgent('b')];
    a.hub.setPeers([b.address]);
    await waitFor(() => a.has('up b b-1'), 'the stream is up');
    b.hub.stop();
    await b.stopServer();
    await waitFor(() => a.has(`refused b ${HOST}`, 2), 'two refusals');
  });

  test('at most so many peers are dialled, and none under our own name', async () => {
    const a = startHub({ service: SERVICE, name: 'a', instance: 'a-1' });
    const port = await freePort();
    const peer = (name: string): PeerAddress => ({ name, instance: 'x', host: HOST, port });
    a.hub.setPeers([peer('a'), ...Array.from({ length: PEERS_MAX + 5 }, (_value, index) => peer(`p${index}`))]);
    const names = (): Set<string> => new Set(a.words().map((word) => word.split(' ')[1] ?? ''));
    await waitFor(() => names().size === PEERS_MAX && a.words().length > 3 * PEERS_MAX, 'all were dialled');
    expect(names().has('a')).toBe(false);
    expect(names().size).toBe(PEERS_MAX);
  });
});

describe('a peer process', () => {
  test('that is killed: the stream ends, then refusals at least 10 ms apart', async () => {
    const { child, address } = await startChild('b');
    const a = startHub({ service: SERVICE, name: 'a', instance: 'a-1' });
    a.hub.setPeers([address]);
    await waitFor(() => a.messages.length > 0, 'the stream is up and its first line came');
    expect(a.messages).toEqual([['b', { kind: 'promoted', epoch: 3 }]]);
    child.kill('SIGKILL');
    await waitFor(() => a.words().filter((word) => word.startsWith('refused')).length >= 3, 'three refusals');
    const [up, ended, ...dials] = a.told;
    expect(up?.what).toBe('up b c1');
    expect(ended?.what).toMatch(/^ended b (fin|reset)$/);
    // The kernel may close the stream before the listener: the dial at once is then reset, which is no refusal.
    const refused = dials.filter(({ what }) => what !== 'failed b ECONNRESET');
    expect(new Set(refused.map(({ what }) => what))).toEqual(new Set([`refused b ${HOST}`]));
    const pauses = refused.slice(1).map(({ atMs }, index) => atMs - (refused[index]?.atMs ?? 0));
    for (const pause of pauses) expect(pause).toBeGreaterThanOrEqual(PROOF_PAUSE_MS);
  });

  test('that stays stopped: given up as silent, dials time out, and its end proves nothing', async () => {
    const { child, address } = await startChild('b');
    const a = startHub({ service: SERVICE, name: 'a', instance: 'a-1' }, fastClock);
    a.hub.setPeers([address]);
    await waitFor(() => a.has('up b c1'), 'the stream is up');
    child.kill('SIGSTOP');
    await waitFor(() => a.has('failed b timeout'), 'a dial timed out');
    const words = a.words();
    expect(words.filter((word) => word.startsWith('ended') && word !== 'ended b silent')).toEqual([]);
    expect(new Set(words.slice(words.lastIndexOf('ended b silent') + 1))).toEqual(new Set(['failed b timeout']));
    child.kill('SIGCONT');
    await waitFor(() => a.has('up b c1', 2), 'the stream is up again');
  });

  test('that comes back on its port is found again', async () => {
    const a = startHub({ service: SERVICE, name: 'a', instance: 'a-1' });
    const port = await freePort();
    a.hub.setPeers([{ name: 'b', instance: 'b-1', host: HOST, port }]);
    await waitFor(() => a.words().length > 3, 'several refusals');
    await startAgent('b', 'b-1', port);
    await waitFor(() => a.has('up b b-1'), 'the stream is up');
  });
});

describe('a dial', () => {
  const right = { service: SERVICE, name: 'b', instance: 'b-1' };

  test.each([
    ['another service', upgradeAnswer({ ...right, service: 'other' }), 'wrong_service'],
    ['another node', upgradeAnswer({ ...right, name: 'c' }), 'wrong_name'],
    ['another process of the node', upgradeAnswer({ ...right, instance: 'b-2' }), 'wrong_instance'],
    ['no hello', 'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: dictator-peer/1\r\n\r\n', 'bad_hello'],
    ['no upgrade', 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', 'http_404'],
    ['headers without end', `HTTP/1.1 101 Switching\r\nX: ${'x'.repeat(9000)}`, 'HPE_HEADER_OVERFLOW'],
    ['no HTTP', '-ERR unknown command\r\n', 'HPE_INVALID_CONSTANT'],
    ['nothing', '', 'timeout'],
  ])('that meets %s fails and is no evidence', async (_what, answer, code) => {
    const address = await startImpostor(answer);
    const a = startHub({ service: SERVICE, name: 'a', instance: 'a-1' }, fastClock);
    a.hub.setPeers([address]);
    await waitFor(() => a.words().length >= 2, 'two dials failed');
    expect(new Set(a.words())).toEqual(new Set([`failed b ${code}`]));
  });

  test('to what is no address fails', async () => {
    const a = startHub({ service: SERVICE, name: 'a', instance: 'a-1' });
    a.hub.setPeers([
      { ...right, host: 'a\r\nb', port: 80 },
      { ...right, name: 'c', host: HOST, port: 65536 },
    ]);
    await waitFor(() => a.has('failed b bad_address') && a.has('failed c bad_address'), 'both failed');
  });

  test.each([
    ['garbage', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['a line without end', 'x'.repeat(100_000)],
  ])('that reaches a server of %s is cut by us, and comes again after growing pauses', async (_what, rest) => {
    const address = await startImpostor(upgradeAnswer(right, rest));
    const a = startHub({ service: SERVICE, name: 'a', instance: 'a-1' });
    a.hub.setPeers([address]);
    await waitFor(() => a.words().length >= 10, 'several streams came and went');
    expect(new Set(a.words())).toEqual(new Set(['up b b-1', 'ended b local']));
    const [first, last] = [a.told[0], a.told[8]];
    // The fifth stream follows pauses of 0, 10, 10 and 20 ms.
    expect((last?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(40);
  });
});

describe('hostile callers', () => {
  async function callIn(port: number, hello: PeerHello, rest: string): Promise<{ closed(): boolean; text(): string }> {
    const socket = connect({ port, host: HOST });
    cleanups.push(() => void socket.destroy());
    let [closed, text] = [false, ''];
    socket.on('error', () => socket.destroy());
    socket.on('close', () => (closed = true));
    socket.on('data', (chunk) => (text += chunk.toString()));
    await once(socket, 'connect');
    socket.write(upgradeBytes('GET /v1/peer HTTP/1.1', hello, rest));
    return { closed: () => closed, text: () => text };
  }
  const caller = (name: string, instance = 'i'): PeerHello => ({ service: SERVICE, name, instance });
  const look = '{"kind":"look"}\n';

  test('are cut for garbage, refused for another service or our own name, and the agent goes on', async () => {
    const [a, b] = [await startAgent('a'), await startAgent('b')];
    a.hub.setPeers([b.address]);
    await waitFor(() => a.has('up b b-1'), 'the stream is up');
    const calls = [
      await callIn(a.address.port, caller('b'), '\0\xff\r\n\r\n'),
      await callIn(a.address.port, caller('b'), 'x'.repeat(5000)),
      await callIn(a.address.port, caller('b'), look.repeat(5000)),
      await callIn(a.address.port, { ...caller('b'), service: 'other' }, look),
      await callIn(a.address.port, caller('a'), look),
    ];
    await waitFor(() => calls.every((call) => call.closed()), 'every caller is cut off');
    expect(a.words()).toEqual(['up b b-1']);
    expect(a.messages.length).toBeLessThanOrEqual(200);
  });

  test('a name that is not on the list is not listened to', async () => {
    const [a, b] = [await startAgent('a'), await startAgent('b')];
    a.hub.setPeers([b.address]);
    await callIn(a.address.port, caller('stranger'), look);
    await callIn(a.address.port, caller('b'), look);
    await waitFor(() => a.messages.length > 0, 'the known name is heard');
    expect(a.messages).toEqual([['b', { kind: 'look' }]]);
  });

  test('a second stream of one agent process replaces its first, and the number of streams is bounded', async () => {
    const a = await startAgent('a');
    const first = await callIn(a.address.port, caller('b'), '');
    await waitFor(() => first.text() !== '', 'the first stream is up');
    const second = await callIn(a.address.port, caller('b'), '');
    await waitFor(() => first.closed(), 'the first stream is closed');
    const others = Array.from({ length: INCOMING_MAX + 2 }, (_value, index) =>
      callIn(a.address.port, caller('b', `i${index}`), ''),
    );
    const calls = await Promise.all(others);
    await waitFor(() => calls.every((call) => call.text() !== ''), 'every caller got an answer');
    const accepted = calls.filter((call) => call.text().startsWith('HTTP/1.1 101'));
    expect(accepted.length).toBe(INCOMING_MAX - 1);
    expect(second.closed()).toBe(false);
  });
});

describe('asking an agent who it is', () => {
  const ask = (address: { host: string; port: number }, timeoutMs = 5000): Promise<Identification> =>
    identifyAgent(address, timeoutMs);

  test('is answered by an agent, refused by a closed port', async () => {
    const a = await startAgent('a');
    expect(await ask(a.address)).toEqual({ kind: 'answered', service: SERVICE, name: 'a', instance: 'a-1' });
    expect(await ask({ host: HOST, port: await freePort() })).toEqual({ kind: 'refused' });
  });

  test.each([
    ['another status', 'HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}'],
    ['no JSON', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'],
    ['other JSON', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]'],
    ['a body without end', `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(20_000)}`],
    ['no HTTP', '-ERR unknown command\r\n'],
  ])('is silent for %s', async (_what, answer) => {
    expect(await ask(await startImpostor(answer))).toEqual({ kind: 'silent' });
  });

  test('is silent when nothing answers in time, or the name is unknown', async () => {
    expect(await ask(await startImpostor(''), 20)).toEqual({ kind: 'silent' });
    expect(await ask({ host: 'no-such-host.invalid', port: 1 }, 1000)).toEqual({ kind: 'silent' });
  });
});
