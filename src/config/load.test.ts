import { readFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Config } from './config.ts';
import { formatFault } from './faults.ts';
import type { Fault } from './faults.ts';
import { KEYS, KEY_NAMES, envNameOf } from './keys.ts';
import { loadConfig } from './load.ts';
import type { LoadOptions } from './load.ts';
import type { FileRead } from './read-file.ts';
import { isImplemented } from './schemas.ts';

interface Sources extends Partial<Omit<LoadOptions, 'file'>> {
  readonly text?: string;
  readonly json?: unknown;
  readonly files?: Readonly<Record<string, FileRead>>;
  readonly othersMayRead?: boolean;
}

function load(sources: Sources = {}) {
  const text = sources.text ?? (sources.json === undefined ? undefined : JSON.stringify(sources.json));
  return loadConfig({
    file: text === undefined ? undefined : 'dictator.conf',
    env: sources.env ?? {},
    flags: sources.flags ?? {},
    readFile: (name) => {
      if (name === 'dictator.conf' && text !== undefined) {
        return { ok: true, text, othersMayRead: sources.othersMayRead ?? false };
      }
      return sources.files?.[name] ?? { ok: false, reason: 'does not exist' };
    },
  });
}

function configOf(sources: Sources = {}): Config {
  const loaded = load(sources);
  if (!loaded.ok) throw new Error(loaded.faults.map(formatFault).join('\n'));
  return loaded.config;
}

function faultsOf(sources: Sources): readonly Fault[] {
  const loaded = load(sources);
  return loaded.ok ? [] : loaded.faults;
}

const pathsOf = (sources: Sources): string[] => faultsOf(sources).map((fault) => fault.path);

describe('sources', () => {
  test('without a file all defaults hold and nothing is read', () => {
    const config = loadConfig({
      env: {},
      readFile: () => {
        throw new Error('nothing may be read');
      },
    });
    expect(config).toMatchObject({
      ok: true,
      warnings: [],
      config: {
        svcName: 'local',
        logLevel: 'INFO',
        http: { port: 8000, host: null, announceHost: 'localhost' },
        zk: { hosts: [{ host: 'localhost', port: 2181 }], sessionTimeoutMs: 5000 },
        node: { name: 'local', host: 'localhost', port: 6379, loadingTimeoutMs: 30_000 },
        downAfterMs: 2000,
        fenceMarginMs: null,
        trustRefused: true,
        bootstrapSettleMs: 3000,
        expectedNodes: null,
        electionSettleMs: 1000,
        recoveryGraceMs: 60_000,
        shared: { durability: 'async', waitReplicas: 1, onEnsembleLoss: 'fence', priorityLagBytes: 0 },
      },
    });
  });

  test('the configuration is frozen to its depths', () => {
    const config = configOf({ json: { expected_nodes: ['local', 'b'] } });
    for (const part of [config, config.http, config.zk, config.zk.hosts, config.zk.hosts[0], config.expectedNodes]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  test("the original's own file is sufficient", () => {
    const config = configOf({
      json: {
        svc_name: 'default',
        log_level: 'info',
        http_port: 8000,
        zk_hosts: ['127.0.0.1'],
        node: { name: 'local', host: '127.0.0.1', port: 6379, loading_timeout: 30 },
      },
    });
    expect(config).toMatchObject({ svcName: 'default', logLevel: 'INFO', zk: { hosts: [{ port: 2181 }] } });
  });

  test('later wins: default, file, environment, flag', () => {
    const json = { svc_name: 'file', log_level: 'WARN', http_port: 8001 };
    const env = { DICTATOR_HTTP_PORT: '8002', DICTATOR_LOG_LEVEL: 'FATAL' };
    const config = configOf({ json, env, flags: { log_level: 'debug' } });
    expect(config).toMatchObject({ svcName: 'file', logLevel: 'DEBUG', http: { port: 8002 } });
  });

  test('null in the file means not given', () => {
    expect(configOf({ json: { http_port: null, node: null, zk_tls: null } }).http.port).toBe(8000);
  });

  test('a byte order mark before the file does no harm', () => {
    expect(configOf({ text: '\uFEFF{"svc_name": "a"}' }).svcName).toBe('a');
  });

  test('the example loads without faults and shows the defaults of the original keys', () => {
    const example = path.join(import.meta.dirname, '../../packaging/dictator.conf.example');
    const loaded = load({ text: readFileSync(example, 'utf8'), othersMayRead: true });
    expect(loaded).toMatchObject({ ok: true, warnings: [] });
    expect(configOf({ text: readFileSync(example, 'utf8') })).toEqual(configOf());
  });
});

describe('the file', () => {
  test('that is missing is a fault', () => {
    const loaded = loadConfig({ file: 'gone', env: {}, readFile: () => ({ ok: false, reason: 'does not exist' }) });
    expect(loaded).toMatchObject({ ok: false, faults: [{ source: 'gone', reason: 'does not exist' }] });
  });

  test('that is not JSON is a fault with line and column, and never quotes the text', () => {
    const text = '{\n  "node": {"password": "hunter2" "port": 1}\n}';
    const [fault] = faultsOf({ text });
    expect(fault?.reason).toBe("not JSON at line 2, column 34: expected ',' or '}'");
    expect(JSON.stringify(fault)).not.toContain('hunter2');
  });

  test.each(['[]', '3', '"text"', 'null'])('that holds %s is not an object', (text) => {
    expect(faultsOf({ text })).toMatchObject([{ reason: 'is not a JSON object' }]);
  });

  test('with a key that stands there twice is a fault', () => {
    const text = '{"node": {"port": 1,\n"port": 2}}';
    expect(faultsOf({ text })).toMatchObject([{ path: 'node.port', reason: 'stands there twice, again in line 2' }]);
  });

  test('with an unknown key names the nearest, and not its value', () => {
    const faults = faultsOf({ json: { svcname: 'a', node: { passwrod: 'hunter2', prot: 1 }, port: 3, zzzzzzzz: 1 } });
    expect(faults.map((fault) => [fault.path, fault.nearest])).toEqual([
      ['svcname', 'svc_name'],
      ['node.passwrod', 'node.password'],
      ['node.prot', 'node.port'],
      ['port', 'node.port'],
      ['zzzzzzzz', undefined],
    ]);
    expect(faults.map(formatFault).join()).not.toContain('hunter2');
  });

  test('with a hostile key prints it quoted', () => {
    expect(faultsOf({ json: { '\u001b[2J': 1 } })[0]?.path).toBe('"\\u001b[2J"');
  });

  test('that others can read and that holds a password draws a warning', () => {
    const json = { node: { password: 'hunter2' } };
    const loaded = load({ json, othersMayRead: true });
    expect(loaded).toMatchObject({ ok: true, warnings: [expect.stringContaining('every user of this host')] });
    expect(load({ json })).toMatchObject({ ok: true, warnings: [] });
  });
});

describe('faults', () => {
  test('are listed all at once, from every source', () => {
    const json = {
      svc_name: 'a/b',
      http_port: 'x',
      zk_hosts: ['ok', 'zk:0', 7],
      node: { port: 0, loading_timeout: 1.5 },
      trust_refused: 'yes',
      hooks: {},
    };
    const env = { DICTATOR_NODE_PRIORITY: '-1', DICTATOR_NODE_PROT: '1' };
    expect(pathsOf({ json, env, flags: { log_level: 'LOUD' } })).toEqual([
      '',
      'svc_name',
      'http_port',
      'zk_hosts[1]',
      'zk_hosts[2]',
      'node.port',
      'node.loading_timeout',
      'trust_refused',
      'hooks',
      'node.priority',
      'log_level',
    ]);
  });

  test('are one line each: place, value, reason, fix', () => {
    const [fault] = faultsOf({ json: { node: { port: 'x' } } });
    expect(fault && formatFault(fault)).toBe(
      'dictator.conf: node.port: "x" must be an integer from 1 to 65535. Use a port from 1 to 65535.',
    );
    const [unknown] = faultsOf({ json: { svcname: 'x' } });
    expect(unknown && formatFault(unknown)).toBe(
      'dictator.conf: svcname: unknown key. Did you mean svc_name? Correct or remove it.',
    );
  });

  test.each(['a/b', '', '.', '..', 'zookeeper', 'a\u0000', 'a\n', '\ud83d\ude00', ' a', 'a'.repeat(256), 7])(
    'refuse %j as a component of a ZooKeeper path',
    (name) => {
      expect(pathsOf({ json: { svc_name: name, node: { name } } })).toEqual(['svc_name', 'node.name']);
    },
  );

  test.each([0, 65536, 1.5, '8000', -1, true])('refuse %j as a port', (port) => {
    expect(pathsOf({ json: { http_port: port, node: { port } } })).toEqual(['http_port', 'node.port']);
  });

  test.each(['a b', 'redis:6379', '[::1]', 'a/b', '', '-a', 'h\u0000'])('refuse %j as a host', (host) => {
    expect(pathsOf({ json: { http_host: host, announce_http_host: host, node: { host } } })).toHaveLength(3);
  });

  test.each(['redis1', 'redis_1.local', '10.0.0.1', '::1', '2001:db8::1', 'a.'])('accept %j as a host', (host) => {
    expect(configOf({ json: { node: { host } } }).http.announceHost).toBe(host);
  });

  test('never show a secret', () => {
    const faults = faultsOf({ json: { node: { password: 12345 }, api: { tokens: ['12345'] }, zk_auth: '12345' } });
    expect(faults).toHaveLength(3);
    expect(faults.map(formatFault).join()).not.toContain('12345');
  });

  test('say where a group is not an object, without its value', () => {
    const [fault] = faultsOf({ json: { node: 'hunter2' } });
    expect(fault && formatFault(fault)).toBe('dictator.conf: node: must be an object. Write "node": {"name": ...}.');
  });

  test('are found in a value that a later source overrides', () => {
    expect(pathsOf({ json: { http_port: 0 }, env: { DICTATOR_HTTP_PORT: '8000' } })).toEqual(['http_port']);
  });
});

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
    expect(faultsOf({ json: { on_stop: 'keep', sentinel: { port: 1 } } })).toMatchObject([
      { path: 'on_stop', reason: 'is known, but not available in this version' },
      { path: 'sentinel.port' },
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
    expect(pathsOf({ env: { DICTATOR_SENTINEL_PORT: '26380', DICTATOR_ZK_AUTH: 'x' } })).toHaveLength(2);
  });
});
