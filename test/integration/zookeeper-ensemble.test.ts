// The client and an ensemble of three real servers: what a single server cannot show.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { connectZooKeeper, type ZooKeeperClient } from '../../src/zookeeper/index.ts';
import { waitFor } from '../support/wait-for.ts';
import { startZooKeeperEnsemble, type ZooKeeperEnsemble } from '../support/zookeeper-ensemble.ts';
import { recordEvents, type RecordedEvents } from '../support/zookeeper-events.ts';
import type { ZooKeeperServer } from '../support/zookeeper-server.ts';

const SESSION_TIMEOUT_MS = 2000;
/** The longest that the servers grant: for a test in which starting servers must not be too slow for the session. */
const LONG_SESSION_TIMEOUT_MS = 4000;

let ensemble: ZooKeeperEnsemble;
const opened: ZooKeeperClient[] = [];

beforeAll(async () => {
  ensemble = await startZooKeeperEnsemble({ tickTimeMs: 200, fsync: false });
});

afterAll(async () => {
  await ensemble.stop();
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
  for (const server of ensemble.servers) {
    if (!server.running) await server.restart();
  }
  await ensemble.whenServing();
});

interface Connected {
  readonly client: ZooKeeperClient;
  readonly events: RecordedEvents;
}

async function connect(hosts = ensemble.hosts, sessionTimeoutMs = SESSION_TIMEOUT_MS): Promise<Connected> {
  const events = recordEvents();
  const client = connectZooKeeper({ hosts, sessionTimeoutMs }, events);
  opened.push(client);
  await waitFor(() => client.state === 'connected', 'the client is connected');
  return { client, events };
}

/** The server that created the session: its id is the session id's highest byte. */
function serverOf(client: ZooKeeperClient): ZooKeeperServer {
  const server = ensemble.servers[Number(BigInt.asUintN(64, client.sessionId) >> 56n) - 1];
  if (server === undefined) throw new Error('no such server');
  return server;
}

test('when the connected server is killed, the session, its nodes and its watches go on at another', async () => {
  const { client, events } = await connect();
  const { client: other } = await connect();
  await client.create('/moved', 'x', { ephemeral: true });
  await client.addWatch('/seen', 'persistent');
  await serverOf(client).kill();
  await waitFor(() => events.session.includes('connected again'), 'the client is connected to another server');
  expect(events.session).toEqual(['connected fresh', 'disconnected', 'connected again']);
  expect(await client.exists('/moved')).toMatchObject({ ephemeralOwner: client.sessionId });
  await waitFor(() => other.create('/seen', ''), 'the other client creates the watched node');
  await waitFor(() => events.watches.some(({ path }) => path === '/seen'), 'the watch fires');
});

test('when the connected server is frozen, the client leaves it before its session can end', async () => {
  const { client, events } = await connect();
  const frozen = serverOf(client);
  const { sessionId } = client;
  frozen.freeze();
  try {
    await waitFor(() => events.session.includes('disconnected'), 'the silence is noticed');
    await waitFor(() => client.state === 'connected', 'the client is connected to another server');
    expect(events.faults[0]).toMatchObject({ code: 'silent', host: `127.0.0.1:${String(frozen.port)}` });
    // A leader that freezes takes the others down for an election; only then may the session be younger.
    if (events.session.at(-1) === 'connected again') expect(client.sessionId).toBe(sessionId);
  } finally {
    frozen.thaw();
  }
});

test('when the quorum is lost for a while, the session is kept: that is no sign of lost data', async () => {
  const { client, events } = await connect(ensemble.hosts, LONG_SESSION_TIMEOUT_MS);
  await client.create('/patient', '', { ephemeral: true });
  const { sessionId } = client;
  const followers = await ensemble.followers();
  await Promise.all(followers.map((follower) => follower.kill()));
  const closedHandshakes = (): number => events.faults.filter(({ code }) => code === 'not_serving').length;
  await waitFor(() => closedHandshakes() >= 4, 'closed handshakes');
  expect(client.state).toBe('connecting');
  await Promise.all(followers.map((follower) => follower.restart()));
  await ensemble.whenServing();
  // The new quorum may change its leader once more, which costs the connection again, but not the session.
  const stat = await waitFor(
    async () => events.session.includes('expired') ? 'expired' : await client.exists('/patient'),
    'the client is connected and its node is there',
  );
  const story = JSON.stringify([events.session, events.faults]);
  expect(events.faults.map(({ code }) => code), story).not.toContain('zxid_ahead');
  expect(stat, story).toMatchObject({ ephemeralOwner: sessionId });
});

test('a write seen by one client is seen by another after sync', async () => {
  const hosts = ensemble.hosts;
  const { client: writer } = await connect(hosts.slice(0, 1));
  const { client: reader } = await connect(hosts.slice(1, 2));
  await writer.create('/counter', '0');
  for (let value = 1; value <= 50; value += 1) {
    await writer.setData('/counter', String(value));
    const [, read] = await Promise.all([reader.sync('/counter'), reader.getData('/counter')]);
    expect(read.data.toString()).toBe(String(value));
  }
});

// Last in this file: it destroys what the ensemble stores.
test('when all servers lost their data, a new session begins', async () => {
  const { client, events } = await connect();
  await client.create('/before', '');
  await Promise.all(ensemble.servers.map((server) => server.wipeAndRestart()));
  await waitFor(() => events.session.at(-1) === 'connected fresh' && events.session.length > 1, 'a new session');
  expect(events.session).toEqual(['connected fresh', 'disconnected', 'expired', 'connected fresh']);
  expect(events.faults.map(({ code }) => code)).toContain('zxid_ahead');
  expect(await client.exists('/before')).toBeNull();
});
