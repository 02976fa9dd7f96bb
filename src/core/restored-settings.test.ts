// Settings that went with an ensemble: the latest that anybody remembers are put back, and nothing that somebody undid.

import { describe, expect, test } from 'vitest';

import { RECORD_FORMAT } from './records.ts';
import type { SettingsRecord } from './records.ts';
import { missingSettings } from './service-settings.ts';
import { inPeace as settled } from './testing/peace.ts';
import type { Village } from './testing/village.ts';
import { kept, reads, run, SHARED, term, world } from './testing/world.ts';

let changes = 0;
function changesSettings(village: Village, by: string, to: Partial<SettingsRecord>): SettingsRecord {
  const { value, znode } = village.ensemble.records.settings!;
  const id = `x${++changes}`;
  const changed = { ...value, version: value.version + 1, ...to, change: id };
  const change = { id, version: changed.version, at: 1, asker: 'ann', changes: [] };
  village.order(by, { order: 'settings', request: { id, settings: changed, change, basedOn: znode.version } });
  village.pass(500);
  expect(village.ensemble.records.settings?.value).toEqual(changed);
  return changed;
}

test('a master that lived on promises goes on with what operators set', () => {
  const village = settled();
  const changed = changesSettings(village, 'b', { durability: 'durable' });
  village.pass(500);
  village.ensembleDown();
  village.pass(20_000);
  village.ensembleBack('wiped')('a', 'b', 'c');
  village.pass(5000);
  expect(village.ensemble.records.settings?.value).toEqual(changed);
});

describe('a change of the settings that one agent missed', () => {
  test.each([
    ['a', 'b', ['a', 'c', 'b'], 500],
    ['b', 'c', ['b', 'c', 'a'], 5000],
    ['c', 'b', ['c', 'b', 'a'], 50],
    ['c', 'b', ['c', 'a', 'b'], 25_000],
  ])('%s missed it, %s made it, and the agents are back as %j, each %i ms behind the other', (
    missed, by, order, laterMs,
  ) => {
    const village = settled();
    village.cutOff(missed);
    const changed = changesSettings(village, by, { durability: 'durable' });
    village.pass(500);
    village.ensembleDown();
    village.killRedis('a');
    village.pass(20_000);
    const letIn = village.ensembleBack('wiped');
    for (const name of order) {
      letIn(name);
      village.pass(laterMs);
    }
    village.redis('a').restart('kept');
    village.pass(40_000);
    expect(village.ensemble.records.settings?.value).toEqual(changed);
    expect(village.writable()).toHaveLength(1);
  });

  test('a version is never given twice: what an operator removed is not put back', () => {
    const remembered = { version: 7, ...SHARED, durability: 'durable' } as const;
    const memory = { term: term(), version: 3, settings: remembered };
    const master = world('a', 'master', { record: { settings: null }, memory });
    expect(missingSettings(master)).toEqual({ version: 8, ...SHARED });
    const change = { id: 'x', version: 9, asker: 'ann', at: null, changes: [] };
    const changed = { ...master, records: { ...master.records, changes: kept({ list: [change] }) } };
    expect(missingSettings(changed)?.version).toBe(10);
    const replica = world('b', 'replica', { record: { settings: { version: 8, ...SHARED } }, memory });
    expect(run(replica, 1).does).not.toContain('write_settings');
  });

  test('what is written in a newer format is left as it is', () => {
    const memory = { term: term(), version: 3, settings: { version: 7, ...SHARED } };
    const does = (format: number): readonly string[] => {
      const { records, ...state } = world('b', 'replica', { memory });
      const older = kept({ version: 6, ...SHARED }, { format });
      return run({ ...state, records: { ...records, settings: older } }, 1).does;
    };
    expect(does(RECORD_FORMAT)).toContain('write_settings');
    expect(does(RECORD_FORMAT + 1)).not.toContain('write_settings');
  });
});

describe('what operators do is not undone', () => {
  test('what an operator removed is not put back, also where the agent of the master was restarted', () => {
    const village = settled();
    changesSettings(village, 'b', { priorityLagBytes: 10 });
    changesSettings(village, 'b', { priorityLagBytes: 20 });
    changesSettings(village, 'b', { durability: 'durable' });
    village.killAgent('a');
    village.pass(50);
    // An operator deletes /dictator/<svc>/settings, to have them written anew.
    village.ensemble.records = { ...village.ensemble.records, settings: null };
    for (const name of ['b', 'c']) {
      village.agent(name).inbox.push({ kind: 'record_read', read: { record: 'settings', kept: null } });
    }
    village.pass(50);
    village.start('a');
    village.pass(10_000);
    expect(village.writable()).toHaveLength(1);
    const writes = village.journal.filter(({ action }) => action.kind === 'write_settings').slice(3);
    expect(writes.map(({ by }) => by)).toEqual([]);
    expect(village.ensemble.records.settings?.value).toMatchObject({ durability: 'async', change: null });
  });

  test('what an operator changed after the loss is not undone by an agent that comes late', () => {
    const village = settled();
    village.cutOff('c');
    // a and b know versions 2 and 3, c only 1.
    changesSettings(village, 'b', { priorityLagBytes: 10 });
    changesSettings(village, 'b', { priorityLagBytes: 20 });
    village.pass(500);
    village.ensembleDown();
    village.killRedis('a');
    village.killAgent('a');
    village.pass(20_000);
    const letIn = village.ensembleBack('wiped');
    letIn('c');
    village.pass(25_000);
    const later = changesSettings(village, 'c', { durability: 'durable' });
    letIn('b');
    village.pass(20_000);
    expect(village.ensemble.records.settings?.value).toMatchObject({ durability: later.durability });
  });
});

describe('a write that cannot be carried out is not tried', () => {
  const memory = { term: term(), version: 3, settings: { version: 7, ...SHARED } };
  const standing = reads({ record: 'settings', kept: kept({ version: 6, ...SHARED }) });
  test('where the history of changes cannot be read', () => {
    const unreadable = { kind: 'records_unreadable', paths: ['/dictator/shop/changes'] } as const;
    const played = run(world('b', 'replica', { memory }), unreadable, standing);
    expect(played.does).not.toContain('write_settings');
    expect(played.says).not.toContain('settings_restored');
  });

  test('where that is of a newer format', () => {
    const state = world('b', 'replica', { memory });
    const newer = reads({ record: 'changes', kept: kept({ list: [] }, { format: 2 }) });
    expect(run(state, newer, standing).does).not.toContain('write_settings');
  });
});
