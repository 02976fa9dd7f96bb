/**
 * A whole service: one ZooKeeper, some Redis servers, an agent beside each, every one a process of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PublishedView } from '../../src/contract/view.ts';
import { AgentProcess } from './agent-process.ts';
import { freePort } from './free-port.ts';
import { startRedis } from './redis-server.ts';
import type { RedisServerProcess } from './redis-server.ts';
import { waitFor } from './wait-for.ts';
import { startZooKeeper } from './zookeeper-server.ts';
import type { ZooKeeperServer } from './zookeeper-server.ts';

export interface ServiceOptions {
  readonly nodes?: number;
  readonly tickTimeMs?: number;
  /** Merged into every agent's configuration. */
  readonly config?: Record<string, unknown>;
  /** Arguments of every Redis. */
  readonly redisArgs?: readonly string[];
  readonly password?: string;
  /** Opens the Sentinel port of every agent, each on a free one, with these settings besides. */
  readonly sentinel?: Record<string, unknown>;
  readonly zookeeper?: ZooKeeperServer;
  /** Where an agent reaches ZooKeeper, by node index; default: the server itself. */
  readonly zkPort?: (index: number) => number;
  readonly env?: Readonly<Record<string, string>>;
  /** Another program that understands the agent's flags. */
  readonly program?: readonly string[];
}

export interface Node {
  readonly name: string;
  readonly redis: RedisServerProcess;
  readonly agent: AgentProcess;
  /** Of its Sentinel port; 0 where that is off. */
  readonly sentinelPort?: number;
}

export class Service {
  readonly name: string;
  readonly folder: string;
  readonly zookeeper: ZooKeeperServer;
  readonly nodes: readonly Node[];
  private readonly ownsZooKeeper: boolean;

  constructor(parts: Pick<Service, 'name' | 'folder' | 'zookeeper' | 'nodes'> & { owns: boolean }) {
    this.name = parts.name;
    this.folder = parts.folder;
    this.zookeeper = parts.zookeeper;
    this.nodes = parts.nodes;
    this.ownsZooKeeper = parts.owns;
  }

  node(name: string): Node {
    const found = this.nodes.find((node) => node.name === name);
    if (found === undefined) throw new Error(`no node ${name}`);
    return found;
  }

  others(node: Node): readonly Node[] {
    return this.nodes.filter((each) => each !== node);
  }

  /** The node whose agent says that it is master. */
  async master(): Promise<Node | null> {
    for (const node of this.nodes) {
      const view = node.agent.alive ? await node.agent.view() : null;
      if (view?.role === 'master' && view.master?.name === node.name) return node;
    }
    return null;
  }

  /** Waits until one node is master, announced, with every other living node in sync with it. */
  async settled(inSync = this.nodes.length - 1): Promise<{ master: Node; view: PublishedView }> {
    return waitFor(async () => {
      const master = await this.master();
      const view = await master?.agent.view();
      return master && view && view.inSync.length >= inSync ? { master, view } : null;
    }, `one master with ${inSync} replicas in sync`);
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.agent.kill()));
    await Promise.all(this.nodes.map((node) => node.redis.stop()));
    if (this.ownsZooKeeper) await this.zookeeper.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

let services = 0;

export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const folder = mkdtempSync(join(tmpdir(), 'dictator-service-'));
  const name = `service${process.pid}x${services++}`;
  const zookeeper = options.zookeeper ?? (await startZooKeeper({ tickTimeMs: options.tickTimeMs ?? 500 }));
  const count = options.nodes ?? 3;
  const redisOptions = {
    args: [...(options.redisArgs ?? [])],
    ...(options.password === undefined ? {} : { password: options.password }),
  };
  const nodes = await Promise.all(
    Array.from({ length: count }, async (_value, index) => {
      const redis = await startRedis(redisOptions);
      return { name: `node${index + 1}`, redis, index };
    }),
  );
  const started: Node[] = [];
  for (const { name: node, redis, index } of nodes) {
    const httpPort = await freePort();
    const zkPort = options.zkPort?.(index) ?? zookeeper.port;
    const sentinelPort = options.sentinel === undefined ? 0 : await freePort();
    const sentinel = sentinelPort === 0 ? {} : { sentinel: { port: sentinelPort, ...options.sentinel } };
    const secret = options.password === undefined ? {} : { password: options.password };
    const config = {
      svc_name: name,
      http_port: httpPort,
      zk_hosts: [`127.0.0.1:${zkPort}`],
      node: { name: node, host: '127.0.0.1', port: redis.port, loading_timeout: 30, ...secret },
      expected_nodes: count,
      // Tests let more masters fall in a minute than a service should bear without a pause.
      failover_budget: 1000,
      rescue: { dir: join(folder, 'rescue') },
      ...sentinel,
      ...options.config,
    };
    const env = options.env === undefined ? {} : { env: options.env };
    const program = options.program === undefined ? {} : { program: options.program };
    const agent = new AgentProcess({ name: node, folder, config, httpPort, ...env, ...program });
    started.push({ name: node, redis, agent, sentinelPort });
  }
  return new Service({ name, folder, zookeeper, nodes: started, owns: options.zookeeper === undefined });
}
