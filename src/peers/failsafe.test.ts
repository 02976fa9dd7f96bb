// The failsafe question on the wire: both sides take a whole, valid message or none.

import { expect, test } from 'vitest';

import type { FailsafeQuestion } from '../contract/failsafe.ts';
import { FAILSAFE_PROMISE_MAX_MS } from '../contract/failsafe.ts';
import { answerBody, readAnswer, readQuestion } from './failsafe.ts';

const question: FailsafeQuestion = {
  service: 'shop',
  node: 'b',
  from: { name: 'a', instance: 'a-1' },
  epoch: 5,
  redis: { host: '10.0.0.1', port: 6379 },
  runId: 'run-a',
  replid: 'replid-5',
  inSync: true,
  promiseMs: 5000,
};

const read = (change: Record<string, unknown>) => readQuestion(JSON.stringify({ v: 1, ...question, ...change }));

test('a question is read as it was written, whatever a later version adds', () => {
  expect(read({ added: 'later', v: 2 })).toEqual(question);
});

test.each<[string, Record<string, unknown>]>([
  ['no format', { v: undefined }],
  ['no service', { service: '' }],
  ['a long name', { node: 'x'.repeat(513) }],
  ['no asker', { from: { name: 'a' } }],
  ['a broken epoch', { epoch: 1.5 }],
  ['a negative epoch', { epoch: -1 }],
  ['no port', { redis: { host: 'a', port: 0 } }],
  ['no promise', { promiseMs: 0 }],
  ['a promise without end', { promiseMs: FAILSAFE_PROMISE_MAX_MS + 1 }],
  ['text for a flag', { inSync: 'yes' }],
])('a question with %s is none', (_what, change) => {
  expect(read(change)).toBe(null);
});

test.each(['', '{', 'null', '[]', '7'])('%j is no question', (body) => {
  expect(readQuestion(body)).toBe(null);
});

test('answers of the node that was asked are read, others are silence', () => {
  const yes = { promised: true, promiseMs: 4000 } as const;
  const no = { promised: false, reason: 'later_epoch' } as const;
  const sent = (node: string, answer: typeof yes | typeof no) => JSON.stringify(answerBody(node, answer));
  expect(readAnswer('b', sent('b', yes))).toEqual(yes);
  expect(readAnswer('b', sent('b', no))).toEqual(no);
  expect(readAnswer('b', sent('c', yes))).toBe(null);
  expect(readAnswer('b', JSON.stringify({ v: 1, node: 'b', promised: true }))).toBe(null);
  expect(readAnswer('b', JSON.stringify({ v: 1, node: 'b', promised: false, reason: 'unheard_of' }))).toBe(null);
  expect(readAnswer('b', 'yes')).toBe(null);
});
