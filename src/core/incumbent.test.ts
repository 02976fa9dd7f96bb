// The master that the term names, when it gave up or never began: its data is whole, though its Redis is frozen.

import { expect, test } from 'vitest';

import { Village } from './testing/village.ts';

function inPeace(names: readonly string[]): Village {
  const village = new Village(names, { bootstrapSettleMs: 100 });
  village.pass(1000);
  village.redis('a').write(1000);
  village.pass(2000);
  expect(village.roles()['a']).toBe('master');
  return village;
}

test('a master alone that hung for a while, and was fenced for it, serves again', () => {
  const village = inPeace(['a']);
  village.redis('a').hang(village.nowMs);
  village.pass(3000);
  expect(village.writable()).toEqual([]);
  village.redis('a').thaw();
  village.pass(2000);
  expect(village.writable()).toEqual(['a']);
  expect(village.redis('a').keys).toBe(1);
});

test('a master that nobody followed hung for a while and serves again, though others live', () => {
  const village = inPeace(['a', 'b', 'c']);
  for (const name of ['b', 'c']) village.killRedis(name);
  village.pass(1000);
  expect(village.ensemble.records.term?.value.inSync).toEqual([]);
  village.redis('a').write(500);
  village.redis('a').hang(village.nowMs);
  village.pass(3000);
  for (const name of ['b', 'c']) village.redis(name).restart('lost');
  village.pass(1000);
  expect(village.writable()).toEqual([]);
  village.redis('a').thaw();
  village.pass(4000);
  expect(village.writable()).toEqual(['a']);
  expect(village.redis('a').keys).toBe(2);
  expect(village.redis('b').keys).toBe(2);
});

test('a node that lost its lease between claim and promotion claims again: nobody else has the data', () => {
  const village = inPeace(['a', 'b']);
  village.killRedis('a');
  village.killAgent('a');
  village.interrupt = (by, action) => by === 'b' && action.kind === 'promote';
  village.pass(8000);
  expect(village.agent('b').alive).toBe(false);
  expect(village.ensemble.records.term?.value.master?.name).toBe('b');
  village.interrupt = () => false;
  village.pass(8000);
  expect(village.ensemble.records.lease).toBe(null);
  village.start('b');
  village.pass(3000);
  expect(village.writable()).toEqual(['b']);
  expect(village.redis('b').keys).toBe(1);
});

test('a frozen master whose data was replaced meanwhile is not taken for itself', () => {
  const village = inPeace(['a']);
  village.redis('a').hang(village.nowMs);
  village.pass(3000);
  village.redis('a').replid = 'somebody-elses';
  village.redis('a').thaw();
  village.pass(4000);
  expect(village.writable()).toEqual([]);
  expect([...village.agent('a').state.reasons]).not.toEqual([]);
});
