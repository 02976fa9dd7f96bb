/** What an agent asks of its own host: a copy of its Redis' dataset, and how that process is. */
import type { ProcessPort, RescuePort } from '../../src/agent/ports.ts';
import type { Process } from '../kernel/process.ts';
import type { Random } from '../kernel/random.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import type { Data } from '../models/redis/dataset.ts';
import type { RedisServer } from '../models/redis/server.ts';

/** The Redis of this host as the kernel knows it. */
export interface HostRedis {
  readonly process: Process;
  readonly server: RedisServer;
  /** Counts its starts: a process of the same number is the same process. */
  readonly starts: number;
}

export interface HostPortsParts {
  readonly agent: () => Process;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly redis: () => HostRedis;
  /** A copy is safe on the agent's disk. */
  readonly rescued: (data: Data) => void;
}

const COPY_MS = { from: 20, to: 300 } as const;
const LOOK_MS = 1;

export function rescuePort({ agent, scheduler, random, redis, rescued }: HostPortsParts): RescuePort {
  return {
    save(_job, done) {
      const { process, server, starts } = redis();
      const { data } = server;
      scheduler.after(random.between(COPY_MS.from, COPY_MS.to), () => {
        const same = process.alive && !process.frozen && redis().starts === starts && server.role === 'master';
        if (same) rescued(data);
        agent().deliver(() => {
          done(same ? { ok: true, path: '/rescue', bytes: data.size, removed: [] } : { ok: false, code: 'CLOSED' });
        });
      });
    },
  };
}

export function processPort({ agent, scheduler, redis }: HostPortsParts): ProcessPort {
  const answer = (run: () => void): void => {
    const asker = agent();
    scheduler.after(LOOK_MS, () => asker.deliver(run));
  };
  return {
    prove: (_claim, done) => answer(() => {
      const { process, starts } = redis();
      done(process.alive ? { ok: true, startTicks: starts } : { ok: false, code: 'GONE' });
    }),
    look: ({ startTicks }, done) => answer(() => {
      const { process, starts } = redis();
      if (!process.alive || starts !== startTicks) done('dead');
      else done(process.frozen ? 'stopped' : 'running');
    }),
    kill: (_claim, startTicks, done) => answer(() => {
      const { process, starts } = redis();
      if (!process.frozen || starts !== startTicks) return done({ ok: false, code: 'NOT_STOPPED' });
      process.kill();
      done({ ok: true });
    }),
  };
}

/** For an agent that shares no host with its Redis. */
export function noEvidence(agent: () => Process, scheduler: Scheduler): ProcessPort {
  const answer = (run: () => void): void => void scheduler.after(LOOK_MS, () => agent().deliver(run));
  return {
    prove: (_claim, done) => answer(() => done({ ok: false, code: 'GONE' })),
    look: (_claim, done) => answer(() => done('dead')),
    kill: (_claim, _startTicks, done) => answer(() => done({ ok: false, code: 'NOT_STOPPED' })),
  };
}
