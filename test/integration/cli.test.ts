/**
 * The reading verbs as a user types them, on a real service: ZooKeeper, three Redis servers, three agents, and the
 * built program. One service for all tests, which only look; the last ones take it apart.
 */
import { spawn, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startService } from '../support/service.ts';
import type { Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

let service: Service;
let master: string;

beforeAll(async () => {
  service = await startService();
  master = (await service.settled()).master.name;
});
afterAll(() => service.stop());

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(...args: readonly string[]) {
  const child = spawn(process.execPath, ['dist/dictator.cjs', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const printed = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (printed.out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (printed.err += chunk));
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, ...printed })));
  return { child, printed, ended };
}

const run = (...args: readonly string[]): Promise<Ended> => start(...args).ended;
const zk = (): string => `127.0.0.1:${String(service.zookeeper.port)}`;
const configOf = (name: string): string => service.node(name).agent.configFile;
const agentOf = (name: string): string => `http://127.0.0.1:${String(service.node(name).agent.options.httpPort)}`;

describe('a service at peace', () => {
  test('is one line of the list', async () => {
    const { code, out, err } = await run('list', '--zk', zk());
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(new RegExp(`^${service.name} +${master} +\\d+ +3/3 +ok +\\d+ \\(`, 'm'));
  });

  test('is a tree with live lag, the same from the ensemble and from the configuration', async () => {
    for (const source of [['--zk', zk()], ['--config', configOf('node1')]]) {
      const { code, out } = await run('show', '--json', ...source);
      expect(code).toBe(0);
      const shown = JSON.parse(out) as { nodes: Record<string, unknown>[] };
      expect(shown).toMatchObject({ v: 1, service: service.name, master, health: 'ok', ensemble: 'read' });
      expect(shown.nodes[0]).toMatchObject({ name: master, role: 'master', answers: true });
      for (const node of shown.nodes.slice(1)) {
        expect(node).toMatchObject({ role: 'replica', link: 'up', inSync: true, lagBytes: expect.any(Number) });
      }
    }
  });

  test('is known to each of its agents', async () => {
    const { code, out } = await run('topology', '--agent', agentOf(service.others(service.node(master))[0]!.name));
    expect(code).toBe(0);
    expect(out).toContain('as one agent sees it');
    expect(out).toContain(master);
  });

  test('has nothing to explain, and two who could take over', async () => {
    const { code, out } = await run('explain', '--json', '--zk', zk());
    expect(code).toBe(0);
    const explained = JSON.parse(out) as { successors: string[]; situations: unknown[] };
    expect(explained.situations).toEqual([]);
    expect(explained.successors).toHaveLength(2);
  });

  test('has a past', async () => {
    const { code, out } = await run('history', '--config', configOf('node1'), '--json');
    expect(code).toBe(0);
    const past = JSON.parse(out) as { epochs: unknown[] };
    expect(past).toMatchObject({ service: service.name, master, epoch: expect.any(Number), operations: [] });
    expect(past.epochs[0]).toMatchObject({ epoch: 1, offset: 0 });
  });

  test('is meant without its name, where the ensemble has no other', async () => {
    for (const verb of [['history'], ['settings', 'show']]) {
      const { code, out } = await run(...verb, '--zk', zk(), '--json');
      expect(code).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ service: service.name });
    }
  });

  test('is examined in both directions', async () => {
    const { code: exitCode, out, err } = await run('doctor', '--config', configOf(master), '--strict', '--json');
    const { findings } = JSON.parse(out) as { findings: { code: string }[] };
    const codes = findings.map(({ code }) => code);
    // The Redis of a test keeps nothing on disk and starts writable; everything else is as it should be.
    expect(codes).toEqual(expect.arrayContaining(['persistence_off', 'ensemble_single']));
    expect([exitCode, err.includes('(unhealthy)')]).toEqual([1, true]);
    for (const code of ['node_redis_unreachable', 'node_agent_unreachable', 'not_seen_by_node', 'clock_rate']) {
      expect(codes).not.toContain(code);
    }
    for (const code of ['agent_unreachable', 'redis_unreachable', 'situation']) expect(codes).not.toContain(code);
  });

  test('is followed by events until interrupted', async () => {
    const { child, printed, ended } = start('events', '--follow', '--agent', agentOf(master));
    await waitFor(() => printed.out.includes('agent_started'), 'the first event');
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 0, err: '' });
  });

  // util-linux' script(1) gives the program a terminal, as an operator's shell does.
  const hasScript = spawnSync('script', ['--version']).status === 0;
  test.skipIf(!hasScript)('is watched on a terminal, live, until Ctrl-C, which leaves its screen', async () => {
    // Without exec a shell stays between, and may tell of the Ctrl-C (130) in place of the command's own code.
    const command = `exec "${process.execPath}" dist/dictator.cjs watch --interval 1 --zk ${zk()}`;
    const child = spawn('script', ['-qefc', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'] });
    const printed = { out: '' };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (printed.out += chunk));
    const ended = new Promise((resolve) => child.on('close', resolve));
    try {
      await waitFor(() => printed.out.split('Ctrl-C ends').length > 2, 'two looks');
      child.stdin.write('\u0003');
      expect(await ended).toBe(0);
    } finally {
      child.kill('SIGKILL');
    }
    expect(printed.out).toContain(master);
    expect(printed.out.startsWith('\u001b[?1049h')).toBe(true);
    expect(printed.out).toContain('\u001b[?1049l');
  });

  test('has no other name', async () => {
    const { code, err } = await run('show', 'elsewhere', '--zk', zk());
    expect(code).toBe(1);
    expect(err).toContain('(service_unknown)');
  });
});

test('output that could not be written is a failure', async () => {
  const child = spawn('/bin/sh', ['-c', '"$0" dist/dictator.cjs version >/dev/full', process.execPath], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
  expect(await new Promise((resolve) => child.on('close', resolve))).toBe(1);
  expect(err).toContain('the output could not be written: ENOSPC');
});

test('a master whose agent is stopped is named as silent, and its lease as held', async () => {
  service.node(master).agent.signal('SIGSTOP');
  const { out } = await run('explain', '--json', '--zk', zk());
  service.node(master).agent.signal('SIGCONT');
  const { situations } = JSON.parse(out) as { situations: { code: string }[] };
  expect(situations.map(({ code }) => code)).toContain('master_agent_silent');
  await service.settled();
});

test('a node whose agent is gone is missing', async () => {
  master = (await service.settled()).master.name;
  const [gone] = service.others(service.node(master));
  await gone!.agent.kill();
  await waitFor(async () => {
    const { out } = await run('list', '--zk', zk());
    return out.includes(`${gone!.name} gone`);
  }, 'the list to name the missing node');
  const { out } = await run('explain', '--zk', zk());
  expect(out).toContain('replica_missing');
});

test('without the ensemble the agent of the node is asked, and doctor names the ensemble', async () => {
  await service.zookeeper.kill();
  const shown = await run('show', '--config', configOf(master));
  expect(shown.code).toBe(0);
  expect(shown.err).toContain('the ensemble is silent');
  expect(shown.out).toContain('ensemble_unreachable');
  expect(await run('list', '--zk', zk())).toMatchObject({ code: 1, out: '' });
  const examined = await run('doctor', '--config', configOf(master));
  expect(examined.code).toBe(1);
  expect(examined.out).toContain('ensemble_unreachable');
});
