/**
 * The service that the demo shows: one ZooKeeper, three Redis servers, an agent beside each, all in one folder.
 *
 * What is started here is what an operator would run: the built program with a configuration file, Redis with the
 * settings that the manual recommends. Nothing is tuned for the demo but what `--help` names.
 */
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AgentProcess } from '../test/support/agent-process.ts';
import { freePort } from '../test/support/free-port.ts';
import { startRedis } from '../test/support/redis-server.ts';
import type { RedisServerProcess } from '../test/support/redis-server.ts';
import { startZooKeeper } from '../test/support/zookeeper-server.ts';
import type { ZooKeeperServer } from '../test/support/zookeeper-server.ts';
import { guard } from './guard.ts';

export const SERVICE_NAME = 'demo';
const NODES = 3;
/** Sessions last 2 to 20 ticks, so that the agents get the 5 s they ask for by default. */
const TICK_TIME_MS = 500;
const LOG_LINES_SHOWN = 25;

const REDIS_ARGS = [
  // The start fence: a server that comes back accepts nothing until its agent knows who is master.
  '--min-replicas-to-write', '1',
  // See --help: otherwise a full copy begins 5 s after a replica asked for it.
  '--repl-diskless-sync-delay', '0',
];

export interface DemoNode {
  readonly name: string;
  readonly redis: RedisServerProcess;
  readonly agent: AgentProcess;
}

export class DemoService {
  readonly folder: string;
  private readonly guard: ChildProcess | null;
  private zooKeeper: ZooKeeperServer | null = null;
  private started: readonly DemoNode[] = [];

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'dictator-demo-'));
    this.guard = guard(this.folder);
  }

  get nodes(): readonly DemoNode[] {
    return this.started;
  }

  get zooKeeperPort(): number {
    if (this.zooKeeper === null) throw new Error('ZooKeeper was not started');
    return this.zooKeeper.port;
  }

  /** `root` is the folder that holds `dist/dictator.cjs`; `progress` is told what runs now. */
  async start(root: string, progress: (text: string) => void): Promise<void> {
    const program = join(root, 'dist', 'dictator.cjs');
    if (!existsSync(program)) throw new Error(`${program} is missing: run make first`);
    const [zooKeeper, ...servers] = await Promise.all([
      startZooKeeper({ tickTimeMs: TICK_TIME_MS, dataDir: join(this.folder, 'zookeeper') }),
      ...Array.from({ length: NODES }, (_value, index) => (
        startRedis({ dataDir: join(this.folder, `redis${index + 1}`), args: REDIS_ARGS })
      )),
    ]);
    this.zooKeeper = zooKeeper;
    progress(`ZooKeeper on port ${zooKeeper.port}, Redis on ports ${servers.map(({ port }) => port).join(', ')}`);
    const agents = await Promise.all(
      servers.map((redis, index) => this.startAgent(`redis${index + 1}`, redis, program)),
    );
    this.started = agents;
    progress(`agents ${agents.map(({ name, agent }) => `${name} (process ${agent.pid})`).join(', ')}`);
  }

  private async startAgent(name: string, redis: RedisServerProcess, program: string): Promise<DemoNode> {
    const httpPort = await freePort();
    const config = {
      svc_name: SERVICE_NAME,
      http_host: '127.0.0.1',
      http_port: httpPort,
      zk_hosts: [`127.0.0.1:${this.zooKeeperPort}`],
      rescue: { mode: 'off' },
      node: { name, host: '127.0.0.1', port: redis.port },
      expected_nodes: NODES,
      // Whoever watches lets one master fall after the other.
      failover_budget: 1000,
    };
    const command = [process.execPath, program];
    return { name, redis, agent: new AgentProcess({ name, folder: this.folder, config, httpPort, program: command }) };
  }

  /** What the agents said last and what they publish now: what a report of a failed demo needs. */
  async diagnosis(): Promise<readonly string[]> {
    const views = await Promise.all(this.started.map(async ({ name, agent }) => (
      `${name} publishes ${JSON.stringify(await agent.view())}`
    )));
    return [...this.latestLogLines(), ...this.latestRedisLines(), ...views];
  }

  private latestRedisLines(): readonly string[] {
    return this.started.flatMap(({ name, redis }) => {
      const path = join(redis.dataDir, 'redis.log');
      const lines = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
      return lines.slice(-LOG_LINES_SHOWN).map((line) => `${name} Redis ${line}`);
    });
  }

  private latestLogLines(): readonly string[] {
    return this.started.flatMap(({ name, agent }) => {
      const lines = agent.lines.slice(-LOG_LINES_SHOWN).map(({ atMs, ...line }) => (
        `${name} ${(atMs / 1000).toFixed(3)} ${JSON.stringify(line)}`
      ));
      return agent.stray === '' ? lines : [...lines, `${name} ${agent.stray.trimEnd()}`];
    });
  }

  /** Ends every process and waits for their ends; `removeFolder` follows when they are gone. */
  async stop(): Promise<void> {
    await Promise.all([
      ...this.started.map(({ agent }) => agent.kill()),
      ...this.started.map(({ redis }) => redis.kill()),
      this.zooKeeper?.kill(),
    ]);
    this.removeFolder();
  }

  /** The end: nothing is left to be guarded. */
  removeFolder(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 10 });
    this.guard?.kill('SIGKILL');
  }
}
