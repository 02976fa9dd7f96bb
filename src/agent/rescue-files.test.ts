// Rescue copies: whole or not there, bounded in number and by free space. The master is a script on a socket.

import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { RescueResult } from './ports.ts';
import type { RescueOptions } from './rescue-files.ts';
import { createRescuePort } from './rescue-files.ts';

const RDB = 'REDIS0010 and all the rest of it';
const WALL_MS = Date.UTC(2026, 10, 22, 19, 41);

let folder: string;
let server: Server;
let port: number;
let commands: string[];
/** What the master does when it is asked for its dataset. */
let onSync: (socket: Socket) => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rescue-'));
  commands = [];
  onSync = (socket) => void socket.write(`\n$${RDB.length}\r\n${RDB}`);
  server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (data) => {
      const words = data.toString().split('\r\n').filter((word) => /^[A-Za-z0-9]/.test(word));
      commands.push(...words);
      if (words.includes('SYNC')) return onSync(socket);
      const questions = data.toString().split('*').length - 1;
      socket.write('+OK\r\n'.repeat(questions));
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterEach(async () => {
  await new Promise((resolve) => { server.close(resolve); });
  await rm(folder, { recursive: true, force: true });
});

const nodeFolder = (): string => join(folder, 'shop', 'redis1');

function save(change: Partial<RescueOptions> = {}, epoch = 7): Promise<RescueResult> {
  const rescue = createRescuePort({
    dir: folder,
    service: 'shop',
    node: 'redis1',
    target: { host: '127.0.0.1', port },
    keep: 3,
    minFreeBytes: 0,
    timeoutMs: 5000,
    wallNow: () => WALL_MS,
    ...change,
  });
  return new Promise((resolve) => { rescue.save({ epoch }, resolve); });
}

describe('a copy', () => {
  test('gets its name when it is whole, and is for nobody else to read', async () => {
    const path = join(nodeFolder(), '2026-11-22T19-41-00.000Z-epoch7.rdb');
    expect(await save()).toEqual({ ok: true, path, bytes: RDB.length, removed: [] });
    expect(await readFile(path, 'utf8')).toBe(RDB);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const expected = [
      ['CONFIG', 'SET', 'repl-diskless-sync-max-replicas', '1'],
      ['REPLCONF', 'capa', 'eof'], ['REPLCONF', 'rdb-only', '1'], ['SYNC'],
    ];
    expect(commands).toEqual(expected.flat());
  });

  test('is fetched with the credentials of the node', async () => {
    await save({ target: { host: '127.0.0.1', port, username: 'dictator', password: 'pw' } });
    expect(commands.slice(0, 3)).toEqual(['AUTH', 'dictator', 'pw']);
  });

  test('beyond the bound the oldest goes, and what is not a copy stays', async () => {
    await mkdir(nodeFolder(), { recursive: true });
    for (const name of ['2025-a.rdb', '2026-b.rdb', '2027-c.rdb', 'notes.txt']) {
      await writeFile(join(nodeFolder(), name), '');
    }
    expect(await save()).toMatchObject({ removed: ['2025-a.rdb'] });
    expect(await readdir(nodeFolder())).toHaveLength(4);
    expect(await save({ keep: 1, wallNow: () => WALL_MS + 1 })).toMatchObject({ ok: true });
    expect((await readdir(nodeFolder())).sort()).toEqual(['2026-11-22T19-41-00.001Z-epoch7.rdb', 'notes.txt']);
  });

  test('that an earlier process left unfinished is removed', async () => {
    await mkdir(nodeFolder(), { recursive: true });
    await writeFile(join(nodeFolder(), '2026-x.rdb.partial'), 'half');
    await save();
    expect((await readdir(nodeFolder())).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });
});

describe('nothing is left behind', () => {
  const files = async (): Promise<readonly string[]> => readdir(nodeFolder());
  test.each<[string, (socket: Socket) => void, string]>([
    ['when the server refuses', (socket) => socket.write('-NOMASTERLINK no\r\n'), 'NOMASTERLINK'],
    ['when it goes in the middle', (socket) => socket.end('$100\r\nhalf'), 'CLOSED'],
    ['when it is cut off', (socket) => socket.resetAndDestroy(), 'ECONNRESET'],
  ])('%s', async (_what, script, code) => {
    onSync = script;
    expect(await save()).toEqual({ ok: false, code });
    expect(await files()).toEqual([]);
  });

  test('when it takes too long, however alive it keeps the connection', async () => {
    let alive: NodeJS.Timeout | undefined;
    onSync = (socket) => {
      alive = setInterval(() => socket.write('\n'), 5);
      socket.on('close', () => clearInterval(alive));
    };
    expect(await save({ timeoutMs: 60 })).toEqual({ ok: false, code: 'TIMEOUT' });
    expect(await files()).toEqual([]);
  });

  test('when there is no space, which is known before the server is asked', async () => {
    expect(await save({ minFreeBytes: Number.MAX_SAFE_INTEGER })).toEqual({ ok: false, code: 'NO_SPACE' });
    expect(commands).toEqual([]);
  });

  test('when the announced length does not fit', async () => {
    onSync = (socket) => void socket.write(`$${Number.MAX_SAFE_INTEGER}\r\nREDIS`);
    expect(await save()).toEqual({ ok: false, code: 'NO_SPACE' });
    expect(await files()).toEqual([]);
  });
});

test('a directory that cannot be made is a value, not a crash', async () => {
  await writeFile(join(folder, 'file'), '');
  expect(await save({ dir: join(folder, 'file') })).toEqual({ ok: false, code: 'ENOTDIR' });
});
