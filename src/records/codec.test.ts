// Records: byte-exact where others read them, and nothing that is not ours is taken for ours.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { SHARED, ballot, lease, masterRecord, member, nodeRecord, term } from '../core/testing/world.ts';
import { decodeRecord, encodeMasterRecord, encodeRecord, RECORD_BYTES_MAX } from './codec.ts';
import { absent, FOLDERS, servicePaths } from './paths.ts';
import type { RecordKey } from './paths.ts';

const STAT = { version: 3, owner: 9n, czxid: 4n };
const decode = (key: RecordKey, text: string) => decodeRecord(key, Buffer.from(text), STAT);

describe('our records', () => {
  test.each<[RecordKey, object]>([
    [{ record: 'lease' }, lease()],
    [{ record: 'term' }, term({ pending: { epoch: 5, node: 'a', former: null, inSync: [] }, designated: 'b' })],
    [{ record: 'term' }, term({ master: null })],
    [{ record: 'settings' }, { version: 1, ...SHARED, durability: 'durable', onEnsembleLoss: 'continue' }],
    [{ record: 'members', name: 'b' }, member('b')],
    [{ record: 'members', name: 'b' }, member('b', {
      runId: null,
      dataset: {
        role: 'replica', replid: 'x', replid2: 'y', hasKeys: true, priority: 0, masterHost: 'h', masterPort: 1,
      },
    })],
    [{ record: 'nodes', name: 'b' }, nodeRecord('b', { disabled: true })],
    [{ record: 'ballots', name: 'b' }, ballot('b', { refusal: 'not_in_sync', deathProof: 'run-a' })],
  ])('come back as they were written: %o', (key, value) => {
    expect(decode(key, encodeRecord(value))).toMatchObject({ ...key, kept: { value, znode: { ...STAT, format: 1 } } });
  });

  test('carry their format version first', () => {
    expect(encodeRecord(lease())).toMatch(/^\{"v":1,/);
  });

  test('of a newer release are read as far as they are known, and say their format', () => {
    const newer = JSON.stringify({ ...JSON.parse(encodeRecord(lease())), v: 2, more: ['x'] });
    expect(decode({ record: 'lease' }, newer)?.kept).toMatchObject({ value: lease(), znode: { format: 2 } });
  });
});

describe('what is not a record of ours is not taken for one', () => {
  test.each<[string, RecordKey, string]>([
    ['no JSON', { record: 'lease' }, 'master=10.0.0.1'],
    ['nothing', { record: 'lease' }, ''],
    ['half a record', { record: 'lease' }, encodeRecord(lease()).slice(0, -9)],
    ['a list', { record: 'term' }, '[]'],
    ['null', { record: 'term' }, 'null'],
    ['a missing member', { record: 'lease' }, encodeRecord({ ...lease(), runId: undefined })],
    ['a port out of range', { record: 'lease' }, encodeRecord({ ...lease(), redis: { host: 'h', port: 70_000 } })],
    ['an epoch that is no count', { record: 'term' }, encodeRecord({ ...term(), epoch: -1 })],
    ['a term whose master is its own replica', { record: 'term' }, encodeRecord(term({ inSync: ['a'] }))],
    [
      'a term that waits for another epoch',
      { record: 'term' },
      encodeRecord(term({ pending: { epoch: 9, node: 'a', former: null, inSync: [] } })),
    ],
    ['settings with a word that nobody knows', { record: 'settings' }, encodeRecord({ ...SHARED, durability: 'x' })],
    [
      'more nodes than there can be',
      { record: 'term' },
      encodeRecord(term({ nodes: Array.from({ length: 65 }, (_v, i) => `n${i}`) })),
    ],
    ['a name that is not its path\'s', { record: 'members', name: 'b' }, encodeRecord(member('c'))],
    [
      'a reason that nobody knows',
      { record: 'ballots', name: 'b' },
      encodeRecord({ ...ballot('b'), refusal: 'because' }),
    ],
    ['a flood', { record: 'lease' }, encodeRecord({ ...lease(), more: 'x'.repeat(RECORD_BYTES_MAX) })],
  ])('%s', (_what, key, text) => {
    expect(decode(key, text)).toBe(null);
  });

  test('whatever bytes lie there, nothing is thrown', () => {
    const keys: RecordKey[] = [
      { record: 'lease' }, { record: 'term' }, { record: 'masterRecord' }, { record: 'nodes', name: 'b' },
    ];
    const bytes = fc.oneof(
      fc.uint8Array().map((each) => Buffer.from(each)), fc.json().map((text) => Buffer.from(text)),
    );
    fc.assert(fc.property(fc.constantFrom(...keys), bytes, (key, data) => {
      decodeRecord(key, data, STAT);
    }));
  });
});

describe('the master record', () => {
  test('is written byte for byte as the original writes it', () => {
    const record = { host: '10.0.0.1', port: '6379', name: 'a "b"' };
    expect(encodeMasterRecord(record)).toBe('{"host": "10.0.0.1", "port": "6379", "name": "a \\"b\\""}');
  });

  test.each<[string, string, object | null]>([
    ['of the original', '{"host": "10.0.0.a", "port": "6379", "name": "a"}', masterRecord('a')],
    ['with a number for a port', '{"host":"10.0.0.a","port":6379,"name":"a"}', masterRecord('a')],
    ['without a name', '{"host":"10.0.0.a","port":"6379"}', { ...masterRecord('a'), name: '' }],
    ['without an address', '{"name":"a"}', null],
    ['with a port that is none', '{"host":"h","port":"x"}', null],
  ])('%s', (_whose, text, value) => {
    expect(decode({ record: 'masterRecord' }, text)?.kept?.value ?? null).toEqual(value);
  });
});

describe('paths', () => {
  const paths = servicePaths('shop');

  test('everything of ours is below one root; the published tree holds the master record alone', () => {
    expect(paths.masterRecord).toBe('/services/redis/shop/master');
    for (const path of [paths.lease, paths.term, paths.settings, ...FOLDERS.map((each) => paths.folder(each))]) {
      expect(path.startsWith('/dictator/shop/')).toBe(true);
    }
  });

  test('every record\'s path leads back to it', () => {
    expect(paths.keyOf(paths.lease)).toEqual({ record: 'lease' });
    expect(paths.keyOf(paths.settings)).toEqual({ record: 'settings' });
    expect(paths.keyOf(paths.masterRecord)).toEqual({ record: 'masterRecord' });
    for (const record of FOLDERS) expect(paths.keyOf(paths.of(record, 'b'))).toEqual({ record, name: 'b' });
  });

  test.each([
    '/dictator/shop', '/dictator/shop/members', '/dictator/shop/members/b/deeper', '/dictator/shop/orders/x',
    '/dictator/shopping/lease', '/dictator/other/lease', '/services/redis/shop', '/services/redis/shop/master/x',
  ])('%s holds no record', (path) => {
    expect(paths.keyOf(path)).toBe(null);
  });

  test('the read that says nothing is there', () => {
    expect(absent({ record: 'nodes', name: 'b' })).toEqual({ record: 'nodes', name: 'b', kept: null });
  });
});
