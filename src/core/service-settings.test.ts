// What must be equal within a service: written once, obeyed by everybody, changed by no file.

import { expect, test } from 'vitest';

import { inForce, missingSettings, settingDiffers } from './service-settings.ts';
import type { SettingsRecord } from './records.ts';
import { Village } from './testing/village.ts';
import { SHARED, only, run, settings, world } from './testing/world.ts';

const DURABLE: SettingsRecord = { version: 1, ...SHARED, durability: 'durable', priorityLagBytes: 500 };
const recorded = (village: Village): SettingsRecord | undefined => village.ensemble.records.settings?.value;

test('the first lease holder writes them, and the term names their version', () => {
  const shared = { ...SHARED, onEnsembleLoss: 'continue' } as const;
  const village = new Village(['a', 'b'], { bootstrapSettleMs: 100, shared }).pass(1000);
  expect(recorded(village)).toEqual({ version: 1, ...shared });
  expect(village.ensemble.records.term?.value.settingsVersion).toBe(1);
});

test('an agent whose file differs obeys the record and says so', () => {
  const state = world('b', 'replica', { settings: settings('b'), record: { settings: DURABLE } });
  expect(settingDiffers(state)).toBe(true);
  expect(inForce(state)).toMatchObject({ durability: 'durable', waitReplicas: 1 });
  expect(run(state, 0).state.reasons).toContain('setting_differs');
});

test('durable mode knows no lag that priority could cost', () => {
  expect(inForce(world('b', 'replica', { record: { settings: DURABLE } })).priorityLagBytes).toBe(0);
});

test('without a record the own file holds', () => {
  const shared = { ...SHARED, priorityLagBytes: 7 };
  const state = world('b', 'replica', { settings: settings('b', { shared }), record: { settings: null } });
  expect(inForce(state).priorityLagBytes).toBe(7);
  expect(settingDiffers(state)).toBe(false);
});

test('settings that an operator removed are written anew by the master, under the next version', () => {
  const state = world('a', 'master', { record: { settings: null } });
  const write = only(run(state, 0), 'write_term');
  expect(write.settings).toEqual({ version: 2, ...SHARED });
  expect(write.term).toEqual({ ...state.records.term?.value, settingsVersion: 2 });
});

test('what cannot be read is not overwritten, and nobody claims by it', () => {
  const unreadable = ['/dictator/shop/settings'];
  const master = world('a', 'master', { record: { settings: null }, unreadable });
  expect(missingSettings(master)).toBe(null);
  expect(run(master, 0).does).not.toContain('write_term');
});

test('a node called "settings" is not the settings', () => {
  const state = world('a', 'master', { record: { settings: null }, unreadable: ['/dictator/shop/members/settings'] });
  expect(missingSettings(state)?.version).toBe(2);
});

test('a failover keeps them, and a restarted service obeys them', () => {
  const village = new Village(['a', 'b', 'c'], { bootstrapSettleMs: 100 }).pass(1000);
  village.redis('a').write(1000);
  village.pass(2000);
  village.killRedis('a');
  village.pass(2000);
  expect(village.writable()).toHaveLength(1);
  expect(recorded(village)?.version).toBe(1);
  expect(village.ensemble.records.term?.value.settingsVersion).toBe(1);
});
