// A crash, and a second one, between every two actions of a planned switchover: at most one master, nothing lost, and
// the order is carried out at most once.

import { describe, expect, test } from 'vitest';

import { everyTwoCrashes, reasonsIn, settleUntil } from '../testing/two-crashes.ts';
import type { Village } from '../testing/village.ts';

function askFor(village: Village): void {
  const askedAt = village.nowMs + village.wallLeadMs;
  const rest = { from: null, scheduledAt: null, force: false } as const;
  const request = { id: 'it', kind: 'switchover', target: 'c', asker: 'test', askedAt, ...rest } as const;
  village.order('b', { order: 'operation', request });
}

/** How often the lease was given away for the order: what may happen once. */
function timesCarriedOut(village: Village): number {
  const versions = new Set<string>();
  for (const { by, action } of village.journal) {
    if (action.kind === 'release' && action.order !== undefined) versions.add(`${by} ${action.order.version}`);
  }
  return versions.size;
}

function judge(village: Village, what: string): void {
  // The order ends, too, at the latest at its deadline.
  settleUntil(village, () => village.ensemble.records.order === null);
  expect(village.writable().length, what).toBeLessThanOrEqual(1);
  expect(timesCarriedOut(village), what).toBeLessThanOrEqual(1);
  expect(village.ensemble.records.order, what).toBe(null);
  const results = village.ensemble.records.results?.value.list ?? [];
  expect(results.length, what).toBeLessThanOrEqual(1);
  const [master] = village.writable();
  if (master !== undefined) expect(village.redis(master).keys, what).toBe(1);
  if (master === undefined) expect(reasonsIn(village), what).not.toEqual([]);
}

describe('crashes between the actions of a switchover', { timeout: 240_000 }, () => {
  test('two of them: the first one ends an agent, the second one an agent or a Redis', () => {
    const worlds = everyTwoCrashes({
      begin: askFor,
      // Every pair once; who falls second alternates, so that both are tried behind every action.
      victimOf: (first, second) => ((first + second) % 2 === 0 ? 'agent' : 'redis'),
      judge,
    });
    expect(worlds).toBeGreaterThan(100);
  });
});
