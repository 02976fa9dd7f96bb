import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { FrameSplitter, JuteError, JuteReader, JuteWriter } from './codec.ts';

type Field =
  | { kind: 'int'; value: number }
  | { kind: 'long'; value: bigint }
  | { kind: 'boolean'; value: boolean }
  | { kind: 'buffer'; value: Buffer | null }
  | { kind: 'string'; value: string }
  | { kind: 'vector'; value: string[] };

const bytes = fc.uint8Array({ maxLength: 600 }).map((array) => Buffer.from(array));
const text = fc.string({ unit: 'grapheme', maxLength: 80 });
const field: fc.Arbitrary<Field> = fc.oneof(
  fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }).map((value) => ({ kind: 'int' as const, value })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => ({ kind: 'long' as const, value })),
  fc.boolean().map((value) => ({ kind: 'boolean' as const, value })),
  fc.option(bytes).map((value) => ({ kind: 'buffer' as const, value })),
  text.map((value) => ({ kind: 'string' as const, value })),
  fc.array(text, { maxLength: 8 }).map((value) => ({ kind: 'vector' as const, value })),
);

function write(writer: JuteWriter, each: Field): void {
  switch (each.kind) {
    case 'int': writer.int(each.value); break;
    case 'long': writer.long(each.value); break;
    case 'boolean': writer.boolean(each.value); break;
    case 'buffer': writer.buffer(each.value); break;
    case 'string': writer.string(each.value); break;
    case 'vector': writer.vector(each.value, (value) => writer.string(value)); break;
  }
}

function read(reader: JuteReader, kind: Field['kind']): Field['value'] {
  switch (kind) {
    case 'int': return reader.int();
    case 'long': return reader.long();
    case 'boolean': return reader.boolean();
    case 'buffer': return reader.buffer();
    case 'string': return reader.string();
    case 'vector': return reader.vector(() => reader.string());
  }
}

function encode(fields: readonly Field[]): Buffer {
  const writer = new JuteWriter();
  for (const each of fields) write(writer, each);
  return writer.frame();
}

function cut(stream: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (let index = 0; at < stream.length; index += 1) {
    const size = sizes[index % Math.max(1, sizes.length)] ?? stream.length;
    chunks.push(stream.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

describe('jute values', () => {
  test('read back as they were written', () => {
    fc.assert(fc.property(fc.array(field, { maxLength: 20 }), (fields) => {
      const frame = encode(fields);
      expect(frame.readInt32BE(0)).toBe(frame.length - 4);
      const reader = new JuteReader(frame.subarray(4));
      for (const each of fields) expect(read(reader, each.kind)).toEqual(each.value);
      expect(reader.remaining).toBe(0);
    }));
  });

  test('cut short anywhere end in a JuteError, never in another error and never in a wrong value', () => {
    fc.assert(fc.property(fc.array(field, { minLength: 1, maxLength: 6 }), fc.nat(), (fields, where) => {
      const body = encode(fields).subarray(4);
      const reader = new JuteReader(body.subarray(0, where % body.length));
      const readAll = (): void => {
        for (const each of fields) expect(read(reader, each.kind)).toEqual(each.value);
      };
      expect(readAll).toThrow(JuteError);
    }));
  });

  test('made of arbitrary bytes are read or refused with a JuteError', () => {
    const kinds = fc.array(field.map((each) => each.kind), { minLength: 1, maxLength: 6 });
    fc.assert(fc.property(bytes, kinds, (body, wanted) => {
      const reader = new JuteReader(body);
      try {
        for (const kind of wanted) read(reader, kind);
      } catch (error) {
        expect(error).toBeInstanceOf(JuteError);
      }
    }));
  });

  test('with a claimed length of 2 GB allocate nothing', () => {
    const claim = Buffer.from([0x7f, 0xff, 0xff, 0xff]);
    expect(() => new JuteReader(claim).buffer()).toThrow(JuteError);
    expect(() => new JuteReader(claim).vector(() => 0)).toThrow(JuteError);
  });
});

describe('a stream of frames', () => {
  const frames = fc.array(fc.array(field, { maxLength: 5 }).map(encode), { maxLength: 12 });
  const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 10 });

  test('gives the same frames however it is cut into chunks', () => {
    fc.assert(fc.property(frames, sizes, (whole, chunkSizes) => {
      const splitter = new FrameSplitter(1_000_000);
      const seen: Buffer[] = [];
      for (const chunk of cut(Buffer.concat(whole), chunkSizes)) {
        splitter.push(chunk);
        for (let frame = splitter.next(); frame !== null; frame = splitter.next()) seen.push(frame);
      }
      expect(seen).toEqual(whole.map((frame) => frame.subarray(4)));
    }));
  });

  test('with a negative or too large length is refused before its body is awaited', () => {
    for (const length of [-1, 1001, 0x7fff_ffff]) {
      const splitter = new FrameSplitter(1000);
      splitter.push(new JuteWriter().int(length).frame().subarray(4));
      expect(() => splitter.next()).toThrow(JuteError);
    }
  });
});
