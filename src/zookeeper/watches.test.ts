import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { JuteReader } from './codec.ts';
import { OP, XID } from './protocol.ts';
import { SET_WATCHES_BYTES_MAX, WatchRegistry } from './watches.ts';

const KINDS = ['data', 'exists', 'children', 'persistent', 'persistent_recursive'] as const;

function readFrame(frame: Buffer): { zxid: bigint; paths: Record<string, string[]> } {
  const reader = new JuteReader(frame.subarray(4));
  expect([reader.int(), reader.int()]).toEqual([XID.setWatches, OP.setWatches2]);
  const zxid = reader.long();
  const paths = Object.fromEntries(KINDS.map((kind) => [kind, reader.vector(() => reader.string())]));
  expect(reader.remaining).toBe(0);
  return { zxid, paths };
}

describe('registering watches again', () => {
  test('needs no frame without watches', () => {
    expect(new WatchRegistry().frames(5n)).toEqual([]);
  });

  test('sends every watch exactly once, under its kind, in frames below the limit', () => {
    const path = fc.tuple(fc.constantFrom(...KINDS), fc.nat(2000), fc.integer({ min: 0, max: 20_000 }));
    fc.assert(fc.property(fc.array(path, { maxLength: 60 }), (watches) => {
      const registry = new WatchRegistry();
      const wanted: Record<string, Set<string>> = Object.fromEntries(KINDS.map((kind) => [kind, new Set()]));
      for (const [kind, id, length] of watches) {
        // The kind in the name: the two persistent kinds exclude each other on one path.
        const name = `/${kind}-${String(id)}-${'é'.repeat(length)}`;
        registry.add(kind, name);
        wanted[kind]?.add(name);
      }
      const seen: Record<string, string[]> = Object.fromEntries(KINDS.map((kind) => [kind, []]));
      for (const frame of registry.frames(77n)) {
        expect(frame.length).toBeLessThanOrEqual(SET_WATCHES_BYTES_MAX);
        const { zxid, paths } = readFrame(frame);
        expect(zxid).toBe(77n);
        for (const kind of KINDS) seen[kind]?.push(...(paths[kind] ?? []));
      }
      for (const kind of KINDS) expect(seen[kind]).toEqual([...(wanted[kind] ?? [])]);
    }), { numRuns: 30 });
  });
});

describe('a one-shot watch', () => {
  const registered = (kind: (typeof KINDS)[number]): WatchRegistry => {
    const registry = new WatchRegistry();
    registry.add(kind, '/a');
    return registry;
  };
  const cases = [
    ['data', { created: 0, changed: 0, deleted: 0, children: 1 }],
    ['exists', { created: 0, changed: 0, deleted: 0, children: 1 }],
    ['children', { created: 1, changed: 1, deleted: 0, children: 0 }],
    ['persistent', { created: 1, changed: 1, deleted: 1, children: 1 }],
    ['persistent_recursive', { created: 1, changed: 1, deleted: 1, children: 1 }],
  ] as const;
  for (const [kind, left] of cases) {
    test(`of kind ${kind} ends with the events that end it on the server`, () => {
      for (const type of ['created', 'changed', 'deleted', 'children'] as const) {
        const registry = registered(kind);
        registry.consume({ type, path: '/b', zxid: -1n });
        expect(registry.size).toBe(1);
        registry.consume({ type, path: '/a', zxid: -1n });
        expect(registry.size).toBe(left[type]);
      }
    });
  }
});

test('a path has one persistent mode, the latest', () => {
  const registry = new WatchRegistry();
  registry.add('persistent', '/a');
  registry.add('persistent_recursive', '/a');
  expect(registry.size).toBe(1);
  registry.add('persistent', '/a');
  expect(readFrame(registry.frames(0n)[0] ?? Buffer.alloc(0)).paths).toMatchObject({ persistent: ['/a'] });
  registry.remove('/a');
  expect(registry.size).toBe(0);
});
