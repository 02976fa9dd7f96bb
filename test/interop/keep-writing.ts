/**
 * Unmodified client libraries that write without pause, as applications do: each is told where the Sentinels are and
 * how the master is called, and nothing else. What they are asked afterwards: when did a write succeed again.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { createSentinel } from 'redis';
import { RecordedRedisClient } from './recorded-redis-client.ts';

export interface SentinelsOf {
  readonly ports: readonly number[];
  readonly name: string;
}

export interface Writing {
  /** Which client writes, as people call it. */
  readonly client: string;
  /** performance.now() of every write that was acknowledged. */
  readonly acceptedMs: number[];
  /** What went wrong last, for whoever waits in vain. */
  trouble: string;
  stop(): Promise<void>;
}

/** Pause between two writes, and before the next attempt. */
const EVERY_MS = 20;
const HOST = '127.0.0.1';

interface Client {
  readonly client: string;
  readonly write: () => Promise<unknown>;
  readonly end: () => unknown;
}

function keepWriting({ client, write, end }: Client): Writing {
  let stopped = false;
  const writing: Writing = {
    client,
    acceptedMs: [],
    trouble: '',
    async stop() {
      stopped = true;
      await done;
      await end();
    },
  };
  const loop = async (): Promise<void> => {
    while (!stopped) {
      try {
        await write();
        writing.acceptedMs.push(performance.now());
      } catch (error) {
        writing.trouble = String(error);
      }
      await pause(EVERY_MS);
    }
  };
  const done = loop();
  return writing;
}

interface IoredisOptions {
  readonly protocol: 2 | 3;
  readonly failoverDetector: boolean;
}

export function ioredis({ ports, name }: SentinelsOf, { protocol, failoverDetector }: IoredisOptions): Writing {
  const redis = new Redis({
    sentinels: ports.map((port) => ({ host: HOST, port })),
    name,
    protocol,
    failoverDetector,
    sentinelRetryStrategy: () => EVERY_MS,
    retryStrategy: () => EVERY_MS,
    maxRetriesPerRequest: 1,
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  const client = `ioredis RESP${protocol}${failoverDetector ? ' with its failover detector' : ''}`;
  // Without a listener it would be thrown; the writer is told of it by its write.
  redis.on('error', () => undefined);
  return keepWriting({ client, write: () => redis.set('interop', client), end: () => redis.disconnect() });
}

export async function nodeRedis({ ports, name }: SentinelsOf): Promise<Writing> {
  const redis = createSentinel({
    name,
    sentinelRootNodes: ports.map((port) => ({ host: HOST, port })),
    nodeClientOptions: { socket: { connectTimeout: 1000 } },
  });
  // As above.
  redis.on('error', () => undefined);
  await redis.connect();
  const client = 'node-redis';
  return keepWriting({ client, write: () => redis.set('interop', client), end: () => redis.destroy() });
}

const PYTHON = `
import sys, time
from redis.sentinel import Sentinel
ports, name = sys.argv[1].split(','), sys.argv[2]
sentinel = Sentinel([('127.0.0.1', int(port)) for port in ports], socket_timeout=1.0)
master = sentinel.master_for(name, socket_timeout=1.0)
while True:
    try:
        master.set('interop', 'python')
        print('ok', flush=True)
    except Exception as error:
        print(type(error).__name__, error, flush=True)
    time.sleep(0.02)
`;

/** The python3 that has redis-py: what comes first on the PATH may be another than Debian's package is for. */
function python(): string {
  const found = ['python3', '/usr/bin/python3'].find((each) => spawnSync(each, ['-c', 'import redis']).status === 0);
  if (found === undefined) throw new Error('redis-py is missing: run make deps');
  return found;
}

export function redisPy({ ports, name }: SentinelsOf): Writing {
  return otherProcess('redis-py', [python(), '-c', PYTHON, ports.join(','), name]);
}

/** A program that writes, and prints a line for each attempt: `ok`, or what went wrong. */
function otherProcess(client: string, [command = '', ...args]: readonly string[]): Writing {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const writing: Writing = {
    client,
    acceptedMs: [],
    trouble: '',
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'ok') writing.acceptedMs.push(performance.now());
    else writing.trouble = line;
  });
  return writing;
}

/** Between two attempts of its own predis pauses for a second, unless told otherwise. */
const PREDIS = `
[, $ports, $name] = $argv;
$sentinels = array_map(fn ($port) => "tcp://127.0.0.1:$port?timeout=1", explode(',', $ports));
$client = new Predis\\Client($sentinels, [
  'replication' => 'sentinel', 'service' => $name, 'parameters' => ['timeout' => 1, 'read_write_timeout' => 1],
]);
$connection = $client->getConnection();
$connection->setUpdateSentinels(true);
$connection->setRetryWait(${EVERY_MS});
`;
const PREDIS_WRITES = `
while (true) {
  try {
    $client->set('interop', 'predis');
    echo "ok\\n";
  } catch (Exception $error) {
    echo get_class($error), ' ', $error->getMessage(), "\\n";
  }
  usleep(${EVERY_MS} * 1000);
}
`;
/** Its list of Sentinels is its own affair: a function of its class looks at it. */
const PREDIS_LISTS = `
$connection->updateSentinels();
$sentinels = (function () { return $this->sentinels; })->call($connection);
$replicas = array_map(fn ($node) => $node->getParameters()->toArray(), $connection->getSlaves());
$address = fn ($node) => ['host' => $node['host'], 'port' => (int) $node['port']];
echo json_encode(['sentinels' => array_map($address, $sentinels), 'replicas' => array_map($address, $replicas)]);
`;
const PREDIS_FOLDER = fileURLToPath(new URL('../../.tools/predis/usr/share/php', import.meta.url));
/** PHP without its configuration, and without notices of what it will not have one day. */
const PHP = ['php', '-n', '-d', `include_path=${PREDIS_FOLDER}:/usr/share/php`, '-d', 'error_reporting=8191', '-r'];

function php(script: string, { ports, name }: SentinelsOf): string[] {
  if (spawnSync('php', [...PHP.slice(1), "require 'Predis/autoload.php';"]).status !== 0) {
    throw new Error('PHP or predis is missing: run make deps');
  }
  return [...PHP, `require 'Predis/autoload.php';${PREDIS}${script}`, ports.join(','), name];
}

export function predis(sentinels: SentinelsOf): Writing {
  return otherProcess('predis', php(PREDIS_WRITES, sentinels));
}

/** Where a client sees Sentinels and replicas. */
export interface Lists {
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  readonly replicas: Lists['sentinels'];
}

/** What predis reads by position. */
export function predisLists(sentinels: SentinelsOf): Lists {
  const [command = '', ...args] = php(PREDIS_LISTS, sentinels);
  const { stdout } = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(stdout) as Lists;
}

export function rubyRedisClient(sentinels: SentinelsOf): Writing {
  const redis = new RecordedRedisClient(sentinels.ports);
  return keepWriting({ client: 'redis-client (Ruby)', write: () => redis.write(), end: () => redis.close() });
}

/** Longest time without an acknowledged write since this moment, in milliseconds. */
export function gapMs({ acceptedMs }: Writing, sinceMs: number): number {
  const times = acceptedMs.filter((each) => each >= sinceMs);
  return times.reduce((longest, each, index) => Math.max(longest, each - (times[index - 1] ?? sinceMs)), 0);
}
