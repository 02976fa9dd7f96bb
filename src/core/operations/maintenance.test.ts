// Maintenance: a node is disabled for a reason and a time, everybody can read both, and it ends by itself.

import { describe, expect, test } from 'vitest';

import { project } from '../view.ts';
import { inPeace } from '../testing/peace.ts';
import { Village } from '../testing/village.ts';

const FOR_MS = 30_000;

function maintained(forMs: number | null = FOR_MS): Village {
  const village = new Village(['a', 'b', 'c'], { bootstrapSettleMs: 100 });
  village.pass(4000);
  const since = village.nowMs + village.wallLeadMs;
  village.order('b', { order: 'disable', maintenance: { owner: 'ann', reason: 'new disks', forMs, since } });
  village.pass(2000);
  return village;
}

const viewOf = (village: Village, name: string) => project(village.agent(name).state);
const recordOf = (village: Village, name: string) => village.ensemble.records.nodes.get(name)?.value;

describe('a node in maintenance', () => {
  test('is disabled, and its record and view say why and until when', () => {
    const village = maintained();
    expect(recordOf(village, 'b')).toMatchObject({ disabled: true, maintenance: { owner: 'ann', forMs: FOR_MS } });
    const { enabled, maintenance, reasons } = viewOf(village, 'b');
    expect([enabled, maintenance?.owner, maintenance?.reason]).toEqual([false, 'ann', 'new disks']);
    expect(maintenance?.endsInMs).toBeLessThan(FOR_MS - 1000);
    expect(reasons).toContain('node_disabled');
    expect(village.ensemble.records.term?.value.inSync).toEqual(['c']);
  });

  test('takes part again when it is over, and its record no longer says it', () => {
    const village = maintained();
    village.pass(FOR_MS - 3000);
    expect(viewOf(village, 'b').enabled).toBe(false);
    village.pass(5000);
    expect(viewOf(village, 'b')).toMatchObject({ enabled: true, maintenance: null });
    expect(recordOf(village, 'b')?.disabled).toBe(false);
    expect(recordOf(village, 'b')?.maintenance).toBeNull();
    expect(village.ensemble.records.term?.value.inSync).toEqual(['b', 'c']);
  });

  test('stays so over a restart of its agent, and no longer than it was to', () => {
    const village = maintained();
    village.killAgent('b');
    village.pass(10_000);
    village.start('b');
    village.pass(3000);
    expect(viewOf(village, 'b')).toMatchObject({ enabled: false, maintenance: { owner: 'ann' } });
    village.pass(FOR_MS + 5000);
    expect(viewOf(village, 'b')).toMatchObject({ enabled: true, maintenance: null });
  });

  test('is recorded with its reason and end though its Redis is down, and enabled again without them', () => {
    const village = new Village(['a', 'b', 'c'], { bootstrapSettleMs: 100 });
    village.pass(4000);
    village.killRedis('b');
    village.pass(1000);
    const since = village.nowMs + village.wallLeadMs;
    const maintenance = { owner: 'ann', reason: 'new disks', forMs: FOR_MS, since };
    village.order('b', { order: 'disable', maintenance });
    village.pass(1000);
    expect(recordOf(village, 'b')).toMatchObject({ disabled: true, maintenance: { owner: 'ann', forMs: FOR_MS } });
    village.order('b', { order: 'enable' });
    village.pass(1000);
    expect(recordOf(village, 'b')).toMatchObject({ disabled: false });
    expect(recordOf(village, 'b')?.maintenance).toBeNull();
  });

  test('without an end stays so until it is enabled', () => {
    const village = maintained(null);
    village.pass(10 * FOR_MS);
    expect(viewOf(village, 'b')).toMatchObject({ enabled: false, maintenance: { until: null, endsInMs: null } });
    village.order('b', { order: 'enable' });
    village.pass(2000);
    expect(viewOf(village, 'b')).toMatchObject({ enabled: true, maintenance: null });
  });

  test('is maintained for the reason that was given last', () => {
    const village = maintained();
    const since = village.nowMs + village.wallLeadMs;
    village.order('b', { order: 'disable', maintenance: { owner: 'bob', reason: 'kernel', forMs: null, since } });
    village.pass(1000);
    expect(recordOf(village, 'b')?.maintenance).toMatchObject({ owner: 'bob', reason: 'kernel', until: null });
    village.order('b', { order: 'disable' });
    village.pass(1000);
    expect(viewOf(village, 'b')).toMatchObject({ enabled: false, maintenance: null });
  });
});

describe('a disabled node stays so over a restart of its agent', () => {
  test('though the ensemble lost everything while its Redis was stopped', () => {
    const village = inPeace();
    village.order('c', { order: 'disable' });
    village.pass(1000);
    village.killRedis('c');
    village.pass(1000);
    village.ensembleDown();
    village.pass(10_000);
    village.ensembleBack('wiped')('a', 'b', 'c');
    village.pass(20_000);
    expect(recordOf(village, 'c')).toMatchObject({ disabled: true, inSync: false, whole: false });
    village.killAgent('c', 0);
    village.pass(500);
    village.redis('c').restart('kept');
    village.start('c');
    village.pass(20_000);
    expect(viewOf(village, 'c').enabled).toBe(false);
  });

  test('though it was not registered yet, and takes part when it is enabled', () => {
    const village = new Village(['a', 'b'], { bootstrapSettleMs: 1000 });
    village.order('b', { order: 'disable' });
    village.pass(100);
    village.killAgent('b', 0);
    village.pass(100);
    village.start('b');
    village.pass(5000);
    expect(viewOf(village, 'b').enabled).toBe(false);
    village.order('b', { order: 'enable' });
    village.pass(5000);
    expect(recordOf(village, 'b')).toMatchObject({ disabled: false, inSync: true, whole: true });
  });

  test('and one that was enabled again before it was registered starts enabled', () => {
    const village = new Village(['a', 'b'], { bootstrapSettleMs: 10_000 });
    village.order('b', { order: 'disable' });
    village.pass(100);
    village.order('b', { order: 'enable' });
    village.pass(100);
    expect(recordOf(village, 'b')?.disabled).toBe(false);
  });
});
