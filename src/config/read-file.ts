/** Reads one small text file, with every failure as a value: configuration faults are collected, not thrown. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';

/** A configuration larger than this is something else (a dataset, a log) named by mistake. */
export const FILE_BYTES_MAX = 64 * 1024;

/** Permission bit: everybody on this host may read the file. */
const OTHERS_MAY_READ = 0o004;

export type FileRead =
  | { readonly ok: true; readonly text: string; readonly othersMayRead: boolean }
  | { readonly ok: false; readonly reason: string };

export type ReadFile = (path: string) => FileRead;

export const readFile: ReadFile = (path) => {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    const facts = fstatSync(fd);
    if (facts.isDirectory()) return { ok: false, reason: 'is a directory' };
    // A device such as /dev/zero has size 0 and no end: only files and pipes are read.
    if (!facts.isFile() && !facts.isFIFO()) return { ok: false, reason: 'is neither a file nor a pipe' };
    if (facts.size > FILE_BYTES_MAX) return { ok: false, reason: `is larger than ${FILE_BYTES_MAX} bytes` };
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(fd));
    return { ok: true, text, othersMayRead: facts.isFile() && (facts.mode & OTHERS_MAY_READ) !== 0 };
  } catch (error) {
    return { ok: false, reason: whyUnreadable(error) };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
};

const BY_CODE: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'is not UTF-8 text',
};

/** The content never gets into the reason: it may be a password. */
function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return BY_CODE[code] ?? `cannot be read (${code})`;
}
