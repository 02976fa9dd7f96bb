// What the session concludes from what several servers say, played by scripted ones.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { waitFor } from '../../test/support/wait-for.ts';
import { recordEvents, type RecordedEvents } from '../../test/support/zookeeper-events.ts';
import {
  startScriptedZooKeeper,
  type Script,
  type ScriptedHandshake,
  type ScriptedZooKeeper,
} from '../../test/support/zookeeper-scripted.ts';
import { connectZooKeeper, type ZooKeeperClient } from './client.ts';
import { PROBES_GRANTED_MAX } from './session.ts';

const GOOD: Script = {};
const NO_QUORUM: Script = { onHandshake: () => 'close' };
/** Has seen nothing of what the client has seen, and does not know its session. */
const WIPED: Script = {
  onHandshake: ({ lastZxid, sessionId }) => {
    if (lastZxid > 0n) return 'close';
    return sessionId === 0n ? 'grant' : 'expired';
  },
};

let servers: ScriptedZooKeeper[];
let client: ZooKeeperClient;
let events: RecordedEvents;
let handshakes: ScriptedHandshake[];

beforeEach(async () => {
  servers = await Promise.all([startScriptedZooKeeper(), startScriptedZooKeeper(), startScriptedZooKeeper()]);
  handshakes = [];
  events = recordEvents();
  client = connectZooKeeper({
    hosts: servers.map(({ port }) => ({ host: '127.0.0.1', port })),
    sessionTimeoutMs: 10_000,
    reconnectPauseMaxMs: 5,
  }, events);
  await waitFor(() => client.state === 'connected', 'connected');
  // An answer carries a zxid, which the client presents from then on.
  await client.delete('/any');
});

afterEach(async () => {
  await client.close();
  await Promise.all(servers.map((server) => server.stop()));
});

function all(...scripts: Script[]): void {
  servers.forEach((server, index) => {
    const script = scripts[index] ?? scripts[0] ?? GOOD;
    server.script = {
      onHandshake: (handshake) => {
        handshakes.push(handshake);
        return script.onHandshake?.(handshake) ?? 'grant';
      },
    };
  });
}

const faultCodes = (): string[] => events.faults.map(({ code }) => code);

function turnTo(...scripts: Script[]): void {
  all(...scripts);
  for (const server of servers) server.resetAll();
}

function manyHandshakes(): Promise<true> {
  const start = handshakes.length;
  return waitFor(() => handshakes.length >= start + 20, 'twenty more handshakes');
}

describe('when no server takes the session', () => {
  test('a new quorum finds the client with its session, however long it took', async () => {
    turnTo(NO_QUORUM);
    await manyHandshakes();
    all(GOOD);
    await waitFor(() => client.state === 'connected', 'connected again');
    expect(events.session).toEqual(['connected fresh', 'disconnected', 'connected again']);
    expect(faultCodes()).not.toContain('zxid_ahead');
  });

  test('one server that has forgotten does not end the session: it may be a deposed leader', async () => {
    turnTo(WIPED, NO_QUORUM, NO_QUORUM);
    await manyHandshakes();
    expect(events.session).toEqual(['connected fresh', 'disconnected']);
    all(WIPED, GOOD, GOOD);
    await waitFor(() => client.state === 'connected', 'connected again');
    expect(events.session).toEqual(['connected fresh', 'disconnected', 'connected again']);
  });

  test('a majority that has forgotten ends it, and a new one begins', async () => {
    turnTo(WIPED, WIPED, NO_QUORUM);
    await waitFor(() => events.session.length === 4, 'a new session');
    expect(events.session).toEqual(['connected fresh', 'disconnected', 'expired', 'connected fresh']);
    expect(faultCodes()).toContain('zxid_ahead');
  });

  test('a majority that knows the session and never what it has seen was restored from a backup', async () => {
    const restored: Script = { onHandshake: ({ lastZxid }) => lastZxid > 0n ? 'close' : 'grant' };
    turnTo(restored);
    await waitFor(() => events.session.length === 4, 'a new session');
    expect(events.session).toEqual(['connected fresh', 'disconnected', 'expired', 'connected fresh']);
    const probes = handshakes.filter(({ lastZxid, sessionId }) => lastZxid === 0n && sessionId !== 0n);
    expect(probes.length).toBeGreaterThanOrEqual(2 * PROBES_GRANTED_MAX);
  });
});

test('a server that says the session is over ends it at once', async () => {
  turnTo({ onHandshake: ({ sessionId }) => sessionId === 0n ? 'grant' : 'expired' });
  await waitFor(() => events.session.length === 4, 'a new session');
  expect(events.session).toEqual(['connected fresh', 'disconnected', 'expired', 'connected fresh']);
  expect(faultCodes()).toEqual(['lost']);
});

test('a server that grants nobody a session is asked with pauses, and the user hears no end of a session', async () => {
  turnTo({ onHandshake: () => 'expired' });
  await waitFor(() => faultCodes().filter((code) => code === 'protocol').length >= 5, 'five refusals');
  expect(events.session).toEqual(['connected fresh', 'disconnected', 'expired']);
});
