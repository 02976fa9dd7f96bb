// The real HAProxy in front of a service, with the configuration that the command line prints: clients know one address
// and write through the death of a master and through a switchover. The gaps are printed, and decide nothing.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { failureStage } from '../support/failure-stage.ts';
import { startHaproxy } from '../support/haproxy-process.ts';
import type { HaproxyProcess } from '../support/haproxy-process.ts';
import { heal, peace } from '../support/healing.ts';
import { give } from '../support/orders.ts';
import { connectRaw } from '../support/raw-redis.ts';
import { SteadyWriter } from '../support/steady-writer.ts';
import { waitFor } from '../support/wait-for.ts';

const stage = failureStage();
let haproxy: HaproxyProcess;
let writer: SteadyWriter | null = null;

beforeAll(async () => {
  haproxy = await startHaproxy(stage.service);
});
afterEach(async () => {
  await writer?.stop();
  writer = null;
});
afterAll(() => haproxy.stop());

/** A client of the write port, once it gets through. */
async function writing(): Promise<SteadyWriter> {
  writer = new SteadyWriter({ port: haproxy.writePort });
  await writer.progress();
  return writer;
}

/** `master` or `slave`: who answers at this port, or why nobody does. */
async function roleBehind(port: number): Promise<string> {
  const client = await connectRaw(port);
  try {
    const reply = await client.cmd('ROLE');
    return String(Array.isArray(reply) ? reply[0] : reply);
  } finally {
    client.close();
  }
}

function tell(fault: string, gapMs: number): void {
  process.stdout.write(`through HAProxy, ${fault}: ${gapMs.toFixed(0)} ms without a write\n`);
}

test('the write port leads to the master, the read port to its replicas', async () => {
  await waitFor(async () => (await roleBehind(haproxy.writePort)) === 'master', 'the write port leads to the master');
  await waitFor(async () => (await roleBehind(haproxy.readPort)) === 'slave', 'the read port leads to a replica');
});

test('writes go on after the death of the master', async () => {
  const { master } = await peace(stage.service);
  const client = await writing();
  const sinceMs = performance.now();
  await master.redis.kill();
  const successor = await stage.successorOf(master);
  await client.progress();
  tell('the master was killed', client.longestPauseSince(sinceMs));
  await client.stop();
  const last = client.acknowledged.at(-1)?.key ?? '';
  expect(await successor.redis.cmd('GET', last)).toBe(last);
  await heal(stage.service);
});

test('writes go on through a switchover, and none is lost', async () => {
  const { master, replicas: [target] } = await peace(stage.service);
  const client = await writing();
  const sinceMs = performance.now();
  const { status, body } = await give(master, '/switchover', { candidate: target.name });
  expect([status, body]).toMatchObject([200, { ok: true }]);
  await client.progress();
  tell('a switchover', client.longestPauseSince(sinceMs));
  await client.stop();
  const keys = client.acknowledged.map(({ key }) => key);
  const values = await target.redis.cmd('MGET', ...keys);
  expect(values).toEqual(keys);
  await peace(stage.service);
});

test('reads go to the master while there is no replica', async () => {
  const { master, replicas } = await peace(stage.service);
  for (const { agent } of replicas) await agent.http('/disable');
  await waitFor(async () => (await roleBehind(haproxy.readPort)) === 'master', 'the read port leads to the master');
  for (const { agent } of replicas) await agent.http('/enable');
  await waitFor(async () => (await roleBehind(haproxy.readPort)) === 'slave', 'the read port leads to a replica');
  expect(await roleBehind(master.redis.port)).toBe('master');
});
