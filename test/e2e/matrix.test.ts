/**
 * `make test-matrix`: what it fetches, what each cell changes, and what it says of cells that fail or cannot run. The
 * package managers, the servers and the tests themselves are played here; the real run takes minutes and a network.
 */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ROOT, linkPrograms, playProgram, run } from './checkout.ts';
import type { Outcome } from './checkout.ts';

const SHELL_PROGRAMS = [
  'bash', 'sh', 'basename', 'cat', 'chmod', 'cp', 'cut', 'dirname', 'env', 'find', 'head', 'ln', 'mkdir', 'mktemp',
  'paste', 'readlink', 'rm', 'timeout', 'touch', 'uname',
];
const LOADER = 'usr/lib/multiarch/ld-linux-x.so.2';
/** Called as the loader is: --library-path L --argv0 NAME PROGRAM ARGUMENTS... */
const PLAYED_LOADER = 'shift 3; echo "$1 server v=8 of $2 as $$"';

let world: string;
let bin: string;
let project: string;
let calls: string;

beforeEach(async () => {
  world = await mkdtemp(join(tmpdir(), 'dictator-matrix-'));
  bin = join(world, 'bin');
  project = join(world, 'project');
  calls = join(world, 'calls');
  await cp(join(ROOT, 'scripts'), join(project, 'scripts'), { recursive: true });
  await linkPrograms(bin, SHELL_PROGRAMS);
  await writeFile(calls, '');
  await playNode(join(bin, 'node'), 'old');
  await playApt('exit 0');
  await playProgram(join(bin, 'dpkg-deb'), [
    `cd "$3" && mkdir -p usr/bin usr/lib/multiarch usr/share/java`,
    `printf '#!/bin/sh\\n%s\\n' '${PLAYED_LOADER}' >${LOADER}; chmod 755 ${LOADER}`,
    'touch usr/lib/multiarch/libc.so.6 usr/share/java/zookeeper-3.9.jar',
    'ln -sf zookeeper-3.9.jar usr/share/java/zookeeper.jar',
  ].join('\n'));
  await mkdir(join(world, 'npm'));
  await playNode(join(world, 'npm/node'), 'new');
  await playProgram(join(bin, 'npm'), `mkdir -p node_modules/node/bin && cp '${world}/npm/node' node_modules/node/bin`);
});

afterEach(async () => {
  await rm(world, { recursive: true, force: true });
});

/** A Node.js that writes down what it was called for; the tests it would run fail where `wrong` says so. */
async function playNode(path: string, name: string, wrong = 'false'): Promise<void> {
  await playProgram(path, [
    `case "$1" in --version) echo ${name}; exit ;; -e) exit 0 ;; esac`,
    `echo "${name} $1 redis=\${REDIS_SERVER##*/} jars=\${ZOOKEEPER_JARS##*/.cache/}" >>'${calls}'`,
    `if ${wrong}; then exit 1; fi`,
  ].join('\n'));
}

async function playApt(then: string): Promise<void> {
  await playProgram(join(bin, 'apt-get'), [
    `case "$*" in *indextargets*) echo http://mirror.example/debian; exit ;; esac`,
    'for each in "$@"; do case $each in Dir::Etc::SourceParts=*) parts=${each#*=} ;; esac; done',
    `echo "apt $(cat "$parts"/* | cut -d: -f2- | paste -sd' ')" >>'${calls}'`,
    'case "$*" in *download*) touch one.deb ;; esac',
    then,
  ].join('\n'));
}

function matrix(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const command = [join(bin, 'bash'), join(project, 'scripts/matrix.sh'), ...args];
  return run(command, { cwd: world, env: { PATH: bin, HOME: world, TMPDIR: world, ...env } });
}

const lastLine = ({ stdout }: Outcome): string | undefined => stdout.trimEnd().split('\n').at(-1);

async function written(): Promise<string[]> {
  const lines = (await readFile(calls, 'utf8')).split('\n').filter((line) => line !== '');
  await writeFile(calls, '');
  return lines;
}

test('each cell replaces one thing, runs tests and demo, and is counted', async () => {
  const outcome = await matrix();
  expect(lastLine(outcome)).toBe('matrix: 4 of 4 passed');
  expect(outcome.code).toBe(0);
  const cells = (await written()).filter((line) => !line.startsWith('apt'));
  const [vitest, demo] = ['node_modules/vitest/vitest.mjs', 'dist/demo.cjs'];
  expect(cells).toEqual([
    `old ${vitest} redis=redis-server jars=`, `old ${demo} redis=redis-server jars=`,
    `old ${vitest} redis=valkey-server jars=`, `old ${demo} redis=valkey-server jars=`,
    `old ${vitest} redis= jars=matrix/debian/usr/share/java`, `old ${demo} redis= jars=matrix/debian/usr/share/java`,
    `new ${vitest} redis= jars=`, `new ${demo} redis= jars=`,
  ]);
  expect(outcome.stdout).toContain('--- zookeeper39: passed (zookeeper-3.9)\n');
});

test('packages come from where the system has its own, or from DEBIAN_MIRROR, and are fetched once', async () => {
  await matrix(['redis8', 'zookeeper39']);
  const fetches = (await written()).filter((line) => line.startsWith('apt'));
  expect(fetches).toHaveLength(2);
  expect(fetches[0]).toContain('http://mirror.example/debian  trixie');
  await matrix(['valkey8']);
  expect((await written()).filter((line) => line.startsWith('apt'))).toEqual([]);
  await rm(join(project, '.cache'), { recursive: true });
  await matrix(['valkey8'], { DEBIAN_MIRROR: 'http://other.example/debian' });
  expect((await written())[0]).toContain('http://other.example/debian  trixie');
});

test('a packaged server is started in place of its wrapper, under its own name', async () => {
  await matrix(['valkey8']);
  const wrapper = join(project, '.cache/matrix/valkey-server');
  const command = [join(bin, 'sh'), '-c', `echo $$; exec '${wrapper}'`];
  const { stdout } = await run(command, { cwd: world, env: { PATH: bin } });
  const [pid, said] = stdout.split('\n');
  expect(said).toBe(`valkey-server server v=8 of ${project}/.cache/matrix/debian/usr/bin/valkey-check-rdb as ${pid}`);
});

test('a cell that fails is named, and the others run all the same', async () => {
  await playNode(join(bin, 'node'), 'old', 'case $REDIS_SERVER in *valkey*) true ;; *) false ;; esac');
  const outcome = await matrix();
  expect(lastLine(outcome)).toBe('matrix: 3 of 4 passed; failed: valkey8');
  expect(outcome.code).toBe(1);
});

test('without a network nothing passes, and what could not be run is said', async () => {
  await playApt('exit 100');
  await playProgram(join(bin, 'npm'), 'exit 1');
  const outcome = await matrix();
  expect(lastLine(outcome)).toBe(
    'matrix: 0 of 4 passed; could not be run: redis8 valkey8 zookeeper39 node24',
  );
  expect(outcome.code).toBe(1);
  await playApt('exit 0');
  expect(lastLine(await matrix(['redis8']))).toBe('matrix: 1 of 1 passed');
});

test('REDIS_SERVER names the one server to run on, for which nothing is fetched', async () => {
  const own = join(world, 'keydb-server');
  await playProgram(own, 'echo "KeyDB server v=6 more"');
  const outcome = await matrix([], { REDIS_SERVER: own });
  expect(outcome.stdout).toContain('--- given: passed (KeyDB server v=6)\nmatrix: 1 of 1 passed\n');
  expect((await written()).map((line) => line.split(' ')[2])).toEqual(['redis=keydb-server', 'redis=keydb-server']);
  const missing = await matrix([], { REDIS_SERVER: '/nowhere' });
  expect(lastLine(missing)).toBe('matrix: 0 of 1 passed; could not be run: given');
});
