// The client and one real server with a misbehaving network between them. One test per way to fail.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import {
  connectZooKeeper,
  isZooKeeperError,
  type ZooKeeperClient,
  type ZooKeeperOptions,
} from '../../src/zookeeper/index.ts';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.ts';
import { waitFor } from '../support/wait-for.ts';
import { recordEvents, type RecordedEvents } from '../support/zookeeper-events.ts';
import { startZooKeeper, type ZooKeeperServer } from '../support/zookeeper-server.ts';

const SESSION_TIMEOUT_MS = 1000;
/** The longest that the server grants at its tick of 100 ms: for tests in which a session must not end. */
const LONG_SESSION_TIMEOUT_MS = 2000;

let server: ZooKeeperServer;
let proxy: FaultProxy;
let client: ZooKeeperClient;
let events: RecordedEvents;
/** Straight to the server, to see and do what the client under test cannot. */
let observer: ZooKeeperClient;
const opened: ZooKeeperClient[] = [];

beforeAll(async () => {
  // A small buffer, so that one frame with all watches of the test below would be refused.
  server = await startZooKeeper({ fsync: false, java: ['-Djute.maxbuffer=200000'] });
});

afterAll(async () => {
  await server.stop();
});

beforeEach(async () => {
  proxy = await startFaultProxy({ targetPort: server.port });
  observer = open({ hosts: at(server), sessionTimeoutMs: LONG_SESSION_TIMEOUT_MS }).client;
  await waitFor(() => observer.state === 'connected', 'the observer is connected');
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
  await proxy.stop();
});

function at({ port }: { port: number }): { host: string; port: number }[] {
  return [{ host: '127.0.0.1', port }];
}

function open(options: ZooKeeperOptions): { client: ZooKeeperClient; events: RecordedEvents } {
  const recorded = recordEvents();
  const opening = connectZooKeeper(options, recorded);
  opened.push(opening);
  return { client: opening, events: recorded };
}

async function connectThroughProxy(options: Partial<ZooKeeperOptions> = {}): Promise<void> {
  ({ client, events } = open({
    hosts: at(proxy),
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    ...options,
  }));
  await waitFor(() => client.state === 'connected', 'the client is connected');
}

const faultCodes = (): string[] => events.faults.map((fault) => fault.code);

function reconnected(): Promise<true> {
  return waitFor(() => events.session.at(-1) === 'connected again', 'the same session is connected again');
}

describe('a cut connection', () => {
  test('in the middle of an answer loses that request, and nothing after it', async () => {
    await observer.create('/large', Buffer.alloc(50_000, 'x'));
    await connectThroughProxy();
    proxy.cutAfter('toClient', 20_000);
    const cut = client.getData('/large');
    const behind = client.exists('/large');
    await expect(cut).rejects.toMatchObject({ code: 'CONNECTION_LOSS', path: '/large' });
    await expect(behind).rejects.toMatchObject({ code: 'CONNECTION_LOSS' });
    await reconnected();
    expect((await client.getData('/large')).data).toHaveLength(50_000);
    expect(await client.exists('/nothing')).toBeNull();
    expect(faultCodes()).toEqual(['lost']);
  });

  test('by a reset is noticed at once and the session goes on', async () => {
    await connectThroughProxy();
    const { sessionId } = client;
    await client.create('/kept', '', { ephemeral: true });
    proxy.resetAll();
    await reconnected();
    expect(events.session).toEqual(['connected fresh', 'disconnected', 'connected again']);
    expect(client.sessionId).toBe(sessionId);
    expect(await client.exists('/kept')).toMatchObject({ ephemeralOwner: sessionId });
  });

  test('in the middle of the handshake is tried again', async () => {
    proxy.cutAfter('toClient', 10);
    await connectThroughProxy();
    expect(events.session).toEqual(['connected fresh']);
    expect(faultCodes()).toEqual(['not_serving']);
  });
});

describe('a frozen direction', () => {
  for (const direction of ['toClient', 'toServer'] as const) {
    test(`${direction} is noticed after two thirds of the session timeout`, async () => {
      await connectThroughProxy();
      proxy.freeze(direction);
      await waitFor(() => events.session.includes('disconnected'), 'the silence is noticed');
      expect(performance.now() - client.lastReceivedMs).toBeGreaterThanOrEqual(SESSION_TIMEOUT_MS * 2 / 3);
      expect(faultCodes()).toEqual(['silent']);
      proxy.thaw();
      await waitFor(() => client.state === 'connected', 'the client is connected again');
    });
  }

  test('leaves no request without an answer, and a late answer is not taken for another request\'s', async () => {
    await connectThroughProxy({ sessionTimeoutMs: LONG_SESSION_TIMEOUT_MS, requestTimeoutMs: 150 });
    await client.create('/late', 'late');
    await client.create('/next', 'next');
    proxy.freeze('toClient');
    const late = [client.getData('/late'), client.setData('/late', 'changed'), client.exists('/missing')];
    for (const outcome of await Promise.allSettled(late)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'OPERATION_TIMEOUT' } });
    }
    proxy.thaw();
    expect((await client.getData('/next')).data.toString()).toBe('next');
    expect((await client.getData('/late')).data.toString()).toBe('changed');
    expect(events.session).toEqual(['connected fresh']);
  });

  test('does not keep close() from ending', async () => {
    await connectThroughProxy({ sessionTimeoutMs: LONG_SESSION_TIMEOUT_MS });
    proxy.freeze('toClient', 'toServer');
    const waiting = client.getData('/');
    await Promise.all([client.close(), expect(waiting).rejects.toMatchObject({ code: 'CONNECTION_LOSS' })]);
    expect(client.state).toBe('closed');
    expect(events.session).toEqual(['connected fresh']);
  });
});

test('an answer that arrived while the process was busy beyond the deadline still counts', async () => {
  await connectThroughProxy({
    hosts: at(server),
    sessionTimeoutMs: LONG_SESSION_TIMEOUT_MS,
    requestTimeoutMs: 100,
  });
  // From here the loop meets its timers before it reads its sockets again.
  await new Promise((resolve) => setImmediate(resolve));
  const answer = client.exists('/');
  const until = performance.now() + 400;
  while (performance.now() < until);
  expect(await answer).toMatchObject({ version: 0 });
});

test('a server that refuses is tried again until it accepts', async () => {
  await proxy.refuse();
  ({ client, events } = open({ hosts: at(proxy), sessionTimeoutMs: SESSION_TIMEOUT_MS }));
  await waitFor(() => events.faults.length >= 3, 'three refusals');
  expect(new Set(faultCodes())).toEqual(new Set(['refused']));
  await expect(client.sync('/')).rejects.toMatchObject({ code: 'CONNECTION_LOSS' });
  await proxy.accept();
  await waitFor(() => client.state === 'connected', 'the client is connected');
});

test('pauses between attempts grow', async () => {
  await proxy.refuse();
  const timesMs: number[] = [];
  const recorded = recordEvents();
  client = connectZooKeeper(
    { hosts: at(proxy), sessionTimeoutMs: SESSION_TIMEOUT_MS, random: () => 0.999 },
    { ...recorded, onFault: () => { timesMs.push(performance.now()); } },
  );
  opened.push(client);
  await waitFor(() => timesMs.length >= 5, 'five refusals');
  const gapsMs = timesMs.slice(1).map((time, index) => time - (timesMs[index] ?? 0));
  // Timers may fire up to a millisecond early, and as late as they like.
  for (const [index, pauseMs] of [20, 40, 80, 160].entries()) expect(gapsMs[index]).toBeGreaterThan(pauseMs - 2);
});

test('a server that accepts and says nothing is left within the connect deadline', async () => {
  proxy.ignore();
  ({ client, events } = open({ hosts: at(proxy), sessionTimeoutMs: SESSION_TIMEOUT_MS }));
  await waitFor(() => events.faults.length >= 2, 'two silent attempts');
  expect(new Set(faultCodes())).toEqual(new Set(['silent']));
  proxy.carry();
  await waitFor(() => client.state === 'connected', 'the client is connected');
});

test('with one server refusing, one silent and one good, the good one is found', async () => {
  const silent = await startFaultProxy({ targetPort: server.port });
  silent.ignore();
  await proxy.refuse();
  const hosts = [proxy.port, silent.port, server.port].map((port) => ({ host: '127.0.0.1', port }));
  ({ client, events } = open({ hosts, sessionTimeoutMs: SESSION_TIMEOUT_MS, random: () => 0.999 }));
  await waitFor(() => client.state === 'connected', 'the client is connected');
  expect(faultCodes()).toEqual(['refused', 'silent']);
  await silent.stop();
});

describe('bytes that are not the protocol', () => {
  const frame = (...words: number[]): Buffer => {
    const bytes = Buffer.alloc(words.length * 4);
    words.forEach((word, index) => { bytes.writeInt32BE(word, index * 4); });
    return bytes;
  };
  const cases = {
    'a frame of 2 GB': frame(0x7fff_ffff),
    'a frame of negative length': frame(-5),
    'an answer nobody asked for': frame(16, 4711, 0, 1, 0),
    'an answer too short for its header': frame(4, 1),
    'an event that ends early': frame(20, -1, 0, 0, 0, 1),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    test(`${name}: the connection is dropped and the session goes on`, async () => {
      await connectThroughProxy();
      proxy.inject('toClient', bytes);
      await reconnected();
      expect(faultCodes()).toEqual(['protocol']);
      expect(await client.exists('/')).not.toBeNull();
    });
  }
});

describe('a session', () => {
  test('that ended while the client was away is reported, and a new one begins by itself', async () => {
    await connectThroughProxy();
    await client.create('/lease', '', { ephemeral: true });
    await client.addWatch('/lease', 'persistent');
    const before = client.sessionId;
    await proxy.refuse();
    await waitFor(async () => (await observer.exists('/lease')) === null, 'the server ended the session');
    await proxy.accept();
    await waitFor(() => client.state === 'connected', 'the client is connected');
    expect(events.session).toEqual(['connected fresh', 'disconnected', 'expired', 'connected fresh']);
    expect(client.sessionId).not.toBe(before);
    await observer.create('/lease', '');
    await client.sync('/');
    expect(events.watches).toEqual([]);
  });

  test('whose requests arrive and whose answers do not is let go, however often the client tries', async () => {
    await connectThroughProxy({ reconnectPauseMaxMs: 50 });
    await client.create('/held', '', { ephemeral: true });
    proxy.freeze('toClient');
    await waitFor(async () => !(await observer.getChildren('/')).includes('held'), 'the session has ended');
    expect(events.session).toEqual(['connected fresh', 'disconnected']);
    proxy.resetAll();
    proxy.thaw();
    await waitFor(() => events.session.at(-1) === 'connected fresh', 'a session of its own again');
    expect(events.session).toEqual(['connected fresh', 'disconnected', 'expired', 'connected fresh']);
  });

  test('presents its credentials on every connection before anything else', async () => {
    const acl = [{ permissions: 31, scheme: 'auth', id: '' }];
    await connectThroughProxy({ auth: [{ scheme: 'digest', credential: 'user:secret' }] });
    await client.create('/secret', 'x', { acl });
    await expect(observer.getData('/secret')).rejects.toMatchObject({ code: 'NO_AUTH' });
    proxy.resetAll();
    await reconnected();
    expect((await client.getData('/secret')).data.toString()).toBe('x');
  });

  test('with a refused credential is never connected, and says why without naming the credential', async () => {
    ({ client, events } = open({
      hosts: at(proxy),
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      auth: [{ scheme: 'nosuch', credential: 'hidden' }],
    }));
    await waitFor(() => events.faults.length >= 2, 'two refusals');
    expect(new Set(faultCodes())).toEqual(new Set(['auth_failed']));
    expect(JSON.stringify(events.faults)).not.toContain('hidden');
    expect(events.session).toEqual([]);
  });
});

describe('after a reconnection', () => {
  test('a one-shot watch reports what happened in between', async () => {
    await connectThroughProxy({ sessionTimeoutMs: LONG_SESSION_TIMEOUT_MS });
    await observer.create('/meanwhile', '');
    await client.getData('/meanwhile', { watch: true });
    await client.exists('/meanwhile-new', { watch: true });
    await proxy.refuse();
    await observer.setData('/meanwhile', 'x');
    await observer.create('/meanwhile-new', '');
    await proxy.accept();
    await waitFor(() => events.watches.length === 2, 'both watches fire');
    expect(events.watches.map(({ type, path }) => `${type} ${path}`).sort()).toEqual([
      'changed /meanwhile', 'created /meanwhile-new',
    ]);
  });

  test('more watches than fit into one frame are all there', async () => {
    await connectThroughProxy({ sessionTimeoutMs: LONG_SESSION_TIMEOUT_MS });
    const paths = Array.from({ length: 2500 }, (_, index) => `/${'w'.repeat(100)}-${String(index)}`);
    for (let from = 0; from < paths.length; from += 500) {
      await Promise.all(paths.slice(from, from + 500).map((path) => client.addWatch(path, 'persistent')));
    }
    proxy.resetAll();
    await reconnected();
    // Answered after the watches were set, since requests are executed in their order.
    await client.exists('/');
    for (const path of [paths[0], paths[1250], paths[2499]]) await observer.create(path ?? '', '');
    await waitFor(() => events.watches.length === 3, 'events of the first, a middle and the last watch');
    expect(faultCodes()).toEqual(['lost']);
  });
});

test('whatever happens to connections, every request is settled and no answer is another request\'s', async () => {
  const keys = Array.from({ length: 20 }, (_, index) => `/key-${String(index)}`);
  for (const key of keys) await observer.create(key, key);
  await connectThroughProxy({ sessionTimeoutMs: 600, requestTimeoutMs: 100 });
  const seed = Date.now() % 100_000;
  const random = randomNumbers(seed);
  const faults = [
    () => { proxy.resetAll(); },
    () => { proxy.cutAfter('toClient', Math.floor(random() * 2000)); },
    () => { proxy.cutAfter('toServer', Math.floor(random() * 2000)); },
    () => { proxy.freeze('toClient'); },
    () => { proxy.freeze('toServer'); },
    () => { proxy.inject('toClient', Buffer.from([0, 0, 0, 1, 7])); },
  ];
  let answered = 0;
  const codes = new Set<string>();
  const ask = async (key: string): Promise<void> => {
    try {
      const { data } = await client.getData(key);
      expect(data.toString(), `seed ${String(seed)}`).toBe(key);
      answered += 1;
    } catch (error) {
      if (!isZooKeeperError(error)) throw error;
      codes.add(error.code);
    }
  };
  for (let turn = 0; turn < 60; turn += 1) {
    if (random() < 0.4) faults[Math.floor(random() * faults.length)]?.();
    await Promise.all(keys.map(ask));
    if (random() < 0.5) proxy.thaw();
    if (client.state !== 'connected' && random() < 0.5) {
      proxy.thaw();
      await waitFor(() => client.state === 'connected', `the client is connected again, seed ${String(seed)}`);
    }
  }
  expect(answered).toBeGreaterThan(0);
  for (const code of codes) expect(['CONNECTION_LOSS', 'OPERATION_TIMEOUT']).toContain(code);
});

/** Numbers in [0, 1) that one seed reproduces (a linear congruential generator). */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

// Last in this file: these two restart the server.
describe('a server', () => {
  test('that is killed and comes back with its data finds the session again', async () => {
    await connectThroughProxy({ sessionTimeoutMs: LONG_SESSION_TIMEOUT_MS, hosts: at(server) });
    await client.addWatch('/restarted', 'persistent');
    await server.restart();
    await reconnected();
    await client.create('/restarted', '');
    expect(events.watches).toMatchObject([{ type: 'created', path: '/restarted' }]);
    expect(events.session).not.toContain('expired');
  });

  test('that lost its data is told from one that is starting, and a new session begins', async () => {
    await connectThroughProxy({ hosts: at(server) });
    await client.create('/before', '');
    await server.wipeAndRestart();
    await waitFor(() => events.session.at(-1) === 'connected fresh' && events.session.length > 1, 'a new session');
    expect(events.session).toEqual(['connected fresh', 'disconnected', 'expired', 'connected fresh']);
    expect(faultCodes()).toContain('zxid_ahead');
    expect(await client.exists('/before')).toBeNull();
  });
});
