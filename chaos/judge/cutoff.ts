/**
 * What one cut of the master's host showed, from the writes that clients on both sides know to be acknowledged.
 *
 * A write was executed somewhere between the moment it was sent and the moment its acknowledgement was read. So the
 * margin is the least that it can have been: from *reading* the old master's last acknowledgement to *sending* the
 * first write that another server acknowledged. Above 0 no two servers acknowledged at the same time, however slow the
 * clients were.
 */
import type { Acknowledged } from '../clients/book.ts';
import type { Broken } from './rules.ts';

/** All times are ms since the cut. */
export interface CutRound {
  readonly master: string;
  /** Null when no other server acknowledged anything. */
  readonly successor: string | null;
  /** When the old master's last acknowledgement was read; 0 where there was none any more. */
  readonly oldLastMs: number;
  /** When the first acknowledgement of another server was read. */
  readonly newFirstMs: number | null;
  readonly marginMs: number | null;
  /** Acknowledged by the old master after the cut. */
  readonly acknowledged: number;
  /** Acknowledged by the old master, before the cut or after it, and gone when all was well again. */
  readonly lost: number;
  /** When the first of these was acknowledged: replication is asynchronous, so it may be shortly before the cut. */
  readonly lostFromMs: number | null;
  /** From the end of the cut until all was well. */
  readonly healMs: number;
}

export interface Cut {
  readonly nodes: readonly string[];
  /** Index of the server that was cut off. */
  readonly old: number;
  readonly cutMs: number;
  readonly writes: readonly Acknowledged[];
  readonly lost: readonly Acknowledged[];
  readonly healMs: number;
}

export function judgeCut({ nodes, old, cutMs, writes, lost, healMs }: Cut): CutRound {
  const after = writes.filter(({ ackedMs }) => ackedMs >= cutMs);
  const byOld = after.filter(({ server }) => server === old);
  const byOthers = after.filter(({ server }) => server !== old);
  const oldLastMs = byOld.reduce((last, { ackedMs }) => Math.max(last, ackedMs), cutMs);
  const newSentMs = byOthers.reduce((first, { sentMs }) => Math.min(first, sentMs), Number.POSITIVE_INFINITY);
  const [first = null] = byOthers.toSorted((a, b) => a.ackedMs - b.ackedMs);
  const gone = lost.filter(({ server }) => server === old);
  return {
    master: nodes[old] ?? '',
    successor: first === null ? null : nodes[first.server] ?? '',
    oldLastMs: oldLastMs - cutMs,
    newFirstMs: first === null ? null : first.ackedMs - cutMs,
    marginMs: first === null ? null : newSentMs - oldLastMs,
    acknowledged: byOld.length,
    lost: gone.length,
    lostFromMs: gone.length === 0 ? null : Math.min(...gone.map(({ ackedMs }) => ackedMs)) - cutMs,
    healMs,
  };
}

/** The promises of Dictator that a cut can break. */
export function brokenBy(rounds: readonly CutRound[]): readonly Broken[] {
  return rounds.flatMap(({ master, marginMs }, index): Broken[] => {
    const where = `round ${index + 1}: ${master} cut off`;
    if (marginMs === null) return [{ rule: 'I7 heals', what: `${where}, and nobody took over` }];
    if (marginMs > 0) return [];
    return [{ rule: 'I2 one master acknowledges', what: `${where}, overlap of ${(-marginMs).toFixed(0)} ms` }];
  });
}
