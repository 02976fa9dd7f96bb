/** `make install`: what lands where, that it works alone, and that a configuration in use is safe from it. */
import { mkdtemp, readFile, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { readFile as readConfig } from '../../src/config/read-file.ts';
import { ROOT, buildCopy, copyCheckout, linkPrograms, playProgram, run } from './checkout.ts';
import type { Outcome } from './checkout.ts';

let home: string;
let built: string;
let copy: string;
let dest: string;
let programs: string;

beforeAll(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'dictator-install-')));
  built = join(home, 'built');
  await copyCheckout(built);
  await buildCopy(built);
});

afterAll(async () => {
  await rm(home, { recursive: true, force: true });
});

beforeEach(async () => {
  const folder = await mkdtemp(join(home, 'case-'));
  copy = join(folder, 'checkout');
  dest = join(folder, 'root');
  programs = join(folder, 'bin');
  await run(['cp', '-a', built, copy], { cwd: home, env: process.env });
  // npm would go to the network, and must not be needed for what is built.
  await playProgram(join(programs, 'npm'), 'echo "npm was called" >&2; exit 99');
});

function install(...settings: string[]): Promise<Outcome> {
  const env = { ...process.env, PATH: `${programs}:${process.env['PATH'] ?? ''}` };
  return run(['make', 'install', `DESTDIR=${dest}`, ...settings], { cwd: copy, env });
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length)).sort();
}

test('the installed command works when the checkout is gone, without npm', async () => {
  const outcome = await install();
  expect(outcome).toMatchObject({ code: 0 });
  await rm(copy, { recursive: true });

  const version = await run([join(dest, 'usr/local/bin/dictator'), '--version'], { cwd: '/', env: process.env });

  const { version: expected } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  expect(version.code).toBe(0);
  expect(version.stdout).toContain(expected);
  expect(version.stdout).toMatch(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/);
  expect(version.stdout, 'no git in an unpacked archive').toContain('unknown');
});

test('each file lands where it belongs, and no service is enabled', async () => {
  expect(await install()).toMatchObject({ code: 0 });

  const files = (await filesBelow(dest)).filter((path) => !/LEGAL|lib\/dictator\/node$/.test(path));
  expect(files).toEqual([
    '/etc/dictator/dictator.conf',
    '/etc/dictator/dictator.conf.example',
    '/usr/local/bin/dictator',
    '/usr/local/lib/dictator/dictator.cjs',
    '/usr/local/lib/systemd/system/dictator-gateway.service',
    '/usr/local/lib/systemd/system/dictator.service',
    '/usr/local/share/doc/dictator/LICENSE',
    '/usr/local/share/doc/dictator/redis-recommended.conf',
  ]);
});

test('an existing configuration is never touched, the example beside it always renewed', async () => {
  expect(await install()).toMatchObject({ code: 0 });
  const conf = join(dest, 'etc/dictator/dictator.conf');
  await writeFile(conf, '{ "svc_name": "mine" }\n');
  await writeFile(`${conf}.example`, 'old\n');
  const before = await stat(conf, { bigint: true });

  expect(await install()).toMatchObject({ code: 0 });

  const after = await stat(conf, { bigint: true });
  expect(await readFile(conf, 'utf8')).toBe('{ "svc_name": "mine" }\n');
  expect([after.ino, after.mtimeNs, after.mode]).toEqual([before.ino, before.mtimeNs, before.mode]);
  expect(JSON.parse(await readFile(`${conf}.example`, 'utf8'))).toMatchObject({ svc_name: 'local' });
});

test('the example is a configuration that the program takes without a word', () => {
  const file = join(ROOT, 'packaging/dictator.conf.example');
  expect(loadConfig({ file, env: {}, readFile: readConfig })).toMatchObject({ ok: true, warnings: [] });
});

test('PREFIX moves the command, and the units start it from there as a user without power', async () => {
  expect(await install('PREFIX=/usr')).toMatchObject({ code: 0 });

  const starts = [
    ['dictator', '/usr/bin/dictator --config=/etc/dictator/dictator.conf'],
    ['dictator-gateway', '/usr/bin/dictator gateway --config=/etc/dictator/gateway.conf'],
  ];
  for (const [name = '', command = ''] of starts) {
    const unit = await readFile(join(dest, `usr/lib/systemd/system/${name}.service`), 'utf8');
    expect(unit).toContain(`\nExecStart=${command}\n`);
    expect(unit).not.toMatch(/@[A-Z]+@/);
    for (const line of ['DynamicUser=yes', 'ProtectSystem=strict', 'NoNewPrivileges=yes', 'Restart=always']) {
      expect(unit).toContain(`\n${line}\n`);
    }
  }
});

test('Node.js that the service could not reach is installed with the program', async () => {
  await playProgram(join(programs, 'node'), `exec '${process.execPath}' "$@"`);
  expect(await install()).toMatchObject({ code: 0 });
  await rm(copy, { recursive: true });

  const command = join(dest, 'usr/local/bin/dictator');
  const bare = join(home, 'bare');
  await linkPrograms(bare, ['dirname', 'readlink']);
  expect(await run([command, '--version'], { cwd: '/', env: { PATH: bare } })).toMatchObject({ code: 0 });

  await rm(join(dest, 'usr/local/lib/dictator/node'));
  const without = await run([command, '--version'], { cwd: '/', env: { PATH: bare } });
  expect(without.code).toBe(127);
  expect(without.stderr).toContain('Node.js 20.19 or newer is needed');
});
