/**
 * `make bench`: measures what the README promises, on this machine and now, beside Redis Sentinel. docs/bench.md says
 * what each figure means. Exit code 0 when everything was measured, however slow; 1 when something could not be.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { measureAgent } from './agent.ts';
import { measureChecks } from './checks.ts';
import type { Context } from './context.ts';
import { say, startBenchZooKeeper, useTemporaryFolder } from './context.ts';
import { measureCutoff } from './cutoff.ts';
import { measureEvents } from './events.ts';
import { measureBothKilled, measureRedisKilled } from './failover.ts';
import { measureFlood } from './flood.ts';
import { measureFloor } from './floor.ts';
import { measureHaproxy } from './haproxy.ts';
import { measureList } from './list.ts';
import type { Machine } from './machine.ts';
import { machineFacts } from './machine.ts';
import type { Measure, Options } from './options.ts';
import { parseOptions, USAGE } from './options.ts';
import { measureOverlap } from './overlap.ts';
import { figuresOf, figuresTable, stagesTable } from './report.ts';
import { measureSentinelSwitchover } from './sentinel-switchover.ts';
import { measureSentinel } from './sentinel.ts';
import { measureServices } from './services.ts';
import { measureAgentRestart, measureHandOver, measureSwitchover, measureTakeover } from './switchover.ts';
import { measureThaw } from './thaw.ts';

const RESULTS = join('bench', 'results', 'latest.json');
const EXIT_USAGE = 64;

/** What is measured, and which figures need it. */
const STEPS: readonly { readonly for: readonly Measure[]; readonly run: (context: Context) => Promise<void> }[] = [
  { for: ['floor', 'redis-killed', 'both-killed'], run: measureFloor },
  { for: ['redis-killed'], run: measureRedisKilled },
  { for: ['both-killed'], run: measureBothKilled },
  { for: ['switchover'], run: measureSwitchover },
  { for: ['hand-over'], run: measureHandOver },
  { for: ['takeover'], run: measureTakeover },
  { for: ['agent-restart'], run: measureAgentRestart },
  { for: ['restart-overlap'], run: measureOverlap },
  { for: ['redis-killed', 'both-killed', 'switchover', 'restart-overlap'], run: measureSentinel },
  { for: ['switchover'], run: measureSentinelSwitchover },
  { for: ['thaw'], run: measureThaw },
  { for: ['host-cut-off'], run: measureCutoff },
  { for: ['checks'], run: measureChecks },
  { for: ['haproxy'], run: measureHaproxy },
  { for: ['events'], run: measureEvents },
  { for: ['flood'], run: measureFlood },
  { for: ['services'], run: measureServices },
  { for: ['list'], run: measureList },
  { for: ['agent'], run: measureAgent },
];

async function measureAll(context: Context): Promise<void> {
  for (const { for: measures, run } of STEPS) {
    if (!measures.some((measure) => context.options.only.includes(measure))) continue;
    try {
      await run(context);
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      context.failures.push(`${measures.join(', ')}: ${cause}`);
      say(`could not be measured: ${cause}`);
    }
  }
}

function publish(context: Context, machine: Machine): void {
  const figures = figuresOf(context);
  process.stdout.write(figuresTable(figures));
  for (const [name, stages] of context.stages) process.stdout.write(`\n${stagesTable(name, stages)}`);
  for (const note of context.notes) process.stdout.write(`\nnote: ${note}\n`);
  for (const failure of context.failures) process.stdout.write(`\nNOT MEASURED: ${failure}\n`);
  const { options, notes, failures } = context;
  const result = {
    date: new Date().toISOString().slice(0, 10),
    measures: options.only,
    machine,
    figures,
    stages: Object.fromEntries(context.stages),
    notes,
    failures,
  };
  mkdirSync(dirname(RESULTS), { recursive: true });
  writeFileSync(RESULTS, `${JSON.stringify(result, null, 2)}\n`);
}

async function bench(options: Options): Promise<number> {
  const keepLast = useTemporaryFolder();
  // The handlers of 'exit' end every server and agent; without these a signal would end us past them.
  process.on('SIGINT', () => process.exit(130));
  process.on('SIGTERM', () => process.exit(143));
  process.on('SIGHUP', () => process.exit(129));
  const zookeeper = await startBenchZooKeeper();
  keepLast();
  const context: Context = { options, zookeeper, samples: new Map(), stages: new Map(), failures: [], notes: [] };
  try {
    const machine = await machineFacts(zookeeper.port);
    await measureAll(context);
    publish(context, machine);
  } finally {
    keepLast();
    await zookeeper.stop();
  }
  return context.failures.length === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  if (typeof options === 'string') {
    process.stderr.write(`bench: ${options}\n${USAGE}`);
    return EXIT_USAGE;
  }
  // Programs and results are named relative to the project's root; this file lies one level below, bundled or not.
  process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
  return await bench(options);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`bench: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
