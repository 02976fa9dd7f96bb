import { describe, expect, test } from 'vitest';
import {
  applyPatch, checkPatch, flattened, nested, placeOf, REFUSED_PARAMETERS, SERVICE_KEYS, valueOfText,
} from './service-settings.ts';

describe('a document of settings', () => {
  test('every value of its kind is taken', () => {
    const patch = {
      durability: 'durable', wait_replicas: 2, down_after_ms: 1500, zones: 'prefer_other', parallel_syncs: 1,
      'nodes.redis1.priority': 0, 'nodes.redis1.zone': 'east-1', 'nodes.a.b.never_master': true,
      'nodes.redis1.no_read': false, 'redis.maxmemory': '1gb', 'redis.maxclients': 5000, 'redis.appendonly': true,
      election_settle_ms: null,
    };
    const checked = checkPatch(patch);
    expect(checked).toEqual({
      ok: true,
      patch: { ...patch, 'redis.maxclients': '5000', 'redis.appendonly': 'yes' },
    });
  });

  const OF_EVERY_OBJECT = ['__proto__', 'constructor', 'toString'];
  test.each(OF_EVERY_OBJECT)('a node is not called %s: no record could hold its tags', (node) => {
    const checked = checkPatch({ [`nodes.${node}.zone`]: 'east' });
    expect(checked).toMatchObject({ ok: false, faults: [{ reason: 'names no node' }] });
  });

  test('all its faults are told at once, with the value, the reason and what to do', () => {
    const checked = checkPatch({
      durability: 'yes', wait_replicas: 0, down_after: 5, zones: 'near', parallel_syncs: -1, durabilty: 'durable',
      'nodes.redis1.zone': 'a b', 'nodes.redis1.zon': 'x', 'redis.bind': '0.0.0.0', 'redis.requirepass': 'hush',
      'redis.min-replicas-to-write': '0', 'redis.x': ['a'], on_ensemble_loss: null,
    });
    expect(checked.ok).toBe(false);
    if (checked.ok) return;
    expect(checked.faults).toHaveLength(13);
    expect(checked.faults.find(({ key }) => key === 'durabilty')?.fix).toContain('durability');
    expect(checked.faults.find(({ key }) => key === 'nodes.redis1.zon')?.fix).toContain('zone');
    expect(JSON.stringify(checked.faults)).not.toContain('hush');
    for (const { reason, fix } of checked.faults) {
      expect(reason).not.toBe('');
      expect(fix).toMatch(/[.?]$/);
    }
  });

  test.each(Object.keys(REFUSED_PARAMETERS))('redis.%s is refused', (parameter) => {
    expect(checkPatch({ [`redis.${parameter}`]: 'x' })).toMatchObject({ ok: false, faults: [{ value: null }] });
  });

  test('is the same nested and flat', () => {
    const flat = { durability: 'async', 'nodes.redis1.zone': 'a', 'nodes.redis1.no_read': true, 'redis.save': '' };
    const objects = nested(flat);
    expect(objects).toEqual({
      durability: 'async', nodes: { redis1: { zone: 'a', no_read: true } }, redis: { save: '' },
    });
    expect(flattened(objects)).toEqual(flat);
  });

  test('however deep somebody nests, it is a fault and nothing worse', () => {
    const deep: unknown = JSON.parse(`${'{"a":'.repeat(13_000)}1${'}'.repeat(13_000)}`);
    const checked = checkPatch(flattened(deep as Record<string, unknown>));
    expect(checked).toMatchObject({ ok: false, faults: [{ reason: 'unknown setting' }] });
  });

  test('a patch changes and takes away', () => {
    const before = { durability: 'async', down_after_ms: 5 };
    const { document } = applyPatch(before, { down_after_ms: null, zones: 'ignore' });
    expect(document).toEqual({ durability: 'async', zones: 'ignore' });
  });

  test('names no more nodes than a service can have', () => {
    const many = Object.fromEntries(Array.from({ length: 65 }, (_v, i) => [`nodes.n${i}.zone`, 'a']));
    expect(applyPatch({}, many).faults).toMatchObject([{ key: 'nodes' }]);
  });

  test('text becomes what its key wants', () => {
    expect(valueOfText('down_after_ms', '1500')).toBe(1500);
    expect(valueOfText('nodes.a.never_master', 'true')).toBe(true);
    expect(valueOfText('redis.maxclients', '5000')).toBe('5000');
    expect(valueOfText('parallel_syncs', '2')).toBe(2);
    expect(valueOfText('nonsense', '2')).toBe('2');
  });

  test('every key of the service is one of the configuration file', () => {
    for (const key of SERVICE_KEYS) expect(placeOf(key)).toEqual({ of: 'service', key });
    for (const key of ['svc_name', 'zk_hosts', 'node.password', 'nodes', 'nodes.a', 'nodes..zone', '__proto__']) {
      expect(placeOf(key)).toBe(null);
    }
  });
});
