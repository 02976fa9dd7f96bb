// Failure table, "Redis of the master refuses every write for its own reason": a replica that is better off takes over.

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { listen, peace, says } from '../support/healing.ts';
import type { Node, Service } from '../support/service.ts';
import { startService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { untilFollows, Writers } from '../support/writers.ts';

/** A file system of its own, too small for what is written into it. */
const SMALL_DISK = 'size=1m';
const UNWRITABLE_AFTER_MS = 1000;

let service: Service;
let writers: Writers | null = null;
const mounted: string[] = [];

beforeAll(async () => {
  service = await startService({
    tickTimeMs: 200,
    config: { zk_session_timeout_ms: 2000, unwritable_after_ms: UNWRITABLE_AFTER_MS },
    redisArgs: ['--repl-diskless-sync-delay', '0', '--save', '3600', '1'],
  });
});
afterEach(async () => {
  await writers?.stop();
  writers = null;
});
afterAll(async () => {
  for (const { redis } of service.nodes) await redis.kill();
  unmount();
  await service.stop();
});

/** A service of two in peace, whose replicas outlive a disk that they cannot write to. */
async function startPair(): ReturnType<typeof peace> {
  for (const { redis } of service.nodes) await redis.kill();
  unmount();
  await service.stop();
  service = await startService({
    tickTimeMs: 200,
    nodes: 2,
    config: { zk_session_timeout_ms: 2000, unwritable_after_ms: UNWRITABLE_AFTER_MS },
    redisArgs: ['--repl-diskless-sync-delay', '0', '--save', '3600', '1', '--replica-ignore-disk-write-errors', 'yes'],
  });
  return peace(service);
}

function unmount(): void {
  for (const folder of mounted.splice(0)) execFileSync('umount', [folder]);
}

function mountSmallDisk(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', SMALL_DISK, 'none', folder], { stdio: 'ignore' });
    mounted.push(folder);
    return true;
  } catch (error) {
    // Not root, or no right to mount.
    if (error instanceof Error) return false;
    throw error;
  }
}

async function successorOf(old: Node): Promise<Node> {
  return waitFor(async () => service.master().then((master) => (master === old ? null : master)), 'a successor');
}

async function expectHandedOver(old: Node, writing: Writers): Promise<Node> {
  const successor = await successorOf(old);
  await writing.progress(successor, 50);
  await writing.stop();
  expect(await writing.missingOn(successor.redis)).toEqual([]);
  expect(writing.overlap(old, successor)).toEqual([]);
  return successor;
}

test('a master that cannot save hands over to one that can, and loses nothing', async () => {
  const { master } = await peace(service);
  writers = new Writers(service.nodes);
  await writers.progress(master, 100);
  const lines = listen(master);
  rmSync(master.redis.dataDir, { recursive: true });
  await master.redis.cmd('BGSAVE');
  await waitFor(async () => (await master.agent.view())?.reasons.includes('redis_refuses_writes'), 'it says so');
  const successor = await expectHandedOver(master, writers);
  expect(says(lines(), 'lease_released', { because: 'redis_refuses_writes' })).toBe(true);
  expect(says(lines(), 'role_changed', { to: 'stepping_down', because: 'unwritable' })).toBe(true);
  // With its folder back it is as good as before. (A replica that cannot save ends itself: Redis' own default.)
  mkdirSync(master.redis.dataDir, { recursive: true });
  await master.redis.restart();
  await untilFollows(master, successor);
  await peace(service);
});

test('a master whose AOF is on a full disk hands over', async (context) => {
  const { master, replicas: [replica] } = await startPair();
  await replica.redis.kill();
  if (!mountSmallDisk(replica.redis.dataDir)) return context.skip('no small file system can be mounted here');
  await replica.redis.restart({ args: ['--appendonly', 'yes', '--save', ''] });
  await peace(service);
  await master.redis.kill();
  expect(await successorOf(master)).toBe(replica);
  await master.redis.restart();
  await peace(service);
  writers = new Writers(service.nodes, { batch: 20 });
  const lines = listen(replica);
  expect(await expectHandedOver(replica, writers)).toBe(master);
  expect(says(lines(), 'lease_released', { because: 'redis_refuses_writes' })).toBe(true);
});

test('with no disk better than its own a master stays, and says why', async () => {
  const { master } = await startPair();
  for (const { redis } of service.nodes) {
    rmSync(redis.dataDir, { recursive: true });
    await redis.cmd('BGSAVE');
  }
  await waitFor(async () => (await master.agent.view())?.reasons.includes('no_better_replica'), 'it says so');
  expect((await service.master())?.name).toBe(master.name);
});
