/**
 * One client that writes to one address without pause, as an application behind a load balancer does: what is refused
 * or not answered is written again, over another connection.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { connectRaw } from './raw-redis.ts';
import type { RawRedis } from './raw-redis.ts';
import { waitFor } from './wait-for.ts';

export interface SteadyOptions {
  readonly port: number;
  /** Pause between two writes, and before the next attempt after one that failed. Default 2. */
  readonly everyMs?: number;
}

/** An answer that does not come for so long is waited for no longer. */
const PATIENCE_MS = 1000;

let writers = 0;

export class SteadyWriter {
  /** Acknowledged writes, in order. */
  readonly acknowledged: { readonly key: string; readonly atMs: number }[] = [];
  /** Attempts that failed, with the code or the cause. */
  readonly failed: { readonly cause: string; readonly atMs: number }[] = [];
  private readonly options: Required<SteadyOptions>;
  private readonly prefix = `steady${String(writers++)}`;
  private readonly loop: Promise<void>;
  private connection: RawRedis | null = null;
  private stopping = false;

  constructor(options: SteadyOptions) {
    this.options = { everyMs: 2, ...options };
    this.loop = this.run();
  }

  /** Resolves when so many more writes were acknowledged. */
  async progress(count = 50): Promise<void> {
    const before = this.acknowledged.length;
    await waitFor(() => this.acknowledged.length >= before + count, 'writes go on');
  }

  /** The longest time without an acknowledgement since a moment, in milliseconds. */
  longestPauseSince(sinceMs: number): number {
    const times = this.acknowledged.filter(({ atMs }) => atMs >= sinceMs).map(({ atMs }) => atMs);
    return Math.max(...times.map((atMs, index) => atMs - (times[index - 1] ?? sinceMs)));
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.connection?.close();
    await this.loop;
  }

  private isStopping(): boolean {
    return this.stopping;
  }

  private async run(): Promise<void> {
    for (let number = 0; !this.isStopping(); ) {
      const key = `${this.prefix}:${String(number)}`;
      try {
        this.connection ??= await connectRaw(this.options.port, { connectTimeoutMs: PATIENCE_MS });
        await inTime(this.connection.cmd('SET', key, key));
        this.acknowledged.push({ key, atMs: performance.now() });
        number += 1;
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        if (!this.isStopping()) this.failed.push({ cause: error.message, atMs: performance.now() });
        this.connection?.close();
        this.connection = null;
      }
      await pause(this.options.everyMs);
    }
    this.connection?.close();
  }
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), PATIENCE_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
