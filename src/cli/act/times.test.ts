import { expect, test } from 'vitest';
import { parseDuration, parseTime } from './times.ts';

test.each([
  ['90', 90_000], ['90s', 90_000], ['30m', 1_800_000], ['2h', 7_200_000], ['1d', 86_400_000],
  ['', null], ['1.5h', null], ['-1s', null], ['5 min', null], ['s', null],
])('%j is a duration of %s ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  ['2026-11-23T03:00:00+01:00', Date.UTC(2026, 10, 23, 2)],
  ['2026-11-23 03:00Z', Date.UTC(2026, 10, 23, 3)],
  ['+30m', 1_801_000],
  ['2026-11-23T03:00:00', null],
  ['tomorrow', null],
  ['+', null],
])('%j is the time %s', (text, ms) => {
  expect(parseTime(text, 1000)).toBe(ms);
});
