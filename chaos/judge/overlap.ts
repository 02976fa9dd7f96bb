/**
 * Two writable masters: times, and single writes, at which a second server certainly acknowledged beside another.
 */
import type { Span, Stray } from '../clients/spans.ts';

export interface Overlap {
  /** The server that had been acknowledging for longer: the one that should have stopped. */
  readonly deposed: number;
  readonly successor: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** At least so many writes of the one were sent, and acknowledged, within a span of the other. */
  readonly writes: number;
}

/** Overlaps closer to each other than this are one. */
const JOIN_MS = 1000;

export function findOverlaps(spans: readonly Span[], strays: readonly Stray[]): readonly Overlap[] {
  const sorted = [...spans].sort((a, b) => a.fromMs - b.fromMs);
  const found = sorted.flatMap((span, index) => besides(span, sorted.slice(0, index)));
  return join([...found, ...fromStrays(sorted, strays)].sort((a, b) => a.fromMs - b.fromMs));
}

/** The parts of a span that lie within earlier ones of other servers. */
function besides(span: Span, earlier: readonly Span[]): readonly Overlap[] {
  return earlier
    .filter((other) => other.server !== span.server && other.toMs > span.fromMs)
    .map((other) => ({
      deposed: other.server, successor: span.server, writes: 0,
      fromMs: span.fromMs, toMs: Math.min(span.toMs, other.toMs),
    }));
}

/** Writes of one server that began and ended within another's span. */
function fromStrays(sorted: readonly Span[], strays: readonly Stray[]): readonly Overlap[] {
  return strays.flatMap(({ server, sentMs, ackedMs }) => sorted
    .filter((span) => span.server !== server && sentMs > span.fromMs && ackedMs < span.toMs)
    .map((span) => ({ deposed: server, successor: span.server, fromMs: sentMs, toMs: sentMs, writes: 1 })));
}

function join(overlaps: readonly Overlap[]): readonly Overlap[] {
  const joined: Overlap[] = [];
  for (const next of overlaps) {
    const last = joined.at(-1);
    const samePair = last && [last.deposed, last.successor].includes(next.deposed)
      && [last.deposed, last.successor].includes(next.successor);
    if (!samePair || next.fromMs - last.toMs > JOIN_MS) {
      joined.push(next);
      continue;
    }
    // A single write knows who is beside whom from its own side only; spans know who was there before.
    const { deposed, successor } = last.writes > 0 && next.writes === 0 ? next : last;
    joined[joined.length - 1] = {
      deposed, successor, fromMs: last.fromMs, toMs: Math.max(last.toMs, next.toMs), writes: last.writes + next.writes,
    };
  }
  return joined;
}
