// A master whose agent is told to stop, or whose node is disabled: hands over without an election, or keeps its office.

import { describe, expect, test } from 'vitest';

import type { Village } from '../testing/village.ts';
import { T_MS } from '../testing/world.ts';
import { inPeace } from '../testing/peace.ts';

const KEEP = { onStop: 'keep' } as const;

/** Frozen replicas are what an election costs, and a takeover does not. */
function wasElected(village: Village, since: number): boolean {
  return village.journal.slice(since).some(({ action }) => action.kind === 'freeze');
}

describe('an agent that is told to stop hands over', () => {
  test('to a replica that it names, so that nobody has to be elected', () => {
    const village = inPeace();
    const since = village.journal.length;
    village.redis('a').write(500);
    village.order('a', { order: 'stop' });
    village.pass(2000);
    expect(village.roles()['a']).toBe('dead');
    expect(village.writable()).toEqual(['b']);
    expect(wasElected(village, since)).toBe(false);
    expect(village.redis('b').offset).toBeGreaterThanOrEqual(village.redis('a').offset);
    expect(village.ensemble.records.term?.value).toMatchObject({ epoch: 2, handOver: null });
  });

  test('and ends when that one is announced, not in the middle of its promotion', () => {
    const village = inPeace();
    village.order('a', { order: 'stop' });
    village.pass(2000);
    const done = village.journal.map(({ by, action }) => `${by} ${action.kind}`);
    expect(done).toContain('b announce');
    expect(done.indexOf('a exit')).toBeGreaterThan(done.indexOf('b announce'));
  });

  test('and ends without that announcement when its time is up', () => {
    const village = inPeace();
    village.interrupt = (by, action) => by === 'b' && action.kind === 'announce';
    village.order('a', { order: 'stop' });
    village.pass(village.agent('a').state.settings.shutdownTimeoutMs);
    expect(village.roles()['a']).toBe('dead');
  });

  test('and so does a node that is disabled, which follows once', () => {
    const village = inPeace();
    const since = village.journal.length;
    village.order('a', { order: 'disable' });
    village.pass(2000);
    expect(wasElected(village, since)).toBe(false);
    expect(village.writable()).toEqual(['b']);
    expect(village.followed()['a']).toBe('b');
  });

  test('to whoever is left, when the one that it named is lost on the way', () => {
    const village = inPeace();
    // Its agent ends with the claim: it is a member still, and claims nothing.
    village.interrupt = (by, action) => by === 'b' && action.kind === 'claim';
    village.order('a', { order: 'stop' });
    village.pass(T_MS * 2);
    expect(village.writable()).toEqual(['c']);
    expect(village.redis('c').offset).toBeGreaterThanOrEqual(village.redis('a').offset);
  });

  test('to nobody, when all others hang: it serves again after half of its time, and ends by the whole', () => {
    const village = inPeace();
    village.interrupt = (by, action) => by !== 'a' && action.kind === 'claim';
    village.order('a', { order: 'stop' });
    const { shutdownTimeoutMs } = village.agent('a').state.settings;
    village.pass(shutdownTimeoutMs);
    expect(village.roles()['a']).toBe('dead');
    expect(village.writable()).toEqual(['a']);
    expect(village.ensemble.records.term?.value.inSync).toEqual([]);
  });
});

describe('a hand-over whose old master comes back empty, while its target is cut off', () => {
  const upFor = (village: Village): readonly string[] =>
    ['b', 'c'].filter((name) => village.redis(name).keys > 0);

  test.each(
    (['stop', 'disable'] as const).flatMap((order) => [0, 30, 100].map((downMs) => [order, downMs] as const)),
  )('is copied by nobody, and its agent gives it no office (%s, down for %d ms)', (order, downMs) => {
    const village = inPeace();
    village.interrupt = (_by, action) => {
      if (action.kind === 'release' && !village.agent('b').cutOff) village.cutOff('b');
      return false;
    };
    village.order('a', { order });
    village.pass(30);
    village.killRedis('a');
    village.pass(downMs);
    village.redis('a').restart('lost');
    village.pass(4 * T_MS);
    expect(upFor(village)).toEqual(['b', 'c']);
    expect(village.writable()).toEqual(['c']);
  });

  test('serves nobody, when all others hang: who has the data decides when they are back', () => {
    const village = inPeace();
    village.interrupt = (_by, action) => {
      const others = action.kind === 'release' ? ['b', 'c'] : [];
      for (const name of others) if (!village.agent(name).cutOff) village.cutOff(name);
      return false;
    };
    village.order('a', { order: 'stop' });
    village.pass(30);
    village.killRedis('a');
    village.redis('a').restart('lost');
    village.pass(2 * T_MS);
    expect(village.roles()['a']).toBe('dead');
    expect(village.writable()).toEqual([]);
    for (const name of ['b', 'c']) village.cutOff(name, false);
    village.pass(2 * T_MS);
    expect(upFor(village)).toEqual(['b', 'c']);
    expect(village.writable()).toHaveLength(1);
    expect(village.writable()).not.toContain('a');
  });
});

describe('with on_stop: keep', () => {
  test('the master stays in office: nothing is fenced, released or elected; the next agent adopts the lease', () => {
    const village = inPeace(['a', 'b', 'c'], KEEP);
    const before = village.journal.length;
    village.order('a', { order: 'stop' });
    village.pass(500);
    expect(village.roles()['a']).toBe('dead');
    expect(village.writable()).toEqual(['a']);
    village.start('a');
    village.pass(1000);
    expect(village.roles()['a']).toBe('master');
    expect(village.writable()).toEqual(['a']);
    const since = village.journal.slice(before).map(({ action }) => action.kind);
    for (const kind of ['fence_reversibly', 'fence_hard', 'release', 'cast_ballot', 'promote'] as const) {
      expect(since).not.toContain(kind);
    }
    expect(village.ensemble.records.term?.value).toMatchObject({ epoch: 2, inSync: ['b', 'c'] });
    expect(village.ensemble.records.term?.value.lineage).toHaveLength(1);
  });

  test('if nobody comes back, a replica takes over when the session has ended, and has every byte', () => {
    const village = inPeace(['a', 'b', 'c'], KEEP);
    village.order('a', { order: 'stop' });
    village.pass(500);
    village.redis('a').write(700);
    village.pass(2 * T_MS);
    const [master = 'nobody'] = village.writable();
    expect(['b', 'c']).toContain(master);
    expect(village.redis(master).offset).toBeGreaterThanOrEqual(village.redis('a').offset);
  });

  test('a lease that is not proved to stand is not kept: without the ensemble it is given up as ever', () => {
    const village = inPeace(['a', 'b', 'c'], KEEP);
    village.cutOff('a');
    village.order('a', { order: 'stop' });
    village.pass(2 * T_MS);
    expect(village.writable()).not.toContain('a');
    expect(village.roles()['a']).toBe('dead');
  });

  test('a disabled node hands over all the same', () => {
    const village = inPeace(['a', 'b', 'c'], KEEP);
    village.order('a', { order: 'disable' });
    village.pass(2000);
    expect(village.writable()).toEqual(['b']);
  });

  test('a replica just goes', () => {
    const village = inPeace(['a', 'b', 'c'], KEEP);
    village.order('b', { order: 'stop' });
    village.pass(1000);
    expect(village.roles()['b']).toBe('dead');
    expect(village.ensemble.records.members.has('b')).toBe(false);
  });
});
