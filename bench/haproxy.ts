/**
 * A client behind HAProxy, which has the configuration that `dictator haproxy` prints and no other: how long it writes
 * nothing when the master's Redis is killed, and when an operator orders a switchover.
 */
import { setTimeout as pause } from 'node:timers/promises';

import { startHaproxy } from '../test/support/haproxy-process.ts';
import type { HaproxyProcess } from '../test/support/haproxy-process.ts';
import { give } from '../test/support/orders.ts';
import type { Service } from '../test/support/service.ts';
import { SteadyWriter } from '../test/support/steady-writer.ts';
import { waitFor } from '../test/support/wait-for.ts';
import type { Context } from './context.ts';
import { add, repeat, startBenchService } from './context.ts';
import { PROBE_EVERY_MS } from './failover.ts';

/** As before every other failover here; the moment between two checks is by chance. */
const PEACE_MS = 600;
const PEACE_JITTER_MS = 500;
const FAILOVER_TIMEOUT_MS = 30_000;
const WRITES_AFTER = 50;

interface Subject {
  readonly service: Service;
  readonly haproxy: HaproxyProcess;
  readonly writer: SteadyWriter;
}

async function open(context: Context): Promise<Subject> {
  const service = await startBenchService(context);
  try {
    const haproxy = await startHaproxy(service);
    return { service, haproxy, writer: new SteadyWriter({ port: haproxy.writePort, everyMs: PROBE_EVERY_MS }) };
  } catch (error) {
    await service.stop();
    throw error;
  }
}

async function close({ service, haproxy, writer }: Subject): Promise<void> {
  await writer.stop();
  await haproxy.stop();
  await service.stop();
}

/** The longest time without a write from `fault` on, once they go on again. */
async function gapOf({ service, writer }: Subject, fault: () => Promise<void>): Promise<number> {
  await service.settled();
  await writer.progress();
  await pause(PEACE_MS + Math.random() * PEACE_JITTER_MS);
  const sinceMs = performance.now();
  const former = (await service.master())?.name;
  await fault();
  await waitFor(async () => {
    const master = await service.master();
    return master !== null && master.name !== former;
  }, 'a new master', FAILOVER_TIMEOUT_MS);
  await writer.progress(WRITES_AFTER);
  return writer.longestPauseSince(sinceMs);
}

export async function measureHaproxy(context: Context): Promise<void> {
  await repeat(context, {
    name: 'haproxy',
    runs: context.options.runs,
    open: () => open(context),
    close,
    run: async (subject) => {
      const { service } = subject;
      const { master: victim } = await service.settled();
      const killedMs = await gapOf(subject, () => {
        process.kill(victim.redis.pid, 'SIGKILL');
        return Promise.resolve();
      });
      await victim.redis.restart({ empty: true });
      const { master } = await service.settled();
      const orderedMs = await gapOf(subject, async () => {
        const { status, body } = await give(master, '/switchover');
        if (status !== 200) throw new Error(`the switchover ended with ${status} ${body.reason ?? ''}`);
      });
      add(context, 'haproxy.killed', killedMs);
      add(context, 'haproxy.switchover', orderedMs);
      return `killed ${killedMs.toFixed(1)} ms, switchover ${orderedMs.toFixed(1)} ms`;
    },
  });
}
