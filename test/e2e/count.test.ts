/** `make test` and `.ci/run`: whatever fails, the last line counts it. The steps are played by scripts. */
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ROOT, playProgram, run } from './checkout.ts';
import type { Outcome } from './checkout.ts';

let tree: string;

beforeEach(async () => {
  tree = await mkdtemp(join(tmpdir(), 'dictator-count-'));
  const scripts = ['scripts/test.sh', 'scripts/vitest-report.mjs', '.ci/run'];
  for (const path of scripts) await cp(join(ROOT, path), join(tree, path));
  await playProgram(join(tree, 'scripts/setup.sh'), 'exit 0');
  await writeFile(join(tree, 'scripts/tidy.mjs'), '// in order\n');
  await mkdir(join(tree, 'node_modules/.bin'), { recursive: true });
  await writeFile(join(tree, 'node_modules/.package-lock.json'), '{}\n');
  await writeFile(join(tree, 'Makefile'), 'build:\n\nsimulate:\n\ntest:\n\t@scripts/test.sh $(ARGS)\n');
  for (const tool of ['tsc', 'eslint']) await playProgram(join(tree, 'node_modules/.bin', tool), 'exit 0');
  await playVitest({ numPassedTests: 40, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] }, 0);
});

afterEach(async () => {
  await rm(tree, { recursive: true, force: true });
});

/** Plays vitest: writes this report where it is told to, unless there is none, and ends with this exit code. */
async function playVitest(report: object | undefined, code: number): Promise<void> {
  const write = 'for a in "$@"; do case $a in --outputFile.json=*) out=${a#*=} ;; esac; done; mkdir -p .cache';
  const body = report === undefined ? '' : `${write}; printf '%s' '${JSON.stringify(report)}' >"$out"`;
  await playProgram(join(tree, 'node_modules/.bin/vitest'), `${body}\nexit ${code}`);
}

const lastLine = ({ stdout }: Outcome): string | undefined => stdout.trimEnd().split('\n').at(-1);
/** These tests run under make themselves; the make that they start must not take itself for a part of that one. */
const withoutMake = { ...process.env, MAKELEVEL: undefined, MAKEFLAGS: undefined, MFLAGS: undefined };
const start = (...command: string[]): Promise<Outcome> => run(command, { cwd: tree, env: withoutMake });

test('every step counts as one, every vitest test as one', async () => {
  const outcome = await start('make', 'test');
  expect(lastLine(outcome)).toBe('48 passed, 0 failed');
  expect(outcome.code).toBe(0);
});

test('a step that fails hides no later one', async () => {
  await playProgram(join(tree, 'node_modules/.bin/tsc'), 'exit 2');
  const outcome = await start('make', 'test');
  expect(lastLine(outcome)).toBe('46 passed, 2 failed');
  expect(outcome.code).not.toBe(0);
});

test('what cannot be set up ends it, counted', async () => {
  await playProgram(join(tree, 'scripts/setup.sh'), 'exit 1');
  expect(lastLine(await start('scripts/test.sh'))).toBe('0 passed, 1 failed');
});

test.each([
  ['tests that failed', { numPassedTests: 38, numFailedTests: 2, testResults: [] }, '46 passed, 2 failed'],
  [
    'a file that did not load',
    { numPassedTests: 40, numFailedTests: 0, testResults: [{ status: 'failed', assertionResults: [] }] },
    '48 passed, 1 failed',
  ],
  ['an error outside of any test', { numPassedTests: 40, numFailedTests: 0, testResults: [] }, '48 passed, 1 failed'],
  ['a crash without a report', undefined, '8 passed, 1 failed'],
])('%s: vitest that fails is never counted as passed', async (_what, report, expected) => {
  await playVitest(report, 1);
  const outcome = await start('scripts/test.sh');
  expect(lastLine(outcome)).toBe(expected);
  expect(outcome.code).toBe(1);
});

/** One failed test of that file, as vitest reports it. */
const failedIn = (path: string): object => ({
  name: join(tree, path),
  status: 'failed',
  assertionResults: [{ status: 'failed', fullName: 'a lease ends in time', failureMessages: ['it did not\n  at x'] }],
});

test('a failed test is named at the end', async () => {
  await playVitest({ numPassedTests: 39, numFailedTests: 1, testResults: [failedIn('src/core/x.test.ts')] }, 1);
  const outcome = await start('scripts/test.sh');
  expect(outcome.stdout).toContain('--- failed: src/core/x.test.ts: a lease ends in time: it did not\n');
  expect(lastLine(outcome)).toBe('47 passed, 1 failed');
});

describe('a test against real servers that fails beside others', () => {
  const broken = (...names: readonly string[]): object => (
    { numPassedTests: 39, numFailedTests: names.length, testResults: names.map(failedIn) }
  );
  /** The second run of vitest, the one alone, ends like this. */
  const alone = async (code: number, first: object): Promise<Outcome> => {
    const quoted = JSON.stringify(first);
    await playProgram(join(tree, 'node_modules/.bin/vitest'), `
      for a in "$@"; do case $a in
        --no-file-parallelism) exit ${code} ;;
        --outputFile.json=*) out=\${a#*=} ;;
      esac; done
      mkdir -p .cache; printf '%s' '${quoted}' >"$out"; exit 1`);
    return start('scripts/test.sh');
  };

  test('counts as passed when it passes alone, and is named', async () => {
    const outcome = await alone(0, broken('test/integration/a.test.ts'));
    expect(lastLine(outcome)).toBe('48 passed, 0 failed');
    expect(outcome.stdout).toContain('--- passed alone, after it had failed beside others: test/integration/a.test.ts');
    expect(outcome.code).toBe(0);
  });

  test('counts as failed when it fails alone as well', async () => {
    expect(lastLine(await alone(1, broken('test/integration/a.test.ts')))).toBe('47 passed, 1 failed');
  });

  test.each([
    ['three files', ['a', 'b', 'c'].map((name) => `test/integration/${name}.test.ts`)],
    ['a unit test', ['src/core/a.test.ts']],
    ['a unit test beside it', ['test/integration/a.test.ts', 'src/core/a.test.ts']],
  ])('%s: there is no second run', async (_what, names) => {
    const outcome = await alone(0, broken(...names));
    expect(outcome.stdout).not.toContain('once more');
    expect(outcome.code).toBe(1);
  });
});

test('the scripted demo counts as soon as there is one', async () => {
  for (const folder of ['demo', 'dist']) await mkdir(join(tree, folder));
  await writeFile(join(tree, 'demo/main.ts'), '// a demo\n');
  expect(lastLine(await start('scripts/test.sh'))).toBe('48 passed, 1 failed');
  await writeFile(join(tree, 'dist/demo.cjs'), 'console.log(process.argv.slice(2).join(" "));\n');
  const outcome = await start('scripts/test.sh');
  expect(outcome.stdout).toContain('--script failover\n');
  expect(lastLine(outcome)).toBe('49 passed, 0 failed');
});

test('named files alone are run when some are named', async () => {
  expect(lastLine(await start('make', 'test', 'ARGS=src/core'))).toBe('43 passed, 0 failed');
});

test('continuous integration says the count last, whatever make has to say', async () => {
  await playVitest({ numPassedTests: 39, numFailedTests: 1, testResults: [] }, 1);
  await chmod(join(tree, '.ci/run'), 0o755);
  const outcome = await start('.ci/run');
  expect(lastLine(outcome)).toBe('47 passed, 1 failed');
  expect(outcome.stdout).toContain('make: ***');
  expect(outcome.code).not.toBe(0);
});
