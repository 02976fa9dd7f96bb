/**
 * `make deps`: installs what is missing and nothing else, and leaves no service behind.
 *
 * What apt-get does is played by a script here; that the real packages bring no service is read from their own lists.
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ROOT, linkPrograms, playProgram, run } from './checkout.ts';
import type { Outcome } from './checkout.ts';

const SHELL_PROGRAMS = [
  'bash', 'sh', 'cat', 'chmod', 'comm', 'cp', 'cut', 'dirname', 'env', 'find', 'ln', 'mkdir', 'mktemp', 'paste',
  'readlink', 'rm', 'sed', 'sleep', 'sort', 'tr',
];
const OTHER_NEEDS = ['node', 'java', 'ip', 'unshare', 'ps', 'openssl'];
/** Prints what a server prints when it is started under a server's name, like Debian's redis-check-rdb. */
const MULTI_CALL = 'case $0 in *check-rdb) echo "redis-check-rdb 7" ;; *) echo "Redis server v=7" ;; esac';
const SERVER = 'echo "Redis server v=7"';

let world: string;
let bin: string;
let calls: string;

beforeEach(async () => {
  world = await mkdtemp(join(tmpdir(), 'dictator-setup-'));
  bin = join(world, 'bin');
  calls = join(world, 'calls');
  await mkdir(join(world, 'project/scripts'), { recursive: true });
  await cp(join(ROOT, 'scripts/setup.sh'), join(world, 'project/scripts/setup.sh'));
  await linkPrograms(bin, [...SHELL_PROGRAMS, ...OTHER_NEEDS]);
  await playProgram(join(bin, 'npm'), 'exit 1');
  for (const program of ['haproxy', 'python3', 'php']) await playProgram(join(bin, program), 'exit 0');
  await mkdir(join(world, 'jars'));
  await writeFile(join(world, 'jars/zookeeper.jar'), '');
  await writeFile(calls, '');
  // Root or not, the test changes nothing outside of its folder.
  await playProgram(join(bin, 'id'), 'echo 1000');
  await playProgram(join(bin, 'sudo'), 'if [ "$1" = -n ]; then shift; fi; exec "$@"');
});

afterEach(async () => {
  await rm(world, { recursive: true, force: true });
});

function setup(...args: string[]): Promise<Outcome> {
  return run([join(bin, 'bash'), join(world, 'project/scripts/setup.sh'), ...args], { cwd: world, env: environment() });
}

function environment(): NodeJS.ProcessEnv {
  return {
    PATH: bin, HOME: world, APT_PAUSE_S: '0', ZOOKEEPER_JARS: join(world, 'jars'), POLICY_RC_D: join(world, 'policy'),
    TMPDIR: world,
  };
}

/** Plays apt-get: writes its calls down, then does what the test wants done. */
async function playAptGet(script = ''): Promise<void> {
  await playProgram(join(bin, 'apt-get'), `echo "$*" >>'${calls}'\n${script}`);
}

async function aptCalls(): Promise<string[]> {
  return (await readFile(calls, 'utf8')).split('\n').filter((line) => line !== '');
}

/** A package's program: appears in the PATH once apt-get is asked for the package. */
function brings(word: string, program: string, script: string): string {
  const path = join(bin, program);
  return `case "$*" in *${word}*) printf '#!/bin/sh\\n%s\\n' '${script}' >'${path}'; chmod 755 '${path}' ;; esac`;
}

describe('where nothing is missing', () => {
  test('no package manager is called and nothing changes, however often it runs', async () => {
    await playProgram(join(bin, 'redis-server'), SERVER);
    await playProgram(join(bin, 'redis-sentinel'), SERVER);
    await playAptGet();
    expect(await setup()).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await setup()).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await aptCalls()).toEqual([]);
    expect(existsSync(join(world, 'project/.tools'))).toBe(false);
  });

  test("a server's program under another name is enough: it is linked", async () => {
    await playProgram(join(bin, 'redis-check-rdb'), MULTI_CALL);
    await playAptGet();
    expect(await setup()).toMatchObject({ code: 0 });
    expect(await aptCalls()).toEqual([]);
    expect((await readdir(join(world, 'project/.tools/bin'))).sort()).toEqual(['redis-sentinel', 'redis-server']);
  });

  test('the links stay where the PATH names their folder by another path', async () => {
    await playProgram(join(bin, 'redis-check-rdb'), MULTI_CALL);
    expect(await setup()).toMatchObject({ code: 0 });
    await symlink(join(world, 'project/.tools'), join(world, 'tools'));
    const env = { ...environment(), PATH: `${join(world, 'tools/bin')}:${bin}` };
    const command = [join(bin, 'bash'), join(world, 'project/scripts/setup.sh'), 'node'];
    expect(await run(command, { cwd: world, env })).toEqual({ code: 0, stdout: '', stderr: '' });
    expect((await readdir(join(world, 'project/.tools/bin'))).sort()).toEqual(['redis-sentinel', 'redis-server']);
  });
});

describe('on Debian', () => {
  test('only the missing packages are installed, unattended, without recommended ones', async () => {
    await playAptGet(brings('redis-tools', 'redis-check-rdb', MULTI_CALL));
    await playProgram(join(bin, 'java'), 'exit 0');
    expect(await setup()).toMatchObject({ code: 0 });
    const [update, install, ...more] = await aptCalls();
    expect(update).toMatch(/ update$/);
    expect(install).toMatch(/ install --no-install-recommends redis-tools$/);
    expect(install).toMatch(/^-y .*DPkg::Lock::Timeout=120/);
    expect(more).toEqual([]);
    expect(existsSync(join(world, 'policy'))).toBe(false);
  });

  test('a package with a service is installed while a policy forbids starts, which is gone afterwards', async () => {
    await playProgram(join(bin, 'java'), 'exit 0');
    await writeFile(join(world, 'policy'), 'mine\n');
    await playAptGet([
      brings('redis-server', 'redis-server', SERVER),
      brings('redis-sentinel', 'redis-sentinel', SERVER),
      `case "$*" in *redis-server*) '${world}/policy'; echo "policy $?" >>'${calls}' ;; esac`,
    ].join('\n'));
    expect(await setup()).toMatchObject({ code: 0 });
    expect((await aptCalls()).at(-1)).toBe('policy 101');
    expect(await readFile(join(world, 'policy'), 'utf8')).toBe('mine\n');
  });

  test('the policy is gone too when the installation fails or is interrupted', async () => {
    await playProgram(join(bin, 'java'), 'exit 0');
    await playAptGet('case "$*" in *redis-server*) kill -TERM $PPID; exit 1 ;; esac');
    expect((await setup()).code).not.toBe(0);
    expect(existsSync(join(world, 'policy'))).toBe(false);
    expect((await readdir(world)).filter((name) => name.startsWith('tmp.'))).toEqual([]);
  });

  test("of a package that brings a service the program alone is taken, and installed what it depends on", async () => {
    await rm(join(bin, 'haproxy'));
    await playProgram(join(bin, 'java'), 'exit 0');
    for (const program of ['redis-server', 'redis-sentinel']) await playProgram(join(bin, program), SERVER);
    await playAptGet('case "$*" in *download*) echo >haproxy_2.6.deb ;; esac');
    await playProgram(join(bin, 'dpkg-deb'), `
      if [ "$1" = --field ]; then echo 'libc6, liblua'; exit; fi
      mkdir -p "$3/usr/sbin"; printf '#!/bin/sh\necho HAProxy 2.6\n' >"$3/usr/sbin/haproxy"
      chmod 755 "$3/usr/sbin/haproxy"`);
    expect(await setup()).toMatchObject({ code: 0 });
    const asked = (await aptCalls()).map((call) => call.replace(/^-.* (?=update|satisfy|download)/, ''));
    expect(asked).toEqual(['update', 'download haproxy', 'satisfy --no-install-recommends libc6, liblua']);
    expect(await readdir(join(world, 'project/.tools/bin'))).toEqual(['haproxy']);
    expect(await setup()).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test("of PHP the program alone is taken, without what would bring a timer, and predis beside it", async () => {
    await rm(join(bin, 'php'));
    await playProgram(join(bin, 'java'), 'exit 0');
    for (const program of ['redis-server', 'redis-sentinel']) await playProgram(join(bin, program), SERVER);
    await playAptGet(`case "$*" in
      *'download php-cli'*) echo >php-cli_8.deb ;;
      *download*) echo >php8.4-cli_8.deb; echo >php-predis_2.deb ;;
      esac`);
    await playProgram(join(bin, 'dpkg-deb'), `
      case $1:$2 in
        --field:*php-cli_8.deb) echo php8.4-cli ;;
        --field:*) echo 'libedit2 (>= 2), media-types | mime-support, php8.4-common (= 8.4), zlib1g' ;;
        --extract:*php8.4*) mkdir -p "$3/usr/bin"; echo '#!/bin/sh' >"$3/usr/bin/php8.4"
          chmod 755 "$3/usr/bin/php8.4" ;;
      esac`);
    expect(await setup()).toMatchObject({ code: 0 });
    const asked = (await aptCalls()).map((call) => call.replace(/^-.* (?=update|satisfy|download)/, ''));
    expect(asked).toEqual([
      'update',
      'download php-cli',
      'download php8.4-cli php-predis',
      'satisfy --no-install-recommends libedit2 (>= 2), media-types | mime-support, zlib1g',
    ]);
    expect(await readdir(join(world, 'project/.tools/bin'))).toEqual(['php']);
    expect((await readdir(join(world, 'project/.tools/predis')))).toEqual(['usr']);
    expect(await setup()).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('a failing package manager is asked three times, then what to install is said', async () => {
    await playAptGet('exit 100');
    const outcome = await setup();
    expect(outcome.code).not.toBe(0);
    expect((await aptCalls()).filter((call) => call.includes('install'))).toHaveLength(3);
    expect(outcome.stderr).toContain('Redis or Valkey, as `redis-server` on the PATH');
  });

  test('without root and sudo it says the one command to run as root', async () => {
    await rm(join(bin, 'sudo'));
    await playAptGet();
    const outcome = await setup();
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('as root: apt-get install --no-install-recommends redis-tools\n');
    expect(await aptCalls()).toEqual([]);
  });
});

test('where there is no apt-get it says exactly what to install', async () => {
  await rm(join(bin, 'java'));
  const outcome = await setup();
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).toContain('Redis or Valkey, as `redis-server` on the PATH');
  expect(outcome.stderr).toContain('a Java runtime, as `java` on the PATH');
  expect(outcome.stderr).not.toContain('iproute2');
});

test('check names what is missing and changes nothing', async () => {
  await playProgram(join(bin, 'redis-check-rdb'), MULTI_CALL);
  await playAptGet();
  expect(await setup('check')).toMatchObject({ code: 1 });
  expect(await aptCalls()).toEqual([]);
  expect(existsSync(join(world, 'project/.tools'))).toBe(false);
});

describe('Node.js that is too old', () => {
  beforeEach(async () => {
    await rm(join(bin, 'node'));
    await playProgram(join(bin, 'node'), 'exit 1');
  });

  test('is replaced by a fetched one for this project alone', async () => {
    const fetched = 'node_modules/node/bin';
    await playProgram(join(bin, 'npm'), `mkdir -p ${fetched} && ln -s '${process.execPath}' ${fetched}/node`);
    expect(await setup('node')).toMatchObject({ code: 0 });
    expect(existsSync(join(world, 'project/.tools/bin/node'))).toBe(true);
    expect(await setup('node')).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('ends make with what to do when npm cannot fetch one', async () => {
    const outcome = await setup('node');
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('run `make deps`');
  });
});

describe('on this machine', () => {
  const SERVERS = ['redis-tools', 'libzookeeper-java', 'default-jre-headless'];
  const PACKAGES = [...SERVERS, 'iproute2', 'nftables', 'util-linux', 'procps', 'openssl', 'python3-redis'];
  const SERVICE = /^\/(?:usr\/)?lib\/systemd\/system\/.*(?:redis|zookeeper)|^\/etc\/init\.d\/.*(?:redis|zookeeper)/m;

  test('the packages that setup installs bring no Redis or ZooKeeper service', async () => {
    if (!existsSync('/usr/bin/dpkg-query')) return;
    for (const name of PACKAGES) {
      const listed = await run(['dpkg-query', '-L', name], { cwd: '/', env: process.env });
      if (listed.code === 0) expect(listed.stdout, name).not.toMatch(SERVICE);
    }
  });

  test('no Redis or ZooKeeper service starts at boot, unless its package was installed on purpose', async () => {
    const withService = ['redis-server', 'redis-sentinel', 'zookeeperd', 'valkey-server', 'valkey-sentinel'];
    if (withService.some((name) => existsSync(`/var/lib/dpkg/info/${name}.list`))) return;
    const folders = ['/etc/systemd/system', ...['2', '3', '4', '5', 'S'].map((level) => `/etc/rc${level}.d`)];
    const enabled: string[] = [];
    for (const folder of folders.filter((path) => existsSync(path))) {
      const entries = await readdir(folder, { recursive: true });
      enabled.push(...entries.filter((name) => /(?:^|\/)(?:S\d+)?(?:redis|zookeeper)[^/]*$/.test(name)));
    }
    expect(enabled).toEqual([]);
  });
});
