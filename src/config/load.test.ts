// Where values come from, how a file is read, and what is said of faults.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { configOf, faultsOf, load, pathsOf } from '../../test/support/config-sources.ts';
import { formatFault } from './faults.ts';
import { loadConfig } from './load.ts';

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
