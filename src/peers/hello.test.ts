// A hello survives headers, whatever the names; a broken one is no hello.

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { HELLO_FIELD_LENGTH_MAX, helloHeaders, readHello } from './hello.ts';
import type { PeerHello } from './hello.ts';

const lowerCased = (hello: PeerHello): Record<string, string> =>
  Object.fromEntries(Object.entries(helloHeaders(hello)).map(([name, value]) => [name.toLowerCase(), value]));

test('any name comes back as it went', () => {
  const field = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(field, field, field, (service, name, instance) => {
      const hello = { service, name, instance };
      expect(readHello(lowerCased(hello))).toEqual(hello);
    }),
  );
});

test('a missing, empty, overlong or undecodable part makes it no hello', () => {
  const good = lowerCased({ service: 's', name: 'n', instance: 'i' });
  expect(readHello(good)).toBeDefined();
  const long = 'x'.repeat(HELLO_FIELD_LENGTH_MAX);
  expect(readHello({ ...good, 'dictator-name': long })).toBeDefined();
  for (const bad of ['', `${long}x`, '%', '%ff']) {
    expect(readHello({ ...good, 'dictator-name': bad })).toBeUndefined();
  }
  for (const header of Object.keys(good)) expect(readHello({ ...good, [header]: undefined })).toBeUndefined();
});
