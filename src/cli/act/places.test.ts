/** Which services, which nodes, in which order. */
import { expect, test } from 'vitest';
import {
  playedFacts, playedMember, playedNode, playedRecords, playedViews, stamped,
} from '../../../test/support/played-service.ts';
import { planOff } from '../verbs/evacuate.ts';
import { orderOf, whyNotReady } from '../verbs/rolling.ts';
import { matcherOf } from './glob.ts';

test.each([
  ['cache-*', 'cache-1', true], ['cache-*', 'my-cache-1', false], ['a?', 'ab', true], ['a?', 'abc', false],
  ['a, b-*', 'b-2', true], ['a.c', 'abc', false], ['*', 'anything', true], ['', '', true],
])('%j matches %j: %s', (pattern, name, holds) => {
  expect(matcherOf(pattern)(name)).toBe(holds);
});

test('a mastership leaves a host for the best replica of another', () => {
  expect(planOff(playedFacts(), '10.0.0.1')).toMatchObject({ master: 'redis1', target: 'redis2', refusal: null });
  expect(planOff(playedFacts(), '10.0.0.2')).toBe(null);
  const members = new Map(['redis1', 'redis2', 'redis3'].map((name) => {
    const host = name === 'redis3' ? '10.0.0.3' : '10.0.0.1';
    const moved = { http: { host, port: 8000 }, redis: { host, port: 6379 } };
    return [name, stamped(playedMember(name, moved), 1000)];
  }));
  expect(planOff(playedFacts({ records: playedRecords({ members }) }), '10.0.0.1')).toMatchObject({ target: 'redis3' });
  const views = playedViews({ redis1: { switchover: { candidates: [], gapsMs: [] } } });
  expect(planOff(playedFacts({ views }), '10.0.0.1')).toMatchObject({ target: null, refusal: 'no_candidate' });
});

test('a rolling command takes replicas by name, then the master', () => {
  expect(orderOf(playedFacts(), [])).toEqual(['redis2', 'redis3', 'redis1']);
  expect(orderOf(playedFacts(), ['redis2'])).toEqual(['redis3', 'redis1']);
});

test('it is not begun while anything is out of order', () => {
  expect(whyNotReady(playedFacts(), [])).toEqual([]);
  const nodes = new Map([['redis3', stamped(playedNode('redis3', { disabled: true }), 1)]]);
  const until = Date.UTC(2027, 0);
  const pause = stamped({ owner: 'bob', reason: 'x', since: 0, until, forMs: 1 }, 1);
  const facts = playedFacts({
    records: playedRecords({ nodes, pause }),
    views: playedViews({ redis2: null, redis3: { enabled: false } }),
  });
  expect(whyNotReady(facts, ['redis9'])).toEqual([
    'cache: it is paused by bob',
    '--skip: no node is called redis9',
    'redis2: its agent does not answer',
    'redis3: it is disabled',
  ]);
});
