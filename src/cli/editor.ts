/** The user's editor, on a text in a file that nobody else reads. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Edited } from './io.ts';

/**
 * Null where the editor is not there or ended with a failure, by which editors say that nothing shall come of it; then
 * no file is left. It runs in a shell, since `editor` may have words behind its name; the file's name is never part of
 * it.
 */
export function editWith(editor: string, text: string): Edited | null {
  const folder = mkdtempSync(join(tmpdir(), 'dictator-settings-'));
  const discard = (): void => rmSync(folder, { recursive: true, force: true });
  const file = join(folder, 'settings');
  writeFileSync(file, text, { mode: 0o600 });
  const { status } = spawnSync('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' });
  if (status === 0) return { text: readFileSync(file, 'utf8'), file, discard };
  discard();
  return null;
}
