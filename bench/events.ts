/**
 * How soon clients of the Sentinel port know of a new master: from its promotion to `+switch-master` in a subscriber's
 * hand, on its own agent and on all of them; and how long ioredis writes nothing, beside the same under Redis Sentinel.
 */
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';

import type { LogLine } from '../test/support/agent-process.ts';
import type { Service } from '../test/support/service.ts';
import { waitFor } from '../test/support/wait-for.ts';
import type { Context } from './context.ts';
import { add, repeat, startBenchService } from './context.ts';
import { SENTINEL_SERVICE } from './sentinel-trio.ts';
import { onFreshTrios } from './sentinel.ts';

const HOST = '127.0.0.1';
const CHANNEL = '+switch-master';
/** As before every other failover here; the moment is by chance. */
const PEACE_MS = 600;
const PEACE_JITTER_MS = 500;
const FAILOVER_TIMEOUT_MS = 30_000;
/** Pause of the client between two attempts, as the promise says. */
const RETRY_MS = 50;
const WRITE_EVERY_MS = 2;

const peace = (): Promise<void> => pause(PEACE_MS + Math.random() * PEACE_JITTER_MS);

/** Listens at one agent, and notes when it was told. */
class Subscriber {
  toldAtMs: number | null = null;
  private readonly socket: Socket;
  private ready = false;

  constructor(port: number) {
    this.socket = createConnection({ host: HOST, port, noDelay: true });
    this.socket.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('subscribe')) this.ready = true;
      else if (text.includes(CHANNEL)) this.toldAtMs ??= performance.now();
    });
    this.socket.on('error', () => this.socket.destroy());
    this.socket.write(`SUBSCRIBE ${CHANNEL}\r\n`);
  }

  async listens(): Promise<void> {
    await waitFor(() => this.ready, 'a subscriber to be heard');
  }

  close(): void {
    this.socket.destroy();
  }
}

/** An application's client: knows Sentinels and a name, and writes without pause. */
class Writer {
  private readonly redis: Redis;
  private stopped = false;
  /** Of the latest writes that succeeded: when each began, and when it had. */
  private done: { readonly sentMs: number; readonly doneMs: number }[] = [];
  private readonly loop: Promise<void>;

  constructor(ports: readonly number[], name: string) {
    this.redis = new Redis({
      sentinels: ports.map((port) => ({ host: HOST, port })),
      name,
      sentinelRetryStrategy: () => RETRY_MS,
      retryStrategy: () => RETRY_MS,
      maxRetriesPerRequest: 1,
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    });
    // Its writes tell; without a listener it would be thrown.
    this.redis.on('error', () => undefined);
    this.loop = this.write();
  }

  private async write(): Promise<void> {
    while (!this.stopped) {
      const sentMs = performance.now();
      try {
        await this.redis.set('bench:client', 'x');
        this.done.push({ sentMs, doneMs: performance.now() });
      } catch (error) {
        // What fails is tried again: the time until it no longer does is what is measured.
        if (!(error instanceof Error)) throw error;
      }
      await pause(WRITE_EVERY_MS);
    }
  }

  /** The first write that began after this moment and succeeded. */
  private first(sinceMs: number, timeoutMs?: number): Promise<{ readonly doneMs: number }> {
    this.done = [];
    return waitFor(() => this.done.find(({ sentMs }) => sentMs > sinceMs), 'the client to write', timeoutMs);
  }

  async writes(): Promise<void> {
    await this.first(performance.now());
  }

  /** Milliseconds until a write succeeds that began after the kill, so at another server. */
  async gap(kill: () => void): Promise<number> {
    const killedAtMs = performance.now();
    kill();
    const { doneMs } = await this.first(killedAtMs, FAILOVER_TIMEOUT_MS);
    return doneMs - killedAtMs;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.redis.disconnect();
    await this.loop;
  }
}

const portsOf = ({ nodes }: Service): number[] => nodes.map(({ sentinelPort = 0 }) => sentinelPort);

interface Telling {
  /** From the promotion until its announcement is sent to ZooKeeper; it is told when it is read back from there. */
  readonly sentMs: number;
  readonly sameMs: number;
  readonly allMs: number;
}

/** One failover: how much later than the promotion subscribers were told. */
async function told(service: Service): Promise<Telling> {
  const { master } = await service.settled();
  const subscribers = service.nodes.map((node) => ({ node, ear: new Subscriber(node.sentinelPort ?? 0) }));
  try {
    for (const { ear } of subscribers) await ear.listens();
    await peace();
    const sinceMs = performance.now();
    process.kill(master.redis.pid, 'SIGKILL');
    await waitFor(() => subscribers.every(({ ear }) => ear.toldAtMs !== null), 'every subscriber', FAILOVER_TIMEOUT_MS);
    const promoted = service.nodes.flatMap((node) => node.agent.lines
      .filter(({ event, atMs }) => event === 'promoted' && atMs >= sinceMs)
      .map(({ atMs }) => ({ node, atMs })));
    const [first] = promoted;
    if (first === undefined || promoted.length > 1) throw new Error(`${promoted.length} promotions in one failover`);
    const isAnnounced = ({ event, atMs }: LogLine): boolean => event === 'announced' && atMs >= sinceMs;
    const announced = await waitFor(() => first.node.agent.lines.find(isAnnounced), 'the line of the announcement');
    const later = subscribers.map(({ node, ear }) => ({ node, ms: (ear.toldAtMs ?? Number.NaN) - first.atMs }));
    return {
      sentMs: announced.atMs - first.atMs,
      sameMs: later.find(({ node }) => node === first.node)?.ms ?? Number.NaN,
      allMs: Math.max(...later.map(({ ms }) => ms)),
    };
  } finally {
    for (const { ear } of subscribers) ear.close();
    await master.redis.restart();
  }
}

async function measureTelling(context: Context): Promise<void> {
  await repeat(context, {
    name: 'events',
    runs: context.options.runs,
    open: () => startBenchService(context),
    close: (service) => service.stop(),
    run: async (service) => {
      const { sentMs, sameMs, allMs } = await told(service);
      add(context, 'events.sent', sentMs);
      add(context, 'events.same', sameMs);
      add(context, 'events.all', allMs);
      const [sent, same, all] = [sentMs, sameMs, allMs].map((ms) => `${ms.toFixed(1)} ms`);
      return `sent to ZooKeeper after ${sent}, told on the same agent after ${same}, on all after ${all}`;
    },
  });
}

async function measureIoredis(context: Context): Promise<void> {
  await repeat(context, {
    name: 'events, ioredis',
    runs: context.options.runs,
    open: async () => {
      const service = await startBenchService(context);
      return { service, writer: new Writer(portsOf(service), service.name) };
    },
    close: async ({ service, writer }) => {
      await writer.stop();
      await service.stop();
    },
    run: async ({ service, writer }) => {
      const { master } = await service.settled();
      await writer.writes();
      await peace();
      const gapMs = await writer.gap(() => process.kill(master.redis.pid, 'SIGKILL'));
      await master.redis.restart({ empty: true });
      add(context, 'events.ioredis', gapMs);
      return `${gapMs.toFixed(0)} ms`;
    },
  });
}

async function measureIoredisUnderSentinel(context: Context): Promise<void> {
  await onFreshTrios(context, 'Sentinel, ioredis', async (trio) => {
    const victim = await trio.master();
    const writer = new Writer(trio.sentinels.map(({ port }) => port), SENTINEL_SERVICE);
    try {
      await writer.writes();
      await peace();
      const gapMs = await writer.gap(() => process.kill(victim.pid, 'SIGKILL'));
      add(context, 'sentinel.ioredis', gapMs);
      return `${gapMs.toFixed(0)} ms`;
    } finally {
      await writer.stop();
    }
  });
}

export async function measureEvents(context: Context): Promise<void> {
  await measureTelling(context);
  await measureIoredis(context);
  await measureIoredisUnderSentinel(context);
}
