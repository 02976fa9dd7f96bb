// Silence in peace (guarantee I8): a service in which nothing happens writes nothing to ZooKeeper.

import { afterAll, expect, test } from 'vitest';
import { startService } from '../support/service.ts';
import type { Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { fourLetterWord } from '../support/zookeeper-server.ts';

const SESSION_TIMEOUT_MS = 2000;
/** Requests that the server counts (our own questions among them): several heartbeats of every agent. */
const HEARTBEATS = 50;

let service: Service | null = null;
afterAll(() => service?.stop());

/** The latest transaction of the server; session opening and closing are transactions too. */
async function lastTransaction(port: number): Promise<string> {
  return /^Zxid: (\S+)/m.exec(await fourLetterWord(port, 'srvr'))?.[1] ?? '';
}

async function received(port: number): Promise<number> {
  return Number(/^Received: (\d+)/m.exec(await fourLetterWord(port, 'srvr'))?.[1] ?? 0);
}

test('in peace nothing is written, while heartbeats go on', async () => {
  service = await startService({
    tickTimeMs: 200,
    config: { zk_session_timeout_ms: SESSION_TIMEOUT_MS },
    redisArgs: ['--repl-diskless-sync-delay', '0'],
  });
  await service.settled();
  const { port } = service.zookeeper;
  // The registry is written once more after the set is complete; peace begins when nothing changed for a while.
  let quiet = { zxid: await lastTransaction(port), requests: await received(port) };
  await waitFor(async () => {
    const zxid = await lastTransaction(port);
    const requests = await received(port);
    if (zxid !== quiet.zxid) quiet = { zxid, requests };
    return requests - quiet.requests >= HEARTBEATS;
  }, `${HEARTBEATS} requests without a transaction`);
  const before = quiet.requests;
  await waitFor(async () => (await received(port)) - before >= 3 * HEARTBEATS, 'more heartbeats');
  expect(await lastTransaction(port)).toBe(quiet.zxid);
});
