/**
 * Verbs that go from node to node or from service to service, on real servers: two services of two nodes in one
 * ensemble, and the built program.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../support/command-line.ts';
import { FAST_SYNC, QUICK, TICK_MS } from '../support/failure-stage.ts';
import { peace } from '../support/healing.ts';
import { startService } from '../support/service.ts';
import type { Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { roleOf } from '../support/writers.ts';
import { startZooKeeper } from '../support/zookeeper-server.ts';
import type { ZooKeeperServer } from '../support/zookeeper-server.ts';

let zookeeper: ZooKeeperServer;
let one: Service;
let other: Service;
const folder = mkdtempSync(join(tmpdir(), 'dictator-rolling-'));

beforeAll(async () => {
  zookeeper = await startZooKeeper({ tickTimeMs: TICK_MS });
  const start = () => startService({ nodes: 2, zookeeper, redisArgs: FAST_SYNC, config: QUICK });
  [one, other] = await Promise.all([start(), start()]);
});
afterAll(async () => {
  await one.stop();
  await other.stop();
  await zookeeper.stop();
  rmSync(folder, { recursive: true, force: true });
});

const zk = (): readonly string[] => ['--zk', `127.0.0.1:${String(zookeeper.port)}`];
const act = (...args: readonly string[]) => runCommand(...args, ...zk());
async function json(...args: readonly string[]) {
  const { code, out, err } = await act(...args, '--json');
  return { code, err, said: JSON.parse(out) as Record<string, unknown> };
}
const masters = async () => [(await peace(one)).master.name, (await peace(other)).master.name];

describe('many services', () => {
  test('switch over together, at most as many at once as was said', async () => {
    const before = await masters();
    const pattern = `${one.name},${other.name}`;
    const { code, said } = await json('switchover', '--service', pattern, '--max-parallel', '2', '--yes');
    expect(said).toMatchObject({ services: [{ outcome: 'done' }, { outcome: 'done' }], left: [] });
    expect(code).toBe(0);
    const after = await masters();
    expect(after.map((name, index) => name === before[index])).toEqual([false, false]);
  });

  test('are left alone where one of them would be refused', async () => {
    const before = await masters();
    const { replicas: [replica] } = await peace(other);
    expect((await act('disable', replica.name, '--service', other.name, '--yes')).code).toBe(0);
    const { code, err } = await act('switchover', '--service', '*', '--yes');
    expect([code, err.includes('(services_refused)')]).toEqual([3, true]);
    expect(err).toContain(`${other.name}: refused, no_candidate`);
    expect((await act('enable', replica.name, '--service', other.name)).code).toBe(0);
    expect(await masters()).toEqual(before);
    expect((await act('switchover', '--service', 'none-*', '--yes')).code).toBe(1);
  });

  /** Orders both; the first of them by name cannot end well, since the agent of its only candidate stands still. */
  async function withFirstStuck(maxParallel: string) {
    const [first = one, second = other] = [one, other].sort((a, b) => (a.name < b.name ? -1 : 1));
    const before = { first: (await peace(first)).master, second: (await peace(second)).master };
    const { replicas: [stuck] } = await peace(first);
    stuck.agent.signal('SIGSTOP');
    const ended = await json('switchover', '--service', '*', '--max-parallel', maxParallel, '--yes');
    stuck.agent.signal('SIGCONT');
    expect((await peace(first)).master).toBe(before.first);
    const secondMaster = (await peace(second)).master === before.second ? 'stayed' : 'moved';
    return { ...ended, first, second, secondMaster };
  }

  test('end with the first that fails in its middle: no further one is begun', async () => {
    const { code, err, said, first, second, secondMaster } = await withFirstStuck('1');
    expect(said).toMatchObject({ services: [{ service: first.name, outcome: 'interrupted' }], left: [second.name] });
    expect([code, err.includes('(services_left)'), secondMaster]).toEqual([1, true, 'stayed']);
    expect(err).toContain(`left as they were: ${second.name}`);
  });

  test('are worked on side by side, as many as was said: what is under way is not given up', async () => {
    const { code, said, first, second, secondMaster } = await withFirstStuck('2');
    expect(said).toMatchObject({ left: [] });
    expect(said['services']).toContainEqual(expect.objectContaining({ service: first.name, outcome: 'interrupted' }));
    expect(said['services']).toContainEqual(expect.objectContaining({ service: second.name, outcome: 'done' }));
    expect([code, secondMaster]).toEqual([1, 'moved']);
    for (const wrong of ['0', '17', 'two']) {
      expect((await act('switchover', '--service', '*', '--max-parallel', wrong, '--yes')).code).toBe(2);
    }
  });

  test('leave a host, and stay where no other host has a replica', async () => {
    const { master } = await peace(one);
    // By this name it is another host than that of everybody else.
    await master.agent.kill();
    master.agent.restart({ announce_http_host: 'localhost' });
    await peace(one);
    const refused = await act('evacuate', '127.0.0.1', '--yes');
    expect([refused.code, refused.err.includes('no_candidate')]).toEqual([3, true]);
    const host = (await peace(one)).master === master ? 'localhost' : '127.0.0.2';
    const { code, said } = await json('evacuate', host, '--yes');
    expect(code).toBe(0);
    expect(said['services']).toHaveLength(host === 'localhost' ? 1 : 0);
    expect((await peace(one)).master).not.toBe(master);
    expect((await act('evacuate', 'localhost', '--yes')).err).toContain('nothing to do');
  });
});

describe('rolling', () => {
  test('takes replicas first, and switches over before the turn of the master', async () => {
    const { master, replicas: [replica] } = await peace(one);
    const log = join(folder, 'turns');
    const each = `echo "$NODE_NAME $NODE_HOST:$NODE_PORT $NODE_SERVICE" >> ${log}`;
    const { code, err, said } = await json('rolling', one.name, '--each', each, '--yes');
    expect(err).toContain(`${replica.name} took over from ${master.name}`);
    expect(said).toMatchObject({ nodes: [{ node: replica.name, outcome: 'done' }, { node: master.name }], left: [] });
    expect(code).toBe(0);
    expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual([replica, master].map(({ name, redis }) => {
      return `${name} 127.0.0.1:${String(redis.port)} ${one.name}`;
    }));
    expect((await peace(one)).master).toBe(replica);
  });

  test('restarts every Redis, never that of a master, and keeps the data', async () => {
    const { master } = await peace(one);
    const keys = Array.from({ length: 100 }, (_value, index) => `kept:${String(index)}`);
    await master.redis.cmd('MSET', ...keys.flatMap((key) => [key, key]));
    const pids = one.nodes.map(({ redis }) => redis.pid);
    const restartedAs: string[] = [];
    // What restarts it empty is a supervisor in this process; the command asks it to.
    const supervisor = createServer((request, response) => {
      const node = one.node(String(request.url).slice(1));
      void roleOf(node.redis).then(async (role) => {
        restartedAs.push(role);
        await node.redis.restart({ empty: true });
        response.end();
      });
    });
    await new Promise<void>((resolve) => supervisor.listen(0, '127.0.0.1', resolve));
    const { port } = supervisor.address() as AddressInfo;
    const ask = `fetch('http://127.0.0.1:${String(port)}/' + process.env.NODE_NAME).then((it) => it.text())`;
    const { code, said } = await json('rolling', one.name, '--each', `"${process.execPath}" -e "${ask}"`, '--yes');
    supervisor.close();
    expect(said).toMatchObject({ nodes: [{ outcome: 'done' }, { outcome: 'done' }], left: [] });
    expect([code, restartedAs]).toEqual([0, ['slave', 'slave']]);
    expect(one.nodes.map(({ redis }, index) => redis.pid === pids[index])).toEqual([false, false]);
    expect((await peace(one)).master).not.toBe(master);
    for (const { redis } of one.nodes) expect(await redis.cmd('EXISTS', ...keys)).toBe(keys.length);
  });

  test('goes on alone: a second one at the same time is refused, and names whose is under way', async () => {
    await peace(one);
    const [begun, goOn] = [join(folder, 'begun'), join(folder, 'go-on')];
    const each = `touch ${begun}; until test -e ${goOn}; do sleep 0.05; done`;
    const first = act('rolling', one.name, '--each', each, '--yes');
    await waitFor(() => existsSync(begun), 'the first command runs');
    const second = await json('rolling', one.name, '--each', 'true', '--yes');
    expect([second.code, second.said['nodes']]).toMatchObject([3, [{ outcome: 'failed' }]]);
    expect(second.err).toContain('another rolling is under way, by ');
    writeFileSync(goOn, '');
    expect((await first).code).toBe(0);
  });

  test('ends with the first failure and says how to go on', async () => {
    const { master, replicas: [replica] } = await peace(one);
    const each = `test $NODE_NAME != ${master.name}`;
    const { code, err, said } = await json('rolling', one.name, '--each', each, '--yes');
    expect(said).toMatchObject({ nodes: [{ node: replica.name }, { outcome: 'failed' }], left: [master.name] });
    expect(err).toContain(`--skip ${replica.name}`);
    expect(err).toContain('(command_failed)');
    expect(code).toBe(1);
    const again = await act('rolling', one.name, '--each', 'true', '--skip', replica.name, '--yes');
    expect(again.code).toBe(0);
    expect((await act('rolling', one.name, '--each', 'true', '--skip', 'nobody', '--yes')).code).toBe(3);
  });
});

describe('drill', () => {
  test('goes there and back, and tells what a client saw', async () => {
    const { master, replicas: [replica] } = await peace(other);
    const { code, said } = await json('drill', other.name, '--yes');
    expect(said).toMatchObject({
      legs: [
        { outcome: 'done', from: master.name, target: replica.name, canaryGapMs: expect.any(Number) },
        { outcome: 'done', from: replica.name, target: master.name, canaryGapMs: expect.any(Number) },
      ],
    });
    expect(code).toBe(0);
    const { master: after } = await peace(other);
    expect(after).toBe(master);
    // Nothing but a key that expires: -1 would be one that does not, -2 is one that has.
    const endsInMs = Number(await after.redis.cmd('PTTL', 'dictator:canary'));
    expect(endsInMs === -2 || (endsInMs >= 0 && endsInMs <= 10_000), String(endsInMs)).toBe(true);
    const keys = await after.redis.cmd('KEYS', '*') as readonly string[];
    expect(keys.filter((key) => key !== 'dictator:canary')).toEqual([]);
  });

  test('is not begun where a node is missing', async () => {
    const { replicas: [replica] } = await peace(other);
    await replica.agent.kill();
    const { code, err } = await act('drill', other.name, '--yes');
    expect([code, err.includes('(not_ready)')]).toEqual([3, true]);
    replica.agent.restart();
    await peace(other);
  });
});
