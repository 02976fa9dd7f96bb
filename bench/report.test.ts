// How samples become figures, and figures a table and JSON: what the README quotes.
import { expect, test } from 'vitest';
import { figuresOf, figuresTable, stagesTable, type Figure } from './report.ts';

function figures(samples: Readonly<Record<string, readonly number[]>>): readonly Figure[] {
  return figuresOf({ samples: new Map(Object.entries(samples).map(([name, values]) => [name, [...values]])) });
}

function named(all: readonly Figure[], name: string): Figure | undefined {
  return all.find(({ figure }) => figure === name);
}

test('only what was measured is shown', () => {
  expect(figures({})).toEqual([]);
  expect(figures({ 'floor.watch': [1] }).map(({ figure }) => figure)).toEqual([
    'floor: write until watch at another client',
  ]);
});

test('a figure stands beside the floor and Sentinel, and is held against its goal', () => {
  const [gap] = figures({ 'redis-killed': [40, 30, 60.04], floor: [20, 22], 'sentinel.gap': [2345.6] });
  expect(gap).toEqual({
    figure: 'redis killed: write gap', unit: 'ms', runs: 3, median: 40, min: 30, max: 60,
    floor: 21, sentinel: 2346, goal: '<= 50', ok: true,
  });
});

test('the median is held against the goal before it is rounded', () => {
  const gap = (sample: number): Figure | undefined => figures({ 'redis-killed': [sample] })[0];
  expect(gap(50.04)).toMatchObject({ median: 50, ok: false });
  expect(gap(50)).toMatchObject({ median: 50, ok: true });
});

test('what was not compared has no floor and no Sentinel, and what has no goal is neither met nor missed', () => {
  const all = figures({ 'redis-killed': [40], 'floor.detect': [1] });
  expect(named(all, 'redis killed: write gap')).toMatchObject({ floor: null, sentinel: null });
  expect(named(all, 'floor: Redis killed until port refuses')).toMatchObject({ goal: null, ok: null });
});

test('ratios are of medians, and need both of them', () => {
  const all = figures({ 'redis-killed': [30, 50, 40], floor: [10, 30], 'sentinel.gap': [790] });
  expect(named(all, 'redis killed: times the floor')).toMatchObject({ median: 2, runs: 2, goal: '<= 2', ok: true });
  expect(named(all, 'redis killed: times shorter than Sentinel')).toMatchObject({ goal: '>= 20', ok: false });
  expect(named(all, 'redis and agent killed: times the floor')).toBeUndefined();
});

test('what must never be is held against every run, and a ratio may have no goal', () => {
  const all = figures({
    'switchover.lost': [0, 0, 1], 'sentinel.switchover.lost': [1700],
    'switchover.until': [20, 30], 'sentinel.switchover.until': [500],
  });
  expect(named(all, 'switchover: acknowledged and lost')).toMatchObject({ median: 0, sentinel: 1700, ok: false });
  expect(named(all, 'switchover: order times shorter than Sentinel')).toMatchObject({ median: 20, goal: null });
});

test('the table is aligned, leaves out what there is not, and shouts about a missed goal', () => {
  const table = figuresTable(figures({ 'redis-killed': [140], 'floor.detect': [1.2345] }));
  expect(table.split('\n')).toEqual([
    'figure                                  unit  runs  median   min   max  floor  Sentinel   goal  ok?',
    'redis killed: write gap                   ms     1     140   140   140                   <= 50   NO',
    'floor: Redis killed until port refuses    ms     1    1.23  1.23  1.23',
    '',
  ]);
});

test('figures go through JSON unchanged', () => {
  const all = figures({ 'redis-killed': [40, 41], floor: [20], 'agent.node24.cpu': [0.25] });
  expect(JSON.parse(JSON.stringify(all))).toEqual(all);
});

test('stages show when, how long and which part of the gap', () => {
  const table = stagesTable('redis killed', [
    { stage: 'release sent', atMs: 2.04, tookMs: 2.04, share: 0.051 },
    { stage: 'first write', atMs: 40, tookMs: 37.96, share: 0.949 },
  ]);
  expect(table.split('\n')).toEqual([
    'redis killed: stage  at ms  took ms  of the gap',
    'release sent           2.0      2.0         5 %',
    'first write           40.0     38.0        95 %',
    '',
  ]);
});
