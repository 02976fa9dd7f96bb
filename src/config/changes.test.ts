import { expect, test } from 'vitest';
import { changesOf, holding, RELOAD_KEYS } from './changes.ts';
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

test('what waits for a restart stays as it was built, and everything else is taken', () => {
  const before = configOf({});
  const after = configOf({
    svc_name: 'b',
    log_level: 'debug',
    http_port: 8001,
    http_host: '127.0.0.1',
    announce_http_host: 'h',
    zk_hosts: ['zk:1'],
    zk_session_timeout_ms: 4000,
    node: {
      name: 'n', host: 'n', port: 1, username: 'u', password: 'p', zone: 'z', priority: 1, no_read: true,
      never_master: true, loading_timeout: 1,
    },
    fence_margin_ms: 100,
    publish_replicas: true,
    failsafe_promise_ms: 2500,
    rescue: { mode: 'off', dir: '/r', keep: 1, min_free_bytes: 1, timeout_ms: 1000 },
    sentinel: {
      port: 1, bind: ['::1'], master_name: 'm', users: [{ name: 'u', password: 'p' }], announce_host: 's',
      announce_port: 2, announce_hostnames: true, services: ['*'], aliases: false, clients_max: 1,
    },
  });
  const { live, restart } = changesOf(before, after);
  expect(restart).toEqual(RELOAD_KEYS.slice(-restart.length));
  expect(restart[0]).toBe('svc_name');
  // Whoever keeps the pool's entry is made at the start; without it nobody would take the entry away.
  expect(restart).toContain('publish_replicas');
  const holds = holding(before, after);
  expect(changesOf(before, holds)).toEqual({ live, restart: [] });
  expect(changesOf(holds, after)).toEqual({ live: [], restart });
});
