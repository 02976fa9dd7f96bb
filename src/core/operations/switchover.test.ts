// Planned switchover: the office moves to the node that an operator wants, without losing a write, or stays.

import { describe, expect, test } from 'vitest';

import type { OperationAnswer, OperationRequest, OperationResult } from '../../contract/operations.ts';
import type { Action } from '../actions.ts';
import { ORDER_WITHIN_MS } from './records.ts';
import { Village } from '../testing/village.ts';

let asked = 0;

function inPeace(names: readonly string[] = ['a', 'b', 'c']): Village {
  const village = new Village(names, { bootstrapSettleMs: 100 });
  village.pass(1000);
  village.redis('a').write(1000);
  village.pass(3000);
  expect(village.writable()).toEqual(['a']);
  return village;
}

function request(village: Village, change: Partial<OperationRequest> = {}): OperationRequest {
  return {
    id: `request-${asked++}`,
    kind: 'switchover',
    target: null,
    from: null,
    asker: 'test',
    askedAt: village.nowMs + village.wallLeadMs,
    scheduledAt: null,
    force: false,
    ...change,
  };
}

/** Asks one agent for a switchover; gives the id. */
function ask(village: Village, by: string, change: Partial<OperationRequest> = {}): string {
  const wanted = request(village, change);
  village.order(by, { order: 'operation', request: wanted });
  return wanted.id;
}

function answerTo(village: Village, id: string): OperationAnswer | undefined {
  return village.operations.get(id);
}

function resultOf(village: Village, id: string): OperationResult | undefined {
  return village.ensemble.records.results?.value.list.find((result) => result.id === id);
}

describe('a switchover', () => {
  test.each(['a', 'b', 'c'])('to a named node is taken by any agent: %s', (by) => {
    const village = inPeace();
    const id = ask(village, by, { target: 'c' });
    village.pass(1500);
    expect(village.writable()).toEqual(['c']);
    const result = resultOf(village, id);
    expect(result).toMatchObject({ outcome: 'done', target: 'c', master: 'c', epoch: 2, reason: null });
    expect(result?.gapMs).toBeGreaterThanOrEqual(0);
    expect(result?.gapMs).toBeLessThan(500);
    expect(answerTo(village, id)).toEqual({ answer: 'ended', result });
    expect(village.ensemble.records.order).toBe(null);
    expect(village.ensemble.records.term?.value.handOver).toBe(null);
    village.pass(3000);
    expect(village.followed()).toEqual({ a: 'c', b: 'c', c: 'itself' });
    expect(village.ensemble.records.term?.value.inSync).toEqual(['a', 'b']);
  });

  test('loses nothing that was written while it was asked for', () => {
    const village = inPeace();
    const id = ask(village, 'a', { target: 'b' });
    village.interrupt = (by, action) => {
      if (by === 'a' && action.kind === 'fence_reversibly') village.redis('a').write(777);
      return false;
    };
    village.pass(2000);
    expect(resultOf(village, id)?.outcome).toBe('done');
    expect(village.redis('b').keys).toBe(2);
    expect(village.redis('b').offset).toBeGreaterThanOrEqual(village.redis('a').offset);
  });

  test('without a name goes to the replica that is wanted most', () => {
    const village = inPeace();
    village.redis('c').priority = 1;
    village.pass(3000);
    const id = ask(village, 'b');
    village.pass(2000);
    expect(resultOf(village, id)).toMatchObject({ outcome: 'done', target: 'c' });
    expect(village.writable()).toEqual(['c']);
  });

  test('works between two nodes, there and back', () => {
    const village = inPeace(['a', 'b']);
    for (const target of ['b', 'a', 'b']) {
      const id = ask(village, 'a', { target });
      village.pass(4000);
      expect(resultOf(village, id)?.outcome).toBe('done');
      expect(village.writable()).toEqual([target]);
    }
  });

  test('casts no ballot and makes nobody else freeze', () => {
    const village = inPeace();
    village.journal.length = 0;
    ask(village, 'b', { target: 'c' });
    village.pass(500);
    const kinds = village.journal.map(({ action }) => action.kind);
    expect(kinds).not.toContain('cast_ballot');
    expect(kinds).not.toContain('freeze');
  });
});

/** Plays until an agent decided an action of this kind, then does `then` in its place or before it. */
function when(village: Village, by: string, kind: Action['kind'], then: () => boolean | undefined): void {
  let done = false;
  village.interrupt = (who, action) => {
    if (done || who !== by || action.kind !== kind) return false;
    done = true;
    return then() ?? false;
  };
}

describe('a switchover that cannot be completed', () => {
  test('ends with the old master in its office when the target\'s agent dies before it claims', () => {
    const village = inPeace();
    when(village, 'c', 'claim', () => true);
    const id = ask(village, 'a', { target: 'c' });
    village.pass(1500);
    expect(village.writable()).toEqual(['a']);
    expect(resultOf(village, id)).toMatchObject({ outcome: 'interrupted', reason: 'target_lost', master: 'a' });
    expect(village.epochs).toEqual([1, 2]);
  });

  test('ends so too when the target\'s Redis dies, at once, without waiting for an election to settle', () => {
    const village = inPeace();
    when(village, 'a', 'release', () => {
      village.killRedis('c');
      return false;
    });
    const id = ask(village, 'b', { target: 'c' });
    village.pass(300);
    expect(village.writable()).toEqual(['a']);
    village.pass(1000);
    expect(resultOf(village, id)).toMatchObject({ outcome: 'interrupted', reason: 'target_lost', master: 'a' });
  });

  test('when the target dies after its claim, the old master stands again, though it was alone with it', () => {
    const village = inPeace(['a', 'b']);
    when(village, 'b', 'promote', () => {
      village.killRedis('b');
      return true;
    });
    const id = ask(village, 'a', { target: 'b' });
    village.pass(12_000);
    expect(village.writable()).toEqual(['a']);
    expect(village.redis('a').keys).toBe(1);
    expect(resultOf(village, id)).toMatchObject({ outcome: 'interrupted', master: 'a' });
  });

  test('when the old master dies in the middle, the target takes the office, and says so without a gap', () => {
    const village = inPeace();
    when(village, 'c', 'claim', () => {
      village.killAgent('a');
      return false;
    });
    const id = ask(village, 'b', { target: 'c' });
    village.pass(4000);
    expect(village.writable()).toEqual(['c']);
    expect(resultOf(village, id)).toMatchObject({ outcome: 'done', gapMs: null, master: 'c' });
  });

  test('gives no gap when the target has to take the office once more before it had settled', () => {
    const village = inPeace();
    when(village, 'c', 'announce', () => true);
    const id = ask(village, 'a', { target: 'c' });
    village.pass(1000);
    expect(village.redis('c').target).toBe(null);
    expect(resultOf(village, id)).toBeUndefined();
    village.start('c');
    village.pass(4000);
    expect(village.writable()).toEqual(['c']);
    expect(resultOf(village, id)).toMatchObject({ outcome: 'done', epoch: 3, gapMs: null, master: 'c' });
  });

  test('when the old master dies before it gave the lease away, the order is not carried out by the next one', () => {
    const village = inPeace();
    when(village, 'a', 'release', () => {
      village.killRedis('a');
      return true;
    });
    const id = ask(village, 'b', { target: 'c' });
    village.pass(12_000);
    expect(village.writable()).toHaveLength(1);
    expect(resultOf(village, id)).toMatchObject({ outcome: 'refused' });
    expect(village.epochs).toEqual([1, 2]);
  });
});

describe('an order', () => {
  test('is carried out once: of two operators one is refused', () => {
    const village = inPeace();
    const [first, second] = [ask(village, 'a', { target: 'b' }), ask(village, 'c', { target: 'c' })];
    village.pass(4000);
    const results = [first, second].map((id) => answerTo(village, id));
    expect(results.map((each) => each?.answer).sort()).toEqual(['ended', 'refused']);
    expect(results).toContainEqual({ answer: 'refused', reason: 'operation_running' });
    expect(village.epochs).toEqual([1, 2]);
  });

  test('that was stored and ended before its asker heard of it is not stored again', () => {
    const village = inPeace();
    let id = '';
    village.interrupt = (by, action) => {
      if (by !== 'b' || action.kind !== 'store_order') return false;
      village.interrupt = () => false;
      const { ensemble } = village;
      expect(ensemble.commit(action, { name: by, session: 0n })).toBe(true);
      const { order, results } = ensemble.records;
      const versions = { orderVersion: order?.znode.version ?? -1, resultsVersion: results?.znode.version ?? null };
      const refused: OperationResult = {
        id, kind: 'switchover', asker: 'test', target: null, epoch: 1, outcome: 'refused', reason: 'no_candidate',
        gapMs: null, master: 'a', endedAt: null,
      };
      const ended = { ...action, kind: 'end_order', results: [refused], ...versions } as const;
      expect(ensemble.commit(ended, { name: 'a', session: 0n })).toBe(true);
      return false;
    };
    const wanted = request(village, { target: 'c' });
    ({ id } = wanted);
    village.order('b', { order: 'operation', request: wanted });
    village.pass(2000);
    expect(village.writable()).toEqual(['a']);
    expect(answerTo(village, id)).toMatchObject({ answer: 'ended', result: { outcome: 'refused' } });
    expect(village.ensemble.records.results?.value.list).toHaveLength(1);
  });

  test('that was carried out, with nobody to come, is not called cancelled by a master that is told to stop', () => {
    const village = inPeace();
    village.interrupt = (by, action) => {
      if (by === 'a' && action.kind === 'release') village.order('a', { order: 'stop' });
      return by !== 'a' && action.kind === 'claim';
    };
    const id = ask(village, 'b', { target: 'c' });
    village.pass(village.agent('a').state.settings.shutdownTimeoutMs);
    expect(resultOf(village, id)).toMatchObject({ outcome: 'interrupted', reason: 'target_lost', master: 'a' });
  });

  test('that stands when its master is restarted is void: it was asked of a service that was not', () => {
    const village = inPeace();
    when(village, 'a', 'fence_reversibly', () => true);
    const id = ask(village, 'b', { target: 'c' });
    village.pass(20);
    village.start('a');
    village.pass(3000);
    expect(village.writable()).toEqual(['a']);
    expect(resultOf(village, id)).toMatchObject({ outcome: 'refused' });
  });

  test('is not begun after its deadline', () => {
    const village = inPeace();
    village.cutOff('a');
    const id = ask(village, 'b', { target: 'c' });
    village.pass(100);
    expect(village.ensemble.records.order?.value.id).toBe(id);
    const moments = village.agent('b').state.operations.moments;
    expect(moments?.deadlineAtMs).toBeLessThanOrEqual(village.nowMs + ORDER_WITHIN_MS);
    village.pass(40_000);
    village.cutOff('a', false);
    village.pass(5000);
    expect(resultOf(village, id)?.outcome).toBe('refused');
  });

  test('for later is carried out at its time, though every agent was restarted in between', () => {
    const village = inPeace();
    const scheduledAt = village.nowMs + village.wallLeadMs + 20_000;
    const id = ask(village, 'b', { target: 'c', scheduledAt });
    village.pass(500);
    expect(answerTo(village, id)).toEqual({ answer: 'scheduled', id });
    for (const name of ['a', 'b', 'c']) {
      village.killAgent(name);
      village.start(name);
    }
    village.pass(15_000);
    expect(resultOf(village, id)).toBe(undefined);
    const [before] = village.writable();
    village.pass(8000);
    expect(resultOf(village, id)).toMatchObject({ outcome: 'done', target: 'c' });
    expect(village.writable()).toEqual(['c']);
    expect(before).not.toBe('c');
  });

  test.each([false, true])('for later can be taken back (all agents restarted meanwhile: %s)', (restarted) => {
    const village = inPeace();
    const scheduledAt = village.nowMs + village.wallLeadMs + 20_000;
    const id = ask(village, 'b', { target: 'c', scheduledAt });
    village.pass(500);
    for (const name of restarted ? ['a', 'b', 'c'] : []) {
      village.killAgent(name);
      village.start(name);
    }
    village.pass(10_000);
    village.order('c', { order: 'cancel', id: 'cancelling' });
    village.pass(500);
    expect(answerTo(village, 'cancelling')).toEqual({ answer: 'done' });
    expect(resultOf(village, id)?.outcome).toBe('cancelled');
    village.order('c', { order: 'cancel', id: 'again' });
    village.pass(15_000);
    expect(answerTo(village, 'again')).toEqual({ answer: 'refused', reason: 'no_operation' });
    expect(village.writable()).not.toContain('c');
    expect(village.writable()).toHaveLength(1);
  });

  test('that every agent missed is not carried out when they come back', () => {
    const village = inPeace();
    const id = ask(village, 'b', { target: 'c', scheduledAt: village.nowMs + village.wallLeadMs + 2000 });
    village.pass(500);
    for (const name of ['a', 'b', 'c']) village.killAgent(name);
    village.pass(60_000);
    for (const name of ['a', 'b', 'c']) village.start(name);
    village.pass(20_000);
    expect(village.writable()).toEqual(['a']);
    expect(resultOf(village, id)).toMatchObject({ outcome: 'refused', reason: 'order_expired' });
  });
});
