import { expect, test } from 'vitest';
import { encodeRecord, decodeRecord } from './codec.ts';
import { changesBetween, documentOf, recordOf } from './settings.ts';

const DOCUMENT = {
  durability: 'durable', wait_replicas: 2, on_ensemble_loss: 'continue', priority_lag_bytes: 7,
  down_after_ms: 1500, forget_after_ms: 9000, zones: 'prefer_same', parallel_syncs: 2,
  'nodes.a.b.zone': 'east', 'nodes.a.b.never_master': true, 'nodes.x.priority': 3, 'redis.maxmemory': '1gb',
};

test('a document survives the record, its bytes and back', () => {
  const record = recordOf(DOCUMENT, { version: 4, change: 'id' });
  const stat = { version: 1, owner: 0n, czxid: 1n };
  const read = decodeRecord({ record: 'settings' }, Buffer.from(encodeRecord(record)), stat);
  expect(read?.kept?.value).toEqual(record);
  expect(documentOf(record)).toEqual(DOCUMENT);
});

test('a record of an earlier build has none of the later settings', () => {
  const bytes = JSON.stringify({
    v: 1, version: 1, durability: 'async', waitReplicas: 1, onEnsembleLoss: 'fence', priorityLagBytes: 0,
  });
  const read = decodeRecord({ record: 'settings' }, Buffer.from(bytes), { version: 0, owner: 0n, czxid: 1n });
  expect(read?.kept?.value).toMatchObject({ change: null, thresholds: {}, zones: 'ignore', nodes: {}, redis: {} });
});

test('changes name what is new, other and gone', () => {
  expect(changesBetween({ a: 1, b: 'x', c: true }, { a: 1, b: 'y', d: 2 })).toEqual([
    { key: 'b', old: '"x"', new: '"y"' },
    { key: 'c', old: 'true', new: null },
    { key: 'd', old: null, new: '2' },
  ]);
});
