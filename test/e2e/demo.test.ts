import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GapMeter } from '../../demo/live/gaps.ts';
import type { LiveState, NodeRow } from '../../demo/live/model.ts';
import { render } from '../../demo/live/render.ts';
import { inWords } from '../../demo/live/words.ts';
import { parse } from '../../demo/parse.ts';
import { waitFor } from '../support/wait-for.ts';
import { ROOT, processesWhere } from './checkout.ts';

const DEMO = join(ROOT, 'dist', 'demo.cjs');
const OK = /^demo: ok, write gap \d+ ms, 0 of 1000 keys lost, old master back in \d+ ms$/;

const SWITCHED =
  /^demo: ok, writes waited \d+ ms \(\d+ ms without a master\), 0 of \d+ acknowledged writes lost$/;

/** What the demo puts anywhere goes below this folder. */
let temporary = '';
const started: ChildProcess[] = [];

beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'demo-test-'));
});

afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  await waitFor(() => processesOf(temporary).length === 0, 'every process to be gone');
  await rm(temporary, { recursive: true, force: true });
});

/** Processes that name the folder on their command line or work in it. */
function processesOf(folder: string): readonly string[] {
  const command = (id: string): string => readFileSync(`/proc/${id}/cmdline`, 'utf8').replaceAll('\0', ' ');
  return processesWhere((id) => command(id).includes(folder) || readlinkSync(`/proc/${id}/cwd`).startsWith(folder));
}

interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<number | string>;
  output(): string;
}

function start(command: string, args: readonly string[]): Running {
  const env = { ...process.env, TMPDIR: temporary, NO_COLOR: '1', LANG: 'C.UTF-8', LC_ALL: '', TERM: 'xterm' };
  const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  started.push(child);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exited = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => { resolve(code ?? signal ?? -1); });
  });
  return { child, exited, output: () => output };
}

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';

describe('the scripted demo', () => {
  test('without a terminal it fails over once, loses nothing and leaves nothing behind', async () => {
    const demo = start(process.execPath, [DEMO]);
    expect(await demo.exited, demo.output()).toBe(0);
    expect(lastLine(demo.output())).toMatch(OK);
    expect(readdirSync(temporary)).toEqual([]);
    expect(processesOf(temporary)).toEqual([]);
  });

  test('by a switchover it moves the master under writers, and loses nothing', async () => {
    const demo = start(process.execPath, [DEMO, '--script', 'switchover']);
    expect(await demo.exited, demo.output()).toBe(0);
    expect(lastLine(demo.output())).toMatch(SWITCHED);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test.each([['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const)(
    'after %s it leaves nothing behind',
    async (signal, code) => {
      const demo = start(process.execPath, [DEMO, '--script', 'failover']);
      await waitFor(() => demo.output().includes('agents redis1'), 'the agents to run');
      demo.child.kill(signal);
      expect(await demo.exited).toBe(code);
      expect(lastLine(demo.output())).toBe(`demo: FAILED, interrupted by ${signal}`);
      await waitFor(() => processesOf(temporary).length === 0, 'every process to be gone');
      expect(readdirSync(temporary)).toEqual([]);
    },
  );

  test('killed itself, it leaves nothing behind either', async () => {
    const demo = start(process.execPath, [DEMO, '--script', 'failover']);
    await waitFor(() => demo.output().includes('agents redis1'), 'the agents to run');
    demo.child.kill('SIGKILL');
    expect(await demo.exited).toBe('SIGKILL');
    await waitFor(() => processesOf(temporary).length === 0, 'every process to be gone');
    await waitFor(() => readdirSync(temporary).length === 0, 'the folder to be gone');
  });

  test('a demo that cannot start says why in its last line', async () => {
    const env = { ...process.env, TMPDIR: temporary, REDIS_SERVER: '/nowhere/redis-server' };
    const { status, stdout } = spawnSync(process.execPath, [DEMO], { env, encoding: 'utf8' });
    expect(status).toBe(1);
    expect(lastLine(stdout)).toMatch(/^demo: FAILED, ./);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('it explains itself, and refuses what it does not know', () => {
    const help = spawnSync(process.execPath, [DEMO, '--help'], { encoding: 'utf8' });
    expect(help).toMatchObject({ status: 0, stderr: '' });
    expect(help.stdout).toContain('old master back');
    expect(parse(['--script=failover'], true)).toEqual({ kind: 'failover' });
    expect(parse(['--script', 'switchover'], true)).toEqual({ kind: 'switchover' });
    expect(parse([], true)).toEqual({ kind: 'live' });
    expect(parse([], false)).toEqual({ kind: 'failover' });
    for (const args of [['--fast'], ['--script'], ['--script', 'other'], ['--script', 'failover', 'more']]) {
      expect(parse(args, true).kind).toBe('wrong');
    }
  });
});

describe('the live view', () => {
  test('on a terminal it shows the service, does what keys say, and gives the terminal back', async () => {
    // util-linux' `script` gives the demo a terminal of its own.
    expect(existsSync('/usr/bin/script')).toBe(true);
    const demo = start('/usr/bin/script', ['-qec', `stty rows 24 cols 80; ${process.execPath} ${DEMO}`, '/dev/null']);
    await waitFor(() => /in sync with it: redis\d, redis\d/.test(demo.output()), 'all replicas in sync');
    demo.child.stdin?.write('k');
    await waitFor(() => /is the new master: epoch 2/.test(demo.output()), 'a failover');
    demo.child.stdin?.write('r');
    await waitFor(() => /started the Redis of redis\d/.test(demo.output()), 'the restart');
    demo.child.stdin?.write('q');
    expect(await demo.exited).toBe(0);
    const [, left = ''] = demo.output().split('\u001b[?1049l');
    expect(demo.output()).toContain('\u001b[?25h');
    expect(left).toMatch(/demo: 1 fault, worst write gap \d+ ms; everything is stopped and removed/);
    expect(readdirSync(temporary)).toEqual([]);
  });

  const replica = (name: string, change: Partial<NodeRow> = {}): NodeRow => ({
    name, port: 20001, agent: 'running', redis: 'running', role: 'replica', link: 'up', lagBytes: 0, inSync: true,
    fence: 'none', reasons: [], ...change,
  });

  const at = (...time: readonly [number, number, number, number]): number => new Date(2026, 0, 2, ...time).getTime();

  const state: LiveState = {
    service: 'demo',
    phase: 'running',
    master: { name: 'redis2', epoch: 2 },
    lease: { heardAgoMs: 640, fenceInMs: 2000, sessionTimeoutMs: 5000 },
    nodes: [
      replica('redis1', {
        redis: 'down', role: null, link: null, lagBytes: 35_800, inSync: false, reasons: ['redis_unreachable'],
      }),
      replica('redis2', { role: 'master', link: null, lagBytes: null, inSync: false }),
      replica('redis3', { link: 'copying', lagBytes: 85, inSync: false, fence: 'reversible' }),
    ],
    canary: {
      target: 'redis2', perSecond: 242, gapNowMs: 2, gapSinceKeyMs: 58, gapWorstMs: 1627,
      slices: [3, 12, 30, 58, 150, 300, 700, 1627, 4],
    },
    events: [
      { atMs: at(3, 4, 5, 678), who: 'you', text: 'killed the Redis of redis1', tone: 'yours' },
      { atMs: at(13, 4, 5, 78), who: 'redis2', text: `is ${'very '.repeat(20)}long`, tone: 'good' },
    ],
  };
  const look = { columns: 80, rows: 24, colour: false, unicode: true };

  test('at 80x24 every part has its place', () => {
    expect(render(state, look).join('\n')).toMatchInlineSnapshot(`
      " Dictator demo   master redis2, epoch 2   lease of 5.0 s confirmed 0.6 s ago

       node   port  agent   Redis   role    link    lag      in sync remarks
       redis1 20001 running down    -       -       35.8 kB  no      redis_unreachable
       redis2 20001 running running master  -       -        -
       redis3 20001 running running replica copying 85 B     no      refuses writes
       redis1: The Redis of this node does not accept connections.


       canary  242 writes/s to redis2  gap now 2 ms     latest 58 ms    worst 1627 ms
       gaps                                        ▁▂▃▄▅▆▇█▁  ▁ <10 ms  █ >1 s

       03:04:05.678  you     killed the Redis of redis1
       13:04:05.078  redis2  is very very very very very very very very very very ver…








        k  kill master's Redis     a  kill master's agent     r  restart what is down
        f  freeze/thaw its Redis   F  freeze/thaw its agent   q  quit"
    `);
  });

  test('before anything runs it says that it starts', () => {
    const starting: LiveState = {
      ...state, phase: 'starting', master: null, lease: null, nodes: [], events: [],
      canary: { target: null, perSecond: 0, gapNowMs: 0, gapSinceKeyMs: null, gapWorstMs: 0, slices: [] },
    };
    expect(render(starting, look).slice(0, 8).join('\n')).toMatchInlineSnapshot(`
      " Dictator demo   starting ...

       node   port  agent   Redis   role    link    lag      in sync remarks



       canary  has nowhere to write    gap now 0 ms     latest -        worst 0 ms
       gaps                                                   ▁ <10 ms  █ >1 s"
    `);
  });

  test('without a master it says so instead of naming the last one', () => {
    const [header] = render({ ...state, master: null, lease: null }, look);
    expect(header).toBe(' Dictator demo   no master is published');
  });

  test('it fills any terminal exactly, and shows the keys on the lowest', () => {
    for (const rows of [1, 2, 5, 12, 24, 60]) {
      for (const columns of [1, 20, 80, 200]) {
        const lines = render(state, { ...look, rows, columns });
        expect(lines).toHaveLength(rows);
        for (const line of lines) expect([...line].length).toBeLessThanOrEqual(columns);
      }
    }
    expect(render(state, { ...look, rows: 2 }).join('\n')).toContain('quit');
  });

  test('colours and signs beyond ASCII appear only where the terminal takes them', () => {
    const ascii = render(state, { ...look, unicode: false }).join('\n');
    expect(ascii).toMatch(/^[\u0000-\u007f]*$/);
    expect(render(state, look).join('')).not.toContain('\u001b');
    expect(render(state, { ...look, colour: true }).join('')).toContain('\u001b[1;32m');
  });

  test('a gap counts while it lasts, and per fault from the key on', () => {
    const meter = new GapMeter();
    expect(meter.read(5000)).toMatchObject({ gapNowMs: 0, gapWorstMs: 0, gapSinceKeyMs: null, slices: [] });
    meter.note(5000);
    expect(meter.read(5300)).toMatchObject({ gapNowMs: 300, gapWorstMs: 300, gapSinceKeyMs: null });
    expect(meter.note(5400)).toBe(400);
    meter.startCounting();
    meter.note(5405);
    expect(meter.read(5407)).toMatchObject({ gapNowMs: 2, gapWorstMs: 400, gapSinceKeyMs: 5 });
  });

  test('log lines are told in words, and what nobody would miss is left out', () => {
    const told = (event: string, fields = {}): string | undefined => inWords({ event, atMs: 0, ...fields })?.text;
    expect(told('promoted', { epoch: 3 })).toBe('is the new master: epoch 3');
    expect(told('in_sync_changed', { in_sync: ['redis1', 'redis3'] })).toBe('in sync with it: redis1, redis3');
    expect(told('in_sync_changed', { repeated: 2 })).toBeUndefined();
    expect(told('ballot_cast')).toBeUndefined();
    expect(told('of_a_later_version')).toBeUndefined();
  });
});
