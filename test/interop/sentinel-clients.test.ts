/**
 * Unmodified clients against the Sentinel port of real agents: each finds the master, and keeps writing through a
 * switchover and a failover without being restarted.
 */
import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectRaw } from '../support/raw-redis.ts';
import { startService } from '../support/service.ts';
import type { Node, Service } from '../support/service.ts';
import { QUICK_SYNC } from '../support/scene.ts';
import { waitFor } from '../support/wait-for.ts';
import { gapMs, ioredis, nodeRedis, predis, predisLists, redisPy, rubyRedisClient } from './keep-writing.ts';
import type { Lists, Writing } from './keep-writing.ts';
import { RecordedRedisClient } from './recorded-redis-client.ts';

const run = promisify(execFile);
const NAME = 'mymaster';
let service: Service;

beforeAll(async () => {
  service = await startService({ sentinel: { master_name: ['primary', NAME] }, redisArgs: QUICK_SYNC });
  await service.settled();
});
afterAll(() => service.stop());

const ports = (): number[] => service.nodes.map(({ sentinelPort = 0 }) => sentinelPort);

/** One line per element, as redis-cli prints it to a pipe. */
async function cli(node: Node, ...args: string[]): Promise<string[]> {
  const { stdout } = await run('redis-cli', ['-p', String(node.sentinelPort), ...args]);
  return stdout.trimEnd().split('\n');
}

async function everybodyNames(master: Node): Promise<void> {
  await waitFor(async () => {
    const living = service.nodes.filter(({ agent }) => agent.alive);
    const named = await Promise.all(living.map((node) => cli(node, 'sentinel', 'get-master-addr-by-name', NAME)));
    return named.every(([, port]) => port === String(master.redis.port));
  }, `every agent to name ${master.name}`);
}

/** Another master than this one, with so many replicas in sync. */
async function otherMaster(former: Node, inSync: number): Promise<Node> {
  await waitFor(async () => (await service.master()) !== former, 'the old master to be deposed');
  const { master } = await service.settled(inSync);
  expect(master).not.toBe(former);
  return master;
}

/** Asks a replica's agent for it; on a starved machine one may be refused, or be undone. */
async function switchOver(from: Node): Promise<void> {
  await waitFor(async () => {
    const now = await service.master();
    if (now !== null && now !== from) return true;
    return (await cli(service.others(from)[0]!, 'sentinel', 'failover', NAME))[0] === 'OK';
  }, 'a switchover', 60_000);
}

async function writesAfter(writers: readonly Writing[], atMs: number): Promise<void> {
  for (const writer of writers) {
    const wrote = (): boolean => writer.acceptedMs.some((each) => each > atMs);
    await waitFor(wrote, `${writer.client} to write again`, 30_000).catch((cause: unknown) => {
      throw new Error(`${writer.client} did not write again; its last trouble: ${writer.trouble}`, { cause });
    });
  }
}

test('redis-cli finds the master, its replicas and the other agents, from any of them', async () => {
  const { master } = await service.settled();
  await everybodyNames(master);
  for (const node of service.nodes) {
    await waitFor(async () => (await cli(node, 'sentinel', 'sentinels', NAME)).join().match(/,runid,/g)?.length === 2,
      'the other two agents');
    await waitFor(async () => {
      const fields = (await cli(node, 'sentinel', 'replicas', NAME)).join();
      return fields.match(/master-link-status,ok/g)?.length === 2 && !fields.includes('s_down');
    }, 'two replicas with their links up');
    expect(await cli(node, '-3', 'sentinel', 'ckquorum', NAME)).toEqual([
      'OK 3 usable Sentinels. Quorum and failover authorization can be reached',
    ]);
    expect((await cli(node, 'sentinel', 'master', 'primary')).slice(0, 6)).toEqual([
      'name', 'primary', 'ip', '127.0.0.1', 'port', String(master.redis.port),
    ]);
    expect((await cli(node, 'info')).join('\n')).toContain(`master1:name=${NAME},status=ok,address=127.0.0.1:`);
  }
});

test('ioredis finds a replica, too', async () => {
  const redis = new Redis({
    sentinels: ports().map((port) => ({ host: '127.0.0.1', port })), name: NAME, role: 'slave', updateSentinels: true,
  });
  redis.on('error', () => undefined);
  expect((await redis.role())[0]).toBe('slave');
  redis.disconnect();
});

describe('lists of Sentinels and replicas are read', () => {
  /** Whichever of them is asked first knows the others, and all replicas of the master. */
  async function expectWhole(read: (firstPort: number) => Lists | Promise<Lists>): Promise<void> {
    const { master } = await service.settled();
    const at = (port: number): { host: string; port: number } => ({ host: '127.0.0.1', port });
    const wanted = {
      sentinels: new Set(ports().map(at)),
      replicas: new Set(service.others(master).map(({ redis }) => at(redis.port))),
    };
    await waitFor(async () => {
      const { sentinels, replicas } = await read(ports()[0] ?? 0);
      expect({ sentinels: new Set(sentinels), replicas: new Set(replicas) }).toEqual(wanted);
      return true;
    }, 'every Sentinel and every replica to be listed');
  }

  test('by position: predis', () => expectWhole((port) => predisLists({ ports: [port], name: NAME })));

  test('as maps of RESP3: redis-client of Ruby', () => expectWhole((port) => new RecordedRedisClient([port]).lists()));
});

test('whoever stays on a deposed master is disconnected: idle, blocked, or listening', async () => {
  const { master } = await service.settled();
  const kinds = [['PING'], ['BLPOP', 'nothing', '0'], ['SUBSCRIBE', 'nothing']];
  const left = new Set(kinds.map(([command]) => command));
  for (const [command = '', ...args] of kinds) {
    const client = await connectRaw(master.redis.port);
    // What is asked ends with the connection, where it is not answered.
    client.cmd(command, ...args).catch(() => undefined);
    void client.closed.then(() => left.delete(command));
  }
  await waitFor(async () => /blocked_clients:1\r\n/.test(String(await master.redis.cmd('INFO', 'clients'))),
    'one client to be blocked');
  expect([...left]).toEqual(['PING', 'BLPOP', 'SUBSCRIBE']);
  await switchOver(master);
  await waitFor(() => left.size === 0, 'the connections to end');
  await otherMaster(master, 2);
});

test('every client keeps writing through a switchover and a failover', async () => {
  const { master: first } = await service.settled();
  const listener = spawn('redis-cli', ['-p', String(first.sentinelPort), 'psubscribe', '*'], { stdio: 'pipe' });
  let heard = '';
  listener.stdout.setEncoding('utf8').on('data', (text: string) => (heard += text));
  await waitFor(() => heard.includes('psubscribe'), 'redis-cli to listen');
  const sentinels = { ports: ports(), name: NAME };
  const writers = [
    ioredis(sentinels, { protocol: 2, failoverDetector: false }),
    ioredis(sentinels, { protocol: 3, failoverDetector: false }),
    ioredis(sentinels, { protocol: 2, failoverDetector: true }),
    ioredis(sentinels, { protocol: 3, failoverDetector: true }),
    await nodeRedis(sentinels),
    redisPy(sentinels),
    predis(sentinels),
    rubyRedisClient(sentinels),
  ];
  try {
    await writesAfter(writers, 0);

    const switchedMs = performance.now();
    await switchOver(first);
    const second = await otherMaster(first, 2);
    await everybodyNames(second);
    await writesAfter(writers, performance.now());
    report('switchover', writers, switchedMs);

    const killedMs = performance.now();
    await second.redis.kill();
    const third = await otherMaster(second, 1);
    await everybodyNames(third);
    await writesAfter(writers, performance.now());
    report('failover', writers, killedMs);

    const moves = [[first, second], [second, third]] as const;
    const lines = moves.map(([from, to]) => `${NAME} 127.0.0.1 ${from.redis.port} 127.0.0.1 ${to.redis.port}`);
    await waitFor(() => heard.includes(lines[1]!), 'both switches to be told');
    const told = heard.split('\n');
    for (const line of lines) {
      const channels = told.flatMap((text, index) => (text === line ? [told[index - 1]] : []));
      expect(channels).toEqual(['+switch-master', 'switch-master']);
    }
  } finally {
    listener.kill();
    for (const writer of writers) await writer.stop();
  }
});

/** For people: nothing passes or fails by it. */
function report(what: string, writers: readonly Writing[], atMs: number): void {
  const gaps = writers.map((writer) => `${writer.client} ${Math.round(gapMs(writer, atMs))} ms`);
  console.log(`${what}: longest silence since: ${gaps.join(', ')}`);
}
