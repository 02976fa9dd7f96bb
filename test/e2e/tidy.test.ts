/** `scripts/tidy.mjs`: each house rule is broken once, in a tree that is otherwise in order. */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ROOT, run } from './checkout.ts';

let tree: string;

beforeEach(async () => {
  tree = await mkdtemp(join(tmpdir(), 'dictator-tidy-'));
});

afterEach(async () => {
  await rm(tree, { recursive: true, force: true });
});

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(tree, path)), { recursive: true });
  await writeFile(join(tree, path), text);
}

/** Findings without the folder in front. */
async function findings(): Promise<string[]> {
  const tidy = join(ROOT, 'scripts/tidy.mjs');
  const { code, stdout } = await run([process.execPath, tidy, '--root', tree], { cwd: tree, env: process.env });
  const lines = stdout.split('\n').filter((line) => line !== '');
  expect(code).toBe(lines.length > 0 ? 1 : 0);
  return lines;
}

test.each([
  ['a line too long', 'src/a.ts', `// ${'x'.repeat(118)}\n`, 'src/a.ts:1: 121 characters, at most 120 [line-length]'],
  ['a space at the end', 'docs/a.md', 'word \n', 'docs/a.md:1: whitespace at the end of the line [whitespace]'],
  ['no last newline', 'src/a.ts', '// a', 'src/a.ts:1: no newline at the end of the file [whitespace]'],
  ['a note to do it later', 'a.sh', '# TODO later\n', 'a.sh:1: TODO: do it, or file an issue [todo]'],
  ['no opening comment', 'src/a.ts', 'export const a = 1;\n', 'src/a.ts:1: no opening comment [opening-comment]'],
  [
    'a focused test', 'src/a.test.ts', "test.only('x', f);\n",
    'src/a.test.ts:1: test left out or focused (.only) [focused-tests]',
  ],
  [
    'a swallowed error', 'src/a.ts', '// a\ntry {\n  f();\n} catch {}\n',
    'src/a.ts:4: error swallowed: handle it, or name it and say why it may be ignored [silent-catch]',
  ],
  [
    'a swallowed rejection', 'src/a.ts', '// a\n\nf().catch(() => undefined);\n',
    'src/a.ts:3: error swallowed: handle it, or name it and say why it may be ignored [silent-catch]',
  ],
])('%s is found', async (_what, path, text, finding) => {
  await write(path, text);
  expect(await findings()).toEqual([finding]);
});

test('tables and links of a page, and an ignored error that is explained, are in order', async () => {
  await write('docs/a.md', `| ${'x'.repeat(130)} |\n[word](https://example.org/${'x'.repeat(120)})\n`);
  await write('src/a.ts', '// A closed socket: there is nobody left to tell.\nf().catch(() => undefined);\n');
  await write('node_modules/a/a.ts', 'export const a = 1; \n');
  expect(await findings()).toEqual([]);
});

test('the closed lists and the pages that explain them name the same things', async () => {
  for (const name of ['reasons', 'events']) {
    await mkdir(join(tree, 'src/contract'), { recursive: true });
    await cp(join(ROOT, `src/contract/${name}.ts`), join(tree, `src/contract/${name}.ts`));
  }
  await write('docs/reasons.md', '# Reasons\n\n## `no_such_reason`\n');
  const found = await findings();
  expect(found).toContain('docs/reasons.md:1: cluster_mode is not explained [reasons-page]');
  expect(found).toContain('docs/reasons.md:3: no_such_reason is not in src/contract/reasons.ts [reasons-page]');
  expect(found.filter((line) => line.includes('events-page')), 'no page, no finding').toEqual([]);
});
