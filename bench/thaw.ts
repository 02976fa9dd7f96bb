/**
 * A master is stopped (SIGSTOP), another takes over, and the stopped one goes on: what does it still acknowledge?
 *
 * Its sockets hold what clients sent before they gave up, and it was in the middle of something when it stopped. Every
 * write that it acknowledges from then on is one that the service does not have.
 */
import { createConnection, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

import type { RedisServerProcess } from '../test/support/redis-server.ts';
import type { Service } from '../test/support/service.ts';
import { waitFor } from '../test/support/wait-for.ts';
import type { Context } from './context.ts';
import { add, repeat, startBenchService } from './context.ts';
import { onFreshTrios } from './sentinel.ts';

/** Clients, and writes that each has under way: more than Redis executes in one turn of its event loop. */
const CLIENTS = 10;
const BATCH = 100;
/** Everything that can be under way when it stops. */
export const UNDER_WAY = CLIENTS * BATCH;
const PEACE_MS = 600;
const AFTERWARDS_MS = 500;
const REDIAL_MS = 5;
/** Sentinel makes a replica of the old master some 10 s after it came back. */
const DEMOTION_TIMEOUT_MS = 60_000;

interface Acknowledged {
  readonly count: number;
  readonly forMs: number;
}

/** Clients that write to one address, a batch at a time, and come back when they are sent away. */
class Crowd {
  private readonly port: number;
  private readonly sockets = new Set<Socket>();
  private stopped = false;
  private count = 0;
  private sinceMs = Number.POSITIVE_INFINITY;
  private lastAtMs = 0;

  constructor(port: number) {
    this.port = port;
    for (let i = 0; i < CLIENTS; i += 1) this.dial();
  }

  /** Counts what is acknowledged from now on. */
  countFrom(nowMs: number): void {
    this.count = 0;
    this.sinceMs = nowMs;
    this.lastAtMs = nowMs;
  }

  get acknowledged(): Acknowledged {
    return { count: this.count, forMs: this.lastAtMs - this.sinceMs };
  }

  stop(): void {
    this.stopped = true;
    for (const socket of this.sockets) socket.destroy();
  }

  private dial(): void {
    if (this.stopped) return;
    const socket = createConnection({ host: '127.0.0.1', port: this.port, noDelay: true });
    this.sockets.add(socket);
    let owed = 0;
    const write = (): void => {
      owed = BATCH;
      socket.write('SET bench:thaw 1\r\n'.repeat(BATCH));
    };
    socket.on('connect', write);
    socket.on('data', (data: Buffer) => {
      const lines = data.toString('latin1').split('\r\n').slice(0, -1);
      const accepted = lines.filter((line) => line === '+OK').length;
      if (performance.now() >= this.sinceMs && accepted > 0) {
        this.count += accepted;
        this.lastAtMs = performance.now();
      }
      owed -= lines.length;
      if (owed <= 0) write();
    });
    // Refused and reset connections are part of what is measured; 'close' follows.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.sockets.delete(socket);
      setTimeout(() => this.dial(), REDIAL_MS);
    });
  }
}

async function isReplica(redis: RedisServerProcess): Promise<boolean> {
  const answer = await redis.cmd('ROLE');
  return Array.isArray(answer) && answer[0] === 'slave';
}

/** Stops the master until another has taken over, lets it go on, and counts until it is a replica, or dead. */
async function stopAndGoOn(victim: RedisServerProcess, takenOver: () => Promise<void>): Promise<Acknowledged> {
  const crowd = new Crowd(victim.port);
  try {
    await pause(PEACE_MS);
    victim.freeze();
    await takenOver();
    crowd.countFrom(performance.now());
    if (victim.running) {
      victim.thaw();
      await waitFor(async () => !victim.running || (await isReplica(victim)), 'it is a replica', DEMOTION_TIMEOUT_MS);
    }
    await pause(AFTERWARDS_MS);
    return crowd.acknowledged;
  } finally {
    crowd.stop();
  }
}

async function run(context: Context, service: Service, figure: string): Promise<string> {
  const { master: victim } = await service.settled();
  const { count } = await stopAndGoOn(victim.redis, async () => {
    await waitFor(async () => ((await service.master()) ?? victim) !== victim, 'another master');
    // A kill follows the loss of the lease by a few milliseconds; a client's retry is no sooner.
    await pause(AFTERWARDS_MS);
  });
  if (!victim.redis.running) await victim.redis.restart({ empty: true });
  await service.settled();
  add(context, figure, count);
  return `${count} writes acknowledged after it went on`;
}

export async function measureThaw(context: Context): Promise<void> {
  for (const byKill of [false, true]) {
    await repeat(context, {
      name: `stopped and continued${byKill ? ', fence_by_kill' : ''}`,
      runs: context.options.runs,
      open: () => startBenchService(context, { config: { fence_by_kill: byKill } }),
      run: (service) => run(context, service, byKill ? 'thaw.kill' : 'thaw'),
      close: (service) => service.stop(),
    });
  }
  await onFreshTrios(context, 'Sentinel, stopped and continued', async (trio) => {
    const victim = await trio.master();
    const { count, forMs } = await stopAndGoOn(victim, async () => {
      await waitFor(async () => (await trio.master()) !== victim, 'another master', DEMOTION_TIMEOUT_MS);
    });
    add(context, 'sentinel.thaw', count);
    add(context, 'sentinel.thaw.ms', forMs);
    return `${count} writes acknowledged, for ${forMs.toFixed(0)} ms`;
  });
}
