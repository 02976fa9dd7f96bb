/** "Configuration: every fault listed at once with path, value, reason, nearest known key; exit code 78." */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'dictator-configuration-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const EXIT_CONFIG = 78;

function start(text: string, env: Readonly<Record<string, string>> = {}) {
  const file = join(folder, 'dictator.conf');
  writeFileSync(file, text);
  const ended = spawnSync(process.execPath, ['dist/dictator.cjs', `--config=${file}`], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  return { code: ended.status, out: ended.stdout, err: ended.stderr, file };
}

test('every fault of the file and the environment is listed at once, and the exit code is 78', () => {
  const ended = start(
    JSON.stringify({
      svc_nam: 'x',
      http_port: 'eighty',
      zk_hosts: ['zk1:2181', 'zk2:99999'],
      log_level: 'LOUD',
      node: { name: 'a/b', port: 70_000, passwrod: 'hunter2' },
    }),
    { DICTATOR_NODE_LOADING_TIMEOUT: 'soon' },
  );
  expect(ended.code).toBe(EXIT_CONFIG);
  expect(ended.out).toBe('');
  const lines = ended.err.split('\n');
  const about = (path: string): string => {
    return lines.find((line) => line.includes(path)) ?? `nothing about ${path}:\n${ended.err}`;
  };
  expect(about('svc_nam:')).toContain('Did you mean svc_name?');
  expect(about('http_port')).toContain('"eighty"');
  expect(about('zk_hosts[1]')).toContain('99999');
  expect(about('log_level')).toContain('LOUD');
  expect(about('node.name')).toContain('a/b');
  expect(about('node.port')).toContain('70000');
  expect(about('node.passwrod')).toContain('Did you mean node.password?');
  expect(about('DICTATOR_NODE_LOADING_TIMEOUT')).toContain('soon');
  expect(ended.err, 'a misspelled key may hold a password all the same').not.toContain('hunter2');
});

test('a file that is not JSON is named with the place of the mistake', () => {
  const ended = start('{\n  "svc_name": "default",\n  "http_port" 8000\n}\n');
  expect(ended.code).toBe(EXIT_CONFIG);
  expect(ended.err).toContain(ended.file);
  expect(ended.err).toMatch(/line 3|:3/);
});

test('a file that is not there is named', () => {
  const missing = join(folder, 'missing.conf');
  const ended = spawnSync(process.execPath, ['dist/dictator.cjs', '-config', missing], { encoding: 'utf8' });
  expect(ended.status).toBe(EXIT_CONFIG);
  expect(ended.stderr).toContain(missing);
});
