// What values may be: hosts, passwords, the environment, and what does not go together.

import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { configOf, faultsOf, load, pathsOf } from '../../test/support/config-sources.ts';
import { KEYS, KEY_NAMES, envNameOf } from './keys.ts';
import type { FileRead } from './read-file.ts';
import { isImplemented } from './schemas.ts';

describe('zk_hosts', () => {
  test.each([
    ['zk1', 'zk1', 2181],
    ['zk1:2182', 'zk1', 2182],
    ['10.0.0.1:2182', '10.0.0.1', 2182],
    ['[::1]', '::1', 2181],
    ['[2001:db8::1]:2182', '2001:db8::1', 2182],
    ['::1', '::1', 2181],
  ])('reads %s', (text, host, port) => {
    expect(configOf({ json: { zk_hosts: [text] } }).zk.hosts).toEqual([{ host, port }]);
  });

  test.each(['', ':2181', 'zk:', 'zk:x', 'zk:65536', '[zk]:1', '[::1', 'a:1:2', 'zk1,zk2', 'zk1/chroot'])(
    'refuses %j',
    (text) => {
      expect(pathsOf({ json: { zk_hosts: [text] } })).toEqual(['zk_hosts[0]']);
    },
  );

  test('must be a list that is not empty', () => {
    expect(pathsOf({ json: { zk_hosts: [] } })).toEqual(['zk_hosts']);
    expect(pathsOf({ json: { zk_hosts: 'zk1' } })).toEqual(['zk_hosts']);
  });

  const lists = ['zk1,[::1]:2182', ' zk1 , [::1]:2182 ', '["zk1", "[::1]:2182"]'];
  test.each(lists)('reads %j from the environment', (text) => {
    const config = configOf({ env: { DICTATOR_ZK_HOSTS: text } });
    expect(config.zk.hosts).toEqual([
      { host: 'zk1', port: 2181 },
      { host: '::1', port: 2182 },
    ]);
  });

  test('reads a bracketed address that comes first in the environment', () => {
    const config = configOf({ env: { DICTATOR_ZK_HOSTS: '[::1]:2182,zk1' } });
    expect(config.zk.hosts.map((server) => server.host)).toEqual(['::1', 'zk1']);
  });
});

describe('the environment', () => {
  test('sets every key of this version', () => {
    const env = {
      DICTATOR_NODE_NAME: 'n',
      DICTATOR_NODE_LOADING_TIMEOUT: '5',
      DICTATOR_NODE_PASSWORD: 'hunter2',
      DICTATOR_TRUST_REFUSED: 'False',
      DICTATOR_EXPECTED_NODES: 'n,m',
      DICTATOR_FENCE_MARGIN_MS: '100',
    };
    const config = configOf({ env });
    expect(config).toMatchObject({ trustRefused: false, expectedNodes: ['n', 'm'], fenceMarginMs: 100 });
    expect(config.node).toMatchObject({ name: 'n', loadingTimeoutMs: 5000 });
    expect(config.node.password?.reveal()).toBe('hunter2');
    expect(configOf({ env: { DICTATOR_EXPECTED_NODES: '3' } }).expectedNodes).toBe(3);
  });

  test('has one name per key and no two keys share one', () => {
    expect(new Set(KEY_NAMES.map(envNameOf)).size).toBe(KEY_NAMES.length);
  });

  test('with an unknown variable of ours is a fault that names the nearest', () => {
    expect(faultsOf({ env: { DICTATOR_NODE_PASWORD: 'hunter2' } })).toEqual([
      {
        source: 'DICTATOR_NODE_PASWORD',
        path: '',
        reason: 'unknown variable',
        fix: 'Correct or remove it.',
        nearest: 'DICTATOR_NODE_PASSWORD',
      },
    ]);
  });

  test('keeps empty variables, the name of the file and the links of containers out', () => {
    const env = {
      DICTATOR_CONFIG: '/etc/dictator/dictator.conf',
      DICTATOR_NODE_PASSWORD: '',
      DICTATOR_SERVICE_HOST: '10.0.0.7',
      DICTATOR_SERVICE_PORT_HTTP: '80',
      DICTATOR_PORT: 'tcp://10.0.0.7:80',
      DICTATOR_PORT_80_TCP_ADDR: '10.0.0.7',
      DICTATOR_HTTP_PORT: 'tcp://10.0.0.7:80',
    };
    expect(configOf({ env }).http.port).toBe(8000);
  });

  test('with text that is no number is a fault', () => {
    expect(pathsOf({ env: { DICTATOR_HTTP_PORT: '80a', DICTATOR_TRUST_REFUSED: '1' } })).toHaveLength(2);
  });
});

describe('passwords', () => {
  test('come from a file, without its last line break', () => {
    const files: Record<string, FileRead> = { '/run/pw': { ok: true, text: 'hunter2\n', othersMayRead: false } };
    const config = configOf({ env: { DICTATOR_NODE_PASSWORD_FILE: '/run/pw' }, files });
    expect(config.node.password?.reveal()).toBe('hunter2');
  });

  test.each([
    ['', 'holds no password'],
    ['\n', 'holds no password'],
    ['a\nb', 'holds more than one line'],
  ])('in a file that holds %j are refused', (text, reason) => {
    const files: Record<string, FileRead> = { pw: { ok: true, text, othersMayRead: false } };
    expect(faultsOf({ json: { node: { password_file: 'pw' } }, files })).toMatchObject([{ reason, value: '"pw"' }]);
  });

  test('in a file that is missing are one fault among the others', () => {
    expect(pathsOf({ json: { http_port: 0, node: { password_file: 'pw' } } })).toEqual([
      'http_port',
      'node.password_file',
    ]);
  });

  test('in a file that others can read draw a warning', () => {
    const files: Record<string, FileRead> = { pw: { ok: true, text: 'x', othersMayRead: true } };
    const loaded = load({ json: { node: { password_file: 'pw' } }, files });
    expect(loaded.ok && loaded.warnings).toHaveLength(1);
  });

  test('are hidden however the configuration is printed', () => {
    const config = configOf({ json: { node: { password: 'hunter2' } } });
    const inspected = inspect(config, { depth: 9, showHidden: true });
    const printed = [JSON.stringify(config), inspected, String(config.node.password)];
    expect(printed.join()).not.toContain('hunter2');
  });
});

describe('what must be equal within a service', () => {
  test('is read as it is written', () => {
    const json = { durability: 'durable', wait_replicas: 2, on_ensemble_loss: 'continue', priority_lag_bytes: 5000 };
    const shared = { durability: 'durable', waitReplicas: 2, onEnsembleLoss: 'continue', priorityLagBytes: 5000 };
    expect(configOf({ json }).shared).toEqual(shared);
  });

  test('knows no other words and no sizes without sense', () => {
    const json = { durability: 'safe', wait_replicas: 0, on_ensemble_loss: 'stop', priority_lag_bytes: -1 };
    expect(pathsOf({ json })).toEqual(['durability', 'wait_replicas', 'on_ensemble_loss', 'priority_lag_bytes']);
  });
});

describe('cross checks', () => {
  test('refuse a password together with a password file', () => {
    const json = { node: { password: 'a', password_file: 'b' } };
    expect(faultsOf({ json })).toMatchObject([{ path: 'node.password_file', source: 'dictator.conf' }]);
  });

  test.each([
    [{ http_port: 6379 }, 1],
    [{ http_port: 6379, http_host: '0.0.0.0' }, 1],
    [{ http_port: 6379, http_host: '127.0.0.1' }, 0],
    [{ http_port: 6379, announce_http_host: 'elsewhere' }, 0],
  ])('look for the HTTP port on the port of Redis: %j', (json, count) => {
    expect(faultsOf({ json })).toHaveLength(count);
  });

  test('refuse a fence margin that leaves no room for heartbeats', () => {
    expect(faultsOf({ json: { fence_margin_ms: 1667 } })).toMatchObject([{ path: 'fence_margin_ms' }]);
    expect(configOf({ json: { fence_margin_ms: 1666 } }).fenceMarginMs).toBe(1666);
  });

  test('warn of what is odd but possible', () => {
    const json = { down_after_ms: 30_000, expected_nodes: ['a', 'b'], node: { username: 'u' } };
    const loaded = load({ json });
    expect(loaded.ok && loaded.warnings).toHaveLength(3);
  });

  test('say nothing about a value that is faulty itself', () => {
    expect(pathsOf({ json: { fence_margin_ms: 9999, zk_session_timeout_ms: 'x' } })).toEqual(['zk_session_timeout_ms']);
  });
});

describe('keys of later versions', () => {
  const later = KEY_NAMES.filter((key) => !isImplemented(key));

  test('are known, but not available', () => {
    expect(faultsOf({ json: { zk_chroot: '/x', api: { tokens: 1 } } })).toMatchObject([
      { path: 'zk_chroot', reason: 'is known, but not available in this version' },
      { path: 'api.tokens' },
    ]);
  });

  test.each(later)('%s: its default is accepted silently', (key) => {
    const [group, inner] = key.split('.');
    const value = KEYS[key].default;
    const json = inner === undefined ? { [key]: value } : { [String(group)]: { [inner]: value } };
    expect(load({ json })).toMatchObject({ ok: true, warnings: [] });
  });

  test('from the environment are judged the same', () => {
    expect(pathsOf({ env: { DICTATOR_SENTINEL_PORT: '26379', DICTATOR_ON_STOP: 'switchover' } })).toEqual([]);
    expect(pathsOf({ env: { DICTATOR_ZK_CHROOT: '/x', DICTATOR_ZK_AUTH: 'x' } })).toHaveLength(2);
  });
});
