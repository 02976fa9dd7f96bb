// A pause: nothing happens by itself, it is said, and it is not believed past its end, whoever finds it.

import { describe, expect, test } from 'vitest';

import { Village } from '../testing/village.ts';

const PAUSE_MS = 30_000;

function paused(forMs = PAUSE_MS): Village {
  const village = new Village(['a', 'b', 'c'], { bootstrapSettleMs: 100 });
  village.pass(1000);
  village.redis('a').write(1000);
  village.pass(3000);
  const since = village.nowMs + village.wallLeadMs;
  village.order('b', { order: 'pause', id: 'pausing', pause: { owner: 'me', reason: 'new disks', forMs, since } });
  village.pass(100);
  expect(village.operations.get('pausing')).toEqual({ answer: 'done' });
  return village;
}

const reasonsOf = (village: Village, name: string) => [...village.agent(name).state.reasons];

describe('a paused service', () => {
  test('says so at every agent, and ends with resume', () => {
    const village = paused();
    for (const name of ['a', 'b', 'c']) expect(reasonsOf(village, name)).toContain('service_paused');
    village.order('c', { order: 'resume', id: 'resuming' });
    village.pass(100);
    expect(village.operations.get('resuming')).toEqual({ answer: 'done' });
    for (const name of ['a', 'b', 'c']) expect(reasonsOf(village, name)).not.toContain('service_paused');
    expect(village.ensemble.records.pause).toBe(null);
  });

  test('is that of one operator: of two at once the other is told that somebody else was faster', () => {
    const village = paused();
    const since = village.nowMs + village.wallLeadMs;
    const ask = (owner: string) => ({ owner, reason: 'disks', forMs: PAUSE_MS, since });
    village.order('b', { order: 'pause', id: 'ann', pause: ask('ann') });
    village.order('c', { order: 'pause', id: 'bob', pause: ask('bob') });
    village.pass(500);
    expect([village.operations.get('ann'), village.operations.get('bob')]).toEqual(
      expect.arrayContaining([{ answer: 'done' }, { answer: 'refused', reason: 'pause_replaced' }]),
    );
  });

  test('promotes nobody in the place of a dead master, until it ends', () => {
    const village = paused();
    village.killRedis('a');
    village.pass(PAUSE_MS - 2000);
    expect(village.writable()).toEqual([]);
    village.pass(6000);
    expect(village.writable()).toHaveLength(1);
    expect(village.writable()).not.toEqual(['a']);
  });

  test('lets the old master go on when it is back with its data', () => {
    const village = paused();
    village.killAgent('a');
    village.pass(10_000);
    expect(village.epochs).toEqual([1]);
    village.start('a');
    village.pass(3000);
    expect(village.writable()).toEqual(['a']);
    expect(reasonsOf(village, 'a')).toContain('service_paused');
  });

  test('still fences a master that lost its lease', () => {
    const village = paused();
    village.cutOff('a');
    village.pass(10_000);
    expect(village.writable()).toEqual([]);
    village.cutOff('a', false);
    village.pass(3000);
    expect(village.writable()).toEqual(['a']);
  });

  test('carries out a failover that an operator orders', () => {
    const village = paused();
    village.killRedis('a');
    village.killAgent('a');
    village.pass(8000);
    expect(village.writable()).toEqual([]);
    const askedAt = village.nowMs + village.wallLeadMs;
    const rest = { from: null, asker: 'me', askedAt, scheduledAt: null, force: false } as const;
    village.order('c', { order: 'operation', request: { id: 'next', kind: 'failover', target: 'c', ...rest } });
    village.pass(2000);
    expect(village.writable()).toEqual(['c']);
    expect(village.operations.get('next')).toMatchObject({ answer: 'ended', result: { outcome: 'done', master: 'c' } });
  });
});

describe('the end of a pause', () => {
  test('holds for an agent that was restarted, too', () => {
    const village = paused();
    village.pass(PAUSE_MS - 5000);
    for (const name of ['a', 'b', 'c']) village.killAgent(name);
    village.pass(7000);
    for (const name of ['b', 'c']) village.start(name);
    village.killRedis('a');
    village.pass(12_000);
    expect(village.writable()).toHaveLength(1);
  });

  test('holds for an agent that is told to take part before it has read the records', () => {
    const village = paused();
    village.killAgent('b');
    village.pass(PAUSE_MS + 1000);
    village.start('b');
    village.order('b', { order: 'enable' });
    village.pass(1000);
    expect(reasonsOf(village, 'b')).not.toContain('service_paused');
  });

  test('is not put off by a clock that was set back', () => {
    const village = paused();
    village.wallLeadMs -= 10 * PAUSE_MS;
    village.killAgent('b');
    village.start('b');
    village.pass(PAUSE_MS + 1000);
    for (const name of ['a', 'b', 'c']) expect(reasonsOf(village, name)).not.toContain('service_paused');
  });

  test('comes at once for who slept through it', () => {
    const village = paused();
    const wallMs = village.nowMs + village.wallLeadMs + 2 * PAUSE_MS;
    village.agent('b').inbox.push({ kind: 'slept', wallMs });
    village.pass(50);
    expect(reasonsOf(village, 'b')).not.toContain('service_paused');
  });

  test('comes with the end of the ensemble that kept it, for everybody', () => {
    const village = paused(20 * PAUSE_MS);
    village.ensembleDown();
    village.pass(5000);
    for (const name of ['a', 'b', 'c']) expect(reasonsOf(village, name)).toContain('service_paused');
    village.ensembleBack('wiped')('a', 'b', 'c');
    village.pass(10_000);
    for (const name of ['a', 'b', 'c']) expect(reasonsOf(village, name)).not.toContain('service_paused');
    expect(village.writable()).toHaveLength(1);
  });
});
