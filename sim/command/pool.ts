/**
 * Runs many plans on several worker threads. Each thread runs this same bundle, and asks for more when it is through.
 */
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import type { Plan } from '../plan/plan.ts';
import { drawPlan } from '../plan/plan.ts';
import { Coverage } from '../world/coverage.ts';
import { checkedTwice, runPlan } from './run.ts';
import type { Finding } from './run.ts';

/** One run: of a seed, or of a plan that somebody kept. */
export type Task = {
  /** How a reader would ask for it again. */
  readonly name: string;
  /** Run it twice and compare. */
  readonly twice: boolean;
} & ({ readonly seed: number } | { readonly plan: Plan });

export interface Failure {
  readonly task: Task;
  readonly findings: readonly Finding[];
}

export interface Total {
  runs: number;
  events: number;
  readonly coverage: Coverage;
  readonly failures: Failure[];
}

/** What is given to a thread at a time: enough to make messages rare, few enough to end all threads together. */
const BATCH = 10;

export const planOf = (task: Task): Plan => ('plan' in task ? task.plan : drawPlan(task.seed));

export function noRuns(): Total {
  return { runs: 0, events: 0, coverage: new Coverage(), failures: [] };
}

export function runBatch(tasks: readonly Task[]): Total {
  const total = noRuns();
  for (const task of tasks) {
    const plan = planOf(task);
    const first = runPlan(plan);
    const { findings, events, coverage } = task.twice ? checkedTwice(plan, first) : first;
    total.runs += 1;
    total.events += events;
    total.coverage.add(coverage);
    if (findings.length > 0) total.failures.push({ task, findings });
  }
  return total;
}

/** A batch that crossed threads has data only. */
function addTo(total: Total, batch: Total): void {
  total.runs += batch.runs;
  total.events += batch.events;
  total.coverage.add(batch.coverage);
  total.failures.push(...batch.failures);
}

/** For the entry of the bundle: this thread is one of ours, and works until it is told to end. */
export function workInThread(): boolean {
  if (isMainThread) return false;
  parentPort?.on('message', (tasks: readonly Task[]) => parentPort?.postMessage(runBatch(tasks)));
  return true;
}

export interface PoolOptions {
  readonly jobs: number;
  /** Aborted: what is under way is finished, and nothing more is begun. */
  readonly signal?: AbortSignal;
  readonly onProgress: (total: Total) => void;
}

export function runAll(tasks: readonly Task[], { jobs, onProgress, signal }: PoolOptions): Promise<Total> {
  const total = noRuns();
  let next = 0;
  const give = (worker: Worker): void => {
    const batch = signal?.aborted === true ? [] : tasks.slice(next, next + BATCH);
    next += BATCH;
    // Nothing to transfer: tasks are small.
    if (batch.length > 0) worker.postMessage(batch, []);
    else void worker.terminate();
  };
  const thread = (): Promise<void> => new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url));
    worker.on('message', (batch: Total) => {
      addTo(total, batch);
      onProgress(total);
      give(worker);
    });
    worker.on('error', reject);
    worker.on('exit', () => resolve());
    give(worker);
  });
  return Promise.all(Array.from({ length: jobs }, thread)).then(() => total);
}
