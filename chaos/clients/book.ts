/**
 * The book of a run: which server acknowledged which write when, by one monotonic clock.
 *
 * A write was executed somewhere between the moment it was sent and the moment its acknowledgement was read; nothing
 * narrower is known, and nothing narrower is assumed. The book keeps the writes of the present round, until they were
 * looked for, and of the whole run only what a report needs.
 */
import type { Gap } from './gaps.ts';
import { GapMeter } from './gaps.ts';
import type { Span, Stray } from './spans.ts';
import { SpanKeeper } from './spans.ts';

/**
 * How the client wrote: to the published master, the same with `WAIT 1`, to the master of some seconds ago, or to one
 * and the same server whatever it is, past every partition.
 */
export const WRITE_CLASSES = ['plain', 'wait', 'stale', 'fixed'] as const;
export type WriteClass = (typeof WRITE_CLASSES)[number];

export interface Acknowledged {
  readonly key: string;
  readonly by: WriteClass;
  /** Index of the server. */
  readonly server: number;
  readonly sentMs: number;
  readonly ackedMs: number;
}

/** A server that acknowledged nothing for so long is not called the acknowledging one any more. */
const RECENT_MS = 500;

export class Book {
  readonly totals: Record<WriteClass, number> = { plain: 0, wait: 0, stale: 0, fixed: 0 };
  /** By the first word of the refusal. */
  readonly refusals = new Map<string, number>();
  private readonly spans: SpanKeeper;
  private readonly gaps = new GapMeter();
  private readonly lastAckMs: number[];
  private written: Acknowledged[] = [];

  constructor(servers: number) {
    this.spans = new SpanKeeper(servers);
    this.lastAckMs = Array.from({ length: servers }, () => Number.NEGATIVE_INFINITY);
  }

  acknowledged(write: Acknowledged): void {
    this.totals[write.by] += 1;
    this.written.push(write);
    this.spans.acknowledged(write);
    this.gaps.acknowledged(write);
    this.lastAckMs[write.server] = Math.max(this.lastAckMs[write.server] ?? 0, write.ackedMs);
  }

  /** `sentMs` of the write that was refused. */
  refused(server: number, code: string, sentMs: number): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
    this.spans.refused(server, sentMs);
  }

  /** The server that acknowledged last, or null when that is too long ago. */
  acknowledging(nowMs: number): number | null {
    const latestMs = Math.max(...this.lastAckMs);
    return nowMs - latestMs > RECENT_MS ? null : this.lastAckMs.indexOf(latestMs);
  }

  lastAcknowledgedMs(server: number): number {
    return this.lastAckMs[server] ?? Number.NEGATIVE_INFINITY;
  }

  /** Hands out the writes since the last call. */
  takeWrites(): readonly Acknowledged[] {
    const taken = this.written;
    this.written = [];
    return taken;
  }

  /** Hands out the times without an acknowledgement since the last call. */
  takeGaps(): readonly Gap[] {
    return this.gaps.take();
  }

  /** Hands out who acknowledged when, since the last call; what goes on is cut here. */
  takeSpans(): { readonly spans: readonly Span[]; readonly strays: readonly Stray[] } {
    return this.spans.take();
  }

  /** Nobody writes from here to the next write: that is no gap. */
  pause(): void {
    this.gaps.pause();
  }
}
