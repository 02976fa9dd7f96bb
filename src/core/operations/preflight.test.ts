// Would a switchover succeed? The view answers as the order would.

import { describe, expect, test } from 'vitest';

import { project } from '../view.ts';
import { Village } from '../testing/village.ts';
import { expectedGapMs, judgeSwitchover } from '../../contract/switchover.ts';
import type { Judged } from '../../contract/switchover.ts';

function inPeace(): Village {
  const village = new Village(['a', 'b', 'c'], { bootstrapSettleMs: 100 });
  village.pass(4000);
  expect(village.writable()).toEqual(['a']);
  return village;
}

describe('what the master publishes of a switchover', () => {
  test('names everybody who could take over; a replica publishes nothing', () => {
    const village = inPeace();
    const { switchover } = project(village.agent('a').state);
    expect(switchover?.candidates.map(({ node, refusal }) => [node, refusal])).toEqual([['b', null], ['c', null]]);
    expect(project(village.agent('b').state).switchover).toBe(null);
  });

  test('says of a disabled node why it is none', () => {
    const village = inPeace();
    village.order('b', { order: 'disable' });
    village.pass(2000);
    const { candidates } = project(village.agent('a').state).switchover ?? { candidates: [] };
    expect(candidates.map(({ node, refusal }) => [node, refusal])).toEqual([['c', null], ['b', 'node_disabled']]);
  });

  test('has the gaps that were measured', () => {
    const village = inPeace();
    village.order('c', {
      order: 'operation',
      request: {
        id: 'one', kind: 'switchover', target: 'b', from: null, asker: 'test', askedAt: 0, scheduledAt: null,
        force: false,
      },
    });
    village.pass(3000);
    expect(village.writable()).toEqual(['b']);
    expect(project(village.agent('b').state).switchover?.gapsMs).toHaveLength(1);
  });
});

const view: Judged = {
  node: { name: 'a' },
  pause: null,
  operation: null,
  switchover: {
    candidates: [
      { node: 'b', refusal: null, byNameOnly: true },
      { node: 'c', refusal: null, byNameOnly: false },
      { node: 'd', refusal: 'lag_too_high', byNameOnly: false },
    ],
  },
};

test.each<[string | null, string | null, Partial<Judged>, object]>([
  [null, null, {}, { target: 'c' }],
  ['b', 'a', {}, { target: 'b' }],
  ['d', null, {}, { refusal: 'lag_too_high' }],
  ['a', null, {}, { refusal: 'target_is_master' }],
  ['x', null, {}, { refusal: 'unknown_node' }],
  ['c', 'b', {}, { refusal: 'master_differs' }],
  [null, null, { pause: {} }, { refusal: 'service_paused' }],
  ['c', null, { pause: {} }, { target: 'c' }],
  ['c', null, { operation: {} }, { refusal: 'operation_running' }],
  ['c', null, { switchover: null }, { refusal: 'no_master' }],
  [null, null, { switchover: { candidates: [] } }, { refusal: 'no_candidate' }],
])('to %s from %s with %j: %j', (target, from, change, judged) => {
  expect(judgeSwitchover({ ...view, ...change }, { target, from })).toEqual(judged);
});

test('what to expect is the middle of what was measured', () => {
  expect(expectedGapMs([30, 9, 12])).toBe(12);
  expect(expectedGapMs([])).toBe(null);
});
