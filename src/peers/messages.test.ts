// What is read from the wire: our messages come back as they went, everything else is ignored or called garbage.

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { BEAT_LINE, encodeMessage, readLine } from './messages.ts';
import type { PeerMessage } from './messages.ts';

const MESSAGES: readonly PeerMessage[] = [
  { kind: 'redis_died', runId: '6c5f1d' },
  { kind: 'promoted', epoch: 7 },
  { kind: 'look' },
];

test.each(MESSAGES)('$kind comes back as it went', (message) => {
  expect(readLine(encodeMessage(message).trimEnd())).toEqual({ kind: 'message', message });
});

test('a heartbeat is a beat', () => {
  expect(readLine(BEAT_LINE.trimEnd())).toEqual({ kind: 'beat' });
});

test('members that we do not know are left out of a message', () => {
  const message = { kind: 'promoted', epoch: 1 };
  expect(readLine('{"kind":"promoted","epoch":1,"later":true}')).toEqual({ kind: 'message', message });
});

test.each([
  '{"kind":"sung"}',
  '{"kind":"toString"}',
  '{"kind":"__proto__"}',
  '{"kind":"promoted"}',
  '{"kind":"promoted","epoch":-1}',
  '{"kind":"promoted","epoch":1.5}',
  '{"kind":"promoted","epoch":"1"}',
  '{"kind":"redis_died","runId":""}',
  `{"kind":"redis_died","runId":"${'a'.repeat(65)}"}`,
])('%s is ignored', (line) => {
  expect(readLine(line)).toEqual({ kind: 'ignored' });
});

test.each(['', 'GET / HTTP/1.1', '[]', 'null', '7', '"look"', '{}', '{"kind":1}', '{"kind":"look"'])(
  '%s is garbage',
  (line) => {
    expect(readLine(line)).toEqual({ kind: 'garbage' });
  },
);

test('no line makes the reader throw', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (line) => typeof readLine(line).kind === 'string'));
});
