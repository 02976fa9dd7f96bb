/**
 * `make simulate-mutants`: plants one bug after the other into the protocol, and looks whether the checkers notice.
 *
 * A checker that has never failed may be one that cannot. Every mutant is a mistake that somebody could have made, or
 * did; the simulator with the mistake in it has to violate an invariant within a bounded number of seeds, in a plan in
 * which the simulator without it does not.
 */
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { plantAll } from '../../mutants/mutant.ts';
import { ALL_MUTANTS, MUTANTS } from '../../mutants/table.ts';
import { sourceOf } from './build.ts';
import { writeBetweenMarkers } from '../files.ts';
import { hunt } from './hunt.ts';
import type { Hunted } from './hunt.ts';
import { parseOptions, USAGE } from './options.ts';
import type { Options } from './options.ts';
import { huntedLine, mutantsTable } from './table-text.ts';

const EXIT_USAGE = 64;

interface Job {
  readonly number: number;
  readonly seedsMax: number;
}

async function work({ number, seedsMax }: Job): Promise<Hunted> {
  const mutant = ALL_MUTANTS[number];
  if (mutant === undefined) throw new Error(`no mutant ${number}`);
  return hunt(mutant, number, seedsMax);
}

/** The thread of each mutant fails as a whole when a mutant cannot be planted. */
function thread(take: () => Job | undefined, onHunted: (hunted: Hunted) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url));
    const give = (): void => {
      const job = take();
      if (job === undefined) void worker.terminate();
      else worker.postMessage(job, []);
    };
    worker.on('message', (hunted: Hunted) => {
      onHunted(hunted);
      give();
    });
    worker.on('error', reject);
    worker.on('exit', () => resolve());
    give();
  });
}

function chosen({ only, open }: Options): readonly number[] {
  const numbers = ALL_MUTANTS.map((_, i) => i).filter((i) => open === i >= MUTANTS.length);
  return only === null ? numbers : numbers.filter((i) => ALL_MUTANTS[i]?.name.includes(only) === true);
}

/** Before anything runs: one whose text has changed would be found minutes later. */
function checkTexts(): void {
  for (const mutant of ALL_MUTANTS) plantAll(mutant, sourceOf);
}

async function huntAll(options: Options): Promise<boolean> {
  checkTexts();
  const startedMs = performance.now();
  const numbers = chosen(options);
  if (numbers.length === 0) throw new Error(`no planted bug has "${options.only ?? ''}" in its name`);
  const waiting = [...numbers];
  const all: Hunted[] = [];
  const take = (): Job | undefined => {
    const number = waiting.shift();
    return number === undefined ? undefined : { number, seedsMax: options.seeds };
  };
  const onHunted = (hunted: Hunted): void => {
    all.push(hunted);
    console.log(huntedLine(hunted));
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, numbers.length) }, () => thread(take, onHunted)));
  const sorted = all.sort((a, b) => a.number - b.number);
  const killed = sorted.filter(({ finding }) => finding !== null).length;
  console.log(`\n${mutantsTable(sorted)}`);
  if (options.report !== null) writeBetweenMarkers(options.report, 'mutants', mutantsTable(sorted));
  console.log(`${Math.round((performance.now() - startedMs) / 1000)} s with ${options.jobs} threads`);
  console.log(`mutants: ${killed} of ${numbers.length} killed`);
  return killed === numbers.length;
}

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  if (typeof options === 'string') {
    process.stderr.write(`mutants: ${options}\n${USAGE}`);
    return EXIT_USAGE;
  }
  return (await huntAll(options)) ? 0 : 1;
}

function fail(error: unknown): void {
  process.stderr.write(`mutants: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
}

if (isMainThread) {
  main(process.argv.slice(2)).then((code) => {
    process.exitCode = code;
  }, fail);
} else {
  parentPort?.on('message', (job: Job) => {
    work(job).then((hunted) => parentPort?.postMessage(hunted), (error: unknown) => {
      // Thrown outside of the promise: that is what ends the thread with this error.
      setImmediate(() => {
        throw error;
      });
    });
  });
}
