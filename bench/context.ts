/**
 * What all measurements share: the samples taken so far, a place for temporary files on a real disk, one ZooKeeper.
 */
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { startZooKeeper } from '../test/support/zookeeper-server.ts';
import type { ZooKeeperServer } from '../test/support/zookeeper-server.ts';
import { startService } from '../test/support/service.ts';
import type { Service, ServiceOptions } from '../test/support/service.ts';
import type { Options } from './options.ts';
import type { Stage } from './stages.ts';

/** ZooKeeper's own default; a session of 5 s fits its bounds of 2 to 20 ticks. */
const TICK_TIME_MS = 2000;
const TMPFS_MAGIC = 0x01021994;
/** Failed runs after which a measurement is given up. */
const FAILED_RUNS_MAX = 3;

/**
 * Arguments of every Redis here. A full sync begins at once rather than after the 5 s in which Redis waits for more
 * replicas: it is no part of any figure, and the runs come faster.
 */
export const REDIS_ARGS: readonly string[] = ['--repl-diskless-sync-delay', '0'];
/** The recommended start fence: a Redis that starts refuses writes until its agent lifts that. */
export const START_FENCE: readonly string[] = ['--min-replicas-to-write', '1'];

export interface Context {
  readonly options: Options;
  readonly zookeeper: ZooKeeperServer;
  /** By name of the figure. */
  readonly samples: Map<string, number[]>;
  readonly stages: Map<string, readonly Stage[]>;
  /** What could not be measured, in words. */
  readonly failures: string[];
  /** What a reader of the figures must know. */
  readonly notes: string[];
}

export function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}

export function add(context: Pick<Context, 'samples'>, figure: string, sample: number): void {
  const samples = context.samples.get(figure) ?? [];
  context.samples.set(figure, samples);
  samples.push(sample);
}

/**
 * Makes a folder that ends with this process and has everything here put its temporary files into it. It is not in
 * memory: a flush to disk that costs nothing would flatter every figure with ZooKeeper in it.
 */
export function useTemporaryFolder(): () => void {
  let parent = tmpdir();
  if (statfsSync(parent).type === TMPFS_MAGIC) {
    parent = resolve('.cache');
    mkdirSync(parent, { recursive: true });
  }
  const folder = mkdtempSync(join(parent, 'dictator-bench-'));
  process.env['TMPDIR'] = folder;
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  // Exit handlers run in the order in which they were registered: ours has to come behind those that end the
  // servers, which register with the first server that they start.
  return () => {
    process.off('exit', remove);
    process.on('exit', remove);
  };
}

export async function startBenchZooKeeper(): Promise<ZooKeeperServer> {
  return await startZooKeeper({ tickTimeMs: TICK_TIME_MS });
}

export async function startBenchService(context: Context, options: ServiceOptions = {}): Promise<Service> {
  // As it is used: with the Sentinel port open.
  const defaults = { zookeeper: context.zookeeper, redisArgs: REDIS_ARGS, sentinel: {} };
  const service = await startService({ ...defaults, ...options });
  try {
    await service.settled();
    return service;
  } catch (error) {
    await service.stop();
    throw error;
  }
}

export interface Runs<T> {
  readonly name: string;
  readonly runs: number;
  readonly open: () => Promise<T>;
  /** One run; gives a word on it for the progress. */
  readonly run: (subject: T) => Promise<string>;
  readonly close: (subject: T) => Promise<void>;
}

/**
 * Runs a measurement so many times on one subject. After a failed run the subject is replaced; too many of them end
 * the measurement. What failed is part of the result: a figure must not look better for the runs that are missing.
 */
export async function repeat<T>(context: Context, { name, runs, open, run, close }: Runs<T>): Promise<void> {
  let subject: T | null = null;
  let failed = 0;
  for (let done = 0; done < runs && failed < FAILED_RUNS_MAX; ) {
    try {
      subject ??= await open();
      const result = await run(subject);
      done += 1;
      say(`${name} ${done}/${runs}: ${result}`);
    } catch (error) {
      failed += 1;
      const cause = error instanceof Error ? error.message : String(error);
      context.failures.push(`${name}: ${cause}`);
      say(`${name}: a run failed: ${cause}`);
      if (subject !== null) await close(subject);
      subject = null;
    }
  }
  if (subject !== null) await close(subject);
}
