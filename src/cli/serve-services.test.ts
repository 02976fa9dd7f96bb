import { expect, test } from 'vitest';
import { coversService } from './serve-services.ts';

const covered = (names: readonly string[], patterns: readonly string[]): readonly string[] =>
  names.filter((name) => coversService(name, { own: 'cache-own', patterns }));

test('services are those of the patterns, but for the own one', () => {
  expect(covered(['cache', 'cache-1', 'cache-own', 'web'], ['cache*'])).toEqual(['cache', 'cache-1']);
});

test('every name that a configuration may give is one; what would break the words of an event is none', () => {
  const longest = 'n'.repeat(255);
  expect(covered([longest, `${longest}n`, 'a b', 'a\n', 'a\u202e'], ['*'])).toEqual([longest]);
});
