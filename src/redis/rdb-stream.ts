/**
 * What a master sends after `SYNC`, cut into what it is: empty lines while it prepares, a preamble, the RDB.
 *
 * There are two preambles. `$<bytes>` is followed by so many bytes. `$EOF:<mark>` comes from a master that streams the
 * dataset while it writes it, and knows no length: the dataset ends where 40 random bytes, the mark, end what was
 * received. After either the master may go on with its replication stream, which nobody asked for here.
 */

/** Length of the mark, as Redis makes it. */
const MARK_BYTES = 40;
/** Longest line that can be a preamble or an error; anything longer is not the protocol. */
const LINE_BYTES_MAX = 1024;
const LINE_FEED = 0x0a;

export type RdbProgress =
  | { readonly kind: 'more' }
  | { readonly kind: 'end' }
  /** The master refused, in its own words' first word; `PROTOCOL` = what it sent is none of this. */
  | { readonly kind: 'refused'; readonly code: string };

const MORE: RdbProgress = { kind: 'more' };
const END: RdbProgress = { kind: 'end' };

type Phase =
  | { readonly name: 'preamble'; readonly line: Buffer }
  | { readonly name: 'counted'; readonly left: number }
  | { readonly name: 'marked'; readonly mark: Buffer; readonly tail: Buffer }
  | { readonly name: 'over'; readonly how: RdbProgress };

export class RdbStream {
  private phase: Phase = { name: 'preamble', line: Buffer.alloc(0) };

  /** Bytes that the preamble announced; null while unknown, or for a marked stream. */
  sizeBytes: number | null = null;

  /** Takes what was received; `sink` is given what of it belongs to the RDB. */
  push(chunk: Buffer, sink: (bytes: Buffer) => void): RdbProgress {
    switch (this.phase.name) {
      case 'preamble':
        return this.readLines(chunk, this.phase.line, sink);
      case 'counted':
        return this.count(chunk, this.phase.left, sink);
      case 'marked':
        return this.findMark(chunk, this.phase, sink);
      case 'over':
        return this.phase.how;
    }
  }

  private readLines(chunk: Buffer, before: Buffer, sink: (bytes: Buffer) => void): RdbProgress {
    let rest = Buffer.concat([before, chunk]);
    for (let end = rest.indexOf(LINE_FEED); end >= 0; end = rest.indexOf(LINE_FEED)) {
      const line = rest.toString('latin1', 0, end).trimEnd();
      rest = rest.subarray(end + 1);
      // A lone line feed keeps the connection alive while the dataset is prepared.
      if (line === '') continue;
      return this.begin(line) ? this.push(rest, sink) : this.over({ kind: 'refused', code: codeOf(line) });
    }
    if (rest.length > LINE_BYTES_MAX) return this.over({ kind: 'refused', code: 'PROTOCOL' });
    this.phase = { name: 'preamble', line: rest };
    return MORE;
  }

  /** Whether the line is a preamble; then the payload follows. */
  private begin(line: string): boolean {
    const mark = /^\$EOF:(.+)$/.exec(line)?.[1];
    if (mark?.length === MARK_BYTES) {
      this.phase = { name: 'marked', mark: Buffer.from(mark, 'latin1'), tail: Buffer.alloc(0) };
      return true;
    }
    const left = Number(/^\$(\d+)$/.exec(line)?.[1] ?? Number.NaN);
    if (!Number.isSafeInteger(left)) return false;
    this.phase = { name: 'counted', left };
    this.sizeBytes = left;
    return true;
  }

  private count(chunk: Buffer, left: number, sink: (bytes: Buffer) => void): RdbProgress {
    const bytes = chunk.subarray(0, left);
    if (bytes.length > 0) sink(bytes);
    if (bytes.length === left) return this.over(END);
    this.phase = { name: 'counted', left: left - bytes.length };
    return MORE;
  }

  /** The last 40 bytes received are kept back for as long as they may be the mark. */
  private findMark(
    chunk: Buffer,
    { mark, tail }: Extract<Phase, { name: 'marked' }>,
    sink: (bytes: Buffer) => void,
  ): RdbProgress {
    const all = Buffer.concat([tail, chunk]);
    const keep = Math.max(0, all.length - MARK_BYTES);
    if (keep > 0) sink(all.subarray(0, keep));
    const last = all.subarray(keep);
    if (last.equals(mark)) return this.over(END);
    this.phase = { name: 'marked', mark, tail: last };
    return MORE;
  }

  private over(how: RdbProgress): RdbProgress {
    this.phase = { name: 'over', how };
    return how;
  }
}

function codeOf(line: string): string {
  return /^-([A-Z]+)\b/.exec(line)?.[1] ?? 'PROTOCOL';
}
