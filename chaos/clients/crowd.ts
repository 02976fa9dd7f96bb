/** All clients of a run, in the mixture that the report names. */
import type { ChaosNode } from '../world/subject.ts';
import type { Belief } from './belief.ts';
import type { Book, WriteClass } from './book.ts';
import { connectOverNetwork, Writer } from './writers.ts';
import type { Target, WriterOptions } from './writers.ts';

const OBSERVER_EVERY_MS = 4;
const PLAIN_WRITERS = 5;
const PLAIN_EVERY_MS = 10;
const WAIT_WRITERS = 3;
const WAIT_EVERY_MS = 5;
const STALE_WRITERS = 2;
const STALE_EVERY_MS = 10;
/** How long after everybody else a stale client learns who is master. */
const STALE_BY_MS = 4000;
/** Answers to what was written before a pause come within this, or count as not come. */
const QUIET_MS = 300;

export class Crowd {
  private readonly writers: readonly Writer[];
  private readonly book: Book;

  constructor(parts: {
    readonly nodes: readonly ChaosNode[];
    readonly belief: Belief;
    readonly book: Book;
    readonly writesPerSecond: number;
  }) {
    const { nodes, belief, book, writesPerSecond } = parts;
    this.book = book;
    const following = (by: WriteClass, index: number, rest: Partial<WriterOptions>): Writer => new Writer({
      book, by, name: `${by}${index}`, target: () => belief.now(), connect: connectOverNetwork,
      batch: 1, everyMs: PLAIN_EVERY_MS, wait: 0, patient: false, ...rest,
    });
    // Every writer pauses for its interval and one round trip: some 12 ms.
    const batch = Math.max(1, Math.round((writesPerSecond * (PLAIN_EVERY_MS + 2)) / 1000 / PLAIN_WRITERS));
    this.writers = [
      ...Array.from({ length: PLAIN_WRITERS }, (_value, index) => following('plain', index, { batch })),
      ...Array.from({ length: WAIT_WRITERS }, (_value, index) => (
        following('wait', index, { wait: 1, everyMs: WAIT_EVERY_MS })
      )),
      ...Array.from({ length: STALE_WRITERS }, (_value, index) => following('stale', index, {
        target: () => belief.before(STALE_BY_MS), everyMs: STALE_EVERY_MS,
      })),
      ...nodes.map(({ redis }, server) => following('fixed', server, {
        target: (): Target => ({ server, host: redis.socket, port: 0 }),
        connect: () => redis.client(),
        everyMs: OBSERVER_EVERY_MS,
        patient: true,
      })),
    ];
  }

  /** Resolves when nothing is under way any more. */
  async pause(): Promise<void> {
    for (const writer of this.writers) writer.pause();
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    for (const writer of this.writers) writer.leaveAll();
    this.book.pause();
  }

  resume(): void {
    for (const writer of this.writers) writer.resume();
  }

  async stop(): Promise<void> {
    await Promise.all(this.writers.map((writer) => writer.stop()));
  }
}
