// What a cut of the master's host showed: when the old master fell silent, when the new one spoke, what is gone.
import { expect, test } from 'vitest';
import type { Acknowledged } from '../clients/book.ts';
import type { Cut, CutRound } from './cutoff.ts';
import { brokenBy, judgeCut } from './cutoff.ts';

function write(server: number, sentMs: number, ackedMs: number): Acknowledged {
  return { key: `${server}:${sentMs}`, by: 'fixed', server, sentMs, ackedMs };
}

const EARLY = write(0, 990, 991);
const LAST = write(0, 2498, 2500);
const FIRST = write(1, 3100, 3104);

function judged(change: Partial<Cut> = {}): CutRound {
  return judgeCut({
    nodes: ['node1', 'node2', 'node3'], old: 0, cutMs: 1000, writes: [EARLY, write(0, 1001, 1003), LAST, FIRST],
    lost: [], healMs: 40, ...change,
  });
}

test('times count from the cut, the margin from the last acknowledgement read to the first write sent', () => {
  expect(judged()).toEqual({
    master: 'node1', successor: 'node2', oldLastMs: 1500, newFirstMs: 2104, marginMs: 600, acknowledged: 2, lost: 0,
    lostFromMs: null, healMs: 40,
  });
});

test('the order in which clients report does not matter', () => {
  expect(judged({ writes: [FIRST, LAST, write(1, 3200, 3201), write(0, 1001, 1003), EARLY] })).toEqual(judged());
});

test('a write of the new master that waited for its answer began when it was sent', () => {
  expect(judged({ writes: [LAST, FIRST, write(1, 2400, 3300)] })).toMatchObject({ newFirstMs: 2104, marginMs: -100 });
});

test('an old master that goes on beside the new one has a margin below 0', () => {
  expect(judged({ writes: [LAST, FIRST, write(0, 9000, 9001)] })).toMatchObject({ oldLastMs: 8001, marginMs: -5901 });
});

test('an old master that fell silent at once counts from the cut', () => {
  expect(judged({ writes: [EARLY, FIRST] })).toMatchObject({ oldLastMs: 0, marginMs: 2100, acknowledged: 0 });
});

test('what another server acknowledged before the cut is of an earlier term', () => {
  expect(judged({ writes: [write(2, 500, 501), LAST, FIRST] })).toMatchObject({ successor: 'node2', marginMs: 600 });
});

test('lost is what the old master acknowledged, also shortly before the cut', () => {
  expect(judged({ lost: [LAST, EARLY] })).toMatchObject({ lost: 2, lostFromMs: -9 });
  expect(judged({ lost: [LAST, FIRST] })).toMatchObject({ lost: 1, lostFromMs: 1500 });
});

test('overlap breaks a promise, and so does a cut after which nobody took over', () => {
  const alone = judged({ writes: [EARLY, LAST] });
  expect(alone).toMatchObject({ successor: null, newFirstMs: null, marginMs: null });
  const overlap = judged({ writes: [FIRST, write(0, 3110, 3120)] });
  expect(brokenBy([judged(), alone, overlap])).toEqual([
    { rule: 'I7 heals', what: 'round 2: node1 cut off, and nobody took over' },
    { rule: 'I2 one master acknowledges', what: 'round 3: node1 cut off, overlap of 20 ms' },
  ]);
});
