/**
 * How a mastership moves that nobody lost: by an order, by SIGTERM of the master's agent, after that agent's death with
 * its Redis alive; and how it stays when the agent is exchanged. Under clients that write about 2,000 times a second
 * to whoever takes it: how long nobody did, and what became of each write that was acknowledged.
 */
import { setTimeout as pause } from 'node:timers/promises';

import { give } from '../test/support/orders.ts';
import type { RedisServerProcess } from '../test/support/redis-server.ts';
import type { Node, Service, ServiceOptions } from '../test/support/service.ts';
import { waitFor } from '../test/support/wait-for.ts';
import { Writers } from '../test/support/writers.ts';
import type { Written } from '../test/support/writers.ts';
import type { Context } from './context.ts';
import { add, repeat, startBenchService } from './context.ts';
import { percentile } from './statistics.ts';

/** Written together every 2 ms: some 2,000 a second, the answers' time taken off. */
const BATCH = 5;
const WRITES_BEFORE = 500;
const WRITES_AFTER = 300;
const PEACE_MS = 600;
const PEACE_JITTER_MS = 500;
const FAILOVER_TIMEOUT_MS = 30_000;
const SLOW_SHARE = 0.95;
const MS_PER_S = 1000;
/** As after every death of an agent here: its successor takes part in nothing for one promise. */
const PROMISE_MS = 6000;

export interface Moved {
  /** From the last acknowledgement of the old master to the first of the new one; 0 where they overlap. */
  readonly gapMs: number;
  /** From the fault or the order to the first acknowledgement of the new master. */
  readonly untilMs: number;
  /** For how long the old master acknowledged beside the new one. */
  readonly overlapMs: number;
  /** Acknowledged writes that the new master does not have. */
  readonly lost: number;
}

/** Clients that write to all of these, and are acknowledged by whoever is master. */
export async function writeTo(nodes: readonly Written[], master: Written): Promise<Writers> {
  const writers = new Writers(nodes, { batch: BATCH });
  try {
    await writers.progress(master, WRITES_BEFORE);
    return writers;
  } catch (error) {
    await writers.stop();
    throw error;
  }
}

/** Acknowledged writes a second. */
export function rateOf(writers: Writers): number {
  const all = writers.acknowledged;
  return (all.length / ((all.at(-1)?.atMs ?? Number.NaN) - (all[0]?.sentMs ?? Number.NaN))) * MS_PER_S;
}

interface Between {
  readonly from: Written;
  readonly to: Written & { readonly redis: RedisServerProcess };
  readonly sinceMs: number;
}

/** Asked once the writers have stopped and the old master is a replica. */
export async function movedOf(writers: Writers, { from, to, sinceMs }: Between): Promise<Moved> {
  const lastMs = writers.acknowledgedBy(from).at(-1)?.atMs ?? Number.NaN;
  const firstMs = writers.acknowledgedBy(to)[0]?.atMs ?? Number.NaN;
  const beside = writers.overlap(from, to).at(-1)?.atMs ?? firstMs;
  const missing = await writers.missingOn(to.redis);
  return {
    gapMs: Math.max(0, firstMs - lastMs),
    untilMs: firstMs - sinceMs,
    overlapMs: beside - firstMs,
    lost: missing.length,
  };
}

interface Fault {
  /** Of the samples. */
  readonly name: string;
  readonly happen: (master: Node) => Promise<void>;
  /** Brings back what it took away. */
  readonly undo?: (master: Node) => void;
}

/** One move of the mastership, in peace before and after. */
async function move(context: Context, service: Service, { name, happen, undo }: Fault): Promise<Moved> {
  const { master: from } = await service.settled();
  await pause(PEACE_MS + Math.random() * PEACE_JITTER_MS);
  const writers = await writeTo(service.nodes, from);
  try {
    add(context, `${name}.rate`, rateOf(writers));
    const sinceMs = performance.now();
    await happen(from);
    const to = await waitFor(async () => {
      const master = await service.master();
      return master === from ? null : master;
    }, 'another master', FAILOVER_TIMEOUT_MS);
    await writers.progress(to, WRITES_AFTER);
    undo?.(from);
    const { master } = await service.settled();
    if (master !== to) throw new Error('the mastership moved once more');
    await writers.stop();
    const moved = await movedOf(writers, { from, to, sinceMs });
    add(context, name, moved.gapMs);
    add(context, `${name}.lost`, moved.lost);
    add(context, `${name}.overlap`, moved.overlapMs);
    return moved;
  } finally {
    await writers.stop();
  }
}

/** A row of its own: the table shows medians. */
function addSlow(context: Context, name: string): void {
  const samples = context.samples.get(name);
  if (samples !== undefined) add(context, `${name}.slow`, percentile(samples, SLOW_SHARE));
}

function told({ gapMs, overlapMs, lost }: Moved): string {
  return `gap ${gapMs.toFixed(1)} ms, ${lost} writes lost, two masters for ${overlapMs.toFixed(0)} ms`;
}

export async function measureSwitchover(context: Context): Promise<void> {
  await repeat(context, {
    name: 'switchover',
    runs: context.options.switchovers,
    open: () => startBenchService(context),
    close: (service) => service.stop(),
    run: async (service) => {
      const moved = await move(context, service, {
        name: 'switchover',
        happen: async (master) => {
          const { status, body } = await give(master, '/switchover');
          if (status !== 200) throw new Error(`the switchover ended with ${status} ${body.reason ?? ''}`);
          const reportedMs = body.result?.gapMs ?? null;
          if (reportedMs === null) throw new Error('the switchover ended without a measured gap');
          add(context, 'switchover.reported', reportedMs);
        },
      });
      add(context, 'switchover.until', moved.untilMs);
      return `${told(moved)}, reported ${String(context.samples.get('switchover.reported')?.at(-1))} ms`;
    },
  });
  addSlow(context, 'switchover');
  addSlow(context, 'switchover.reported');
}

/** SIGTERM of the master's agent, as a host that goes down sends it. */
export async function measureHandOver(context: Context): Promise<void> {
  await repeat(context, {
    name: 'hand-over',
    runs: context.options.runs,
    open: () => startBenchService(context),
    close: (service) => service.stop(),
    run: async (service) => {
      const moved = await move(context, service, {
        name: 'hand-over',
        happen: async ({ agent }) => {
          agent.signal('SIGTERM');
          const code = await agent.exited;
          if (code !== 0) throw new Error(`the agent ended with ${code}`);
        },
        undo: ({ agent }) => agent.restart(),
      });
      return told(moved);
    },
  });
  addSlow(context, 'hand-over');
}

/** The master's agent dies and its Redis lives: when its session has ended, a replica takes over from the living. */
export async function measureTakeover(context: Context): Promise<void> {
  await repeat(context, {
    name: 'takeover',
    runs: context.options.runs,
    open: () => startBenchService(context),
    close: (service) => service.stop(),
    run: async (service) => {
      await service.settled();
      await pause(PROMISE_MS);
      const moved = await move(context, service, {
        name: 'takeover',
        happen: ({ agent }) => agent.kill(),
        undo: ({ agent }) => agent.restart(),
      });
      add(context, 'takeover.until', moved.untilMs);
      return `${told(moved)}, ${moved.untilMs.toFixed(0)} ms after the death`;
    },
  });
}

const KEEP: ServiceOptions = { config: { on_stop: 'keep' } };

/** The master's agent is exchanged for another and its Redis stays master. */
export async function measureAgentRestart(context: Context): Promise<void> {
  await repeat(context, {
    name: 'agent restart, on_stop: keep',
    runs: context.options.runs,
    open: () => startBenchService(context, KEEP),
    close: (service) => service.stop(),
    run: async (service) => {
      const { master } = await service.settled();
      await pause(PEACE_MS + Math.random() * PEACE_JITTER_MS);
      const writers = await writeTo([master], master);
      try {
        const refusedBefore = writers.refused.length;
        const adoptedBefore = master.agent.count('lease_adopted');
        const sinceMs = performance.now();
        master.agent.signal('SIGTERM');
        await master.agent.exited;
        master.agent.restart();
        const isAdopted = (): boolean => master.agent.count('lease_adopted') > adoptedBefore;
        await waitFor(isAdopted, 'the lease is adopted', FAILOVER_TIMEOUT_MS);
        const { master: after } = await service.settled();
        if (after !== master) throw new Error('the mastership moved');
        await writers.progress(master, WRITES_AFTER);
        await writers.stop();
        const refused = writers.refused.length - refusedBefore;
        const times = writers.acknowledged.map(({ atMs }) => atMs).filter((atMs) => atMs >= sinceMs);
        const pausedMs = Math.max(...times.map((atMs, index) => atMs - (times[index - 1] ?? sinceMs)));
        add(context, 'agent-restart.refused', refused);
        add(context, 'agent-restart.pause', pausedMs);
        return `${refused} writes refused, longest pause ${pausedMs.toFixed(1)} ms`;
      } finally {
        await writers.stop();
      }
    },
  });
}
