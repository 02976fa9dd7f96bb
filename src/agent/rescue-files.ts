/**
 * Rescue copies on disk: one folder per node, bounded in number and by the space that must stay free.
 *
 * A copy is written under a temporary name and gets its own only when all of it has reached the disk, so that whatever
 * is called `.rdb` is whole. What an earlier process left unfinished is removed before the next one begins. Older
 * copies beyond the bound go only after the new one is safe.
 */
import { mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { RedisTarget } from '../redis/link.ts';
import { fetchRdb, RdbFetchFault } from '../redis/rdb-fetch.ts';
import type { RescueJob, RescuePort, RescueResult } from './ports.ts';

export interface RescueOptions {
  readonly dir: string;
  readonly service: string;
  readonly node: string;
  readonly target: RedisTarget;
  /** Copies of this node that are kept. */
  readonly keep: number;
  /** Bytes that must stay free on the file system of `dir`. */
  readonly minFreeBytes: number;
  readonly timeoutMs: number;
  readonly wallNow: () => number;
}

/** Redis sends something at least each second while it prepares a dataset. */
const IDLE_TIMEOUT_MS = 30_000;
/** Free space is looked at again after so many bytes. */
const SPACE_CHECK_BYTES = 16 * 1024 * 1024;
const UNFINISHED = '.partial';
const FINISHED = '.rdb';
/** Nobody but the agent's user: this is all the data there is. */
const DIR_MODE = 0o700;
const FILE_MODE = 0o600;

class NoSpace extends Error {}

export function createRescuePort(options: RescueOptions): RescuePort {
  return {
    save(job, done) {
      save(options, job).then(done, (error: unknown) => done({ ok: false, code: codeOf(error) }));
    },
  };
}

/** Of errors that nobody foresaw only the name is said: a message might hold anything. */
function codeOf(error: unknown): string {
  if (error instanceof RdbFetchFault) return error.code;
  if (error instanceof NoSpace) return 'NO_SPACE';
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'NO_SPACE';
  return typeof code === 'string' ? code : 'FAILED';
}

async function save(options: RescueOptions, job: RescueJob): Promise<RescueResult> {
  const folder = join(options.dir, options.service, options.node);
  await mkdir(folder, { recursive: true, mode: DIR_MODE });
  for (const name of await readdir(folder)) if (name.endsWith(UNFINISHED)) await rm(join(folder, name));
  await requireSpace(folder, options.minFreeBytes);
  const stamp = new Date(options.wallNow()).toISOString().replaceAll(':', '-');
  const name = `${stamp}-epoch${job.epoch}${FINISHED}`;
  const path = join(folder, name);
  const unfinished = `${path}${UNFINISHED}`;
  try {
    const bytes = await writeCopy(options, folder, unfinished);
    await rename(unfinished, path);
    await syncFolder(folder);
    return { ok: true, path, bytes, removed: await prune(folder, name, options.keep) };
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

async function requireSpace(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < neededBytes) throw new NoSpace();
}

async function writeCopy(options: RescueOptions, folder: string, path: string): Promise<number> {
  const file = await open(path, 'wx', FILE_MODE);
  try {
    const bytes = await receiveInto(file, options, folder);
    await file.sync();
    return bytes;
  } finally {
    await file.close();
  }
}

async function receiveInto(file: FileHandle, options: RescueOptions, folder: string): Promise<number> {
  const { target, timeoutMs, minFreeBytes } = options;
  let bytes = 0;
  let checkAtBytes = 0;
  await fetchRdb(target, { idleTimeoutMs: IDLE_TIMEOUT_MS, timeoutMs }, async (piece, sizeBytes) => {
    if (bytes >= checkAtBytes) {
      const toCome = bytes === 0 ? (sizeBytes ?? 0) : 0;
      await requireSpace(folder, minFreeBytes + toCome);
      checkAtBytes = bytes + SPACE_CHECK_BYTES;
    }
    await file.writeFile(piece);
    bytes += piece.length;
  });
  return bytes;
}

/** A rename is lost in a power failure until its folder is on disk, too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The oldest go first, as their names sort; the new one stays, whatever the clock said. */
async function prune(folder: string, newest: string, keep: number): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(FINISHED) && name !== newest).sort();
  const surplus = names.slice(0, Math.max(0, names.length - (keep - 1)));
  for (const name of surplus) await rm(join(folder, name));
  return surplus;
}
