/**
 * The gap of a failover: from the kill to the first write that any node accepts, and to the first that a client of
 * the published address gets through. One service serves all runs; what was killed is restarted in between.
 */
import { setTimeout as pause } from 'node:timers/promises';

import type { Node, Service } from '../test/support/service.ts';
import { waitFor } from '../test/support/wait-for.ts';
import type { Context } from './context.ts';
import { add, repeat, startBenchService } from './context.ts';
import { PublishedClient } from './published-client.ts';
import type { Moments } from './stages.ts';
import { momentsOf, stagesOf, timelineOf } from './stages.ts';
import type { AcceptedWrite } from './write-probe.ts';
import { WriteProbe } from './write-probe.ts';

export const PROBE_EVERY_MS = 2;
/** Peace before a fault, so that a run does not see what the one before left to do; a part of it is by chance. */
const PEACE_MS = 600;
const PEACE_JITTER_MS = 500;
const FAILOVER_TIMEOUT_MS = 30_000;

interface Subject {
  readonly service: Service;
  readonly published: PublishedClient;
  readonly probes: readonly WriteProbe[];
  readonly onNode: Set<(write: AcceptedWrite) => void>;
  readonly onPublished: Set<(write: AcceptedWrite) => void>;
}

async function open(context: Context): Promise<Subject> {
  const service = await startBenchService(context);
  const onNode: Subject['onNode'] = new Set();
  const onPublished: Subject['onPublished'] = new Set();
  const tell = (listeners: Subject['onNode']) => (write: AcceptedWrite) => {
    for (const listener of listeners) listener(write);
  };
  const probes = service.nodes.map(
    ({ redis }) =>
      new WriteProbe({ port: redis.port, everyMs: PROBE_EVERY_MS, key: 'bench:probe', onAccepted: tell(onNode) }),
  );
  const published = new PublishedClient({
    zookeeperPort: context.zookeeper.port,
    service: service.name,
    everyMs: PROBE_EVERY_MS,
    onAccepted: tell(onPublished),
  });
  return { service, published, probes, onNode, onPublished };
}

async function close({ service, published, probes }: Subject): Promise<void> {
  for (const probe of probes) probe.stop();
  await published.stop();
  await service.stop();
}

/** Catches the first write that is accepted elsewhere than at this port. */
function firstElsewhere(listeners: Subject['onNode'], port: number): { readonly atMs: number | null; end(): void } {
  let atMs: number | null = null;
  const listener = (write: AcceptedWrite): void => {
    if (write.port !== port) atMs ??= write.acceptedAtMs;
  };
  listeners.add(listener);
  return {
    get atMs() { return atMs; },
    end: () => listeners.delete(listener),
  };
}

interface Gap {
  readonly gapMs: number;
  readonly publishedMs: number;
  readonly moments: Moments;
  readonly timeline: readonly string[];
}

async function failover(subject: Subject, victim: Node, kill: () => void): Promise<Gap> {
  const byNode = firstElsewhere(subject.onNode, victim.redis.port);
  const byRecord = firstElsewhere(subject.onPublished, victim.redis.port);
  const killedAtMs = performance.now();
  kill();
  try {
    await waitFor(() => byNode.atMs !== null && byRecord.atMs !== null, 'a new master', FAILOVER_TIMEOUT_MS);
  } finally {
    byNode.end();
    byRecord.end();
  }
  const firstAtMs = byNode.atMs ?? Number.NaN;
  return {
    gapMs: firstAtMs - killedAtMs,
    publishedMs: (byRecord.atMs ?? Number.NaN) - killedAtMs,
    moments: momentsOf(subject.service, victim, killedAtMs, firstAtMs),
    timeline: timelineOf(subject.service, killedAtMs),
  };
}

/**
 * A restarted agent takes part in no election for one promise (the session timeout): its predecessor may have given it
 * to a master that the ensemble does not hear. Measured is a death in peace, not one within seconds of another.
 */
const PROMISE_MS = 6000;

async function measure(context: Context, name: 'redis-killed' | 'both-killed'): Promise<void> {
  const withAgent = name === 'both-killed';
  const runs: Moments[] = [];
  await repeat(context, {
    name,
    runs: context.options.runs,
    open: () => open(context),
    close,
    run: async (subject) => {
      const { master } = await subject.service.settled();
      await pause((withAgent ? PROMISE_MS : PEACE_MS) + Math.random() * PEACE_JITTER_MS);
      const gap = await failover(subject, master, () => {
        process.kill(master.redis.pid, 'SIGKILL');
        if (withAgent) master.agent.signal('SIGKILL');
      });
      if (withAgent) await master.agent.kill();
      await master.redis.restart({ empty: true });
      if (withAgent) master.agent.restart();
      add(context, name, gap.gapMs);
      add(context, `${name}.published`, gap.publishedMs);
      add(context, `${name}.published-more`, gap.publishedMs - gap.gapMs);
      runs.push(gap.moments);
      if (context.options.timeline) process.stderr.write(`${gap.timeline.join('\n')}\n`);
      return `${gap.gapMs.toFixed(1)} ms, published ${gap.publishedMs.toFixed(1)} ms`;
    },
  });
  if (runs.length > 0) context.stages.set(name, stagesOf(runs));
}

/** The master's Redis dies, its agent lives. */
export function measureRedisKilled(context: Context): Promise<void> {
  return measure(context, 'redis-killed');
}

/** The master's Redis and its agent die together. */
export function measureBothKilled(context: Context): Promise<void> {
  return measure(context, 'both-killed');
}
