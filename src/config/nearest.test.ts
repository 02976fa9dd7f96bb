import { expect, test } from 'vitest';
import { editDistance, nearest } from './nearest.ts';

test.each([
  ['', '', 0],
  ['a', '', 1],
  ['kitten', 'sitting', 3],
  ['port', 'prot', 2],
])('the distance of %j and %j is %i', (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
  expect(editDistance(b, a)).toBe(distance);
});

test('the nearest name is found whatever its case and dashes', () => {
  expect(nearest('Log-Level', ['log_level', 'http_port'])).toBe('log_level');
});

test('nothing is suggested where nothing is near, and overlong names are not compared', () => {
  expect(nearest('xyzzy', ['log_level', 'http_port'])).toBeUndefined();
  expect(nearest('a'.repeat(65), ['a'.repeat(64)])).toBeUndefined();
});
