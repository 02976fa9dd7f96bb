// Where the time of a failover goes, over several runs.
import { expect, test } from 'vitest';
import { stagesOf, type Moments } from './stages.ts';

const run = (moments: Readonly<Record<string, number>>): Moments => new Map(Object.entries(moments));

test('stages are ordered by their medians, each begins where the one before ended, and the shares add up', () => {
  const stages = stagesOf([
    run({ claimed: 20, 'release sent': 4, 'first write': 40 }),
    run({ claimed: 22, 'release sent': 6, 'first write': 50 }),
    run({ claimed: 90, 'release sent': 5, 'first write': 45 }),
  ]);
  expect(stages.map(({ stage, atMs, tookMs }) => [stage, atMs, tookMs])).toEqual([
    ['release sent', 5, 5], ['claimed', 22, 17], ['first write', 45, 23],
  ]);
  expect(stages.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
});

test('a stage that only half of the runs had is left out', () => {
  const stages = stagesOf([run({ 'death proved': 9, 'first write': 40 }), run({ 'first write': 50 })]);
  expect(stages.map(({ stage }) => stage)).toEqual(['first write']);
});

test('of no runs there are no stages', () => {
  expect(stagesOf([])).toEqual([]);
});
