/**
 * Clients that write without pause to every server of a service, and a record of who acknowledged what, and when.
 *
 * Each server has a writer of its own, which does not ask who is master: replicas refuse it, and that is recorded
 * too. So the record answers all that a failover test asks: which acknowledged writes are gone, whether two servers
 * acknowledged at the same time, whether a client ever saw a refusal. A writer that hears nothing opens another
 * connection and goes on listening on the old one: what a thawed server still answers is part of the record.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { RawRedisError, type RawRedis } from './raw-redis.ts';
import type { RedisServerProcess } from './redis-server.ts';
import type { Node } from './service.ts';
import { waitFor } from './wait-for.ts';

export interface Acknowledged {
  /** Name of the node whose Redis acknowledged. */
  readonly node: string;
  readonly key: string;
  /** performance.now() before the write was sent, and when its acknowledgement was read. */
  readonly sentMs: number;
  readonly atMs: number;
}

/** A server that is written to, by the name under which its answers are recorded. */
export interface Written {
  readonly name: string;
  readonly redis: Pick<RedisServerProcess, 'client'>;
}

export interface Refused {
  readonly node: string;
  readonly atMs: number;
  /** READONLY, NOREPLICAS, LOADING ..., or `ended` when the connection went with the write unanswered. */
  readonly code: string;
}

export interface WriterOptions {
  /** Replicas that `WAIT` must confirm before a write counts as acknowledged. Default 0: no `WAIT`. */
  readonly wait?: number;
  /** Pause between two batches. Default 2. */
  readonly everyMs?: number;
  /** Writes sent together. Default 1. */
  readonly batch?: number;
}

/** A connection that has not answered for so long is left to itself, and another one is opened. */
const PATIENCE_MS = 100;
/** Connections that may be left waiting for a silent server. */
const WAITING_MAX = 20;
const REDIAL_MS = 2;
const WAIT_TIMEOUT_MS = 1000;
const KEYS_PER_QUESTION = 1000;

let writersStarted = 0;

export class Writers {
  readonly acknowledged: Acknowledged[] = [];
  readonly refused: Refused[] = [];
  private readonly options: Required<WriterOptions>;
  private readonly prefix = `writer${String(writersStarted++)}`;
  private readonly loops: Promise<void>[];
  private readonly connections = new Set<RawRedis>();
  private nextKey = 0;
  private stopping = false;

  constructor(nodes: readonly Written[], options: WriterOptions = {}) {
    this.options = { wait: 0, everyMs: 2, batch: 1, ...options };
    this.loops = nodes.map((node) => this.loop(node));
  }

  acknowledgedBy(node: Written): readonly Acknowledged[] {
    return this.acknowledged.filter((write) => write.node === node.name);
  }

  refusedBy(node: Written): readonly Refused[] {
    return this.refused.filter((write) => write.node === node.name);
  }

  /** Resolves when this node has acknowledged `count` writes more than now. */
  async progress(node: Written, count = 50): Promise<void> {
    const before = this.acknowledgedBy(node).length;
    await waitFor(() => this.acknowledgedBy(node).length >= before + count, `${node.name} acknowledges writes`);
  }

  /** Writes that `old` acknowledged although they were sent after `successor` had acknowledged its first one. */
  overlap(old: Written, successor: Written): readonly Acknowledged[] {
    const firstMs = this.acknowledgedBy(successor)[0]?.atMs ?? Number.POSITIVE_INFINITY;
    return this.acknowledgedBy(old).filter((write) => write.sentMs > firstMs);
  }

  /** Acknowledged writes, by any server unless one is named, that this server does not hold. */
  async missingOn(redis: RedisServerProcess, by?: Written): Promise<readonly Acknowledged[]> {
    const writes = by === undefined ? this.acknowledged : this.acknowledgedBy(by);
    const missing: Acknowledged[] = [];
    for (let start = 0; start < writes.length; start += KEYS_PER_QUESTION) {
      const part = writes.slice(start, start + KEYS_PER_QUESTION);
      const values = await redis.cmd('MGET', ...part.map(({ key }) => key));
      if (!Array.isArray(values)) throw new Error('MGET answers with a list');
      missing.push(...part.filter((_write, index) => values[index] === null));
    }
    return missing;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    for (const connection of this.connections) connection.close();
    await Promise.all(this.loops);
  }

  private async loop(node: Written): Promise<void> {
    let connection: RawRedis | null = null;
    while (!this.stopping) {
      if (connection?.open !== true) connection = await this.dial(node);
      if (connection === null) {
        await pause(REDIAL_MS);
        continue;
      }
      if (!await this.writeBatch(node, connection)) connection = null;
      await pause(this.options.everyMs);
    }
  }

  /** A new connection, or null: refused, or too many are waiting already. */
  private async dial(node: Written): Promise<RawRedis | null> {
    const waiting = [...this.connections].filter((each) => !each.open);
    for (const each of waiting) this.connections.delete(each);
    if (this.connections.size >= WAITING_MAX) return null;
    try {
      const connection = await node.redis.client();
      this.connections.add(connection);
      if (this.stopping) connection.close();
      return connection;
    } catch (error) {
      // Nobody listens, or not yet: the next attempt follows.
      if (error instanceof Error) return null;
      throw error;
    }
  }

  /** Whether the server answered in time; a late answer is recorded when it comes. */
  private async writeBatch(node: Written, connection: RawRedis): Promise<boolean> {
    const writes = Array.from({ length: this.options.batch }, () => this.write(node.name, connection));
    const answered = Promise.all(writes).then(() => true);
    const late = new AbortController();
    const patience = pause(PATIENCE_MS + this.options.wait * WAIT_TIMEOUT_MS, false, { signal: late.signal });
    patience.catch((error: unknown) => {
      if (!late.signal.aborted) throw error;
    });
    const inTime = await Promise.race([answered, patience]);
    late.abort();
    return inTime;
  }

  private async write(node: string, connection: RawRedis): Promise<void> {
    const key = `${this.prefix}:${String(this.nextKey++)}`;
    const sentMs = performance.now();
    try {
      const { wait } = this.options;
      const replies = [connection.cmd('SET', key, key)];
      if (wait > 0) replies.push(connection.cmd('WAIT', wait, WAIT_TIMEOUT_MS));
      const [set, waited] = await settleAll(replies);
      if (set instanceof Error) throw set;
      if (waited instanceof Error) throw waited;
      if (wait > 0 && Number(waited) < wait) return;
      this.acknowledged.push({ node, key, sentMs, atMs: performance.now() });
    } catch (error) {
      if (this.stopping) return;
      this.refused.push({ node, atMs: performance.now(), code: error instanceof RawRedisError ? error.code : 'ended' });
    }
  }
}

/** Each reply, or its error: the first refusal must not leave the second one unheard. */
async function settleAll(replies: readonly Promise<unknown>[]): Promise<readonly unknown[]> {
  const results = await Promise.allSettled(replies);
  return results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason as unknown));
}

/** `min-replicas-to-write` as this Redis has it now. */
export async function minReplicas(redis: RedisServerProcess): Promise<number> {
  const reply = await redis.cmd('CONFIG', 'GET', 'min-replicas-to-write');
  return Number(Array.isArray(reply) ? reply[1] : Number.NaN);
}

/** `master` or `slave`, as `ROLE` says. */
export async function roleOf(redis: RedisServerProcess): Promise<string> {
  const reply = await redis.cmd('ROLE');
  return String(Array.isArray(reply) ? reply[0] : reply);
}

/** Port of the master that this Redis follows with its link up, or null. */
export async function followedPort(redis: RedisServerProcess): Promise<number | null> {
  const reply = await redis.cmd('ROLE');
  const [role, , port, link] = Array.isArray(reply) ? reply : [];
  return role === 'slave' && link === 'connected' ? Number(port) : null;
}

/** Waits until the Redis of `replica` follows that of `master`, link up. */
export async function untilFollows(replica: Node, master: Node): Promise<void> {
  const { port } = master.redis;
  await waitFor(async () => (await followedPort(replica.redis)) === port, `${replica.name} follows ${master.name}`);
}
