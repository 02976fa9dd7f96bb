// Orders that the named node carries out itself, taken by any agent: failover, and a full resync of a replica.

import { describe, expect, test } from 'vitest';

import type { OperationRequest, OperationResult } from '../../contract/operations.ts';
import { Village } from '../testing/village.ts';

function inPeace(names: readonly string[] = ['a', 'b', 'c']): Village {
  const village = new Village(names, { bootstrapSettleMs: 100 });
  village.pass(1000);
  village.redis('a').write(1000);
  village.pass(4000);
  return village;
}

function ask(village: Village, by: string, change: Partial<OperationRequest>): void {
  const askedAt = village.nowMs + village.wallLeadMs;
  const rest = { target: null, from: null, asker: 'test', askedAt, scheduledAt: null, force: false };
  village.order(by, { order: 'operation', request: { id: 'it', kind: 'reinitialize', ...rest, ...change } });
}

function result(village: Village): OperationResult | undefined {
  return village.ensemble.records.results?.value.list.at(-1);
}

describe('a full resync', () => {
  test('copies everything anew, out of the in-sync set, and comes back into it', () => {
    const village = inPeace();
    const before = village.redis('c').fullSyncs;
    ask(village, 'a', { target: 'c' });
    let inSyncThen: readonly string[] | undefined;
    let inSyncAtEnd: readonly string[] | undefined;
    village.interrupt = (by, action) => {
      if (by === 'c' && action.kind === 'detach') inSyncThen = village.ensemble.records.term?.value.inSync;
      if (by === 'c' && action.kind === 'end_order') inSyncAtEnd = village.ensemble.records.term?.value.inSync;
      return false;
    };
    village.pass(8000);
    expect(inSyncThen).toEqual(['b']);
    expect(inSyncAtEnd).toEqual(['b', 'c']);
    expect(result(village)).toMatchObject({ kind: 'reinitialize', outcome: 'done', target: 'c', master: 'a' });
    expect(village.operations.get('it')).toMatchObject({ answer: 'ended' });
    expect(village.redis('c').fullSyncs).toBe(before + 1);
    expect(village.rescues).toEqual([]);
    expect(village.followed()).toEqual({ a: 'itself', b: 'a', c: 'a' });
    expect(village.ensemble.records.term?.value.inSync).toEqual(['b', 'c']);
    expect(village.epochs).toEqual([1]);
  });

  test('that takes longer than an order has time ends with that, and goes on', () => {
    const village = inPeace();
    const before = village.redis('c').fullSyncs;
    ask(village, 'b', { target: 'c' });
    village.interrupt = (by, action) => {
      if (by === 'c' && action.kind === 'detach') village.redis('a').unreachableFor.add('c');
      return false;
    };
    village.pass(9000);
    expect(village.ensemble.records.order?.value.phase).toBe('running');
    village.pass(2000);
    expect(result(village)).toMatchObject({ outcome: 'interrupted', reason: 'resync_running', target: 'c' });
    expect(village.ensemble.records.order).toBe(null);
    village.redis('a').unreachableFor.clear();
    village.pass(5000);
    expect(village.redis('c').fullSyncs).toBe(before + 1);
    expect(village.ensemble.records.term?.value.inSync).toEqual(['b', 'c']);
  });

  test('of the last replica in sync needs force', () => {
    const village = inPeace(['a', 'b']);
    ask(village, 'b', { target: 'b' });
    village.pass(1000);
    expect(result(village)).toMatchObject({ outcome: 'refused', reason: 'last_in_sync' });
    const before = village.redis('b').fullSyncs;
    ask(village, 'b', { id: 'forced', target: 'b', force: true });
    village.pass(8000);
    expect(result(village)).toMatchObject({ id: 'forced', outcome: 'done' });
    expect(village.redis('b').fullSyncs).toBe(before + 1);
  });

  test('is not for the master', () => {
    const village = inPeace();
    ask(village, 'b', { target: 'a' });
    village.pass(1000);
    expect(village.operations.get('it')).toEqual({ answer: 'refused', reason: 'target_is_master' });
    expect(village.writable()).toEqual(['a']);
  });

  test.each(['freeze', 'detach', 'fence_hard'])('cut off by a restart (%s) ends interrupted, not again', (at) => {
    const village = inPeace();
    village.interrupt = (by, action) => by === 'c' && action.kind === at;
    ask(village, 'a', { target: 'c' });
    village.pass(4000);
    expect(village.agent('c').alive).toBe(false);
    village.interrupt = () => false;
    village.start('c');
    village.pass(12_000);
    expect(result(village)).toMatchObject({ outcome: 'interrupted', reason: 'agent_restarted' });
    expect(village.followed()).toEqual({ a: 'itself', b: 'a', c: 'a' });
    expect(village.ensemble.records.term?.value.inSync).toEqual(['b', 'c']);
  });
});

describe('a failover by order', () => {
  /** `c` went out of sync, then the others died for good. */
  function onlyC(): Village {
    const village = inPeace();
    village.redis('a').unreachableFor.add('c');
    village.pass(3000);
    village.redis('a').write(500);
    village.pass(1000);
    village.killRedis('a');
    village.killRedis('b');
    village.killAgent('a');
    village.pass(10_000);
    expect(village.writable()).toEqual([]);
    return village;
  }

  test('of the last survivor is taken by any agent, and says what it would lose', () => {
    const village = onlyC();
    ask(village, 'b', { kind: 'failover', target: 'c' });
    village.pass(4000);
    expect(result(village)).toMatchObject({ outcome: 'refused', reason: 'loss_not_acknowledged' });
    ask(village, 'b', { id: 'again', kind: 'failover', target: 'c', force: true });
    village.pass(4000);
    expect(result(village)).toMatchObject({ id: 'again', outcome: 'done', master: 'c' });
    expect(village.writable()).toEqual(['c']);
  });

  test('is refused while there is a master', () => {
    const village = inPeace();
    for (const [by, target] of [['b', 'c'], ['c', 'a'], ['a', 'a']] as const) {
      const id = `${target} by ${by}`;
      ask(village, by, { id, kind: 'failover', target, force: true });
      village.pass(500);
      expect(village.operations.get(id)).toEqual({ answer: 'refused', reason: 'master_exists' });
    }
    expect(village.epochs).toEqual([1]);
  });

  test('is refused while the session of a dead master has not ended', () => {
    const village = inPeace();
    village.killRedis('a');
    village.killAgent('a');
    expect(village.ensemble.records.lease?.value.node).toBe('a');
    ask(village, 'b', { kind: 'failover', target: 'c', force: true });
    village.pass(100);
    expect(village.operations.get('it')).toEqual({ answer: 'refused', reason: 'master_exists' });
    expect(village.ensemble.records.order).toBe(null);
  });

  test('to a node that died keeps no other order from being given for long', () => {
    const village = onlyC();
    ask(village, 'b', { kind: 'failover', target: 'a', force: true });
    village.pass(25_000);
    expect(result(village)).toMatchObject({ outcome: 'refused', reason: 'order_expired' });
    expect(village.ensemble.records.order).toBe(null);
  });
});
