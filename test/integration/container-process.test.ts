/**
 * "The agent runs as PID 1, as non-root, with a read-only root file system": as in a container, made of the kernel's
 * own parts. Where the kernel does not permit that, this fails and says so; it is never skipped.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { AgentProcess } from '../support/agent-process.ts';
import { serves, Stage, streams } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { waitFor } from '../support/wait-for.ts';

const stage = new Stage();
beforeAll(stage.open);
afterEach(stage.clear);
afterAll(stage.close);

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;
/** Without root, a user namespace lends what it takes to mount; the agent is then given another one, as nobody. */
const NAMESPACES = [...(isRoot ? [] : ['--user', '--map-root-user']), '--pid', '--fork', '--kill-child', '--mount'];
const AS_NOBODY = isRoot
  ? `setpriv --reuid=${String(NOBODY)} --regid=${String(NOBODY)} --clear-groups --pdeathsig=KILL --`
  : `unshare --user --map-user=${String(NOBODY)} --map-group=${String(NOBODY)} --`;

/** Exit code of the script below when the file system is writable all the same. */
const NOT_READ_ONLY = 99;

/**
 * Program and Node.js are mounted into a folder that everybody may enter (their own may belong to root alone); then
 * every file system that could be written is made read-only, and the agent takes the place of the shell: PID 1.
 */
const SCRIPT = `set -e
stage=$1; node=$2; program=$3; shift 3
mount --make-rprivate /
mount -t proc proc /proc
mount --bind "$node" "$stage/node"
mount --bind "$program" "$stage/dictator.cjs"
kinds=ext4,ext3,xfs,btrfs,overlay,tmpfs,zfs,fuse,9p,virtiofs
for target in $(findmnt --raw --noheadings --output TARGET --types $kinds); do
  mount -o remount,bind,ro "$target" 2>/dev/null || true
done
for probe in / /tmp "$stage" "$HOME"; do
  if touch "$probe/probe" 2>/dev/null; then echo "$probe can be written" >&2; exit ${String(NOT_READ_ONLY)}; fi
done
exec ${AS_NOBODY} "$stage/node" "$stage/dictator.cjs" "$@"`;

function requireNamespaces(): void {
  const tried = spawnSync('unshare', [...NAMESPACES, 'true'], { encoding: 'utf8' });
  if (tried.status === 0) return;
  throw new Error(
    `this test needs \`unshare ${NAMESPACES.join(' ')}\`, which is not permitted here (${tried.stderr.trim()}): ` +
      'run it as root with CAP_SYS_ADMIN, or allow unprivileged user namespaces',
  );
}

/** A folder that everybody may enter, with what the program is mounted over. */
function openStage(scene: Scene): string {
  const folder = mkdtempSync(join(tmpdir(), 'dictator-container-'));
  chmodSync(folder, 0o755);
  for (const name of ['node', 'dictator.cjs']) writeFileSync(join(folder, name), '', { mode: 0o755 });
  scene.atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The agent's process, seen from outside: the child of `unshare`. */
async function agentPid(agent: AgentProcess): Promise<number> {
  const children = `/proc/${String(agent.pid)}/task/${String(agent.pid)}/children`;
  return waitFor(() => {
    const pid = Number(readFileSync(children, 'utf8').trim().split(' ')[0]);
    const isNode = pid > 0 && readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').includes('dictator.cjs');
    return isNode ? pid : 0;
  }, `the agent inside the namespace; it said: ${agent.stray}`);
}

async function startContained(scene: Scene, name: string, port: number): Promise<{ agent: AgentProcess; pid: number }> {
  const folder = openStage(scene);
  const inside = ['sh', '-c', SCRIPT, 'sh', folder, process.execPath, resolve('dist/dictator.cjs')];
  const program = ['unshare', ...NAMESPACES, ...inside];
  const agent = await scene.agent({ name, redis: { port }, program });
  const pid = await agentPid(agent);
  scene.atEnd(() => {
    if (existsSync(`/proc/${String(pid)}`)) process.kill(pid, 'SIGKILL');
  });
  return { agent, pid };
}

function statusOf(pid: number, field: string): readonly string[] {
  const lines = readFileSync(`/proc/${String(pid)}/status`, 'utf8').split('\n');
  return (lines.find((line) => line.startsWith(`${field}:`)) ?? '').split(/\s+/).slice(1);
}

test('as PID 1, as nobody, on a read-only file system: it serves, and SIGTERM ends it with 0', async () => {
  requireNamespaces();
  const scene = await stage.scene();
  const redis = await scene.redis();
  const { agent, pid } = await startContained(scene, 'a', redis.port);
  await serves(agent);
  expect(statusOf(pid, 'NSpid').at(-1), 'its number in its own namespace').toBe('1');
  if (isRoot) expect(new Set(statusOf(pid, 'Uid'))).toEqual(new Set([String(NOBODY)]));
  expect(statusOf(pid, 'CapEff'), 'no capability at all').toEqual(['0000000000000000']);
  expect(await redis.cmd('SET', 'key', 'value')).toBe('OK');
  expect(agent.stray).toBe('');
  process.kill(pid, 'SIGTERM');
  expect(await agent.exited).toBe(0);
  expect(await scene.data(scene.masterRecord), 'the record went in order').toBeNull();
  expect(await redis.cmd('SET', 'key', 'other'), 'nobody else could take over: Redis stays writable').toBe('OK');
});

test('as PID 1 with a successor: SIGTERM hands mastership over, SIGINT too', async () => {
  requireNamespaces();
  const scene = await stage.scene();
  const [first, second] = [await scene.redis(), await scene.redis()];
  const { agent, pid } = await startContained(scene, 'a', first.port);
  await serves(agent);
  const replica = await startContained(scene, 'b', second.port);
  await streams(replica.agent);
  await waitFor(async () => (await agent.view())?.inSync.includes('b'), 'b in sync');
  await first.cmd('SET', 'key', 'value');
  process.kill(pid, 'SIGTERM');
  await serves(replica.agent);
  expect(await agent.exited).toBe(0);
  expect(await second.cmd('GET', 'key')).toBe('value');
  process.kill(replica.pid, 'SIGINT');
  expect(await replica.agent.exited).toBe(0);
});
