// The command line of the bench.
import { expect, test } from 'vitest';
import { MEASURES, parseOptions } from './options.ts';

test('without arguments everything is measured, Sentinel less often since its runs take long', () => {
  expect(parseOptions([])).toEqual({ only: MEASURES, runs: 10, sentinelRuns: 5, switchovers: 100, timeline: false });
});

test.each([
  [['--only', 'agent,floor', '--runs', '3'], { only: ['agent', 'floor'], runs: 3, sentinelRuns: 3 }],
  [['--only=agent', '--runs=7'], { only: ['agent'], runs: 7, sentinelRuns: 5 }],
  [['--only', 'switchover', '--switchovers', '20'], { runs: 10, switchovers: 20, sentinelRuns: 5 }],
  [['--without-sentinel', '--timeline'], { sentinelRuns: 0, timeline: true }],
])('%j', (args, options) => {
  expect(parseOptions(args)).toMatchObject(options);
});

test.each([
  [['--only', 'agent,speed'], '--only: no figure is named "speed"'],
  [['--only'], '--only: no figure is named ""'],
  [['--runs', '0'], '--runs: a number from 1 to 1000'],
  [['--runs', '1.5'], '--runs: a number from 1 to 1000'],
  [['--runs', '1001'], '--runs: a number from 1 to 1000'],
  [['--switchovers', '0'], '--switchovers: a number from 1 to 1000'],
  [['--runs'], '--runs: a number from 1 to 1000'],
  [['--fast'], 'unknown: --fast'],
])('%j is refused: %s', (args, sentence) => {
  expect(parseOptions(args)).toBe(sentence);
});

test.each([['--help'], ['-h']])('%s asks for help', (arg) => {
  expect(parseOptions([arg, '--fast'])).toBe('help');
});
