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

/**
 * The offset up to which a master shares the lineage that it now adds to: 0 where it came back with an identity that
 * the lineage does not know, because what it holds then is its own.
 */
export function beginsAt(data: DataIdentity, lineage: readonly LineageEntry[]): number {
  if (indexOf(lineage, data.replid2) >= 0) return data.secondReplOffset - 1;
  return lineage.length === 0 ? data.offset : 0;
}

/** The lineage with a new entry at its end, the oldest dropped beyond the bound. */
export function appendEntry(lineage: readonly LineageEntry[], entry: LineageEntry): readonly LineageEntry[] {
  if (lineage.at(-1)?.replid === entry.replid) return lineage;
  return [...lineage, entry].slice(-LINEAGE_ENTRIES_MAX);
}

/** Divergence below this is keep-alives and expirations, not writes, and is not called a loss. */
export const DIVERGENCE_NOISE_BYTES = 200;

/** The lineage with the master's own entry at its end, which the term may not name yet. Null = it is of another one. */
function withMaster(lineage: readonly LineageEntry[], master: DataIdentity): readonly LineageEntry[] | null {
  const last = lineage.at(-1);
  if (indexOf(lineage, master.replid) >= 0) return lineage;
  if (last?.replid !== master.replid2) return null;
  return [...lineage, { epoch: last.epoch + 1, replid: master.replid, offset: master.secondReplOffset - 1 }];
}

/**
 * Where the history of an entry ended for the service. No later than any later entry begins: a master that came back
 * with an old file goes on from there, and what the entries in between had is gone. Null = one begins before this one
 * did: they are unrelated.
 */
function endOf(lineage: readonly LineageEntry[], index: number): number | null {
  const end = Math.min(...lineage.slice(index + 1).map(({ offset }) => offset));
  return end < (lineage[index]?.offset ?? 0) ? null : end;
}

/**
 * Bytes that a dataset holds beyond the point at which the master's history left it: what following that master
 * discards. `null` = no common history, so nobody can say.
 *
 * Rules, first match wins:
 * 1. the master's own replid, or the one it continues: its word, up to where it continued;
 * 2. its replid is an entry of the lineage: up to where the earliest of the later entries begins;
 * 3. its replid2 is one: up to where replid2 ends, or that.
 */
export function divergentBytes(
  data: DataIdentity,
  view: Pick<LineageView, 'lineage'>,
  master: DataIdentity | null,
): number | null {
  if (data.replid === master?.replid) return 0;
  if (data.replid === master?.replid2) return Math.max(0, data.offset - (master.secondReplOffset - 1));
  const lineage = master === null ? view.lineage : withMaster(view.lineage, master);
  if (lineage === null) return null;
  const own = indexOf(lineage, data.replid);
  const former = own >= 0 ? own : indexOf(lineage, data.replid2);
  const end = former < 0 ? null : endOf(lineage, former);
  if (end === null) return null;
  const shared = own >= 0 ? end : Math.min(end, data.secondReplOffset - 1);
  return Math.max(0, data.offset - shared);
}
