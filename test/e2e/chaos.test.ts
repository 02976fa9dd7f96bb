import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import { ROOT, processesWhere } from './checkout.ts';

const CHAOS = join(ROOT, 'dist', 'chaos.cjs');
const GROUPS = ['/sys/fs/cgroup', '/sys/fs/cgroup/cpu'];
/** A run with its healing, on a machine that is busy. */
const HUNG_AFTER_MS = 420_000;
/** Any would do; the same each time, so that what fails can be looked at again. */
const SEED = '283';
const NOT_PERMITTED = 69;

let temporary = '';
const started: ChildProcess[] = [];

beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'chaos-test-'));
});

afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  await waitFor(() => processesOf(temporary).length === 0, 'every process to be gone');
  await rm(temporary, { recursive: true, force: true });
});

/** Processes that were started with our folder for their temporary files; those of a run inherit that. */
function processesOf(folder: string): readonly string[] {
  return processesWhere((id) => readFileSync(`/proc/${id}/environ`, 'utf8').includes(`CHAOS_TEST=${folder}`));
}

interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<number | string>;
  readonly results: string;
  output(): string;
}

function start(...args: readonly string[]): Running {
  const results = join(temporary, 'results', 'latest.json');
  const child = spawn(process.execPath, [CHAOS, ...args, '--seed', SEED, '--results', results], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: temporary, CHAOS_TEST: temporary },
  });
  started.push(child);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exited = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => { resolve(code ?? signal ?? -1); });
  });
  return { child, exited, results, output: () => output };
}

/** Everything that a run could leave on a machine. */
function leftovers(pid: number): readonly string[] {
  const spaces = existsSync('/run/netns') ? readdirSync('/run/netns') : [];
  const groups = GROUPS.filter((folder) => existsSync(folder)).flatMap((folder) => readdirSync(folder));
  return [
    ...[...spaces, ...groups].filter((name) => name.startsWith(`chaos${pid}-`)),
    ...readdirSync('/sys/class/net').filter((name) => name === 'chaos' || name.startsWith('to-node')),
    ...readdirSync(temporary).filter((name) => name !== 'results'),
    ...readFileSync('/proc/mounts', 'utf8').split('\n').filter((line) => line.startsWith('chaos ')),
  ];
}

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';

describe('faults that overlap, on real servers', () => {
  test('break no promise, and the run leaves nothing behind', { timeout: HUNG_AFTER_MS }, async () => {
    const chaos = start('--seconds', '100');
    expect(await chaos.exited, chaos.output()).toBe(0);
    expect(lastLine(chaos.output())).toMatch(/^chaos: \d+ s, \d+ faults, 0 broken rules$/);
    const text = readFileSync(chaos.results, 'utf8');
    const found = JSON.parse(text) as { acknowledged: { plain: number }; faults: number };
    expect(found.acknowledged.plain).toBeGreaterThan(10_000);
    expect(found.faults).toBeGreaterThan(10);
    expect(processesOf(temporary)).toEqual([]);
    expect(leftovers(chaos.child.pid ?? 0)).toEqual([]);
  });

  test.each([['SIGINT', 130], ['SIGTERM', 143]] as const)('after %s nothing is left', async (signal, code) => {
    const chaos = start('--seconds', '60');
    await waitFor(() => chaos.output().includes('round 1'), 'the first round', 60_000);
    chaos.child.kill(signal);
    expect(await chaos.exited).toBe(code);
    await waitFor(() => processesOf(temporary).length === 0, 'every process to be gone');
    expect(leftovers(chaos.child.pid ?? 0)).toEqual([]);
  });

  test('killed itself it leaves no process and nothing of its network', async () => {
    const chaos = start('--seconds', '60');
    await waitFor(() => chaos.output().includes('round 1'), 'the first round', 60_000);
    chaos.child.kill('SIGKILL');
    expect(await chaos.exited).toBe('SIGKILL');
    await waitFor(() => processesOf(temporary).length === 0, 'every process to be gone');
    // A control group without processes limits nobody; the next run removes it.
    expect(leftovers(chaos.child.pid ?? 0).filter((name) => !/^chaos\d+-(?:node\d|probe)$/.test(name))).toEqual([]);
  });

  test('a master whose host is cut off has fallen silent before another one speaks', async () => {
    const chaos = start('--scenario', 'cutoff', '--rounds', '1', '--cut-ms', '4000');
    const code = await chaos.exited;
    // Without namespaces no host can be cut off; then it has to say so.
    if (code === NOT_PERMITTED) {
      expect(chaos.output()).toContain('cutoff is not possible here');
      return;
    }
    expect(code, chaos.output()).toBe(0);
    const { cuts } = JSON.parse(readFileSync(chaos.results, 'utf8')) as { cuts: { marginMs: number }[] };
    expect(cuts).toHaveLength(1);
    expect(cuts[0]?.marginMs).toBeGreaterThan(0);
    expect(leftovers(chaos.child.pid ?? 0)).toEqual([]);
  });

  test('the scenario that needs namespaces says so where there are none', async () => {
    const chaos = start('--loopback', '--scenario', 'cutoff');
    expect(await chaos.exited).toBe(NOT_PERMITTED);
    expect(chaos.output()).toContain('cutoff is not possible here: it needs network namespaces: asked for');
  });

  test('without namespaces it does what can be done on loopback, and says so', async () => {
    const chaos = start('--loopback', '--seconds', '12', '--only', 'redis-killed,cut-from-zookeeper,slow-link');
    expect(await chaos.exited, chaos.output()).toBe(0);
    expect(chaos.output()).toContain('on loopback, because network namespaces are not to be had: asked for');
    expect(chaos.output()).toContain('left out here: slow-link');
    await waitFor(() => processesOf(temporary).length === 0, 'every process to be gone');
    expect(leftovers(chaos.child.pid ?? 0)).toEqual([]);
  });
});
