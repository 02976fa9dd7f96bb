import { expect, test } from 'vitest';
import { firstError, type Reply } from './link.ts';
import { toErrorReply, toReply, toReplyValue } from './reply.ts';

test('the code of an error is its first word, ERR where it has none', () => {
  expect(toErrorReply('LOADING Redis is loading the dataset in memory').code).toBe('LOADING');
  expect(toErrorReply('NOREPLICAS Not enough good replicas to write.').code).toBe('NOREPLICAS');
  expect(toErrorReply('some module said so').code).toBe('ERR');
  expect(toErrorReply('').code).toBe('ERR');
});

test('arguments that Redis quotes do not get into the message, they may be a password', () => {
  const error = toErrorReply("ERR unknown command 'AUHT', with args beginning with: 'secret' \n'other' ");
  expect(error.message).toBe("ERR unknown command 'AUHT'");
});

test('an endless error text is cut', () => {
  expect(toErrorReply(`ERR ${'x'.repeat(10_000)}`).message.length).toBeLessThan(500);
});

test('an error inside an EXEC stands in its place as a value', () => {
  expect(toReplyValue(['OK', new Error('WRONGTYPE no'), [null, 3]])).toEqual([
    'OK', { ok: false, code: 'WRONGTYPE', message: 'WRONGTYPE no' }, [null, 3],
  ]);
});

test('the first error is found at the top and inside an EXEC, and a last success does not hide it', () => {
  const ok: Reply = { ok: true, value: 'OK' };
  expect(firstError([ok, { ok: true, value: ['OK', [1, null]] }])).toBeNull();
  expect(firstError([toReply([new Error('NOPERM no'), undefined]), ok])?.code).toBe('NOPERM');
  expect(firstError([ok, toReply([null, ['OK', new Error('ERR late')]]), ok])?.message).toBe('ERR late');
});
