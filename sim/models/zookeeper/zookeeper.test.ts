import { describe, expect, test } from 'vitest';
import type { ZkAnswer, ZkRequest } from '../../../src/zookeeper/index.ts';
import { Network } from '../../kernel/network.ts';
import { Host, Process, SkewedClock } from '../../kernel/process.ts';
import { Random } from '../../kernel/random.ts';
import { Scheduler } from '../../kernel/scheduler.ts';
import { Client } from './client.ts';
import { Ensemble } from './ensemble.ts';

const T_MS = 4000;
const TICK_MS = 500;

function world(seed = 1) {
  const scheduler = new Scheduler();
  const random = new Random(seed);
  const network = new Network(scheduler, random.fork('network'));
  const hostOf = (name: string): Host => {
    const host = new Host(name);
    network.addHost(host);
    return host;
  };
  const hosts = ['z1', 'z2', 'z3'].map(hostOf);
  const ensemble = new Ensemble({ hosts, scheduler, network, random, tickMs: TICK_MS, syncLimit: 4 });
  const pass = (ms: number): void => scheduler.runUntil(scheduler.nowMs + ms);
  function client(name: string, servers = ['z1', 'z2', 'z3']) {
    const process = new Process(name, hostOf(name), scheduler);
    const clock = new SkewedClock(process, { rate: 1, originMs: 0 });
    const heard: string[] = [];
    const port = new Client({
      process, clock, network, random, hosts: servers, sessionTimeoutMs: T_MS,
      events: {
        onConnected: ({ id }) => heard.push(`connected ${id}`),
        onDisconnected: () => heard.push('disconnected'),
        onExpired: () => heard.push('expired'),
        onChanged: (path) => heard.push(`changed ${path}`),
      },
    });
    function ask(request: ZkRequest): ZkAnswer | undefined {
      const answers: ZkAnswer[] = [];
      port.submit(request, (answer) => answers.push(answer));
      for (let ms = 0; ms < 3000 && answers.length === 0; ms += 1) pass(1);
      return answers[0];
    }
    return { process, heard, port, ask };
  }
  const cut = (a: string, b: string, state: 'drop' | 'open' = 'drop'): void => {
    network.setPath(a, b, { state });
    network.setPath(b, a, { state });
  };
  const leaderName = (): string => ensemble.leader?.process.host.name ?? 'none';
  const followerName = (): string => ['z1', 'z2', 'z3'].find((name) => name !== leaderName())!;
  pass(2000);
  return { scheduler, network, ensemble, pass, client, cut, leaderName, followerName };
}

const create = (path: string, ephemeral = false): ZkRequest => ({
  op: 'multi', ops: [{ op: 'create', path, data: 'x', ephemeral }],
});

describe('an ensemble of three', () => {
  test('commits writes, refuses stale versions, and tells watchers before it answers the writer', () => {
    const { client, pass } = world();
    const a = client('a');
    pass(100);
    expect(a.ask({ op: 'watch', path: '/d' })).toEqual({ ok: true });
    expect(a.ask(create('/d'))).toEqual({ ok: true });
    expect(a.ask({ op: 'multi', ops: [{ op: 'setData', path: '/d', data: 'y', version: 7 }] })).toEqual({
      ok: false, code: 'BAD_VERSION',
    });
    expect(a.heard).toEqual(['connected 1', 'changed /d']);
    expect(a.ask({ op: 'read', path: '/d' })?.ok).toBe(true);
  });

  test('ends the session of a client that died, and its ephemerals with it', () => {
    const { client, pass } = world();
    const a = client('a');
    const b = client('b');
    pass(100);
    a.ask(create('/lease', true));
    b.ask({ op: 'watch', path: '/lease' });
    a.process.kill();
    pass(T_MS - TICK_MS);
    expect(b.heard).not.toContain('changed /lease');
    pass(3 * TICK_MS);
    expect(b.heard).toContain('changed /lease');
    expect(b.ask({ op: 'read', path: '/lease' })).toEqual({ ok: false, code: 'NO_NODE' });
  });

  test('has a follower that, cut off from its quorum, still answers pings and stale reads but no sync', () => {
    const { client, pass, cut, leaderName, followerName, ensemble } = world();
    const follower = followerName();
    const third = ['z1', 'z2', 'z3'].find((name) => name !== follower && name !== leaderName())!;
    const a = client('a', [follower]);
    const b = client('b', [leaderName()]);
    pass(100);
    a.ask(create('/d'));
    cut(follower, leaderName());
    cut(follower, third);
    b.ask({ op: 'multi', ops: [{ op: 'setData', path: '/d', data: 'new' }] });
    const answer = a.ask({ op: 'read', path: '/d' });
    expect(answer?.ok === true && answer.data?.toString()).toBe('x');
    const synced: ZkAnswer[] = [];
    a.port.submit({ op: 'sync', path: '/d' }, (each) => synced.push(each));
    pass(1000);
    expect(synced).toEqual([]);
    pass(4 * TICK_MS);
    expect(a.heard).toContain('disconnected');
    expect(ensemble.leader).toBeDefined();
  });

  test('has a follower that, stopped for a moment, misses nothing of what was committed meanwhile', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { client, pass, leaderName, followerName, ensemble } = world(seed);
      const follower = followerName();
      const writer = client('writer', [leaderName()]);
      const reader = client('reader', [follower]);
      pass(100);
      const process = ensemble.servers.find((server) => server.process.name === follower)!.process;
      process.freeze();
      const paths: string[] = [];
      for (let ms = 0; ms < 20; ms += 0.25) {
        if (ms === 10) process.thaw();
        paths.push(`/${String(paths.length)}`);
        writer.port.submit(create(paths.at(-1)!), () => undefined);
        pass(0.25);
      }
      pass(200);
      expect(paths.filter((path) => reader.ask({ op: 'read', path })?.ok !== true)).toEqual([]);
    }
  });

  test('has a deposed leader that answers sync until it notices', () => {
    const { client, pass, cut, leaderName, ensemble } = world();
    const old = leaderName();
    const others = ['z1', 'z2', 'z3'].filter((name) => name !== old);
    const a = client('a', [old]);
    pass(100);
    for (const other of others) cut(old, other);
    expect(a.ask({ op: 'sync', path: '/' })).toEqual({ ok: true });
    pass(6 * TICK_MS);
    expect(others).toContain(leaderName());
    expect(a.heard).toContain('disconnected');
    expect(ensemble.servers.find(({ process }) => process.name === old)?.role).toBe('looking');
  });

  test('keeps what was committed when its leader dies, and gives every session its full timeout again', () => {
    const { client, pass, leaderName, ensemble } = world();
    const a = client('a');
    const b = client('b');
    pass(100);
    a.ask(create('/lease', true));
    a.process.kill();
    pass(T_MS - 2 * TICK_MS);
    ensemble.leader?.process.kill();
    pass(2 * T_MS - 1500);
    expect(leaderName()).not.toBe('none');
    pass(3000);
    expect(b.ask({ op: 'read', path: '/lease' })).toEqual({ ok: false, code: 'NO_NODE' });
  });

  test('tells clients that their sessions are over after it was wiped', () => {
    const { client, pass, ensemble } = world();
    const a = client('a');
    pass(100);
    a.ask(create('/d'));
    ensemble.wipe();
    pass(5000);
    expect(a.heard).toContain('expired');
    expect(a.heard.at(-1)).toMatch(/^connected/);
    expect(a.ask({ op: 'read', path: '/d' })).toEqual({ ok: false, code: 'NO_NODE' });
  });

  test('answers every request once, also those of a client that is disconnected', () => {
    const { client, pass, cut } = world();
    const a = client('a');
    pass(100);
    for (const server of ['z1', 'z2', 'z3']) cut('a', server);
    const answers: string[] = [];
    const note = (answer: ZkAnswer): void => void answers.push(answer.ok ? 'ok' : answer.code);
    for (const path of ['/1', '/2']) a.port.submit(create(path), note);
    pass(T_MS);
    a.port.submit(create('/3'), note);
    pass(100);
    expect(answers.slice(0, 2).every((code) => /TIMEOUT|LOSS/.test(code))).toBe(true);
    expect(answers[2]).toBe('CONNECTION_LOSS');
  });
});
