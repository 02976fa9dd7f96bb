/**
 * The stage of a failure test: a service of real processes that the tests of a file share, and writers that each test
 * starts and that are stopped after it. Called at the top of a file or of a `describe`, it registers its own hooks.
 */
import { afterAll, afterEach, beforeAll } from 'vitest';

import type { Node, Service, ServiceOptions } from './service.ts';
import { startService } from './service.ts';
import { waitFor } from './wait-for.ts';
import { Writers, type WriterOptions } from './writers.ts';
import type { ZooKeeperServer } from './zookeeper-server.ts';
import { startZooKeeper } from './zookeeper-server.ts';

/** Replicas attach at once instead of after five seconds. */
export const FAST_SYNC: readonly string[] = ['--repl-diskless-sync-delay', '0'];
/** Short waits: these tests show what is decided, not how long a production setting takes. */
export const TICK_MS = 200;
export const QUICK = { zk_session_timeout_ms: 2000, down_after_ms: 1000 };

type Options = Omit<ServiceOptions, 'zookeeper' | 'tickTimeMs'> & { readonly tickTimeMs?: number };

export interface FailureStage {
  readonly service: Service;
  /** Writers to the servers of these nodes, at the latest until the test ends. */
  writeTo(nodes: readonly Node[], options?: WriterOptions): Writers;
  /** Waits until a node other than these says that it is the announced master. */
  successorOf(...old: readonly Node[]): Promise<Node>;
}

/** One service for all tests. `prepare` sees the ZooKeeper before it starts, and may put something between the two. */
export function failureStage(
  options: Options = {},
  prepare?: (zookeeper: ZooKeeperServer) => Promise<Options>,
): FailureStage {
  const stage = new Stage(options.tickTimeMs);
  beforeAll(async () => {
    await stage.open();
    await stage.start({ ...options, ...await prepare?.(stage.zookeeper) });
  });
  afterEach(() => stage.stopWriters());
  afterAll(() => stage.close());
  return stage;
}

/** One ZooKeeper for all tests; each test starts a service of its own, which ends with it. */
export function failureStages(): FailureStage & { start(options: Options): Promise<Service> } {
  const stage = new Stage();
  beforeAll(() => stage.open());
  afterEach(async () => {
    await stage.stopWriters();
    await stage.stopService();
  });
  afterAll(() => stage.close());
  return stage;
}

class Stage implements FailureStage {
  private readonly tickTimeMs: number;
  private server: ZooKeeperServer | null = null;
  private running: Service | null = null;
  private readonly writing: Writers[] = [];

  constructor(tickTimeMs = TICK_MS) {
    this.tickTimeMs = tickTimeMs;
  }

  get zookeeper(): ZooKeeperServer {
    if (this.server === null) throw new Error('the stage is not open');
    return this.server;
  }

  get service(): Service {
    if (this.running === null) throw new Error('no service was started');
    return this.running;
  }

  async open(): Promise<void> {
    this.server = await startZooKeeper({ tickTimeMs: this.tickTimeMs });
  }

  async start({ config, ...options }: Options): Promise<Service> {
    this.running = await startService({
      redisArgs: FAST_SYNC, ...options, config: { ...QUICK, ...config }, zookeeper: this.zookeeper,
    });
    await attach(this.running);
    return this.running;
  }

  writeTo(nodes: readonly Node[], options: WriterOptions = {}): Writers {
    const writers = new Writers(nodes, options);
    this.writing.push(writers);
    return writers;
  }

  async successorOf(...old: readonly Node[]): Promise<Node> {
    return waitFor(async () => {
      for (const node of this.service.nodes) {
        if (old.includes(node) || !node.agent.alive) continue;
        const view = await node.agent.view();
        if (view?.role === 'master' && view.master?.name === node.name) return node;
      }
      return null;
    }, `a successor of ${old.map(({ name }) => name).join(' and ')}`);
  }

  async stopWriters(): Promise<void> {
    for (const writers of this.writing.splice(0)) await writers.stop();
  }

  async stopService(): Promise<void> {
    await this.running?.stop();
    this.running = null;
  }

  async close(): Promise<void> {
    await this.stopService();
    await this.server?.stop();
  }
}

/**
 * Waits for the first master with all others in sync. Something is published meanwhile, which leaves nothing behind
 * but moves the replication offset: at an offset of 0 the master takes three seconds to believe an acknowledgement.
 */
async function attach(service: Service): Promise<void> {
  await waitFor(async () => {
    const master = await service.master();
    await master?.redis.cmd('PUBLISH', 'attach', '');
    return ((await master?.agent.view())?.inSync.length ?? 0) === service.nodes.length - 1;
  }, 'the first master, with all others in sync');
}
