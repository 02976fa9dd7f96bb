import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { readJson } from './json.ts';

describe('readJson', () => {
  test('gives what JSON.parse gives, for any value in any layout', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 1, '\t'), (value, layout) => {
        const text = JSON.stringify(value, null, layout);
        expect(readJson(text)).toEqual({ ok: true, value: JSON.parse(text), duplicates: [] });
      }),
    );
  });

  test('agrees with JSON.parse about which damaged texts are JSON', () => {
    const insertion = fc.constantFrom('', ',', '"', '}', '0', '\\', 'e');
    const damaged = fc.tuple(fc.jsonValue({ maxDepth: 3 }), fc.nat(), insertion);
    fc.assert(
      fc.property(damaged, ([value, at, inserted]) => {
        const text = JSON.stringify(value);
        const cut = at % (text.length + 1);
        const mangled = text.slice(0, cut) + inserted + text.slice(cut + 1);
        expect(readJson(mangled).ok).toBe(parses(mangled));
      }),
    );
  });

  test.each([
    ['', 1, 1, 'expected a value, found the end of the file'],
    ['{"a": 1,}', 1, 9, 'expected a key in double quotes'],
    ["{'a': 1}", 1, 2, 'expected a key in double quotes'],
    ['{\n// comment\n}', 2, 1, 'expected a key in double quotes'],
    ['{"a"\n1}', 2, 1, "expected ':'"],
    ['[1 2]', 1, 4, "expected ',' or ']'"],
    ['{"a": tru}', 1, 7, 'expected a value'],
    ['{"a": "b\n"}', 1, 7, 'this text is not ended or not valid'],
    ['{"a": 1', 1, 8, "expected ',' or '}', found the end of the file"],
    ['{} {}', 1, 4, 'expected the end of the file'],
  ])('finds the fault of %j', (text, line, column, reason) => {
    expect(readJson(text)).toEqual({ ok: false, fault: { line, column, reason } });
  });

  test('bounds the depth', () => {
    expect(readJson('['.repeat(100_000))).toMatchObject({ ok: false, fault: { reason: 'nested more than 32 deep' } });
  });

  test('finds keys that stand there twice, also when escaped, and bounds their number', () => {
    expect(readJson('{"a": {"b": 1,\n"\\u0062": 2}}')).toMatchObject({ duplicates: [{ path: 'a.b', line: 2 }] });
    const many = readJson(`{${'"a":1,'.repeat(100)}"a":1}`);
    expect(many.ok && many.duplicates.length).toBe(20);
  });
});

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError);
    return false;
  }
}
