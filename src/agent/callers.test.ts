import { expect, test, vi } from 'vitest';
import { Callers } from './callers.ts';

test('everybody who gave the same order hears what became of it, once', () => {
  const callers = new Callers('agent1');
  const [first, second, other] = [vi.fn(), vi.fn(), vi.fn()];
  callers.order('forget', first);
  callers.order('forget', second);
  callers.order('bootstrap', other);
  const answer = { kind: 'answer_order', order: 'forget', refusal: 'node_present' } as const;
  callers.answer(answer);
  callers.answer(answer);
  for (const caller of [first, second]) expect(caller.mock.calls).toEqual([['node_present']]);
  expect(other).not.toHaveBeenCalled();
});

test('an operation is answered to who asked for it, once, and ids name the process', () => {
  const callers = new Callers('agent1');
  const ids = [callers.newOperationId(), callers.newOperationId()] as const;
  expect(ids).toEqual(['agent1-1', 'agent1-2']);
  const asked = ids.map((id) => {
    const done = vi.fn();
    callers.operation(id, done);
    return done;
  });
  const answer = { kind: 'answer_operation', operation: ids[1], answer: { answer: 'unknown' } } as const;
  callers.answer(answer);
  callers.answer(answer);
  expect(asked.map((done) => done.mock.calls)).toEqual([[], [[{ answer: 'unknown' }]]]);
});

test('a question of another agent is answered by its number, and an unknown number nobody', () => {
  const callers = new Callers('agent1');
  const done = vi.fn();
  const question = callers.question(done);
  const given = { promised: true, promiseMs: 500 } as const;
  callers.answer({ kind: 'answer_question', question: question + 1, answer: given });
  expect(done).not.toHaveBeenCalled();
  callers.answer({ kind: 'answer_question', question, answer: given });
  expect(done.mock.calls).toEqual([[given]]);
});
