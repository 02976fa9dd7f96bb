// What a caller is told whose order may have been stored, or not.

import { describe, expect, test } from 'vitest';

import type { OperationRequest, OperationResult } from '../../contract/operations.ts';
import type { Outcome } from '../inputs.ts';
import type { State } from '../state.ts';
import { answer, kept, only, reads, readsLease, run, world } from '../testing/world.ts';
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
