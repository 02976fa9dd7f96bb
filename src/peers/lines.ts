/**
 * Bytes to lines, whatever the chunking, holding at most one unfinished line of bounded length.
 */

/** Longest line, without its newline. */
export const LINE_BYTES_MAX = 4096;

const NEWLINE = 0x0a;

export interface LineSplitter {
  /** The lines that this chunk completes, or `oversize`, after which the stream is of no more use. */
  push(chunk: Buffer): readonly string[] | 'oversize';
}

export function createLineSplitter(): LineSplitter {
  let unfinished: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      const bytes = unfinished.length === 0 ? chunk : Buffer.concat([unfinished, chunk]);
      const lines: string[] = [];
      let start = 0;
      for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, start)) {
        if (at - start > LINE_BYTES_MAX) return 'oversize';
        lines.push(bytes.toString('utf8', start, at));
        start = at + 1;
      }
      // A copy: a slice would keep the whole chunk in memory.
      unfinished = Buffer.from(bytes.subarray(start));
      return unfinished.length > LINE_BYTES_MAX ? 'oversize' : lines;
    },
  };
}
