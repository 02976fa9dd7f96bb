/**
 * A flood at the Sentinel port of the master's agent: a thousand clients that stay, others that ask without pause, a
 * herd that comes and goes. What the idle ones cost in memory, and how near the lease comes to its fence meanwhile.
 */
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

import type { Node, Service } from '../test/support/service.ts';
import { waitFor } from '../test/support/wait-for.ts';
import type { Context } from './context.ts';
import { add, repeat, startBenchService } from './context.ts';
import { megabytes } from './footprint.ts';

const IDLE_CLIENTS = 1000;
const CLIENTS_MAX = 2000;
const GREEDY_CLIENTS = 40;
/** Requests that one of them has under way. */
const PIPELINED = 50;
const COMERS_AT_A_TIME = 100;
const COMERS_EVERY_MS = 50;
const RUN_MS = 5000;
const LOOK_EVERY_MS = 20;
const HOST = '127.0.0.1';
const REQUEST = 'SENTINEL MASTERS\r\n';
const LAST_FIELD = 'parallel-syncs';

function dial(port: number): Socket {
  const socket = createConnection({ host: HOST, port });
  return socket.on('error', () => socket.destroy());
}

/** Comes again until it is answered: whoever comes too fast is turned away. */
async function admitted(port: number): Promise<Socket> {
  for (;;) {
    const socket = dial(port);
    socket.write('PING\r\n');
    const answered = await new Promise((resolve) => {
      socket.once('data', () => resolve(true)).once('close', () => resolve(false));
    });
    if (answered === true) return socket;
  }
}

async function crowd(port: number, size: number): Promise<readonly Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < size) sockets.push(await admitted(port));
  return sockets;
}

/** Has the socket ask on and on; `answered` is called for each answer. */
function askWithoutPause(socket: Socket, answered: () => void): void {
  socket.setEncoding('latin1').on('data', (text: string) => {
    const answers = text.split(LAST_FIELD).length - 1;
    for (let answer = 0; answer < answers; answer += 1) answered();
    if (answers > 0) socket.write(REQUEST.repeat(answers));
  });
  socket.write(REQUEST.repeat(PIPELINED));
}

/** The least time that the lease had left until its agent would have fenced, over so many milliseconds. */
async function marginOver({ agent }: Node, forMs: number): Promise<number> {
  const untilMs = performance.now() + forMs;
  let least = Number.POSITIVE_INFINITY;
  let fenceAtMs = Number.POSITIVE_INFINITY;
  while (performance.now() < untilMs) {
    const view = await waitFor(() => agent.view(), 'the agent to answer');
    if (view.lease.fenceInMs === null) throw new Error('the agent is not sure of its lease');
    // What was left just before this look, had nothing been proved since the last one: never too much.
    const nowMs = performance.now();
    least = Math.min(least, fenceAtMs - nowMs, view.lease.fenceInMs);
    fenceAtMs = nowMs + view.lease.fenceInMs;
    await pause(LOOK_EVERY_MS);
  }
  return least;
}

interface Flood {
  readonly answers: number;
  readonly marginMs: number;
}

async function flood(master: Node): Promise<Flood> {
  const port = master.sentinelPort ?? 0;
  let answers = 0;
  const greedy = await crowd(port, GREEDY_CLIENTS);
  for (const socket of greedy) askWithoutPause(socket, () => (answers += 1));
  const herd = setInterval(() => {
    for (let comer = 0; comer < COMERS_AT_A_TIME; comer += 1) dial(port).once('connect', function leave(this: Socket) {
      this.destroy();
    });
  }, COMERS_EVERY_MS);
  try {
    return { marginMs: await marginOver(master, RUN_MS), answers };
  } finally {
    clearInterval(herd);
    for (const socket of greedy) socket.destroy();
  }
}

async function floodOnce(context: Context, service: Service): Promise<string> {
  const { master, view } = await service.settled();
  const fencedBefore = master.agent.count('fenced');
  const calmMs = await marginOver(master, RUN_MS);
  const before = megabytes(master.agent.pid, 'status', 'VmRSS');
  const idle = await crowd(master.sentinelPort ?? 0, IDLE_CLIENTS);
  try {
    const moreMb = megabytes(master.agent.pid, 'status', 'VmRSS') - before;
    const { marginMs, answers } = await flood(master);
    const after = await service.settled();
    const fencedNow = master.agent.count('fenced') - fencedBefore;
    if (after.view.epoch !== view.epoch || fencedNow > 0) {
      throw new Error(`epoch ${view.epoch}, after the flood ${after.view.epoch}; fenced ${fencedNow} times`);
    }
    add(context, 'flood.idle', moreMb);
    add(context, 'flood.calm', calmMs);
    add(context, 'flood.margin', marginMs);
    add(context, 'flood.answers', (answers * 1000) / RUN_MS);
    return `idle ${moreMb.toFixed(1)} MB, margin ${marginMs.toFixed(0)} ms, in peace ${calmMs.toFixed(0)} ms`;
  } finally {
    for (const socket of idle) socket.destroy();
  }
}

export async function measureFlood(context: Context): Promise<void> {
  await repeat(context, {
    name: 'flood',
    runs: context.options.runs,
    // A fresh agent each time: memory that a run left to it would make the next one look cheap.
    open: () => Promise.resolve(null),
    close: () => Promise.resolve(),
    run: async () => {
      const service = await startBenchService(context, { sentinel: { clients_max: CLIENTS_MAX } });
      try {
        return await floodOnce(context, service);
      } finally {
        await service.stop();
      }
    },
  });
}
