// Settings of the service, changed at runtime: compare and set, obeyed by everybody, and what they do.

import { describe, expect, test } from 'vitest';

import { NO_OPERATOR_SETTINGS } from '../records.ts';
import type { NodeTags, SettingsRecord } from '../records.ts';
import { inPeace } from '../testing/peace.ts';
import type { Village } from '../testing/village.ts';
import { SHARED } from '../testing/world.ts';

const TAGS: NodeTags = { priority: null, zone: null, neverMaster: null, noRead: null };

function change(village: Village, id: string, settings: Partial<SettingsRecord>, by = 'b'): string {
  const kept = village.ensemble.records.settings;
  const version = (kept?.value.version ?? 0) + 1;
  const record = { ...SHARED, ...NO_OPERATOR_SETTINGS, ...settings, version, change: id };
  const changes = [{ key: 'x', old: null, new: '1' }];
  const request = {
    id, settings: record, basedOn: kept?.znode.version ?? null,
    change: { id, version, asker: 'ann', at: 0, changes },
  };
  village.order(by, { order: 'settings', request });
  return id;
}

const answerOf = (village: Village, id: string): unknown => village.operations.get(id);

describe('a change of the settings', () => {
  test('by any agent is obeyed by all, and remembered with who asked', () => {
    const village = inPeace();
    const id = change(village, 'one', { durability: 'durable', thresholds: { downAfterMs: 777 } });
    village.pass(500);
    expect(answerOf(village, id)).toEqual({ answer: 'done' });
    for (const name of ['a', 'b', 'c']) {
      expect(village.agent(name).state.settings.downAfterMs).toBe(777);
      expect([...village.agent(name).state.reasons]).not.toContain('setting_differs');
    }
    const { changes, settings } = village.ensemble.records;
    expect(changes?.value.list).toMatchObject([{ id, asker: 'ann', version: 2 }]);
    expect(settings?.value).toMatchObject({ version: 2, durability: 'durable', change: id });
    expect(village.writable()).toEqual(['a']);
  });

  test('of two operators at once one is served, and the other is told', () => {
    const village = inPeace();
    const [first, second] = [change(village, 'one', { waitReplicas: 1 }, 'b'), change(village, 'two', {}, 'c')];
    village.pass(500);
    const answers = [answerOf(village, first), answerOf(village, second)];
    expect(answers).toContainEqual({ answer: 'done' });
    expect(answers).toContainEqual({ answer: 'refused', reason: 'settings_changed' });
    expect(village.ensemble.records.changes?.value.list).toHaveLength(1);
  });

  test('keeps the latest changes, within a bound', () => {
    const village = inPeace(['a', 'b']);
    for (let i = 0; i < 40; i++) {
      change(village, `change${i}`, {});
      village.pass(50);
    }
    const { list } = village.ensemble.records.changes?.value ?? { list: [] };
    expect(list).toHaveLength(32);
    expect(list.at(-1)?.id).toBe('change39');
  });

  test('is refused while the ensemble is not heard', () => {
    const village = inPeace();
    village.cutOff('b');
    village.pass(10);
    const id = change(village, 'one', {});
    village.pass(500);
    expect(answerOf(village, id)).toEqual({ answer: 'refused', reason: 'zookeeper_unreachable' });
  });

  test('taken away, each node\'s own configuration holds again', () => {
    const village = inPeace();
    change(village, 'one', { thresholds: { electionSettleMs: 5 } });
    village.pass(200);
    expect(village.agent('c').state.settings.electionSettleMs).toBe(5);
    change(village, 'two', {});
    village.pass(200);
    const { settings, local } = village.agent('c').state;
    expect(settings.electionSettleMs).toBe(local.electionSettleMs);
  });
});

describe('tags of nodes', () => {
  test('a node that is never to be master is not promoted, and one with the better priority is', () => {
    const village = inPeace();
    change(village, 'one', { nodes: { b: { ...TAGS, neverMaster: true } } });
    village.pass(500);
    village.killRedis('a');
    village.pass(2000);
    expect(village.writable()).toEqual(['c']);
  });

  test.each([
    ['prefer_other', { a: 'east', b: 'east', c: 'west' }, 'c'],
    ['prefer_same', { a: 'east', b: 'west', c: 'east' }, 'c'],
    ['require_other', { a: 'east', b: 'east', c: 'west' }, 'c'],
    ['require_same', { a: 'east', b: 'west', c: 'east' }, 'c'],
    ['prefer_same', { a: 'east', b: 'west', c: 'west' }, 'b'],
    ['ignore', { a: 'east', b: 'east', c: 'west' }, 'b'],
  ] as const)('%s among %j promotes %s, by a failover and by a stop', (zones, places, winner) => {
    const nodes = Object.fromEntries(Object.entries(places).map(([name, zone]) => [name, { ...TAGS, zone }]));
    for (const end of ['failover', 'stop'] as const) {
      const village = inPeace();
      change(village, 'one', { zones, nodes });
      village.pass(500);
      if (end === 'stop') village.order('a', { order: 'stop' });
      else village.killRedis('a');
      village.pass(2000);
      expect(village.writable(), end).toEqual([winner]);
    }
  });

  test('where the rule leaves nobody, nobody is promoted, and the reason says so', () => {
    const village = inPeace();
    const east = { ...TAGS, zone: 'east' };
    change(village, 'one', { zones: 'require_other', nodes: { a: east, b: east, c: east } });
    village.pass(500);
    village.killRedis('a');
    village.pass(3000);
    expect(village.writable()).toEqual([]);
    expect([...village.agent('b').state.reasons]).toContain('zone_excluded');
  });
});

describe('parameters of Redis', () => {
  const given = (village: Village, name: string): number =>
    village.journal.filter(({ by, action }) => by === name && action.kind === 'apply_parameters').length;

  test('are given to every Redis when they are set, and now and then again', () => {
    const village = inPeace();
    change(village, 'one', { redis: { maxmemory: '1gb' } });
    village.pass(1000);
    for (const name of ['a', 'b', 'c']) expect(given(village, name)).toBe(1);
    village.pass(61_000);
    for (const name of ['a', 'b', 'c']) expect(given(village, name)).toBe(2);
    change(village, 'two', {});
    village.pass(70_000);
    for (const name of ['a', 'b', 'c']) expect(given(village, name)).toBe(2);
  });

  test('that Redis refuses are named', () => {
    const village = inPeace();
    change(village, 'one', { redis: { 'bad-parameter': 'x', maxmemory: '1gb' } });
    village.pass(1000);
    expect([...village.agent('b').state.reasons]).toContain('redis_parameter_refused');
    expect(village.agent('b').state.applied?.refused).toEqual(['bad-parameter']);
    change(village, 'two', { redis: { maxmemory: '1gb' } });
    village.pass(1000);
    expect([...village.agent('b').state.reasons]).not.toContain('redis_parameter_refused');
  });
});

test('a switch to durable mode is what the next election counts by', () => {
  const village = inPeace();
  change(village, 'one', { durability: 'durable', waitReplicas: 1 });
  village.pass(1000);
  village.killRedis('b');
  village.killAgent('b');
  village.killRedis('a');
  village.killAgent('a');
  village.pass(20_000);
  expect(village.writable()).toEqual([]);
  expect([...village.agent('c').state.reasons]).toContain('durability_unproved');
});
