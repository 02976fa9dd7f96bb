// What the answers of a Redis, one after the other, say of its dataset.

import { expect, test } from 'vitest';

import type { RedisFacts } from './facts.ts';
import { withSight } from './facts.ts';
import { linkTo, redisOf, replicaFacts, sight, START_MS } from './testing/world.ts';

const answers = (change: Partial<RedisFacts>, syncInProgress = false): RedisFacts =>
  replicaFacts('b', { link: linkTo(redisOf('a'), { up: false, syncInProgress }), ...change });
const old = answers({ replid: 'old', offset: 700 });
const loading = answers({ replid: 'old', offset: 700, loading: true, keys: 4 }, true);

const halfAfter = (...series: readonly RedisFacts[]): boolean =>
  series.reduce((seen, facts) => withSight(seen, { seen: 'answered', facts }, START_MS), sight(old)).halfSynced;

test.each<[string, boolean, readonly RedisFacts[]]>([
  ['a full sync is under way', true, [loading]],
  ['it broke off: what INFO shows is the position of what was dropped', true, [loading, { ...old, keys: 0 }]],
  ['it ended, and so did its master', false, [loading, answers({ replid: 'new', offset: 900, keys: 5 })]],
  ['it ended between two looks, with fewer keys', false, [answers({ replid: 'old', offset: 900, keys: 5 })]],
  ['fewer keys at the same position', true, [{ ...old, keys: 5 }]],
])('%s: half of a dataset: %s', (_what, half, series) => {
  expect(halfAfter(...series)).toBe(half);
});
