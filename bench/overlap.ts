/**
 * Two masters at once: a killed master is restarted as a supervisor would, and a client that never heard of a
 * failover goes on writing to its address. Every write that the restarted process acknowledges is one too many.
 */
import { setTimeout as pause } from 'node:timers/promises';

import type { RedisServerProcess } from '../test/support/redis-server.ts';
import type { Service } from '../test/support/service.ts';
import { waitFor } from '../test/support/wait-for.ts';
import type { Context } from './context.ts';
import { add, REDIS_ARGS, repeat, START_FENCE, startBenchService } from './context.ts';
import type { AcceptedWrite } from './write-probe.ts';
import { WriteProbe } from './write-probe.ts';

export const KEYS = 1000;
/** A supervisor's restart of an empty server, after the kill. */
export const RESTART_AFTER_MS = 50;
const HAMMER_EVERY_MS = 1;
const PEACE_MS = 600;
/** The client goes on for so long after everything is in order again. */
const AFTERWARDS_MS = 500;

export interface Variant {
  /** `empty`: restarted at once without its data. `old`: after the failover, with the RDB file that it had. */
  readonly data: 'empty' | 'old';
  readonly startFence: boolean;
}

export const VARIANTS: readonly Variant[] = [
  { data: 'empty', startFence: false },
  { data: 'empty', startFence: true },
  { data: 'old', startFence: false },
  { data: 'old', startFence: true },
];

export async function loadKeys(redis: RedisServerProcess): Promise<void> {
  const pairs = Array.from({ length: KEYS }, (_value, index) => [`bench:key:${index}`, index]).flat();
  await redis.cmd('MSET', ...pairs);
}

export async function countKeys(redis: RedisServerProcess): Promise<number> {
  const keys = Array.from({ length: KEYS }, (_value, index) => `bench:key:${index}`);
  return Number(await redis.cmd('EXISTS', ...keys));
}

export interface Hammer {
  /** What processes that were started after this moment acknowledged: for how long, and how many writes. */
  since(ms: number): { overlapMs: number; lost: number };
  stop(): void;
}

/** A client that writes to this address whatever happens. */
export function hammer(port: number, everyMs: number): Hammer {
  const writes: AcceptedWrite[] = [];
  const probe = new WriteProbe({
    port,
    everyMs,
    key: 'bench:hammer',
    onAccepted: (write) => void writes.push(write),
  });
  return {
    stop: () => probe.stop(),
    since: (ms) => {
      const wrong = writes.filter((write) => write.connectedAtMs > ms);
      const first = wrong[0];
      const last = wrong.at(-1);
      if (first === undefined || last === undefined) return { overlapMs: 0, lost: 0 };
      return { overlapMs: last.acceptedAtMs - first.sentAtMs, lost: wrong.length };
    },
  };
}

async function run(context: Context, service: Service, variant: Variant): Promise<string> {
  const { master: victim } = await service.settled();
  const { redis } = victim;
  await loadKeys(redis);
  if (variant.data === 'old') await redis.cmd('SAVE');
  await pause(PEACE_MS);
  const args = variant.startFence ? [...REDIS_ARGS, ...START_FENCE] : REDIS_ARGS;
  const client = hammer(redis.port, HAMMER_EVERY_MS);
  try {
    const killedAtMs = performance.now();
    await redis.kill();
    const empty = variant.data === 'empty';
    if (empty) await pause(killedAtMs + RESTART_AFTER_MS - performance.now());
    else await service.settled(1);
    await redis.restart({ empty, args });
    const successor = await waitFor(async () => {
      const master = await service.master();
      return master === victim ? null : master;
    }, 'another master than the killed one');
    const { master } = await service.settled();
    if (master !== successor) throw new Error('mastership moved once more');
    await pause(AFTERWARDS_MS);
    const { overlapMs, lost } = client.since(killedAtMs);
    const name = `overlap.${variant.data}${variant.startFence ? '.fenced' : ''}`;
    add(context, name, overlapMs);
    if (!variant.startFence) add(context, `${name}.lost`, lost);
    if (empty && !variant.startFence) add(context, `${name}.keys-lost`, KEYS - (await countKeys(master.redis)));
    return `${overlapMs.toFixed(1)} ms, ${lost} writes`;
  } finally {
    client.stop();
  }
}

export async function measureOverlap(context: Context): Promise<void> {
  for (const variant of VARIANTS) {
    await repeat(context, {
      name: `restarted ${variant.data}${variant.startFence ? ', start fence' : ''}`,
      runs: context.options.runs,
      open: () => startBenchService(context),
      run: (service) => run(context, service, variant),
      close: (service) => service.stop(),
    });
  }
}
