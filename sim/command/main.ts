/**
 * `make simulate`: fresh seeds and all regressions, checked; or one of them, explained.
 *
 * This is the edge of the simulator: the only place that knows a real clock, and it asks it which seeds to begin with.
 */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { REGRESSION_SEEDS } from '../regressions/seeds.ts';
import { keptPlanOf } from '../regressions/kept-plans.ts';
import { drawPlan } from '../plan/plan.ts';
import { explain } from './explain.ts';
import { keptPlans, writeBetweenMarkers } from './files.ts';
import { parseOptions, SEED_MAX, USAGE } from './options.ts';
import type { Options } from './options.ts';
import { planOf, runAll, workInThread } from './pool.ts';
import type { Task, Total } from './pool.ts';
import { coverageText, findingsText, invariantsOf } from './report.ts';
import { resultText } from './result.ts';

const EXIT_USAGE = 64;
/** One in so many seeds is run twice. */
const TWICE_EVERY = 50;
/** Failures that are explained at length; the others are named. */
const EXPLAINED_MAX = 3;
const PROGRESS_MS = 10_000;

function tasksOf(options: Options, from: number): readonly Task[] {
  const fresh = Array.from({ length: options.seeds }, (_, i): Task => {
    const seed = (from + i) % (SEED_MAX + 1);
    return { name: `--seed ${seed}`, seed, twice: i % TWICE_EVERY === 0 };
  });
  if (!options.regressions) return fresh;
  const seeds = REGRESSION_SEEDS.map(({ seed }): Task => ({ name: `--seed ${seed}`, seed, twice: false }));
  const plans = keptPlans().map(({ file, plan }): Task => (
    { name: `--plan sim/regressions/plans/${file}`, plan, twice: false }
  ));
  return [...seeds, ...plans, ...fresh];
}

/** A big run takes an hour: who waits for it can look into a failure while the rest still runs. */
function sayProgress(count: number): (total: Total) => void {
  let nextMs = Date.now() + PROGRESS_MS;
  let said = 0;
  return ({ runs, failures }) => {
    for (const { task, findings } of failures.slice(said)) {
      process.stderr.write(`simulate: ${task.name} failed: ${invariantsOf(findings).join(' ')}\n`);
    }
    said = failures.length;
    if (Date.now() < nextMs) return;
    nextMs = Date.now() + PROGRESS_MS;
    process.stderr.write(`simulate: ${runs} of ${count}, ${failures.length} failed\n`);
  };
}

/** A big run that is broken off (Ctrl-C) says what it has so far; a second time ends it at once. */
function untilInterrupted(): AbortSignal {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  return interrupted.signal;
}

function explainFailures({ failures }: Total, options: Options): void {
  for (const { task } of failures.slice(0, EXPLAINED_MAX)) {
    console.log('');
    explain(planOf(task), { name: task.name, shrink: options.shrink, trace: false, keep: null });
  }
  if (failures.length > 0) console.log('');
  for (const { task, findings } of failures) {
    console.log(`FAILED ${task.name}: ${invariantsOf(findings).join(' ')}\n${findingsText(findings)}`);
  }
}

async function runSeeds(options: Options): Promise<boolean> {
  const startedMs = Date.now();
  const from = options.from ?? startedMs % (SEED_MAX + 1);
  const tasks = tasksOf(options, from);
  console.log(`simulate: ${options.seeds} seeds from ${from}, ${tasks.length - options.seeds} regressions`);
  const { jobs } = options;
  const total = await runAll(tasks, { jobs, onProgress: sayProgress(tasks.length), signal: untilInterrupted() });
  const tookMs = Date.now() - startedMs;
  // Regressions come first.
  const seeds = Math.max(0, total.runs - (tasks.length - options.seeds));
  console.log(coverageText(total.coverage));
  explainFailures(total, options);
  const result = { seeds, from, tookMs, jobs, date: new Date(startedMs), total };
  if (options.report !== null) writeBetweenMarkers(options.report, 'simulate', resultText(result));
  const violated = total.failures.length;
  console.log(`${(total.runs / (tookMs / 1000)).toFixed(1)} runs/s with ${jobs} threads`);
  console.log(`simulate: ${seeds} seeds, ${violated} violations, ${Math.round(tookMs / 1000)} s`);
  return violated === 0 && total.runs === tasks.length;
}

function runOne(options: Options): boolean {
  const { seed, plan, shrink, trace, keep } = options;
  const chosen = plan === null ? drawPlan(seed ?? 0) : keptPlanOf(readFileSync(plan, 'utf8')).plan;
  return !explain(chosen, { name: plan === null ? `--seed ${seed ?? 0}` : `--plan ${plan}`, shrink, trace, keep });
}

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  if (typeof options === 'string') {
    process.stderr.write(`simulate: ${options}\n${USAGE}`);
    return EXIT_USAGE;
  }
  const one = options.seed !== null || options.plan !== null;
  return (one ? runOne(options) : await runSeeds(options)) ? 0 : 1;
}

/**
 * V8 takes a function for worth optimizing after a few milliseconds of it, and does it again at every surprise: most of
 * them come in the first hundred runs, which meet everything for the first time. With this budget it waits until it has
 * seen more (measured: 250 runs in 18.0 s instead of 19.5 s; four times as much is worse).
 */
setFlagsFromString('--interrupt-budget=1000000');

if (!workInThread()) {
  main(process.argv.slice(2)).then((code) => {
    process.exitCode = code;
  }, (error: unknown) => {
    process.stderr.write(`simulate: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  });
}
