import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { editWith } from './editor.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dictator-editor-'));
  vi.stubEnv('TMPDIR', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

test('what was edited stays in its file until it is discarded', () => {
  const edited = editWith('sh -c \'echo two >> "$0"\'', 'one\n');
  expect(edited?.text).toBe('one\ntwo\n');
  expect(readFileSync(edited?.file ?? '', 'utf8')).toBe('one\ntwo\n');
  edited?.discard();
  expect(readdirSync(folder)).toEqual([]);
});

test.each(['false', 'no-such-editor 2> /dev/null'])('%s leaves nothing', (editor) => {
  expect(editWith(editor, 'text')).toBe(null);
  expect(readdirSync(folder)).toEqual([]);
});
