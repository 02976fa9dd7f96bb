/**
 * The original's part, played byte for byte by a test: its sessions, its election tokens, its master record, what it
 * tells its Redis, and how it reads what others wrote. Nothing of ours is used to write or read what it would.
 */
import type { ZooKeeperClient } from '../../src/zookeeper/index.ts';
import type { RedisServerProcess } from './redis-server.ts';
import type { Scene } from './scene.ts';

/** Its session timeout is fixed. */
const SESSION_TIMEOUT_MS = 10_000;

/** The master record, byte for byte. */
export function recordOf(name: string, port: number, host = '127.0.0.1'): string {
  return `{"host": "${host}", "port": "${String(port)}", "name": "${name}"}`;
}

/** It decodes the record as a map of string to string: any other member makes it fail. */
export function decodeAsOriginal(data: string): Readonly<Record<string, string>> {
  const value: unknown = JSON.parse(data);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('not an object');
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw new Error(`json: cannot unmarshal ${typeof text} into string: ${name}`);
  }
  return value as Record<string, string>;
}

/** It takes every child of the elections' folder for a number. */
export function tokensAsOriginal(children: readonly string[]): readonly number[] {
  return children.map((child) => {
    if (!/^\d{10}$/.test(child)) throw new Error(`strconv.Atoi: parsing "${child}": invalid syntax`);
    return Number(child);
  });
}

export class Original {
  readonly name: string;
  readonly redis: RedisServerProcess;
  private readonly scene: Scene;
  private readonly zk: ZooKeeperClient;

  private constructor(name: string, redis: RedisServerProcess, scene: Scene, zk: ZooKeeperClient) {
    this.name = name;
    this.redis = redis;
    this.scene = scene;
    this.zk = zk;
  }

  static async start(scene: Scene, name: string, redis: RedisServerProcess): Promise<Original> {
    return new Original(name, redis, scene, await scene.session(SESSION_TIMEOUT_MS));
  }

  get elections(): string {
    return `/elections/redis/${this.scene.service}`;
  }

  /** The record as it writes it. */
  get record(): string {
    return recordOf(this.name, this.redis.port);
  }

  /** Stands in an election; gives its number. */
  async stand(): Promise<string> {
    await this.zk.mkdirp(this.elections);
    const { path } = await this.zk.create(`${this.elections}/`, '', { ephemeral: true, sequential: true });
    return path.slice(this.elections.length + 1);
  }

  /** Wins: it publishes before it promotes, and nothing fences whoever was master. */
  async win(): Promise<void> {
    await this.zk.mkdirp(this.scene.published);
    await this.zk.create(this.scene.masterRecord, this.record, { ephemeral: true });
    await this.redis.cmd('SLAVEOF', 'NO', 'ONE');
  }

  /** Wins where a record of somebody else stands: in a mixed service, that of an agent of ours. */
  async takeRecord(): Promise<void> {
    await this.zk.multi([
      { op: 'delete', path: this.scene.masterRecord },
      { op: 'create', path: this.scene.masterRecord, data: this.record, ephemeral: true },
    ]);
    await this.redis.cmd('SLAVEOF', 'NO', 'ONE');
  }

  /** Follows the record as it stands. */
  async follow(): Promise<void> {
    const { data } = await this.zk.getData(this.scene.masterRecord);
    const { host, port } = decodeAsOriginal(data.toString('utf8'));
    if (host === undefined || port === undefined) throw new Error('a record without host or port');
    await this.redis.cmd('SLAVEOF', host, port);
  }

  /** `/disable`: gives up the record and does nothing else; its Redis goes on taking writes. */
  async disable(): Promise<void> {
    await this.zk.delete(this.scene.masterRecord);
  }

  /** Its process ends: what it created goes with its session. */
  async stop(): Promise<void> {
    await this.zk.close();
  }
}
