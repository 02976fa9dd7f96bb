/** Three Redis servers under three Redis Sentinels, each a process of its own, for comparison. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { freePort } from '../test/support/free-port.ts';
import type { RawRedis } from '../test/support/raw-redis.ts';
import { connectRaw } from '../test/support/raw-redis.ts';
import { findRedisServer, startRedis } from '../test/support/redis-server.ts';
import type { RedisServerProcess } from '../test/support/redis-server.ts';
import { waitFor } from '../test/support/wait-for.ts';
import { REDIS_ARGS } from './context.ts';

/** Name of the master. */
export const SENTINEL_SERVICE = 'bench';
const SIZE = 3;
const QUORUM = 2;
export const DOWN_AFTER_MS = 1000;
/** Also the wait for the next attempt when nobody won the vote: the default of 3 minutes would end a run. */
const FAILOVER_TIMEOUT_MS = 5000;
const READY_POLL_MS = 2;
const READY_TIMEOUT_MS = 15_000;
const SETTLE_TIMEOUT_MS = 60_000;

const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** `redis-sentinel` from the PATH; where there is none, the server, which is the same program. */
function sentinelCommand(): readonly string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter).concat('.tools/bin');
  const found = folders.map((folder) => join(folder, 'redis-sentinel')).find((path) => existsSync(path));
  return found === undefined ? [findRedisServer(), '--sentinel'] : [found];
}

export class SentinelProcess {
  readonly pid: number;
  readonly port: number;
  readonly readyMs: number;
  private readonly child: ChildProcess;
  private readonly client: RawRedis;

  private constructor(child: ChildProcess, client: RawRedis, { port, readyMs }: { port: number; readyMs: number }) {
    this.child = child;
    this.client = client;
    this.port = port;
    this.readyMs = readyMs;
    this.pid = child.pid ?? -1;
  }

  static async start(folder: string, masterPort: number): Promise<SentinelProcess> {
    const port = await freePort();
    const file = join(folder, `sentinel-${port}.conf`);
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      'protected-mode no',
      `dir ${folder}`,
      `logfile sentinel-${port}.log`,
      `sentinel monitor ${SENTINEL_SERVICE} 127.0.0.1 ${masterPort} ${QUORUM}`,
      `sentinel down-after-milliseconds ${SENTINEL_SERVICE} ${DOWN_AFTER_MS}`,
      `sentinel failover-timeout ${SENTINEL_SERVICE} ${FAILOVER_TIMEOUT_MS}`,
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const [program = 'redis-sentinel', ...flags] = sentinelCommand();
    const startedAtMs = performance.now();
    // Sentinel wants its configuration file first, and the flag behind it.
    const child = spawn(program, [file, ...flags], { stdio: 'ignore' });
    children.add(child);
    child.once('exit', () => children.delete(child));
    // Without a program there is no process either: seen below as a port on which nobody answers.
    child.once('error', () => children.delete(child));
    const client = await firstAnswer(port);
    return new SentinelProcess(child, client, { port, readyMs: performance.now() - startedAtMs });
  }

  /** Port of the master that this Sentinel names. */
  async masterPort(): Promise<number> {
    const answer = await this.client.cmd('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', SENTINEL_SERVICE);
    return Array.isArray(answer) ? Number(answer[1]) : Number.NaN;
  }

  async fields(): Promise<ReadonlyMap<string, string>> {
    const answer = await this.client.cmd('SENTINEL', 'MASTER', SENTINEL_SERVICE);
    return pairs(answer);
  }

  /** A planned failover, as an operator orders it; answered before it is done. */
  async failover(): Promise<void> {
    await this.client.cmd('SENTINEL', 'FAILOVER', SENTINEL_SERVICE);
  }

  /** Whether it saw every replica's link up. */
  async replicasLinked(): Promise<boolean> {
    const answer = await this.client.cmd('SENTINEL', 'REPLICAS', SENTINEL_SERVICE);
    const replicas = Array.isArray(answer) ? answer.map(pairs) : [];
    const linked = replicas.filter((replica) => replica.get('master-link-status') === 'ok');
    return linked.length === SIZE - 1;
  }

  async stop(): Promise<void> {
    this.client.close();
    if (!children.has(this.child)) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await gone;
  }
}

function pairs(answer: unknown): ReadonlyMap<string, string> {
  const items: readonly unknown[] = Array.isArray(answer) ? answer : [];
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < items.length; i += 2) fields.set(String(items[i]), String(items[i + 1]));
  return fields;
}

async function firstAnswer(port: number): Promise<RawRedis> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      const client = await connectRaw(port);
      await client.cmd('PING');
      return client;
    } catch (error) {
      if (performance.now() > deadlineMs) throw new Error('Redis Sentinel did not start', { cause: error });
      await pause(READY_POLL_MS);
    }
  }
}

export class SentinelTrio {
  readonly servers: readonly RedisServerProcess[];
  readonly sentinels: readonly SentinelProcess[];
  private readonly folder: string;

  private constructor(servers: readonly RedisServerProcess[], sentinels: readonly SentinelProcess[], folder: string) {
    this.servers = servers;
    this.sentinels = sentinels;
    this.folder = folder;
  }

  /** Resolves when every Sentinel knows every other and every replica. The first server is the master. */
  static async start(): Promise<SentinelTrio> {
    const folder = mkdtempSync(join(tmpdir(), 'sentinel-'));
    const servers: RedisServerProcess[] = [];
    const sentinels: SentinelProcess[] = [];
    const trio = new SentinelTrio(servers, sentinels, folder);
    try {
      for (let i = 0; i < SIZE; i += 1) servers.push(await startRedis({ args: REDIS_ARGS }));
      const master = trio.server(0);
      for (const server of servers.slice(1)) await server.cmd('REPLICAOF', master.host, master.port);
      await waitFor(() => replicated(master), 'two replicas streaming');
      for (let i = 0; i < SIZE; i += 1) {
        const own = join(folder, String(i));
        mkdirSync(own);
        sentinels.push(await SentinelProcess.start(own, master.port));
      }
      await trio.settled();
      return trio;
    } catch (error) {
      await trio.stop();
      throw error;
    }
  }

  server(index: number): RedisServerProcess {
    const server = this.servers[index];
    if (server === undefined) throw new Error(`no server ${index}`);
    return server;
  }

  /** The server that the first Sentinel names. */
  async master(): Promise<RedisServerProcess> {
    const port = await this.sentinels[0]?.masterPort();
    const found = this.servers.find((server) => server.port === port);
    if (found === undefined) throw new Error('Sentinel names no server of ours');
    return found;
  }

  async settled(): Promise<void> {
    const knows = async (sentinel: SentinelProcess): Promise<boolean> => {
      const fields = await sentinel.fields();
      const complete =
        fields.get('flags') === 'master' &&
        fields.get('num-slaves') === String(SIZE - 1) &&
        fields.get('num-other-sentinels') === String(SIZE - 1);
      return complete && (await sentinel.replicasLinked());
    };
    await waitFor(
      async () => (await Promise.all(this.sentinels.map(knows))).every(Boolean),
      'every Sentinel knows all of it',
      SETTLE_TIMEOUT_MS,
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.sentinels.map((sentinel) => sentinel.stop()));
    await Promise.all(this.servers.map((server) => server.stop()));
    await rm(this.folder, { recursive: true, force: true });
  }
}

export async function replicated(master: RedisServerProcess): Promise<boolean> {
  const info = String(await master.cmd('INFO', 'replication'));
  return info.match(/state=online/g)?.length === SIZE - 1;
}
