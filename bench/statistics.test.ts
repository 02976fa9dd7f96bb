// Every figure that is published went through these functions.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { median, percentile, summarize } from './statistics.ts';

test('the median of an odd number of samples is the middle one, of an even number the middle of two', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([10, 2, 4, 1])).toBe(3);
  expect(median([7])).toBe(7);
});

test('numbers are compared as numbers, and the samples stay in their order', () => {
  const samples = [100, 9, 20];
  expect(median(samples)).toBe(20);
  expect(samples).toEqual([100, 9, 20]);
});

test('half of the samples are not above the median, and half not below it', () => {
  fc.assert(fc.property(fc.array(fc.integer(), { minLength: 1 }), (samples) => {
    const { runs, median: middle, min, max } = summarize(samples);
    expect(runs).toBe(samples.length);
    expect(samples.filter((sample) => sample <= middle).length * 2).toBeGreaterThanOrEqual(runs);
    expect(samples.filter((sample) => sample >= middle).length * 2).toBeGreaterThanOrEqual(runs);
    expect(samples.every((sample) => sample >= min && sample <= max)).toBe(true);
    expect(samples).toContain(min);
    expect(samples).toContain(max);
  }));
});

test('of no samples there is no median', () => {
  expect(median([])).toBeNaN();
});

test('a percentile is a sample, by its nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_value, index) => 100 - index);
  expect([0, 0.5, 0.95, 1].map((share) => percentile(hundred, share))).toEqual([1, 50, 95, 100]);
  expect(percentile([8], 0.95)).toBe(8);
  expect(percentile([], 0.95)).toBeNaN();
});
