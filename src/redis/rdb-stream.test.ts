// What a master sends after SYNC, in any pieces.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { RdbProgress } from './rdb-stream.ts';
import { RdbStream } from './rdb-stream.ts';

const RDB = Buffer.from('REDIS0010\r\n$EOF:no\n\u0000\u00ff payload', 'latin1');
const MARK = 'a'.repeat(20) + '0123456789'.repeat(2);

function feed(bytes: Buffer, cuts: readonly number[] = []): { got: Buffer; last: RdbProgress; stream: RdbStream } {
  const stream = new RdbStream();
  const got: Buffer[] = [];
  let last: RdbProgress = { kind: 'more' };
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    last = stream.push(bytes.subarray(from, to), (piece) => got.push(Buffer.from(piece)));
    from = to;
  }
  return { got: Buffer.concat(got), last, stream };
}

const counted = Buffer.concat([Buffer.from(`\n\n$${RDB.length}\r\n`), RDB]);
const marked = Buffer.concat([Buffer.from(`\n$EOF:${MARK}\r\n`), RDB, Buffer.from(MARK)]);

describe('a dataset', () => {
  test.each([
    ['of announced length', counted],
    ['that ends with a mark', marked],
  ])('%s, cut anywhere', (_what, bytes) => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 5 });
    fc.assert(fc.property(cuts, (positions) => {
      const { got, last } = feed(bytes, positions.sort((a, b) => a - b));
      expect(last).toEqual({ kind: 'end' });
      expect(got.equals(RDB)).toBe(true);
    }));
  });

  test('the announced length is known, an unannounced one is not', () => {
    expect(feed(counted).stream.sizeBytes).toBe(RDB.length);
    expect(feed(marked).stream.sizeBytes).toBe(null);
  });

  test('what follows it is not part of it', () => {
    const { got, last } = feed(Buffer.concat([counted, Buffer.from('*1\r\n$4\r\nPING\r\n')]));
    expect(got.equals(RDB)).toBe(true);
    expect(last).toEqual({ kind: 'end' });
  });

  test('one byte short is not the end', () => {
    expect(feed(counted.subarray(0, -1)).last).toEqual({ kind: 'more' });
    expect(feed(marked.subarray(0, -1)).last).toEqual({ kind: 'more' });
  });

  test('an empty one ends at once', () => {
    expect(feed(Buffer.from('$0\r\n')).last).toEqual({ kind: 'end' });
  });
});

test.each([
  ['-NOMASTERLINK Can\'t SYNC while not connected with my master\r\n', 'NOMASTERLINK'],
  ['\n-NOPERM this user has no permissions\r\n', 'NOPERM'],
  ['+OK\r\n', 'PROTOCOL'],
  ['$EOF:short\r\n', 'PROTOCOL'],
  ['$-1\r\n', 'PROTOCOL'],
  ['x'.repeat(2000), 'PROTOCOL'],
])('%j is a refusal: %s', (text, code) => {
  expect(feed(Buffer.from(text)).last).toEqual({ kind: 'refused', code });
});
