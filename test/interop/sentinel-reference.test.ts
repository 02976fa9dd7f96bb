/**
 * The same questions to an agent and to a live Redis Sentinel that watches the same servers. Replies must be the same
 * byte for byte, or of the same structure where they tell of times and identities, in RESP2 and in RESP3; what differs
 * on purpose is listed here, and explained in docs/sentinel.md.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { connectRaw } from '../support/raw-redis.ts';
import { findRedisServer } from '../support/redis-server.ts';
import { QUICK_SYNC } from '../support/scene.ts';
import { startService } from '../support/service.ts';
import type { Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

const NAME = 'mymaster';
/** It watches, and must never act. */
const NEVER_MS = 3_600_000;
/** It asks for INFO every 10 s. */
const SEEN_MS = 60_000;
const running: ChildProcess[] = [];
const talks: Talk[] = [];
let service: Service;
let ours: Talk;
let theirs: Talk;

/** Raw replies, one request after the other. */
class Talk {
  private readonly socket: Socket;
  private heard = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8').on('data', (text: string) => (this.heard += text));
  }

  static async open(port: number): Promise<Talk> {
    const socket = createConnection(port, '127.0.0.1');
    await once(socket, 'connect');
    const talk = new Talk(socket);
    talks.push(talk);
    return talk;
  }

  /** The bytes that answer it: what came before the answer to a PING behind it. */
  async ask(request: string): Promise<string> {
    const end = '$5\r\nended\r\n';
    this.socket.write(`${request}\r\nPING ended\r\n`);
    await waitFor(() => this.heard.endsWith(end), `an answer to ${request}`);
    const { heard } = this;
    this.heard = '';
    return heard.slice(0, -end.length);
  }

  close(): void {
    this.socket.destroy();
  }
}

async function startSentinel(masterPort: number): Promise<number> {
  const port = await freePort();
  const file = join(service.folder, `sentinel-${port}.conf`);
  writeFileSync(file, [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${service.folder}`,
    `logfile sentinel-${port}.log`,
    `sentinel monitor ${NAME} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${NAME} ${NEVER_MS}`,
    '',
  ].join('\n'));
  const child = spawn(findRedisServer(), [file, '--sentinel'], { stdio: 'ignore' });
  running.push(child);
  await waitFor(async () => {
    const client = await connectRaw(port);
    client.close();
    return true;
  }, 'a Sentinel to answer');
  return port;
}

beforeAll(async () => {
  // Long, so that an agent which gets little of the machine still knows who is master.
  const config = { zk_session_timeout_ms: 10_000, down_after_ms: 10_000 };
  service = await startService({ nodes: 2, sentinel: { master_name: NAME }, redisArgs: QUICK_SYNC, config });
  const { master } = await service.settled();
  const ports = [await startSentinel(master.redis.port), await startSentinel(master.redis.port)];
  ours = await Talk.open(master.sentinelPort ?? 0);
  theirs = await Talk.open(ports[0] ?? 0);
  for (const talk of [ours, theirs]) {
    await waitFor(async () => {
      const told = await talk.ask(`SENTINEL MASTER ${NAME}`);
      return told.includes('num-slaves\r\n$1\r\n1\r\n') && told.includes('num-other-sentinels\r\n$1\r\n1\r\n');
    }, 'one replica and one other Sentinel', SEEN_MS);
    await waitFor(async () => {
      const entries = await talk.ask(`SENTINEL REPLICAS ${NAME}`);
      return entries.includes('master-link-status\r\n$2\r\nok') && entries.includes('flags\r\n$5\r\nslave\r\n');
    }, 'the replica to be seen with its link up', SEEN_MS);
  }
}, 120_000);

afterAll(async () => {
  for (const talk of talks) talk.close();
  for (const child of running) child.kill('SIGKILL');
  await service.stop();
});

const SAME = [
  'PING', 'PING hello', 'PING a b', 'ROLE', 'GET x', 'SET x y', 'CLIENT bla', 'CLIENT SETNAME me', 'CLIENT GETNAME',
  'CLIENT SETNAME', 'HELLO 4', 'HELLO x', 'HELLO 2 BLA', 'PUBLISH a b', 'PUBLISH __sentinel__:hello x', 'AUTH x',
  'AUTH a b', 'AUTH a b c', 'INFO replication', 'INFO nothing', 'SENTINEL', 'SENTINEL bla', 'SENTINEL MASTER',
  'SENTINEL MASTER nope', 'SENTINEL MASTERS x', 'SENTINEL REPLICAS nope', 'SENTINEL SLAVES', 'SENTINEL SENTINELS nope',
  `SENTINEL GET-MASTER-ADDR-BY-NAME ${NAME}`, 'SENTINEL GET-MASTER-ADDR-BY-NAME nope', `SENTINEL CKQUORUM ${NAME}`,
  'SENTINEL CKQUORUM nope', 'SENTINEL FAILOVER nope', 'SENTINEL RESET nope', 'SENTINEL PENDING-SCRIPTS',
  'SENTINEL FLUSHCONFIG', 'SENTINEL REMOVE nope', `SENTINEL MONITOR ${NAME} 127.0.0.1 1 1`,
  'SENTINEL SET nope quorum 2',
  `SENTINEL SET ${NAME} bla 1`, `SENTINEL SET ${NAME} quorum x`, `SENTINEL SET ${NAME} quorum 2`, 'SENTINEL CONFIG bla',
  'SENTINEL SET', `SENTINEL SET ${NAME}`, `SENTINEL SET ${NAME} quorum 0`, `SENTINEL SET ${NAME} rename-command a`,
  `SENTINEL SET ${NAME} parallel-syncs 1 quorum 2`, 'SENTINEL RESET', 'SENTINEL CONFIG GET', 'SENTINEL CONFIG GET nope',
  'SENTINEL INFO-CACHE nope', 'SENTINEL DEBUG bla 1', 'SENTINEL SIMULATE-FAILURE', 'SENTINEL SIMULATE-FAILURE help',
  'SENTINEL SIMULATE-FAILURE bla', 'INFO sentinel', 'TIME', 'CONFIG GET x', 'SSUBSCRIBE x', 'CLIENT',
  'CLIENT SETNAME "a b"', 'CLIENT REPLY bla', 'CLIENT NO-EVICT on', 'CLIENT NO-EVICT bla', 'CLIENT TRACKING bla',
  'CLIENT KILL', 'CLIENT KILL 1.2.3.4:5', 'CLIENT KILL ID 99999', 'CLIENT KILL ID x', 'CLIENT KILL TYPE bla',
  'CLIENT KILL TYPE normal SKIPME bla', 'CLIENT KILL BLA x', 'CLIENT KILL USER nobody', 'CLIENT LIST TYPE bla',
  'CLIENT PAUSE x', 'CLIENT PAUSE -1', 'CLIENT PAUSE 1 BLA', 'CLIENT PAUSE 1 WRITE', 'CLIENT UNPAUSE',
  'CLIENT UNBLOCK 99999', 'CLIENT UNBLOCK x', 'CLIENT UNBLOCK 1 BLA', 'COMMAND BLA', 'COMMAND INFO nope',
  'COMMAND LIST x', 'COMMAND LIST FILTERBY PATTERN pi*', 'COMMAND GETKEYS', 'COMMAND GETKEYS GET x',
  'COMMAND GETKEYS SENTINEL MASTERS', 'COMMAND GETKEYSANDFLAGS SENTINEL MASTERS', 'ACL', 'ACL BLA', 'ACL WHOAMI',
  'ACL USERS', 'ACL LIST', 'ACL LOG RESET',
  'SENTINEL IS-MASTER-DOWN-BY-ADDR 10.9.8.7 1 0 *', 'SENTINEL IS-MASTER-DOWN-BY-ADDR x y z *', 'sentinel masters bla',
];

/** What is not of the structure: texts and numbers. */
function structure(reply: string): string {
  return reply.replace(/\$(\d+)\r\n([\s\S]*?)\r\n/g, (_whole, _length, text: string) => (
    /^[a-z][a-z-]+$/i.test(text) ? `"${text}" ` : '"" '
  )).replace(/:\d+\r\n/g, ': ');
}

describe.each([2, 3])('in RESP%i', (protocol) => {
  beforeAll(async () => {
    for (const talk of [ours, theirs]) await talk.ask(`HELLO ${protocol}`);
  });

  test.each(SAME)('%s is answered byte for byte', async (request) => {
    expect(await ours.ask(request)).toBe(await theirs.ask(request));
  });

  test.each([
    'SENTINEL MASTERS', `SENTINEL MASTER ${NAME}`, `SENTINEL REPLICAS ${NAME}`, `SENTINEL SLAVES ${NAME}`,
    `SENTINEL SENTINELS ${NAME}`, 'SENTINEL MYID', 'CLIENT ID', 'SENTINEL CONFIG GET announce-*',
    'SENTINEL DEBUG',
  ])('%s has the same structure, and the same words', async (request) => {
    expect(structure(await ours.ask(request))).toBe(structure(await theirs.ask(request)));
  });

  test('a subscriber is answered byte for byte', async () => {
    const address = `SENTINEL GET-MASTER-ADDR-BY-NAME ${NAME}`;
    for (const request of [
      'SUBSCRIBE a b', 'PSUBSCRIBE c*', 'PING', 'PING x', address, 'GET x', 'UNSUBSCRIBE a', 'UNSUBSCRIBE',
      'PUNSUBSCRIBE', 'UNSUBSCRIBE', 'PUNSUBSCRIBE x', address, 'PING',
    ]) expect(await ours.ask(request), request).toBe(await theirs.ask(request));
  });

  test.each(['MASTER', 'REPLICAS'])('the entry of %s agrees in everything that is not a time', async (kind) => {
    const [mine, reference] = [await entry(ours, kind), await entry(theirs, kind)];
    const times = /ago|time|ping|refresh|down-after|offset|epoch|failover-timeout/;
    for (const [field, value] of reference) {
      if (!times.test(field)) expect([field, mine.get(field)]).toEqual([field, value]);
    }
  });

  test('INFO has no field that a Sentinel has not, but for one of later ones and our version', async () => {
    const [mine, reference] = [await infoNames(ours), await infoNames(theirs)];
    expect(mine.filter((name) => !reference.includes(name))).toEqual(['dictator_version', 'pubsub_clients']);
    const looked = ['# Server', 'redis_version', 'redis_mode', 'run_id', 'tcp_port', '# Sentinel', 'master0'];
    expect(mine).toEqual(expect.arrayContaining(looked));
  });

  test('HELLO has the same fields', async () => {
    const fields = async (talk: Talk): Promise<string> => structure(await talk.ask(`HELLO ${protocol}`));
    expect(await fields(ours)).toBe(await fields(theirs));
  });
});

/** Names of the sections and fields of INFO, as they come. */
async function infoNames(talk: Talk): Promise<readonly string[]> {
  const [, ...lines] = (await talk.ask('INFO')).split('\r\n').filter((line) => line !== '');
  return lines.map((line) => line.split(':')[0]!);
}

async function entry(talk: Talk, kind: string): Promise<ReadonlyMap<string, string>> {
  const reply = await talk.ask(`SENTINEL ${kind} ${NAME}`);
  const texts = [...reply.matchAll(/\$\d+\r\n(.*)\r\n/g)].map((found) => found[1]!);
  return new Map(texts.flatMap((text, index) => (index % 2 === 0 ? [[text, texts[index + 1]!] as const] : [])));
}
