import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitInline } from './inline.ts';
import { SENTINEL_LIMITS } from './limits.ts';
import { RequestReader } from './requests.ts';
import type { Read, RequestBounds } from './requests.ts';

const KNOWN: RequestBounds = { ...SENTINEL_LIMITS, guest: false };
const GUEST: RequestBounds = {
  argumentsMax: SENTINEL_LIMITS.guestArgumentsMax,
  requestBytesMax: SENTINEL_LIMITS.guestRequestBytesMax,
  lineBytesMax: SENTINEL_LIMITS.lineBytesMax,
  guest: true,
};

function readAll(chunks: readonly (string | Buffer)[], bounds = KNOWN): Read[] {
  const reader = new RequestReader();
  const found: Read[] = [];
  for (const chunk of chunks) {
    reader.push(Buffer.from(chunk));
    for (;;) {
      const read = reader.next(bounds);
      if (read.kind === 'more') break;
      found.push(read);
      if (read.kind === 'broken') return found;
    }
  }
  return found;
}

const request = (...args: string[]): Read => ({ kind: 'request', args });
const wire = (args: readonly string[]): string =>
  `*${args.length}\r\n${args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`;

test('reads arrays and lines, one after the other, and skips empty ones', () => {
  expect(readAll(['*2\r\n$4\r\nPING\r\n$2\r\nhi\r\n*0\r\n*-1\r\n\r\nping  "a b"\r\nPING\n'])).toEqual([
    request('PING', 'hi'), request('ping', 'a b'), request('PING'),
  ]);
});

test('however a stream is cut, the same requests are read', () => {
  const args = fc.array(fc.string({ unit: 'binary', maxLength: 30 }), { minLength: 1, maxLength: 5 });
  const cuts = fc.array(fc.nat(400), { maxLength: 20 });
  fc.assert(fc.property(fc.array(args, { maxLength: 5 }), cuts, (requests, at) => {
    const bytes = Buffer.from(requests.map(wire).join(''));
    const places = [0, ...at.filter((place) => place < bytes.length).sort((a, b) => a - b), bytes.length];
    const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
    expect(readAll(chunks)).toEqual(requests.map((each) => request(...each)));
  }), { numRuns: 50 });
});

test('whatever bytes come, in whatever pieces, the reader ends in an answer or waits within its bounds', () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  fc.assert(fc.property(fc.array(bytes, { maxLength: 10 }), (chunks) => {
    const whole = readAll([Buffer.concat(chunks)]);
    expect(readAll(chunks.map((chunk) => Buffer.from(chunk)))).toEqual(whole);
  }));
});

describe('what exceeds a bound ends the stream, in the words of Redis', () => {
  const cases: [string, string, RequestBounds][] = [
    [`*${SENTINEL_LIMITS.argumentsMax + 1}\r\n`, 'invalid multibulk length', KNOWN],
    ['*99999999999\r\n', 'invalid multibulk length', KNOWN],
    ['*x\r\n', 'invalid multibulk length', KNOWN],
    ['*11\r\n', 'unauthenticated multibulk length', GUEST],
    [`*1\r\n$${SENTINEL_LIMITS.requestBytesMax + 1}\r\n`, 'invalid bulk length', KNOWN],
    [`*1\r\n$${SENTINEL_LIMITS.guestRequestBytesMax + 1}\r\n`, 'unauthenticated bulk length', GUEST],
    ['*1\r\n$-2\r\n', 'invalid bulk length', KNOWN],
    ['*1\r\n:1\r\n', "expected '$', got ':'", KNOWN],
    ['PING "a\r\n', 'unbalanced quotes in request', KNOWN],
    ['x'.repeat(SENTINEL_LIMITS.lineBytesMax + 1), 'too big inline request', KNOWN],
    [`*${'1'.repeat(SENTINEL_LIMITS.lineBytesMax + 1)}`, 'too big mbulk count string', KNOWN],
    [`*1\r\n$${'1'.repeat(SENTINEL_LIMITS.lineBytesMax + 1)}`, 'too big bulk count string', KNOWN],
  ];
  test.each(cases)('%#: %.20s', (text, what, bounds) => {
    expect(readAll([text], bounds)).toEqual([{ kind: 'broken', message: `ERR Protocol error: ${what}` }]);
  });

  test('the bound is of all arguments together', () => {
    const half = 'x'.repeat(SENTINEL_LIMITS.guestRequestBytesMax / 2);
    expect(readAll([wire([half, half])], GUEST)).toEqual([request(half, half)]);
    expect(readAll([wire([half, half, 'x'])], GUEST)[0]?.kind).toBe('broken');
  });
});

test('inline requests know the quotes and escapes of Redis', () => {
  expect(splitInline(String.raw`set "a\x41\n\"" 'it\'s' b`)).toEqual(['set', 'aA\n"', "it's", 'b']);
  expect(splitInline('  ')).toEqual([]);
  for (const open of ['"a', "'a", '"a"b', "'a'b"]) expect(splitInline(open)).toBeNull();
});
