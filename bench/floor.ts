/**
 * The floor: a failover by a script that knows everything beforehand and decides nothing. It does what no failover of
 * this protocol can do without, one after the other where one needs the other, and takes the time: see the old
 * master's port refuse; delete the lease and publish both frozen positions; claim; promote; attach the other replica,
 * without which the dead-man lets no write pass. How far an agent is above it is what there is left to gain.
 */
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';

import { startRedis } from '../test/support/redis-server.ts';
import type { RedisServerProcess } from '../test/support/redis-server.ts';
import { waitFor } from '../test/support/wait-for.ts';
import { connectZooKeeper } from '../src/zookeeper/index.ts';
import type { MultiOp, WatchEvent, ZooKeeperClient } from '../src/zookeeper/index.ts';
import type { Context } from './context.ts';
import { add, REDIS_ARGS, repeat } from './context.ts';

const ROOT = '/bench-floor';
const LEASE = `${ROOT}/lease`;
const TERM = `${ROOT}/term`;
const RECORD = `${ROOT}/master`;
const SESSION_TIMEOUT_MS = 10_000;
/** Proof of death needs two refusals this far apart. */
const REFUSALS_APART_MS = 10;
/** About the size of our records. */
const DATA = JSON.stringify({ v: 1, filler: 'x'.repeat(300) });

interface Member {
  readonly redis: RedisServerProcess;
  readonly zk: ZooKeeperClient;
  readonly name: string;
  /** Called once for the next event at a path. */
  readonly awaited: Map<string, () => void>;
}

interface Trio {
  /** The master first. */
  members: [Member, Member, Member];
}

async function openMember(context: Context, name: string): Promise<Member> {
  const awaited: Member['awaited'] = new Map();
  const onWatch = ({ path }: WatchEvent): void => {
    awaited.get(path)?.();
    awaited.delete(path);
  };
  const zk = connectZooKeeper(
    { hosts: [{ host: '127.0.0.1', port: context.zookeeper.port }], sessionTimeoutMs: SESSION_TIMEOUT_MS },
    { onConnected: () => undefined, onDisconnected: () => undefined, onExpired: () => undefined, onWatch },
  );
  await waitFor(() => zk.state === 'connected', 'a session');
  await zk.mkdirp(`${ROOT}/ballots`);
  await zk.addWatch(ROOT, 'persistent_recursive');
  return { redis: await startRedis({ args: REDIS_ARGS }), zk, name, awaited };
}

/** The next event there; to be called before what causes it. */
function event({ awaited }: Member, path: string): Promise<void> {
  return new Promise((resolve) => awaited.set(path, resolve));
}

function follow(replica: Member, master: Member): Promise<unknown> {
  return replica.redis.cmd('REPLICAOF', master.redis.host, master.redis.port);
}

async function streaming(master: Member, replicas: number): Promise<void> {
  const online = async (): Promise<boolean> => {
    const info = String(await master.redis.cmd('INFO', 'replication'));
    return info.match(/state=online/g)?.length === replicas;
  };
  await waitFor(online, `${replicas} replicas streaming`);
}

async function open(context: Context): Promise<Trio> {
  const master = await openMember(context, 'a');
  const second = await openMember(context, 'b');
  const third = await openMember(context, 'c');
  for (const replica of [second, third]) await follow(replica, master);
  await streaming(master, 2);
  await put(master, { op: 'create', path: LEASE, data: DATA, ephemeral: true });
  await put(master, { op: 'create', path: RECORD, data: DATA, ephemeral: true });
  if ((await master.zk.exists(TERM)) === null) await put(master, { op: 'create', path: TERM, data: DATA });
  return { members: [master, second, third] };
}

async function close({ members }: Trio): Promise<void> {
  await Promise.all(members.map(({ zk }) => zk.close()));
  await Promise.all(members.map(({ redis }) => redis.stop()));
}

async function put(member: Member, ...ops: MultiOp[]): Promise<void> {
  await member.zk.multi(ops);
}

/** A connection as an agent holds it, established before anything happens. */
function connectTo({ redis }: Member): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: redis.host, port: redis.port });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Resolves when this connection has ended and the port behind it refuses. */
function refused(connection: Socket, { redis }: Member): Promise<void> {
  return new Promise((resolve) => {
    const dial = (): void => {
      const socket = createConnection({ host: redis.host, port: redis.port });
      socket.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED') resolve();
        else dial();
      });
      socket.once('connect', () => {
        socket.destroy();
        dial();
      });
    };
    connection.once('close', dial);
    connection.on('error', () => connection.destroy());
    connection.resume();
  });
}

async function freezeAndVote(member: Member): Promise<void> {
  await member.redis.cmd('REPLICAOF', '127.0.0.1', 1);
  await put(member, { op: 'create', path: `${ROOT}/ballots/${member.name}`, data: DATA, ephemeral: true });
}

async function acceptsWrite({ redis }: Member): Promise<void> {
  const client = await redis.client();
  for (let accepted = false; !accepted; ) {
    // NOREPLICAS, until the first replica streams.
    accepted = await client.cmd('SET', 'bench:floor', 1).then(() => true, () => false);
  }
  client.close();
}

async function promote({ redis }: Member): Promise<void> {
  const commands = [['CONFIG', 'SET', 'min-replicas-to-write', 1], ['REPLICAOF', 'NO', 'ONE'], ['INFO']];
  await Promise.all(commands.map((command) => redis.cmd(...command)));
}

/** Publishes the record; resolves when another client has been told and has read it. */
async function announce(by: Member, to: Member): Promise<void> {
  const told = event(to, RECORD);
  await Promise.all([told, put(by, { op: 'create', path: RECORD, data: DATA, ephemeral: true })]);
  await to.zk.getData(RECORD);
}

async function failover(context: Context, { members: [old, next, other] }: Trio): Promise<number> {
  const { version } = await next.zk.getData(TERM).then(({ stat }) => stat);
  const moments: number[] = [];
  const moment = (): void => void moments.push(performance.now());
  const connection = await connectTo(old);
  moment();
  process.kill(old.redis.pid, 'SIGKILL');
  await refused(connection, old);
  moment();
  const seen = [event(next, LEASE), event(next, `${ROOT}/ballots/${other.name}`)];
  const released = put(old, { op: 'delete', path: LEASE }, { op: 'delete', path: RECORD });
  await Promise.all([released, ...seen, ...[next, other].map(freezeAndVote)]);
  const claim: MultiOp[] = [
    { op: 'create', path: LEASE, data: DATA, ephemeral: true },
    { op: 'setData', path: TERM, data: DATA, version },
  ];
  await put(next, ...claim);
  moment();
  await promote(next);
  moment();
  const published = announce(next, other).then(() => performance.now());
  await follow(other, next);
  await acceptsWrite(next);
  moment();
  const [start = 0, dead = 0, claimed = 0, promoted = 0, accepted = 0] = moments;
  add(context, 'floor.detect', dead - start);
  add(context, 'floor.commits', claimed - dead);
  add(context, 'floor.promote', promoted - claimed);
  add(context, 'floor.attach', accepted - promoted);
  add(context, 'floor', accepted - start);
  add(context, 'floor.published', Math.max(accepted, await published) - start);
  add(context, 'floor.both-killed', accepted - start + REFUSALS_APART_MS);
  return accepted - start;
}

async function watchLatency(context: Context, { members: [writer, reader] }: Trio): Promise<void> {
  const told = event(reader, TERM);
  const startedAtMs = performance.now();
  await Promise.all([told, writer.zk.setData(TERM, DATA)]);
  add(context, 'floor.watch', performance.now() - startedAtMs);
}

/** What was killed comes back as a replica of the new master, which is first in line for the next run. */
async function heal(trio: Trio): Promise<void> {
  const [old, next, other] = trio.members;
  await Promise.all([next, other].map(({ zk, name }) => zk.delete(`${ROOT}/ballots/${name}`)));
  await old.redis.restart({ empty: true });
  await follow(old, next);
  await streaming(next, 2);
  trio.members = [next, other, old];
}

export async function measureFloor(context: Context): Promise<void> {
  await repeat(context, {
    name: 'floor',
    runs: context.options.runs,
    open: () => open(context),
    close,
    run: async (trio) => {
      await watchLatency(context, trio);
      const tookMs = await failover(context, trio);
      await heal(trio);
      return `${tookMs.toFixed(1)} ms`;
    },
  });
}
