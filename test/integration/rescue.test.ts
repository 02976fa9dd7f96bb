// I5: no Redis with data outside the lineage becomes a replica before that data is rescued.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';

import type { LogLine } from '../support/agent-process.ts';
import { listen, peace, says } from '../support/healing.ts';
import { RawRedisError } from '../support/raw-redis.ts';
import { startRedis } from '../support/redis-server.ts';
import type { Node, Service } from '../support/service.ts';
import { startService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { followedPort, untilFollows } from '../support/writers.ts';

const PASSWORD = 'a-secret-that-nobody-logs';
/** Keys that only the deposed server has; each well above what keep-alives move. */
const KEYS = 50;

let service: Service | null = null;
const folders: string[] = [];

afterEach(async () => {
  await service?.stop();
  service = null;
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function start(redisArgs: readonly string[], rescue: Record<string, unknown> = {}): Promise<Service> {
  const dir = mkdtempSync(join(tmpdir(), 'rescue-'));
  folders.push(dir);
  service = await startService({
    tickTimeMs: 200,
    config: { zk_session_timeout_ms: 2000, rescue: { dir, ...rescue } },
    redisArgs: ['--repl-diskless-sync-delay', '0', ...redisArgs],
    password: PASSWORD,
  });
  return service;
}

const rescueDir = ({ agent }: Node): string => (agent.options.config['rescue'] as { dir: string }).dir;
const copiesOf = (of: Service, node: Node): string => join(rescueDir(node), of.name, node.name);

/** A master whose agent stands still dies, comes back with its data, and takes writes that nobody else has. */
async function divergent(of: Service): Promise<{ old: Node; successor: Node }> {
  const { master: old } = await peace(of);
  await old.redis.cmd('SET', 'shared', 1);
  await old.redis.cmd('WAIT', 2, 1000);
  await old.redis.cmd('SAVE');
  old.agent.signal('SIGSTOP');
  await old.redis.kill();
  const successor = await waitFor(async () => {
    const views = await Promise.all(of.others(old).map(async (node) => ({ node, view: await node.agent.view() })));
    return views.find(({ view }) => view?.role === 'master')?.node ?? null;
  }, 'a successor');
  await old.redis.restart();
  // In one command: the successor's agent fences the old server, and ends its connections, as soon as it sees it.
  await old.redis.cmd('MSET', ...Array.from({ length: KEYS }, (_, i) => [`only-here:${i}`, i]).flat());
  return { old, successor };
}

const line = (lines: readonly LogLine[], event: string): LogLine | undefined =>
  lines.find((each) => each.event === event);

async function refusedAndWhole({ redis }: Node): Promise<boolean> {
  try {
    if ((await redis.cmd('EXISTS', 'only-here:0')) !== 1) return false;
    await redis.cmd('SET', 'more', 1);
    return false;
  } catch (error) {
    return error instanceof RawRedisError && error.code === 'NOREPLICAS';
  }
}

/** How many keys of the deposed server a copy brings back, in a server of its own. */
async function keysIn(path: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'restored-'));
  await copyFile(path, join(folder, 'dump.rdb'));
  const restored = await startRedis({ dataDir: folder });
  try {
    return Number(await restored.cmd('EXISTS', ...Array.from({ length: KEYS }, (_value, i) => `only-here:${i}`)));
  } finally {
    await restored.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

test.each([
  ['as a stream that ends with a mark', ['--repl-diskless-sync', 'yes']],
  ['with its length announced', ['--repl-diskless-sync', 'no']],
])('what only a deposed server has is copied before it follows: %s', async (_how, redisArgs) => {
  const of = await start(redisArgs);
  const { old, successor } = await divergent(of);
  const lines = listen(old);
  old.agent.signal('SIGCONT');
  await untilFollows(old, successor);
  const rescued = line(lines(), 'rescued');
  const { path, bytes, divergent_bytes: divergentBytes } = rescued as LogLine & { path: string; bytes: number };
  expect(Number(divergentBytes)).toBeGreaterThan(KEYS * 20);
  expect(readdirSync(copiesOf(of, old))).toHaveLength(1);
  expect(readFileSync(path)).toHaveLength(bytes);
  expect(await keysIn(path)).toBe(KEYS);
  expect(says(lines(), 'divergent_data', { rescued_to: path })).toBe(true);
  expect(await old.redis.cmd('EXISTS', 'only-here:0')).toBe(0);
  expect((await old.agent.view())?.rescue).toMatchObject({ running: false, last: { path, bytes } });
  // Its fence went with the rescue, and its password into neither log nor copy's name.
  await peace(of);
  expect(JSON.stringify(old.agent.lines) + old.agent.stray).not.toContain(PASSWORD);
});

test('where a copy is required and there is no room, the node stays out and keeps its data', async () => {
  const of = await start([], { mode: 'require', min_free_bytes: 1e15 });
  const { old, successor } = await divergent(of);
  const lines = listen(old);
  old.agent.signal('SIGCONT');
  await waitFor(async () => (await old.agent.view())?.reasons.includes('rescue_failed'), 'it says why');
  expect(says(lines(), 'rescue_failed', { code: 'NO_SPACE', then: 'tried_again' })).toBe(true);
  // Clients are sent away from it now and then.
  await waitFor(() => refusedAndWhole(old), 'it has its data, and takes no more');
  await waitFor(async () => (await followedPort(old.redis)) === null, 'it follows nobody');
  expect((await successor.agent.view())?.role).toBe('master');
  // An operator makes room.
  await old.agent.kill();
  old.agent.restart({ rescue: { dir: rescueDir(old), mode: 'require' } });
  await untilFollows(old, successor);
  expect(readdirSync(copiesOf(of, old))).toHaveLength(1);
});

test('where it is only wanted the node says what is lost, and follows', async () => {
  const of = await start([], { mode: 'on', min_free_bytes: 1e15 });
  const { old, successor } = await divergent(of);
  const lines = listen(old);
  old.agent.signal('SIGCONT');
  await untilFollows(old, successor);
  expect(says(lines(), 'rescue_failed', { then: 'discarded' })).toBe(true);
  expect(says(lines(), 'divergent_data', { rescued_to: null })).toBe(true);
});

test('an ordinary death and return makes no copy', async () => {
  const of = await start([]);
  const { master } = await peace(of);
  await master.redis.cmd('SET', 'shared', 1);
  await master.redis.cmd('SAVE');
  const lines = listen(master);
  await master.redis.kill();
  const successor = await waitFor(async () => of.master().then((now) => (now === master ? null : now)), 'a successor');
  await master.redis.restart();
  await untilFollows(master, successor);
  expect(line(lines(), 'rescue_started')).toBe(undefined);
  expect(line(lines(), 'divergent_data')).toBe(undefined);
});
