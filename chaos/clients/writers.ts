/**
 * The clients: those who follow the published master, with and without `WAIT 1`, those who learn of it late, and one
 * per server who writes to it past every partition and never asks who is master.
 *
 * That last one is the observer. It tries every few milliseconds, and where a server does not answer it opens another
 * connection and goes on listening on the old one: what a thawed server still acknowledges is part of the record.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { RawRedis, RawReply } from '../../test/support/raw-redis.ts';
import { connectRaw, RawRedisError } from '../../test/support/raw-redis.ts';
import type { Book, WriteClass } from './book.ts';

export interface Target {
  /** Index of the server. */
  readonly server: number;
  readonly host: string;
  readonly port: number;
}

export interface WriterOptions {
  readonly book: Pick<Book, 'acknowledged' | 'refused'>;
  readonly name: string;
  readonly by: WriteClass;
  /** Whom to write to now; null: nobody. Where it changes, the connection is left. */
  readonly target: () => Target | null;
  readonly connect: (target: Target) => Promise<RawRedis>;
  /** Writes sent together. */
  readonly batch: number;
  readonly everyMs: number;
  /** Ask with `WAIT` for this many replicas. */
  readonly wait: number;
  /** Keep connections that do not answer, and what they still say. */
  readonly patient: boolean;
}

/** A batch that is not answered for so long is given up: on another connection, the next one is tried. */
const PATIENCE_MS = 120;
const WAIT_TIMEOUT_MS = 500;
const CONNECT_TIMEOUT_MS = 400;
const REDIAL_MS = 4;
/** Connections that may wait for one silent server. */
const WAITING_MAX = 20;

export class Writer {
  private readonly options: WriterOptions;
  private readonly connections = new Set<RawRedis>();
  private readonly done: Promise<void>;
  private next = 0;
  private paused = false;
  private stopping = false;

  constructor(options: WriterOptions) {
    this.options = options;
    this.done = this.loop();
  }

  /** Writes nothing more until `resume`. */
  pause(): void { this.paused = true; }
  resume(): void { this.paused = false; }

  /** Leaves every connection, also those on which an answer is still to come. */
  leaveAll(): void {
    for (const connection of this.connections) connection.close();
    this.connections.clear();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.leaveAll();
    await this.done;
  }

  private async loop(): Promise<void> {
    let connection: RawRedis | null = null;
    let aimed: Target | null = null;
    while (!this.stopping) {
      const target = this.paused ? null : this.options.target();
      if (connection !== null && (!connection.open || !sameTarget(aimed, target))) {
        this.leave(connection);
        connection = null;
      }
      if (target !== null) {
        connection ??= await this.dial(target);
        aimed = target;
      }
      if (target === null || connection === null) {
        await pause(REDIAL_MS);
        continue;
      }
      if (!await this.writeBatch(target, connection)) {
        this.leave(connection);
        connection = null;
      }
      await pause(this.options.everyMs);
    }
  }

  private leave(connection: RawRedis): void {
    if (this.options.patient && connection.open) return;
    connection.close();
    this.connections.delete(connection);
  }

  private async dial(target: Target): Promise<RawRedis | null> {
    for (const each of this.connections) if (!each.open) this.connections.delete(each);
    if (this.connections.size >= WAITING_MAX) return null;
    try {
      const connection = await this.options.connect(target);
      this.connections.add(connection);
      if (this.stopping) connection.close();
      return connection;
    } catch (error) {
      // Refused, cut off, not there: whoever writes tries again.
      if (!(error instanceof Error)) throw error;
      return null;
    }
  }

  /** Whether all was answered in time and nothing refused in a way that makes another connection worth trying. */
  private async writeBatch(target: Target, connection: RawRedis): Promise<boolean> {
    const { batch, wait } = this.options;
    const answered = Promise.all(Array.from({ length: batch }, () => this.write(target.server, connection)));
    const inTime = new AbortController();
    const patience = pause(PATIENCE_MS + (wait > 0 ? WAIT_TIMEOUT_MS : 0), null, { signal: inTime.signal });
    patience.catch((error: unknown) => {
      if (!inTime.signal.aborted) throw error;
    });
    const outcome = await Promise.race([answered, patience]);
    inTime.abort();
    return outcome?.every(Boolean) ?? false;
  }

  private async write(server: number, connection: RawRedis): Promise<boolean> {
    const { book, name, by, wait } = this.options;
    const key = `${name}:${this.next++}`;
    const sentMs = performance.now();
    try {
      const replies: Promise<RawReply>[] = [connection.cmd('SET', key, key)];
      if (wait > 0) replies.push(connection.cmd('WAIT', wait, WAIT_TIMEOUT_MS));
      const [set, waited] = await Promise.allSettled(replies);
      if (set?.status === 'rejected') throw set.reason as Error;
      if (wait > 0 && (waited?.status !== 'fulfilled' || Number(waited.value) < wait)) return true;
      book.acknowledged({ key, by, server, sentMs, ackedMs: performance.now() });
      return true;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (error instanceof RawRedisError) book.refused(server, error.code, sentMs);
      // The observer stays on its connection: a refusal is an answer.
      return error instanceof RawRedisError && this.options.patient;
    }
  }
}

function sameTarget(a: Target | null, b: Target | null): boolean {
  return a?.host === b?.host && a?.port === b?.port;
}

/** Over the network, as clients do. */
export function connectOverNetwork({ host, port }: Target): Promise<RawRedis> {
  return connectRaw(port, { host, connectTimeoutMs: CONNECT_TIMEOUT_MS });
}
