// Identity of data: which datasets are of the lineage, and how far they reach.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  appendEntry, beginsAt, comparePositions, divergentBytes, LINEAGE_ENTRIES_MAX, positionOf, shareHistory,
} from './lineage.ts';
import type { DataIdentity } from './lineage.ts';

const LINEAGE = [
  { epoch: 1, replid: 'one', offset: 0 },
  { epoch: 2, replid: 'two', offset: 100 },
  { epoch: 3, replid: 'three', offset: 200 },
] as const;
const SETTLED = { lineage: LINEAGE, pending: null };
const PENDING = { lineage: LINEAGE, pending: { epoch: 4, node: 'b', former: null, inSync: [] } };

const data = (replid: string, offset: number, replid2: string | null = null, secondReplOffset = -1): DataIdentity => ({
  replid,
  replid2,
  secondReplOffset,
  offset,
});

describe('the position of a dataset', () => {
  test.each([
    ['its replid is the last entry', data('three', 250), { entry: 2, offset: 250 }],
    ['its replid is an earlier entry', data('one', 90), { entry: 0, offset: 90 }],
    ['its replid decides before its replid2', data('three', 250, 'two', 201), { entry: 2, offset: 250 }],
    [
      'restarted from RDB: a new replid, the old one as replid2, exact',
      data('new', 240, 'three', 241),
      { entry: 2, offset: 240 },
    ],
    ['promoted elsewhere: counts up to where replid2 ends', data('rogue', 900, 'two', 151), { entry: 1, offset: 150 }],
    ['restarted from AOF: nothing recognisable', data('new', 0), null],
    ['foreign through and through', data('x', 5000, 'y', 4000), null],
  ])('%s', (_what, dataset, position) => {
    expect(positionOf(dataset, SETTLED)).toEqual(position);
  });

  test('while a claim is pending an unknown replid behind the last entry is the pending entry', () => {
    expect(positionOf(data('four', 320, 'three', 301), PENDING)).toEqual({ entry: 3, offset: 320 });
  });

  test('the pending entry succeeds the last entry and no earlier one', () => {
    expect(positionOf(data('rogue', 320, 'two', 151), PENDING)).toEqual({ entry: 1, offset: 150 });
  });

  test('a replica that never reached the pending entry stays where it is', () => {
    expect(positionOf(data('three', 299), PENDING)).toEqual({ entry: 2, offset: 299 });
  });

  test('an id that came twice counts as its later entry', () => {
    const lineage = [...LINEAGE, { epoch: 4, replid: 'one', offset: 300 }];
    expect(positionOf(data('one', 310), { lineage, pending: null })).toEqual({ entry: 3, offset: 310 });
  });
});

test('positions are compared by entry, then by offset', () => {
  expect(comparePositions({ entry: 1, offset: 900 }, { entry: 2, offset: 1 })).toBeLessThan(0);
  expect(comparePositions({ entry: 2, offset: 2 }, { entry: 2, offset: 1 })).toBeGreaterThan(0);
  expect(comparePositions({ entry: 2, offset: 2 }, { entry: 2, offset: 2 })).toBe(0);
});

test('along the stream of one master a position never goes back', () => {
  fc.assert(fc.property(fc.constantFrom('one', 'two', 'three'), fc.nat(), fc.nat(), (replid, offset, more) => {
    const before = positionOf(data(replid, offset), SETTLED);
    const after = positionOf(data(replid, offset + more), SETTLED);
    expect(comparePositions(after!, before!)).toBeGreaterThanOrEqual(0);
  }));
});

describe('a shared history without a term', () => {
  test.each([
    ['the same replid', data('x', 1), data('x', 9), true],
    ['one continues the other', data('x', 1), data('y', 9, 'x', 5), true],
    ['the other way round', data('y', 9, 'x', 5), data('x', 1), true],
    ['two that both have none behind them', data('x', 1), data('y', 1), false],
    ['two branches of one: which is right nobody can say', data('y', 9, 'x', 5), data('z', 9, 'x', 5), false],
  ])('%s', (_what, a, b, shared) => {
    expect(shareHistory(a, b)).toBe(shared);
  });
});

describe('a new entry', () => {
  test('is appended once', () => {
    const entry = { epoch: 4, replid: 'four', offset: 300 };
    const longer = appendEntry(LINEAGE, entry);
    expect(longer).toEqual([...LINEAGE, entry]);
    expect(appendEntry(longer, { ...entry, offset: 999 })).toBe(longer);
  });

  test('pushes the oldest out beyond the bound', () => {
    let lineage = appendEntry([], { epoch: 0, replid: 'id-0', offset: 0 });
    for (let i = 1; i < 40; i++) lineage = appendEntry(lineage, { epoch: i, replid: `id-${i}`, offset: i });
    expect(lineage).toHaveLength(LINEAGE_ENTRIES_MAX);
    expect(lineage.at(-1)?.replid).toBe('id-39');
  });
});

describe('divergent bytes', () => {
  test.each([
    ['the present history diverges in nothing', data('three', 999), 0],
    ['what a deposed master wrote on', data('two', 260), 60],
    ['what a master deposed two epochs ago wrote on, though the service is far ahead', data('one', 160), 60],
    ['a replica that was behind', data('two', 150), 0],
    ['restarted from RDB behind the branch', data('new', 180, 'two', 181), 0],
    ['restarted from RDB, written to before anybody saw it', data('new', 195, 'two', 181), 15],
    ['restarted from RDB of the present history, the same', data('new', 290, 'three', 251), 40],
    ['without common lineage nobody can say', data('x', 50), null],
  ])('%s', (_what, dataset, bytes) => {
    expect(divergentBytes(dataset, SETTLED, null)).toBe(bytes);
  });

  test('an empty lineage says nothing', () => {
    expect(divergentBytes(data('x', 1), { lineage: [] }, null)).toBe(null);
  });

  test('an entry that begins before the one it follows belongs to another history', () => {
    const lineage = [...LINEAGE, { epoch: 4, replid: 'from-aof', offset: 0 }];
    expect(divergentBytes(data('three', 300), { lineage }, null)).toBe(null);
  });

  test('a master that came back with an old file goes on from there: later data of earlier entries diverges', () => {
    const lineage = [...LINEAGE, { epoch: 4, replid: 'old-file', offset: 40 }];
    expect(divergentBytes(data('one', 90), { lineage }, null)).toBe(50);
    expect(divergentBytes(data('detached', 90, 'one', 91), { lineage }, null)).toBe(50);
    expect(divergentBytes(data('one', 30), { lineage }, null)).toBe(0);
    expect(divergentBytes(data('two', 150), { lineage }, null)).toBe(null);
  });

  test('a master begins where it continued the lineage, and shares nothing where it continued none', () => {
    expect(beginsAt({ ...data('new', 400), replid2: 'three', secondReplOffset: 301 }, LINEAGE)).toBe(300);
    expect(beginsAt(data('new', 400), LINEAGE)).toBe(0);
    expect(beginsAt(data('new', 400), [])).toBe(400);
  });
});

describe('divergent bytes by the word of a master that the term does not name yet', () => {
  const master = data('four', 400, 'three', 301);
  test.each([
    ['its own replid', data('four', 500), 0],
    ['the history that it continues, up to where it did', data('three', 330), 30],
    ['not beyond that', data('three', 300), 0],
    ['an earlier one', data('two', 230), 30],
    ['none of them', data('x', 10), null],
  ])('%s', (_what, dataset, bytes) => {
    expect(divergentBytes(dataset, SETTLED, master)).toBe(bytes);
  });

  test('a master of another history shares nothing, whatever the term says', () => {
    expect(divergentBytes(data('three', 250), SETTLED, data('other', 10, 'unknown', 5))).toBe(null);
    expect(divergentBytes(data('three', 250), SETTLED, data('other', 10))).toBe(null);
  });
});
