/**
 * The master's host is cut off from everything, with clients on it that go on writing: the scenario `cutoff` of the
 * fault runs, which has the network namespaces that this takes. It runs as a process of its own, for Dictator and for
 * Sentinel, and its figures are read from its results.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { CutRound } from '../chaos/judge/cutoff.ts';
import { EXIT_NOT_PERMITTED } from '../chaos/outside.ts';
import type { Against } from '../chaos/plan/options.ts';
import type { Context } from './context.ts';
import { add, say } from './context.ts';

const CHAOS = join('dist', 'chaos.cjs');
const PREFIX: Readonly<Record<Against, string>> = { dictator: 'cutoff', sentinel: 'sentinel.cutoff' };
/** Sentinel's documentation recommends it against this very case: 10 s after its last replica left, Redis refuses. */
const SETTINGS: Readonly<Record<Against, readonly string[]>> = {
  dictator: [], sentinel: ['--redis', 'min-replicas-to-write 1', '--redis', 'min-replicas-max-lag 10'],
};
/** Exit codes with which every round was played: no rule was broken, or one was, which the figures then show. */
const PLAYED = [0, 1];

interface Ended {
  readonly code: number | null;
  /** What it said last. */
  readonly last: string;
}

/** Asked to end when we end first; it then takes its world with it. */
function runChaos(args: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHAOS, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    const end = (): void => { child.kill('SIGTERM'); };
    process.on('exit', end);
    let rest = '';
    let last = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) say(line);
      last = lines.at(-1) ?? last;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      process.off('exit', end);
      resolve({ code, last });
    });
  });
}

/** Takes the figures of every round into the samples. */
export function addCuts(
  context: Pick<Context, 'samples' | 'failures'>, against: Against, cuts: readonly CutRound[],
): void {
  const prefix = PREFIX[against];
  for (const [index, { oldLastMs, newFirstMs, marginMs, lost }] of cuts.entries()) {
    if (newFirstMs === null || marginMs === null) {
      context.failures.push(`host cut off, ${against}: nobody took over in round ${index + 1}`);
      continue;
    }
    add(context, `${prefix}.old`, oldLastMs);
    add(context, `${prefix}.new`, newFirstMs);
    add(context, `${prefix}.margin`, marginMs);
    add(context, `${prefix}.lost`, lost);
  }
}

export async function measureCutoff(context: Context): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'cutoff-'));
  const { runs, sentinelRuns } = context.options;
  for (const [against, rounds] of [['dictator', runs], ['sentinel', sentinelRuns]] as const) {
    if (rounds === 0) continue;
    const results = join(folder, `${against}.json`);
    const which = ['--scenario', 'cutoff', '--against', against, ...SETTINGS[against]];
    const args = [...which, '--rounds', String(rounds), '--results', results];
    const { code, last } = await runChaos(args);
    if (code === EXIT_NOT_PERMITTED) {
      context.notes.push(`host cut off: skipped: ${last.replace(/^chaos: */, '')}`);
      return;
    }
    if (code === null || !PLAYED.includes(code)) throw new Error(`the fault run against ${against} failed: ${last}`);
    const { cuts } = JSON.parse(readFileSync(results, 'utf8')) as { readonly cuts: readonly CutRound[] };
    addCuts(context, against, cuts);
  }
}
