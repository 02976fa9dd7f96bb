// Whatever the chunking, the same lines; and never more than one unfinished line in memory.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createLineSplitter, LINE_BYTES_MAX } from './lines.ts';

describe('the line splitter', () => {
  test('gives the same lines for any chunking', () => {
    const lines = fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }).map((line) => line.replaceAll('\n', ' ')));
    fc.assert(
      fc.property(lines, fc.array(fc.nat({ max: 500 })), (sent, cuts) => {
        const bytes = Buffer.from(sent.map((line) => `${line}\n`).join(''));
        const edges = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        const splitter = createLineSplitter();
        const got = edges.flatMap((edge, index) => splitter.push(bytes.subarray(edges[index - 1] ?? 0, edge)));
        expect(got).toEqual(sent);
      }),
    );
  });

  test('takes the longest line and refuses one byte more, finished or not', () => {
    const longest = 'x'.repeat(LINE_BYTES_MAX);
    expect(createLineSplitter().push(Buffer.from(`${longest}\n`))).toEqual([longest]);
    expect(createLineSplitter().push(Buffer.from(`${longest}x\n`))).toBe('oversize');
    expect(createLineSplitter().push(Buffer.from(`${longest}x`))).toBe('oversize');
    const splitter = createLineSplitter();
    expect(splitter.push(Buffer.from(longest))).toEqual([]);
    expect(splitter.push(Buffer.from('x'))).toBe('oversize');
  });
});
