/**
 * The dataset of one Redis at one moment: which writes it holds.
 *
 * Persistent: every state is a node that points to the state before it, so a snapshot, a full sync and a file on disk
 * are one reference each, and two servers that applied the same stream hold the very same node.
 */
export class Data {
  static readonly EMPTY = new Data(null, [], 0);
  readonly parent: Data | null;
  readonly ids: readonly number[];
  /** Keys. */
  readonly size: number;
  private known: ReadonlySet<number> | null = null;

  private constructor(parent: Data | null, ids: readonly number[], size: number) {
    this.parent = parent;
    this.ids = ids;
    this.size = size;
  }

  with(ids: readonly number[]): Data {
    return new Data(this, ids, this.size + ids.length);
  }

  /** Every write in it; made at the first call, in time proportional to the dataset. */
  all(): ReadonlySet<number> {
    if (this.known !== null) return this.known;
    const all = new Set<number>(this.ids);
    for (let at = this.parent; at !== null; at = at.parent) for (const id of at.ids) all.add(id);
    this.known = all;
    return all;
  }

  has(id: number): boolean {
    return this.all().has(id);
  }
}
