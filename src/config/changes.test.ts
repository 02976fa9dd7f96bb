import { expect, test } from 'vitest';
import { changesOf, RELOAD_KEYS } from './changes.ts';
import type { Config } from './config.ts';
import { loadConfig } from './load.ts';
import { SCHEMAS } from './schemas.ts';

function configOf(file: object): Config {
  const text = JSON.stringify(file);
  const loaded = loadConfig({ file: 'x', env: {}, readFile: () => ({ ok: true, text, othersMayRead: false }) });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
  return loaded.config;
}

test('every key either holds at once or waits for a restart', () => {
  // What a file holds counts, wherever it stands; the password of the Sentinel port is that of one of its users.
  const others = ['node.password_file', 'sentinel.password', 'sentinel.password_file'];
  const keys = Object.keys(SCHEMAS).filter((key) => !others.includes(key));
  expect([...RELOAD_KEYS].sort()).toEqual(keys.sort());
});

test('what changed is named, by what it needs', () => {
  const before = configOf({ svc_name: 'a', node: { name: 'x', password: 'one' } });
  const after = configOf({ svc_name: 'b', on_stop: 'keep', log_level: 'debug', node: { name: 'x', password: 'two' } });
  // The name of the master towards clients is that of the service unless it is set.
  expect(changesOf(before, after)).toEqual({
    live: ['log_level', 'on_stop'],
    restart: ['svc_name', 'node.password', 'sentinel.master_name'],
  });
  expect(changesOf(before, before)).toEqual({ live: [], restart: [] });
});
