/**
 * Whatever comes in on the Sentinel port, the agent keeps its lease: idle clients, a herd that connects and leaves,
 * clients that ask without pause, and a storm of changes that slow subscribers do not listen to, all at once.
 */
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { Ear } from '../support/ear.ts';
import { connectRaw } from '../support/raw-redis.ts';
import { QUICK_SYNC } from '../support/scene.ts';
import { startService } from '../support/service.ts';
import type { Node, Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { WrittenServices } from '../support/written-services.ts';

/** Long, so that a busy machine alone fences nobody; the flood is there all the same. */
const SESSION_MS = 10_000;
const IDLE_CLIENTS = 1000;
const COMERS = 3000;
const COMERS_AT_A_TIME = 100;
const GREEDY_CLIENTS = 40;
const REQUESTS_OF_EACH = 500;
const SLOW_SUBSCRIBERS = 100;
/** Other services that the agent answers for; each changes its master over and over, there and back. */
const STORM = Array.from({ length: 20 }, (_value, index) => `storm-${index}`);
const STORM_ROUNDS = 150;
const FIRST_EPOCH = 7;
/** Each of them tells every subscriber of every service. */
const RESETS = 200;

let service: Service;
let written: WrittenServices;
const idle: Socket[] = [];

beforeAll(async () => {
  service = await startService({
    nodes: 2,
    redisArgs: QUICK_SYNC,
    sentinel: { clients_max: 2000, services: ['storm-*'] },
    config: { zk_session_timeout_ms: SESSION_MS },
  });
  written = await WrittenServices.open(service.zookeeper.port);
  await written.write(STORM);
});
afterAll(async () => {
  for (const socket of idle) socket.destroy();
  await written.close();
  await service.stop();
});

/** Whether it happens before the connection ends. */
function happens(socket: Socket, event: 'connect' | 'data'): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once(event, () => resolve(true));
    socket.once('close', () => resolve(false));
  });
}

/** Connects, or is turned away; either is fine here. */
async function connect(port: number): Promise<Socket> {
  const socket = createConnection(port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  await happens(socket, 'connect');
  return socket;
}

/** Comes again until it is answered: whoever comes too fast is turned away. */
async function admitted(port: number): Promise<Socket> {
  for (;;) {
    const socket = await connect(port);
    socket.write('PING\r\n');
    if (await happens(socket, 'data')) return socket;
  }
}

async function comeAndGo(port: number): Promise<void> {
  for (let come = 0; come < COMERS; come += COMERS_AT_A_TIME) {
    const sockets = await Promise.all(Array.from({ length: COMERS_AT_A_TIME }, () => connect(port)));
    for (const socket of sockets) socket.destroy();
  }
}

/** Gives the number of whole answers. */
async function askWithoutPause(port: number): Promise<number> {
  const socket = await admitted(port);
  let ends = 0;
  socket.setEncoding('utf8').on('data', (text: string) => (ends += text.split('parallel-syncs').length - 1));
  socket.write(`SENTINEL MASTER ${service.name}\r\n`.repeat(REQUESTS_OF_EACH));
  await waitFor(() => ends >= REQUESTS_OF_EACH || socket.destroyed, 'every answer', 60_000);
  socket.destroy();
  return ends;
}

/** Listens to everything, and reads nothing of it. */
async function slowSubscriber(port: number): Promise<Socket> {
  const socket = await admitted(port);
  socket.write('PSUBSCRIBE *\r\n');
  await happens(socket, 'data');
  return socket.pause();
}

/** Changes every master again and again; in the end it is the first one. */
async function storm(): Promise<void> {
  for (let round = 1; round <= STORM_ROUNDS; round += 1) {
    await Promise.all(STORM.map(async (name) => {
      await written.lose(name);
      await written.promote(name, round % 2 === 1 ? 'redis2' : 'redis1', FIRST_EPOCH + round);
    }));
  }
}

function residentMb({ agent }: Node): number {
  const kb = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${agent.pid}/status`, 'utf8'))?.[1];
  return Number(kb) / 1024;
}

test('agents that were given one port start all the same; who has it not is no Sentinel until it has', async () => {
  const port = await freePort();
  const twins = await startService({
    nodes: 2, redisArgs: QUICK_SYNC, zookeeper: service.zookeeper, sentinel: { port, master_name: 'twins' },
  });
  try {
    await twins.settled();
    const listens = ({ agent }: Node): boolean => agent.said('sentinel_listening');
    const winner = await waitFor(() => twins.nodes.find(listens), 'one to listen');
    const other = twins.others(winner)[0]!;
    await waitFor(() => other.agent.said('refused', 'sentinel_port_taken'), 'the other to say that the port is taken');
    const client = await connectRaw(port);
    expect(await client.cmd('SENTINEL', 'SENTINELS', 'twins')).toEqual([]);
    client.close();
    await winner.agent.kill();
    await waitFor(() => other.agent.said('sentinel_listening'), 'the other to take the port', 60_000);
  } finally {
    await twins.stop();
  }
});

test('a flood of clients in a storm of changes costs no lease, and idle ones little memory', async () => {
  const { master, view } = await service.settled();
  const port = master.sentinelPort ?? 0;
  const events = ['fenced', 'lease_in_doubt', 'lease_lost', 'sentinel_fault', 'invariant_broken', 'promoted'];
  const troubles = (): number[] => events.map((event) => master.agent.count(event));
  const calm = troubles();
  // Before the others come: later it might be turned away with them.
  const ear = await Ear.at(port);
  const before = residentMb(master);
  while (idle.length < IDLE_CLIENTS) idle.push(await admitted(port));
  const grown = residentMb(master) - before;

  const slow = await Promise.all(Array.from({ length: SLOW_SUBSCRIBERS }, () => slowSubscriber(port)));
  idle.push(...slow);
  const stormed = storm();
  const teller = await admitted(port);
  teller.write('SENTINEL RESET *\r\n'.repeat(RESETS));
  idle.push(teller);
  const greedy = Array.from({ length: GREEDY_CLIENTS }, () => askWithoutPause(port));
  await comeAndGo(port);
  const answered = await Promise.all(greedy);
  expect(answered).toEqual(answered.map(() => REQUESTS_OF_EACH));
  await stormed;
  // Changes that follow each other closely may be seen as one; each that is seen is told once, and so is the last.
  const switches = (): string[] => ear.payloads('+switch-master', 'storm-0 ');
  await waitFor(() => switches().at(-1)?.endsWith(' 10.0.0.1 6379'), 'the last change to be heard of');
  expect(switches().filter((told, at, all) => told === all[at - 1])).toEqual([]);
  ear.close();

  const after = await waitFor(() => master.agent.view(), 'the agent to answer over HTTP');
  expect(after.epoch).toBe(view.epoch);
  expect(after.master?.name).toBe(master.name);
  expect(troubles()).toEqual(calm);
  console.log(`${IDLE_CLIENTS} idle clients: ${grown.toFixed(1)} MB; the lease lasts ${after.lease.fenceInMs} ms more`);
});
