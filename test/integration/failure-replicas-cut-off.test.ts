// Failure table, "a majority of the replicas cannot reach the master's Redis": it is made to refuse new replication
// links (by its ACL), so that only those who hold one go on. Whoever streams takes over, and serves the others.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { peace, says } from '../support/healing.ts';
import type { Node, Service } from '../support/service.ts';
import { startService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { untilFollows, Writers } from '../support/writers.ts';

let service: Service;
let writers: Writers | null = null;

beforeAll(async () => {
  service = await startService({
    nodes: 4,
    tickTimeMs: 200,
    config: { zk_session_timeout_ms: 2000, complaint_after_ms: 1000, failover_calm_ms: 1000 },
    redisArgs: ['--repl-diskless-sync-delay', '0'],
  });
});
afterEach(async () => {
  await writers?.stop();
  writers = null;
});

/**
 * Everybody streams to whoever asks by PSYNC. A replica whose PSYNC was just refused tries SYNC next, and one that gets
 * its way with that never acknowledges anything: so SYNC stays refused.
 */
async function allowLinks(): Promise<void> {
  for (const { redis } of service.nodes) await redis.cmd('ACL', 'SETUSER', 'default', '+psync');
}
afterAll(() => service.stop());

/** This Redis streams to those who stream from it now, and to nobody else. */
async function refuseNewLinks(master: Node): Promise<void> {
  await master.redis.cmd('ACL', 'SETUSER', 'default', '-psync', '-sync');
}

async function loseLink(replica: Node): Promise<void> {
  await replica.redis.cmd('CLIENT', 'KILL', 'TYPE', 'master');
}

const refuses = async (node: Node, reason: string): Promise<boolean> =>
  (await node.agent.view())?.reasons.some((each) => each === reason) === true;

test('one of three replicas alone complains and changes nothing', async () => {
  const { master, replicas } = await peace(service);
  await refuseNewLinks(master);
  const [cut] = replicas;
  await loseLink(cut);
  await waitFor(() => refuses(cut, 'cannot_replicate'), 'its complaint');
  expect(says(cut.agent.lines, 'complaint_raised')).toBe(true);
  expect(await refuses(master, 'replicas_cut_off')).toBe(false);
  expect(await service.master()).toBe(master);
});

test('with the second one gone the third takes over, nothing is lost, and all follow it', async () => {
  const master = await waitFor(() => service.master(), 'the master of before');
  const others = service.others(master);
  const inSync = (await master.agent.view())?.inSync ?? [];
  const [lost, successor] = inSync.map((name) => service.node(name));
  if (lost === undefined || successor === undefined) throw new Error('two replicas were in sync');
  writers = new Writers(service.nodes, { batch: 2 });
  await writers.progress(master, 200);
  await loseLink(lost);
  await waitFor(async () => (await service.master()) === successor, 'the replica that still streams takes over');
  await writers.progress(successor, 200);
  await writers.stop();
  expect(await writers.missingOn(successor.redis)).toEqual([]);
  expect(writers.overlap(master, successor)).toEqual([]);
  expect(says(master.agent.lines, 'lease_released', { because: 'replicas_cut_off' })).toBe(true);
  await allowLinks();
  for (const node of [master, ...others]) if (node !== successor) await untilFollows(node, successor);
  await peace(service);
  for (const node of service.nodes) expect(await refuses(node, 'cannot_replicate')).toBe(false);
});

test('with nobody left in sync the master stays, and says why', async () => {
  const { master } = await peace(service);
  await refuseNewLinks(master);
  for (const replica of service.others(master)) await loseLink(replica);
  await waitFor(() => refuses(master, 'replicas_cut_off'), 'the master says that it is left');
  expect(await service.master()).toBe(master);
  writers = new Writers([master]);
  await writers.progress(master, 50);
  await allowLinks();
  await peace(service);
});
