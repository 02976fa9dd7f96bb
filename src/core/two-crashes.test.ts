// Every order of two crashes between every two actions of a failover of three nodes, one world each.

import { describe, expect, test } from 'vitest';

import { everyTwoCrashes, reasonsIn } from './testing/two-crashes.ts';

describe('two crashes between every two actions of a failover', { timeout: 240_000 }, () => {
  test.each(['agent', 'redis'] as const)('end with at most one master: the second one ends an %s', (victim) => {
    const worlds = everyTwoCrashes({
      begin: (village) => village.killRedis('a'),
      victimOf: () => victim,
      judge: (village, what) => {
        expect(village.writable().length, what).toBeLessThanOrEqual(1);
        if (village.writable().length === 0) expect(reasonsIn(village), what).not.toEqual([]);
      },
    });
    expect(worlds).toBeGreaterThan(100);
  });
});
