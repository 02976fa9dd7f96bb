/**
 * Two stages for one script: real Redis servers, and the simulator's model of them. What a test sees of either is what
 * an agent would observe, with names of histories and addresses replaced by the order in which they showed up.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { observe, QUESTION } from '../../src/agent/redis-facts.ts';
import type { RedisFacts } from '../../src/core/facts.ts';
import type { Command, Reply, ReplyValue } from '../../src/redis/link.ts';
import type { Persistence, RedisOptions } from '../../sim/models/redis/options.ts';
import { PORT, Stage } from '../../sim/models/redis/testing/stage.ts';
import type { Node } from '../../sim/models/redis/testing/stage.ts';
import { RawRedisError } from './raw-redis.ts';
import type { RawReply } from './raw-redis.ts';
import { startRedis } from './redis-server.ts';
import type { RedisServerProcess } from './redis-server.ts';

export interface StartOptions {
  readonly persistence: Persistence;
  readonly disklessDelaySeconds: number;
  /** Number of the server that its configuration file names as its master. */
  readonly replicaOf: number | null;
  /** Full syncs and saves that take seconds. */
  readonly slowSync: boolean;
}

/** A group of servers, by number. */
export interface Player {
  start(options: StartOptions): Promise<number>;
  /** Kills it and starts another process with the same files. */
  restart(server: number, options: StartOptions): Promise<void>;
  kill(server: number): Promise<void>;
  address(server: number): readonly [host: string, port: string];
  /** The value, or the code of the error. */
  ask(server: number, ...command: Command): Promise<ReplyValue>;
  facts(server: number): Promise<RedisFacts>;
  /** Lets a little time pass. */
  pass(): Promise<void>;
  stop(): Promise<void>;
}

/** Keep-alives would move offsets at moments that cannot be compared. */
const NO_PINGS_SECONDS = 3600;
const SLOW_SYNC_MS = 2500;

export function modelPlayer(): Player {
  const stage = new Stage();
  const nodes: Node[] = [];
  const node = (server: number): Node => nodes[server]!;
  const optionsOf = (options: StartOptions): Partial<RedisOptions> => ({
    persistence: options.persistence,
    disklessDelaySeconds: options.disklessDelaySeconds,
    pingSeconds: NO_PINGS_SECONDS,
    transferMs: options.slowSync ? SLOW_SYNC_MS : 20,
    replicaOf: options.replicaOf === null ? null : { host: node(options.replicaOf).name, port: PORT },
  });
  const send = (server: number, commands: readonly Command[]): readonly Reply[] => {
    const link = stage.link(node(server));
    let replies: readonly Reply[] = [];
    link.send(commands, 2000, (outcome) => {
      if (outcome.kind === 'answered') ({ replies } = outcome);
    });
    stage.until(() => replies.length > 0, 'an answer');
    link.close();
    return replies;
  };
  return {
    async start(options) {
      nodes.push(stage.node(`n${nodes.length}`, optionsOf(options)));
      return nodes.length - 1;
    },
    async restart(server, options) {
      node(server).restart(optionsOf(options));
    },
    async kill(server) {
      node(server).process.kill();
      stage.pass(10);
    },
    address: (server) => [node(server).name, String(PORT)],
    async ask(server, ...command) {
      const [reply] = send(server, [command]);
      return reply?.ok === true ? reply.value : reply?.code ?? null;
    },
    async facts(server) {
      const seen = observe(send(server, QUESTION));
      if (seen.kind !== 'facts') throw new Error(seen.by);
      return seen.facts;
    },
    async pass() {
      stage.pass(20);
    },
    async stop() {
      nodes.length = 0;
    },
  };
}

export function realPlayer(): Player {
  const servers: RedisServerProcess[] = [];
  const server = (at: number): RedisServerProcess => servers[at]!;
  const argumentsOf = (options: StartOptions): string[] => {
    const args = [
      '--repl-ping-replica-period', String(NO_PINGS_SECONDS),
      '--repl-diskless-sync-delay', String(options.disklessDelaySeconds),
      '--appendonly', options.persistence === 'aof' ? 'yes' : 'no',
    ];
    if (options.persistence === 'rdb') args.push('--save', '3600 1');
    if (options.slowSync) args.push('--rdb-key-save-delay', '1000000');
    if (options.replicaOf !== null) args.push('--replicaof', '127.0.0.1', String(server(options.replicaOf).port));
    return args;
  };
  const send = async (at: number, command: Command): Promise<Reply> => {
    try {
      return { ok: true, value: valueOf(await server(at).cmd(...command)) };
    } catch (error) {
      if (!(error instanceof RawRedisError)) throw error;
      return { ok: false, code: error.code, message: error.message };
    }
  };
  return {
    async start(options) {
      servers.push(await startRedis({ args: argumentsOf(options) }));
      return servers.length - 1;
    },
    restart: (at, options) => server(at).restart({ args: argumentsOf(options) }),
    kill: (at) => server(at).kill(),
    address: (at) => ['127.0.0.1', String(server(at).port)],
    async ask(at, ...command) {
      const reply = await send(at, command);
      return reply.ok ? reply.value : reply.code;
    },
    async facts(at) {
      const replies: Reply[] = [];
      for (const command of QUESTION) replies.push(await send(at, command));
      const seen = observe(replies);
      if (seen.kind !== 'facts') throw new Error(seen.by);
      return seen.facts;
    },
    pass: () => pause(20),
    async stop() {
      for (const each of servers) await each.stop();
    },
  };
}

function valueOf(reply: RawReply): ReplyValue {
  if (reply instanceof RawRedisError) return { ok: false, code: reply.code, message: reply.message };
  return Array.isArray(reply) ? (reply as readonly RawReply[]).map(valueOf) : reply as string | number | null;
}
