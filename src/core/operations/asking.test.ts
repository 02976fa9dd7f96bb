// What a caller is told whose order or pause may have been stored, or not.

import { describe, expect, test } from 'vitest';

import type { OperationRequest, OperationResult } from '../../contract/operations.ts';
import type { Input, Outcome } from '../inputs.ts';
import type { State } from '../state.ts';
import { answer, kept, only, reads, readsLease, run, T_MS, world } from '../testing/world.ts';
import type { Run } from '../testing/world.ts';

const REQUEST: OperationRequest = {
  id: 'one', kind: 'switchover', target: 'c', from: null, asker: 'test', askedAt: 0, scheduledAt: null, force: false,
};
const RESULT: OperationResult = {
  id: 'one', kind: 'switchover', target: 'c', asker: 'test', epoch: 4, outcome: 'done', reason: null, gapMs: 5,
  master: 'c', endedAt: null,
};

/** Asked to store the order, with what came back; then the lease is gone. */
function masterGoneAfter(outcome: Outcome): Run {
  const order = { order: 'operation', request: REQUEST } as const;
  const asked: State = run(world('b', 'replica'), { kind: 'order', order }).state;
  return run(asked, answer(asked, 'store_order', outcome), readsLease(null));
}

describe('an order', () => {
  test('that the ensemble did not take is refused for what keeps it from being stored', () => {
    const played = masterGoneAfter({ result: 'failed', code: 'BAD_VERSION' });
    expect(only(played, 'answer_operation').answer).toEqual({ answer: 'refused', reason: 'no_master' });
  });

  test.each<[string, Outcome]>([
    ['whose answer was lost', { result: 'failed', code: 'CONNECTION_LOSS' }],
    ['that was taken and has not been read', { result: 'done', sentAtMs: 0 }],
  ])('%s may still be carried out: it is not refused, its result is waited for', (_what, outcome) => {
    const { state, does } = masterGoneAfter(outcome);
    expect(does).not.toContain('answer_operation');
    const ended = run(state, reads({ record: 'results', kept: kept({ list: [RESULT] }) }));
    expect(only(ended, 'answer_operation').answer).toEqual({ answer: 'ended', result: RESULT });
    expect(only(run(state, 60_000), 'answer_operation').answer).toEqual({ answer: 'unknown' });
  });
});

describe('a pause', () => {
  const ask = { owner: 'ann', reason: 'switch', since: 1_000_000, forMs: 60_000 };
  const ann = { ...ask, until: 1_060_000 };
  const bob = { ...ann, owner: 'bob' };
  const lost: Outcome = { result: 'failed', code: 'CONNECTION_LOSS' };
  const declined: Outcome = { result: 'failed', code: 'BAD_VERSION' };
  const stands = (pause: typeof ann, znode: { czxid?: bigint; version?: number } = {}): Input =>
    reads({ record: 'pause', kept: kept(pause, { czxid: 50n, ...znode }) });
  const none = reads({ record: 'pause', kept: null });
  /** The connection ends and is back, with what is read then. */
  const back = (read: Input): readonly (Input | number)[] => [
    500, { kind: 'session_disconnected' }, { kind: 'session_connected', sessionId: 98n, timeoutMs: T_MS }, read,
    { kind: 'records_synced' }, 200,
  ];
  const asked = () => run(
    world('b', 'replica'), { kind: 'order', order: { order: 'pause', id: 'p', pause: ask } },
  ).state;
  const resumed = () => run(
    world('b', 'replica'), stands(ann), { kind: 'order', order: { order: 'resume', id: 'r' } },
  ).state;

  test('whose answer was lost, and that is not there, may have been resumed: it is not set again', () => {
    const after = run(asked(), answer(asked(), 'write_pause', lost), ...back(none));
    expect(after.does).not.toContain('write_pause');
    expect(only(run(after.state, 60_000), 'answer_operation').answer).toEqual({ answer: 'unknown' });
  });

  test('whose answer was lost, and that stands, was set', () => {
    const after = run(asked(), answer(asked(), 'write_pause', lost), ...back(stands(ann)));
    expect(only(after, 'answer_operation').answer).toEqual({ answer: 'done' });
  });

  test('that was set and resumed before it was looked at again was set', () => {
    const after = run(asked(), none, answer(asked(), 'write_pause'));
    expect(only(after, 'answer_operation').answer).toEqual({ answer: 'done' });
    expect(after.does).not.toContain('write_pause');
  });

  test('that the ensemble did not take, because the one that it was to replace is gone, is set', () => {
    const after = run(asked(), none, answer(asked(), 'write_pause', declined), 200);
    expect(only(after, 'write_pause')).toMatchObject({ pause: ann, version: null });
  });

  test('that was resumed, with the answer lost: the next one, of somebody else, is not taken away', () => {
    const after = run(resumed(), answer(resumed(), 'write_pause', lost), ...back(stands(bob, { czxid: 60n })));
    expect(after.does).not.toContain('write_pause');
    expect(only(after, 'answer_operation').answer).toEqual({ answer: 'refused', reason: 'pause_replaced' });
  });

  test('that somebody else has replaced is not resumed by who meant the one before', () => {
    const after = run(resumed(), stands(bob, { version: 1 }), answer(resumed(), 'write_pause', declined), 200);
    expect(after.does).not.toContain('write_pause');
    expect(only(after, 'answer_operation').answer).toEqual({ answer: 'refused', reason: 'pause_replaced' });
  });

  test('whose end was ordered and the answer lost has ended, or nobody can say', () => {
    const gone = run(resumed(), answer(resumed(), 'write_pause', lost), ...back(none));
    expect(only(gone, 'answer_operation').answer).toEqual({ answer: 'done' });
    const still = run(resumed(), answer(resumed(), 'write_pause', lost), ...back(stands(ann)), 60_000);
    expect(still.does).not.toContain('write_pause');
    expect(only(still, 'answer_operation').answer).toEqual({ answer: 'unknown' });
  });
});

test('a pause whose answer is late says nothing to the next caller', () => {
  const pause = { owner: 'ann', reason: 'switch', since: 1_000_000, forMs: 60_000 };
  const asked = run(world('b', 'replica'), { kind: 'order', order: { order: 'pause', id: 'p', pause } });
  const late = run(asked.state, 60_000);
  expect(only(late, 'answer_operation').answer).toMatchObject({ answer: 'unknown' });
  const stands = reads({ record: 'pause', kept: kept({ ...pause, until: 1_060_000 }, { czxid: 50n }) });
  const next = run(late.state, stands, { kind: 'order', order: { order: 'resume', id: 'r' } });
  expect(only(next, 'answer_operation').answer).toEqual({ answer: 'refused', reason: 'operation_running' });
});
