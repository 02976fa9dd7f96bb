/**
 * A stage for tests of single agents: a shared ZooKeeper, and agents and Redis servers that are set up by hand, one
 * by one, where `service.ts` would start a whole service in good order. Everything started here is ended here.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { YOUNG_SERVER_SECONDS } from '../../src/core/fencing.ts';
import { connectZooKeeper, isZooKeeperError } from '../../src/zookeeper/index.ts';
import type { Stat, ZooKeeperClient } from '../../src/zookeeper/index.ts';
import { AgentProcess } from './agent-process.ts';
import { freePort } from './free-port.ts';
import { startRedis } from './redis-server.ts';
import type { RedisServerOptions, RedisServerProcess } from './redis-server.ts';
import { waitFor } from './wait-for.ts';
import { startZooKeeper } from './zookeeper-server.ts';
import type { ZooKeeperServer } from './zookeeper-server.ts';

export interface Actor {
  readonly name: string;
  /** Where its Redis is; default host 127.0.0.1. */
  readonly redis: { readonly port: number; readonly host?: string };
  /** Merged into `node`. */
  readonly node?: Record<string, unknown>;
  /** Merged into the whole. */
  readonly config?: Record<string, unknown>;
  readonly program?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Short waits: these tests show what is decided, not how long a production setting takes. */
const QUICK = { zk_session_timeout_ms: 2000, bootstrap_settle_ms: 500, log_level: 'DEBUG' };
const TICK_MS = 200;

/** Replicas attach at once instead of after five seconds. */
export const QUICK_SYNC = ['--repl-diskless-sync-delay', '0'] as const;

let services = 0;

export class Scene {
  readonly service: string;
  readonly zookeeper: ZooKeeperServer;
  /** A session of its own, for what others write and for looking at what agents wrote. */
  readonly zk: ZooKeeperClient;
  readonly changes: string[];
  private readonly folder = mkdtempSync(join(tmpdir(), 'dictator-scene-'));
  private readonly ending: (() => Promise<void> | void)[] = [];
  private readonly nursery: RedisServerProcess[];

  private constructor(
    zookeeper: ZooKeeperServer,
    zk: ZooKeeperClient,
    changes: string[],
    nursery: RedisServerProcess[],
  ) {
    this.nursery = nursery;
    this.zookeeper = zookeeper;
    this.zk = zk;
    this.changes = changes;
    chmodSync(this.folder, 0o755);
    this.service = `scene${String(process.pid)}x${String(services++)}`;
  }

  /** `zookeeper`: one that somebody else started and ends. `nursery`: Redis servers to take, started a while ago. */
  static async open(zookeeper: ZooKeeperServer, nursery: RedisServerProcess[] = []): Promise<Scene> {
    const changes: string[] = [];
    const { zk, closed } = await openSession(zookeeper.port, (path) => changes.push(path));
    const scene = new Scene(zookeeper, zk, changes, nursery);
    scene.ending.push(closed);
    return scene;
  }

  get root(): string {
    return `/dictator/${this.service}`;
  }

  get published(): string {
    return `/services/redis/${this.service}`;
  }

  get masterRecord(): string {
    return `${this.published}/master`;
  }

  /** Another ZooKeeper session: somebody else's, with the timeout that it asks for. */
  async session(timeoutMs: number): Promise<ZooKeeperClient> {
    const { zk, closed } = await openSession(this.zookeeper.port, () => undefined, timeoutMs);
    this.ending.push(closed);
    return zk;
  }

  async redis(options: RedisServerOptions = {}): Promise<RedisServerProcess> {
    const redis = await startRedis({ ...options, args: [...QUICK_SYNC, ...(options.args ?? [])] });
    this.ending.push(() => redis.stop());
    return redis;
  }

  /**
   * A Redis older than what a fresh agent takes for just restarted: such a one is fenced unseen where the records take
   * long to come, as on a busy machine, so it serves no test of what must not be touched.
   */
  async grownRedis(): Promise<RedisServerProcess> {
    const early = this.nursery.shift();
    if (early !== undefined) this.ending.push(() => early.stop());
    const redis = early ?? await this.redis();
    await waitFor(async () => {
      const seconds = /uptime_in_seconds:(\d+)/.exec(String(await redis.cmd('INFO', 'server')))?.[1];
      return Number(seconds) > YOUNG_SERVER_SECONDS;
    }, 'Redis to be no longer young');
    return redis;
  }

  /** An agent as a process of its own; nobody waits for anything here. */
  async agent(actor: Actor): Promise<AgentProcess> {
    const httpPort = await freePort();
    const { name, redis, node, config, program, env } = actor;
    // One folder each: two agents of one name have two files, and an agent may run as another user.
    const folder = mkdtempSync(join(this.folder, 'agent-'));
    chmodSync(folder, 0o755);
    const agent = new AgentProcess({
      name,
      folder,
      httpPort,
      config: {
        svc_name: this.service,
        http_port: httpPort,
        zk_hosts: [`127.0.0.1:${String(this.zookeeper.port)}`],
        ...QUICK,
        ...config,
        node: { name, host: redis.host ?? '127.0.0.1', port: redis.port, loading_timeout: 30, ...node },
      },
      ...(program === undefined ? {} : { program }),
      ...(env === undefined ? {} : { env }),
    });
    this.ending.push(() => agent.kill());
    return agent;
  }

  atEnd(end: () => Promise<void> | void): void {
    this.ending.push(end);
  }

  /** Data of a znode, or null where there is none. */
  async data(path: string): Promise<string | null> {
    return (await this.znode(path))?.data ?? null;
  }

  async znode(path: string): Promise<{ data: string; stat: Stat } | null> {
    try {
      const { data, stat } = await this.zk.getData(path);
      return { data: data.toString('utf8'), stat };
    } catch (error) {
      if (isZooKeeperError(error) && error.code === 'NO_NODE') return null;
      throw error;
    }
  }

  async children(path: string): Promise<readonly string[]> {
    try {
      return (await this.zk.getChildren(path)).sort();
    } catch (error) {
      if (isZooKeeperError(error) && error.code === 'NO_NODE') return [];
      throw error;
    }
  }

  async put(path: string, data: string): Promise<void> {
    await this.zk.mkdirp(path.slice(0, path.lastIndexOf('/')));
    await this.zk.create(path, data);
  }

  /** Ends everything, the latest first. */
  async end(): Promise<void> {
    for (const end of this.ending.splice(0).reverse()) await end();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function openSession(
  port: number,
  onWatch: (path: string) => void,
  sessionTimeoutMs = 4000,
): Promise<{ zk: ZooKeeperClient; closed: () => Promise<void> }> {
  const zk = connectZooKeeper({ hosts: [{ host: '127.0.0.1', port }], sessionTimeoutMs }, {
    onConnected: () => undefined,
    onDisconnected: () => undefined,
    onExpired: () => undefined,
    onWatch: ({ path }) => onWatch(path),
  });
  await waitFor(() => zk.state === 'connected', 'a ZooKeeper session of the test');
  return { zk, closed: () => zk.close() };
}

/** One ZooKeeper for a test file: `beforeAll(stage.open)`, `afterAll(stage.close)`, `afterEach(stage.clear)`. */
export class Stage {
  private zookeeper: ZooKeeperServer | null = null;
  private readonly scenes: Scene[] = [];
  private readonly grown: number;
  private readonly nursery: RedisServerProcess[] = [];

  /** `grown`: how many servers the tests will ask `grownRedis` for; they grow up together instead of one by one. */
  constructor(grown = 0) {
    this.grown = grown;
  }

  readonly open = async (): Promise<void> => {
    this.zookeeper = await startZooKeeper({ tickTimeMs: TICK_MS });
    for (let i = 0; i < this.grown; i++) this.nursery.push(await startRedis({ args: [...QUICK_SYNC] }));
  };

  readonly close = async (): Promise<void> => {
    for (const redis of this.nursery.splice(0)) await redis.stop();
    await this.zookeeper?.stop();
  };

  readonly clear = async (): Promise<void> => {
    for (const scene of this.scenes.splice(0)) await scene.end();
  };

  async scene(): Promise<Scene> {
    if (this.zookeeper === null) throw new Error('the stage is not open');
    const scene = await Scene.open(this.zookeeper, this.nursery);
    this.scenes.push(scene);
    return scene;
  }
}

/** Waits for a condition of this agent; a failure shows what the agent said last. */
async function waitForAgent<T>(agent: AgentProcess, what: string, condition: () => Promise<T>): Promise<void> {
  try {
    await waitFor(condition, `${agent.options.name} ${what}`);
  } catch (cause) {
    throw new Error(`gave up waiting for ${agent.options.name} ${what}; it said:\n${lastWords(agent)}`, { cause });
  }
}

/** Waits until the agent names this reason as one that holds. */
export async function refuses(agent: AgentProcess, reason: string): Promise<void> {
  await waitForAgent(agent, `to refuse with ${reason}`, async () => {
    const view = await agent.view();
    return view?.reasons.some((each) => each === reason) === true && agent.said('refused', reason);
  });
}

/** Waits until the agent is the announced master. */
export async function serves(agent: AgentProcess): Promise<void> {
  await waitForAgent(agent, 'to be master', async () => {
    const view = await agent.view();
    return view?.role === 'master' && view.master?.name === agent.options.name;
  });
}

/** Waits until the agent's Redis streams from somebody, with its link up. */
export async function streams(agent: AgentProcess): Promise<void> {
  await waitForAgent(agent, 'to follow', async () => {
    const view = await agent.view();
    return view?.role === 'replica' && view.redis.role === 'replica' && view.redis.linkUp;
  });
}

/** Whether a server replicates from this one, with its link up. */
export async function isLinked(replica: RedisServerProcess, master: RedisServerProcess): Promise<boolean> {
  const info = String(await replica.cmd('INFO', 'replication'));
  return info.includes('master_link_status:up') && info.includes(`master_port:${String(master.port)}\r`);
}

/** How often the agent said that this reason holds. */
export function refusals(agent: AgentProcess, reason: string): number {
  return agent.lines.filter((line) => line.event === 'refused' && line.reason === reason).length;
}

const LAST_LINES = 25;

function lastWords(agent: AgentProcess): string {
  const said = agent.lines.slice(-LAST_LINES).map(({ atMs: _at, time: _time, level: _level, ...rest }) => rest);
  return [...said.map((line) => JSON.stringify(line)), agent.stray].join('\n');
}
