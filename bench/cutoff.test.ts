// What the fault run says of each cut becomes samples; a cut without a new master is named, not left out.
import { expect, test } from 'vitest';
import type { CutRound } from '../chaos/judge/cutoff.ts';
import { addCuts } from './cutoff.ts';
import { figuresOf } from './report.ts';

const CUT: CutRound = {
  master: 'node1', successor: 'node2', oldLastMs: 1000, newFirstMs: 2400, marginMs: 1390, acknowledged: 480, lost: 470,
  lostFromMs: 1,
  healMs: 200,
};

function collected(): { samples: Map<string, number[]>; failures: string[] } {
  return { samples: new Map(), failures: [] };
}

test('every cut is a sample of each figure, Sentinel beside it', () => {
  const context = collected();
  addCuts(context, 'dictator', [CUT, { ...CUT, marginMs: 1200 }]);
  addCuts(context, 'sentinel', [{ ...CUT, oldLastMs: 18_000, marginMs: -15_600, lost: 8800 }]);
  expect(figuresOf(context).map(({ figure, median, sentinel, ok }) => [figure, median, sentinel, ok])).toEqual([
    ['host cut off: old master acknowledges until', 1000, 18_000, null],
    ['host cut off: new master acknowledges from', 2400, 2400, null],
    ['host cut off: margin between the two', 1295, -15_600, true],
    ['host cut off: acknowledged by the old one and lost', 470, 8800, null],
  ]);
  expect(context.failures).toEqual([]);
});

test('one overlap among many margins misses the goal', () => {
  const context = collected();
  addCuts(context, 'dictator', [CUT, CUT, { ...CUT, marginMs: -1 }]);
  const margin = figuresOf(context).find(({ figure }) => figure === 'host cut off: margin between the two');
  expect(margin).toMatchObject({ median: 1390, min: -1, goal: 'each >= 0', ok: false });
});

test('a cut after which nobody took over is a failure', () => {
  const context = collected();
  addCuts(context, 'dictator', [CUT, { ...CUT, successor: null, newFirstMs: null, marginMs: null }]);
  expect(context.failures).toEqual(['host cut off, dictator: nobody took over in round 2']);
  expect(context.samples.get('cutoff.margin')).toEqual([1390]);
});
