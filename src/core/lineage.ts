/**
 * Identity of data: is this dataset ours, and how far does it reach?
 *
 * Redis names a replication history by a random id (`master_replid`) and a byte offset in it. A promotion starts a
 * new id and remembers the old one as `master_replid2`, valid up to `second_repl_offset - 1`. The *lineage* is the
 * service's list of ids with the offset at which each began; along it offsets only grow, so two positions of one
 * lineage can be compared, and a position of no lineage cannot be compared with anything.
 *
 * The trap is the gap between promotion and record: a master that was promoted and whose agent died before it could
 * write down the new id would look foreign to everybody. Therefore a claim names the pending epoch and node, and an
 * unknown id whose replid2 is the last entry counts as the pending entry.
 *
 * Redis restarted from an RDB keeps the old id as replid2 (exact); restarted from an AOF it shows a new id and
 * offset 0: nothing recognisable, which is why the registry keeps what a node was last seen to have.
 */

export interface LineageEntry {
  readonly epoch: number;
  readonly replid: string;
  /** Replication offset at which the master of this epoch began. */
  readonly offset: number;
}

/** Most entries kept in a term: enough for any replica that can still resync partially, bounded for ever. */
export const LINEAGE_ENTRIES_MAX = 16;

/** What identifies a dataset, from `INFO replication`. */
export interface DataIdentity {
  readonly replid: string;
  readonly replid2: string | null;
  /** First offset that is *not* of replid2. */
  readonly secondReplOffset: number;
  readonly offset: number;
}

/** A point in a lineage: index of the entry, and the offset reached. */
export interface Position {
  readonly entry: number;
  readonly offset: number;
}

/** The view of a lineage that a comparison needs. */
export interface LineageView {
  readonly lineage: readonly LineageEntry[];
  readonly pending: { readonly epoch: number; readonly node: string } | null;
}

function indexOf(lineage: readonly LineageEntry[], replid: string | null): number {
  return replid === null ? -1 : lineage.findLastIndex((entry) => entry.replid === replid);
}

/**
 * Position of a dataset in a lineage, or null when it is not of it.
 *
 * Rules, first match wins:
 * 1. its replid is an entry: that entry, its offset;
 * 2. a claim is pending and its replid2 is the last entry: the pending entry (one past the last), its offset;
 * 3. its replid2 is an entry: that entry, up to where replid2 ends.
 */
export function positionOf(data: DataIdentity, view: LineageView): Position | null {
  const own = indexOf(view.lineage, data.replid);
  if (own >= 0) return { entry: own, offset: data.offset };
  const former = indexOf(view.lineage, data.replid2);
  if (former < 0) return null;
  if (view.pending !== null && former === view.lineage.length - 1) {
    return { entry: view.lineage.length, offset: data.offset };
  }
  return { entry: former, offset: Math.min(data.offset, data.secondReplOffset - 1) };
}

/** Negative when `a` is behind `b`. */
export function comparePositions(a: Position, b: Position): number {
  return a.entry - b.entry || a.offset - b.offset;
}

/** Whether two servers share a history, without any term to ask: for the first start only. */
export function shareHistory(
  a: { readonly replid: string; readonly replid2: string | null },
  b: { readonly replid: string; readonly replid2: string | null },
): boolean {
  return a.replid === b.replid || a.replid === b.replid2 || (a.replid2 !== null && a.replid2 === b.replid);
}

/** The lineage with a new entry at its end, the oldest dropped beyond the bound. */
export function appendEntry(lineage: readonly LineageEntry[], entry: LineageEntry): readonly LineageEntry[] {
  if (lineage.at(-1)?.replid === entry.replid) return lineage;
  return [...lineage, entry].slice(-LINEAGE_ENTRIES_MAX);
}

/** Divergence below this is keep-alives and expirations, not writes, and is not called a loss. */
export const DIVERGENCE_NOISE_BYTES = 200;

/**
 * Bytes that a dataset holds beyond the point at which the current master began: what following it discards.
 * `null` = no common lineage, so nobody can say.
 */
export function divergentBytes(data: DataIdentity, view: LineageView): number | null {
  const current = view.lineage.at(-1);
  const position = positionOf(data, view);
  if (current === undefined || position === null) return null;
  if (data.replid === current.replid) return 0;
  return Math.max(0, data.offset - current.offset);
}
