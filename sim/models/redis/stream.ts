/**
 * The replication stream and the window of it that a server keeps for replicas that come back.
 *
 * Positions are real: every command has its length in bytes, and servers of one lineage agree about where each ends.
 * An entry is made once, by the master, and shared by all that apply it.
 */
import type { Data } from './dataset.ts';

export type OpKind = 'write' | 'flush' | 'select' | 'ping' | 'getack' | 'expire';

export interface Op {
  readonly kind: OpKind;
  readonly bytes: number;
  /** Replication offset behind it. */
  readonly endOffset: number;
  readonly ids: readonly number[];
  /** The master's dataset behind it. */
  readonly data: Data;
}

/** As encoded on the wire. */
export const BYTES: Readonly<Record<Exclude<OpKind, 'write'>, number>> = {
  select: 23, ping: 14, getack: 37, expire: 30, flush: 18,
};

export class Backlog {
  sizeBytes: number;
  /** Offset of the first byte that is still here. */
  firstOffset: number;
  private endOffset: number;
  private readonly ops: Op[] = [];
  private head = 0;

  /** Begins empty behind `offset`. */
  constructor(sizeBytes: number, offset: number) {
    this.sizeBytes = sizeBytes;
    this.firstOffset = offset + 1;
    this.endOffset = offset;
  }

  push(op: Op): void {
    this.ops.push(op);
    this.endOffset = op.endOffset;
    while (this.endOffset - this.firstOffset + 1 > this.sizeBytes) this.dropFirst();
  }

  private dropFirst(): void {
    const first = this.ops[this.head++];
    if (first === undefined) throw new Error('a backlog without entries is not too large');
    this.firstOffset = first.endOffset + 1;
    if (this.head < 4096) return;
    this.ops.splice(0, this.head);
    this.head = 0;
  }

  /** What follows from this offset on, or null when it is not here (any more, or yet). */
  from(nextOffset: number): readonly Op[] | null {
    if (nextOffset < this.firstOffset || nextOffset > this.endOffset + 1) return null;
    let low = this.head;
    let high = this.ops.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.ops[middle]?.endOffset ?? 0) < nextOffset) low = middle + 1;
      else high = middle;
    }
    return this.ops.slice(low);
  }
}
