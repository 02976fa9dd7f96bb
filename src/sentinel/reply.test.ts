import { expect, test } from 'vitest';
import { matches } from './glob.ts';
import { NULL, NULL_ARRAY, OK, array, bulk, encode, error, fields, integer, push } from './reply.ts';

test('RESP2 and RESP3 write the same reply, each in its way', () => {
  const reply = array([fields([['a', '1'], ['é', '']]), NULL, NULL_ARRAY, integer(7), OK]);
  const head = '*5\r\n';
  const pairs = '$1\r\na\r\n$1\r\n1\r\n$2\r\né\r\n$0\r\n\r\n';
  expect(encode(reply, 2)).toBe(`${head}*4\r\n${pairs}$-1\r\n*-1\r\n:7\r\n+OK\r\n`);
  expect(encode(reply, 3)).toBe(`${head}%2\r\n${pairs}_\r\n_\r\n:7\r\n+OK\r\n`);
  expect(encode(push([bulk('x')]), 2)).toBe('*1\r\n$1\r\nx\r\n');
  expect(encode(push([bulk('x')]), 3)).toBe('>1\r\n$1\r\nx\r\n');
});

test('what a client wrote cannot forge a second reply', () => {
  expect(encode(error('ERR unknown command \'a\r\n+OK\''), 2)).toBe('-ERR unknown command \'a  +OK\'\r\n');
});

test('patterns match as in Redis', () => {
  const yes = [
    ['*', ''], ['*', '+sdown'], ['[-+]sdown', '-sdown'], ['+s*n', '+sdown'], ['?sdown', '+sdown'],
    ['h[^e]llo', 'hallo'], ['h[a-c]llo', 'hbllo'], ['h[c-a]llo', 'hbllo'], ['[abc', 'a'], ['', ''],
    [String.raw`\*`, '*'], [String.raw`[\]]`, ']'], ['a*b*c', 'aXbYbZc'],
  ] as const;
  const no = [
    ['switch-master', '+switch-master'], ['[-+]sdown', 'sdown'], ['h[^e]llo', 'hello'], ['?', ''],
    ['a*', 'ba'], [String.raw`\*`, 'a'], ['', 'a'], ['a', ''], ['a*b*c', 'aXbYb'],
  ] as const;
  for (const [pattern, text] of yes) expect(matches(pattern, text), `${pattern} ${text}`).toBe(true);
  for (const [pattern, text] of no) expect(matches(pattern, text), `${pattern} ${text}`).toBe(false);
});

test('a pattern of many stars takes no time to speak of', () => {
  expect(matches(`${'*a'.repeat(200)}b`, 'a'.repeat(500))).toBe(false);
});
