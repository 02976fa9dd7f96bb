import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { FILE_BYTES_MAX, readFile } from './read-file.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'dictator-config-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function fileWith(content: string | Uint8Array, mode: number): string {
  const name = path.join(folder, 'file');
  writeFileSync(name, content);
  chmodSync(name, mode);
  return name;
}

test('a file is read, with what others may do', () => {
  expect(readFile(fileWith('{}', 0o600))).toEqual({ ok: true, text: '{}', othersMayRead: false });
  expect(readFile(fileWith('{}', 0o644))).toEqual({ ok: true, text: '{}', othersMayRead: true });
});

test.each([
  ['missing', () => path.join(folder, 'gone'), 'does not exist'],
  ['a folder', () => folder, 'is a directory'],
  ['a device', () => '/dev/zero', 'is neither a file nor a pipe'],
  ['not text', () => fileWith(Uint8Array.of(0xff, 0xfe, 0x00), 0o600), 'is not UTF-8 text'],
  ['too large', () => fileWith('x'.repeat(FILE_BYTES_MAX + 1), 0o600), 'is larger than 65536 bytes'],
])('a file that is %s is a reason, not an exception', (_, name, reason) => {
  expect(readFile(name())).toEqual({ ok: false, reason });
});
