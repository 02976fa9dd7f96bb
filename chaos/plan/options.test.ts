// The command line of the fault runs.
import { expect, test } from 'vitest';
import { parseOptions } from './options.ts';

test('a cut has a session timeout of 2 s, everything else one of 5 s, unless one is given', () => {
  expect(parseOptions([], 1)).toMatchObject({ scenario: 'storm', sessionMs: 5000, seed: 1 });
  expect(parseOptions(['--scenario', 'cutoff'], 1)).toMatchObject({ sessionMs: 2000, rounds: 10, cutMs: 8000 });
  const given = ['--session-ms', '5000', '--scenario', 'cutoff'];
  expect(parseOptions(given, 1)).toMatchObject({ scenario: 'cutoff', sessionMs: 5000 });
});

test('lines for redis.conf add up', () => {
  expect(parseOptions(['--redis', 'min-replicas-to-write 1', '--redis=save ""'], 1)).toMatchObject({
    redis: ['min-replicas-to-write 1', 'save ""'],
  });
});

test.each([
  [['--scenario', 'cut'], '--scenario: storm, aphyr or cutoff'],
  [['--rounds', '0'], '--rounds: a number from 1 to 1000'],
  [['--cut-ms', '999'], '--cut-ms: a number from 1000 to 600000'],
  [['--rounds'], '--rounds: a value is missing'],
])('%j is refused: %s', (args, sentence) => {
  expect(parseOptions(args, 1)).toBe(sentence);
});
