/**
 * `dictator list` over an ensemble of 1,000 services, the whole command: from the start of its process to its end. The
 * ensemble is one server of its own, and the services are records that nobody but us wrote.
 */
import { spawn } from 'node:child_process';

import { encodeMasterRecord, encodeRecord } from '../src/records/codec.ts';
import { servicePaths } from '../src/records/paths.ts';
import { connectZooKeeper } from '../src/zookeeper/index.ts';
import type { MultiOp, ZooKeeperClient } from '../src/zookeeper/index.ts';
import { addressOf, playedLease, playedMember, playedNode, playedTerm } from '../test/support/played-service.ts';
import type { ZooKeeperServer } from '../test/support/zookeeper-server.ts';
import type { Context } from './context.ts';
import { add, repeat, say, startBenchZooKeeper } from './context.ts';

const PROGRAM = 'dist/dictator.cjs';
const SERVICES = 1000;
/** Transactions under way at once while the records are written. */
const WRITING_MAX = 50;
/** Longer than writing them takes on a slow disk: leases are ours to keep. */
const SESSION_TIMEOUT_MS = 40_000;
const NODES = ['redis1', 'redis2', 'redis3'] as const;
const PARENTS = ['/dictator', '/services', '/services/redis'] as const;

interface Subject {
  readonly zookeeper: ZooKeeperServer;
  readonly session: ZooKeeperClient;
}

function recordsOf(service: string): readonly MultiOp[] {
  const paths = servicePaths(service);
  const keep = (path: string, data = ''): MultiOp => ({ op: 'create', path, data });
  const live = (path: string, data: string): MultiOp => ({ op: 'create', path, data, ephemeral: true });
  const { host, port } = addressOf('redis1', 6379);
  return [
    keep(paths.root), keep(paths.folder('members')), keep(paths.folder('nodes')), keep(paths.folder('ballots')),
    keep(paths.term, encodeRecord(playedTerm())),
    live(paths.lease, encodeRecord(playedLease())),
    ...NODES.map((name) => live(paths.of('members', name), encodeRecord(playedMember(name)))),
    ...NODES.map((name) => keep(paths.of('nodes', name), encodeRecord(playedNode(name)))),
    keep(paths.published),
    live(paths.masterRecord, encodeMasterRecord({ host, port: String(port), name: 'redis1' })),
  ];
}

async function fill(session: ZooKeeperClient): Promise<void> {
  for (const path of PARENTS) await session.create(path, '');
  for (let written = 0; written < SERVICES; written += WRITING_MAX) {
    const numbers = Array.from({ length: WRITING_MAX }, (_value, index) => String(written + index).padStart(4, '0'));
    await Promise.all(numbers.map((number) => session.multi(recordsOf(`service-${number}`))));
  }
}

function sessionOn({ port }: ZooKeeperServer): Promise<ZooKeeperClient> {
  const nothing = (): void => undefined;
  return new Promise((resolve) => {
    const hosts = [{ host: '127.0.0.1', port }];
    const session = connectZooKeeper({ hosts, sessionTimeoutMs: SESSION_TIMEOUT_MS }, {
      onConnected: () => resolve(session),
      onDisconnected: nothing,
      onExpired: nothing,
      onWatch: nothing,
    });
  });
}

async function open(): Promise<Subject> {
  const zookeeper = await startBenchZooKeeper();
  try {
    const session = await sessionOn(zookeeper);
    say(`list: writing the records of ${SERVICES} services`);
    await fill(session);
    return { zookeeper, session };
  } catch (error) {
    await zookeeper.stop();
    throw error;
  }
}

async function close({ zookeeper, session }: Subject): Promise<void> {
  await session.close();
  await zookeeper.stop();
}

/** Milliseconds of the whole command. */
function listed({ zookeeper }: Subject): Promise<number> {
  return new Promise((resolve, reject) => {
    const beganMs = performance.now();
    const args = [PROGRAM, 'list', '--json', '--zk', `127.0.0.1:${zookeeper.port}`];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.once('error', reject);
    child.once('close', (code) => {
      const tookMs = performance.now() - beganMs;
      if (code !== 0) return reject(new Error(`dictator list ended with ${String(code)}`));
      const { services } = JSON.parse(out) as { readonly services: readonly { readonly health: string }[] };
      const whole = services.filter(({ health }) => health === 'ok');
      if (whole.length === SERVICES) resolve(tookMs);
      else reject(new Error(`dictator list shows ${whole.length} whole services of ${services.length}`));
    });
  });
}

export async function measureList(context: Context): Promise<void> {
  await repeat(context, {
    name: 'list',
    runs: context.options.runs,
    open,
    close,
    run: async (subject) => {
      const tookMs = await listed(subject);
      add(context, 'list', tookMs);
      return `${tookMs.toFixed(0)} ms`;
    },
  });
}
