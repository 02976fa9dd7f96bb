/**
 * A server that speaks enough of the Redis protocol to be looked at: it answers INFO and CONFIG GET with what the
 * test says it is (a server that this machine does not have), and remembers every command that would change it.
 */
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface FakeRedisOptions {
  /** Fields of INFO, over those of an empty Redis 7 master. */
  readonly info: Readonly<Record<string, string>>;
  /** Answers to CONFIG GET, by parameter. */
  readonly config?: Readonly<Record<string, string>>;
}

export interface FakeRedis {
  readonly port: number;
  /** How often it was asked for INFO. */
  readonly looks: number;
  /** Every command that is no question, as one text each. */
  readonly touched: readonly string[];
  stop(): Promise<void>;
}

const EMPTY_MASTER: Readonly<Record<string, string>> = {
  redis_version: '7.0.15',
  redis_mode: 'standalone',
  process_id: '4242',
  run_id: 'f'.repeat(40),
  uptime_in_seconds: '1000',
  loading: '0',
  rdb_changes_since_last_save: '0',
  role: 'master',
  connected_slaves: '0',
  master_replid: 'e'.repeat(40),
  master_replid2: '0'.repeat(40),
  master_repl_offset: '0',
  second_repl_offset: '-1',
  repl_backlog_active: '0',
  repl_backlog_size: '1048576',
};

/** What changes nothing, neither data nor settings nor anybody's connection. */
const QUESTIONS = ['INFO', 'CONFIG GET', 'ROLE', 'PING', 'HELLO', 'CLIENT SETNAME', 'CLIENT SETINFO', 'SELECT', 'AUTH'];

/** Commands of a buffer of RESP arrays; what is not complete stays for the next data. */
function takeCommands(buffer: Buffer): { commands: string[][]; rest: Buffer } {
  const commands: string[][] = [];
  let at = 0;
  for (;;) {
    const taken = takeCommand(buffer, at);
    if (taken === null) return { commands, rest: buffer.subarray(at) };
    commands.push(taken.words);
    at = taken.end;
  }
}

function takeCommand(buffer: Buffer, start: number): { words: string[]; end: number } | null {
  const head = takeNumber(buffer, start);
  if (head === null) return null;
  const words: string[] = [];
  let at = head.end;
  for (let word = 0; word < head.value; word++) {
    const length = takeNumber(buffer, at);
    if (length === null || length.end + length.value + 2 > buffer.length) return null;
    words.push(buffer.toString('utf8', length.end, length.end + length.value));
    at = length.end + length.value + 2;
  }
  return { words, end: at };
}

/** The number of a `*2` or `$5` line. */
function takeNumber(buffer: Buffer, start: number): { value: number; end: number } | null {
  const end = buffer.indexOf('\r\n', start);
  return end < 0 ? null : { value: Number(buffer.toString('utf8', start + 1, end)), end: end + 2 };
}

function bulk(text: string): string {
  return `$${String(Buffer.byteLength(text))}\r\n${text}\r\n`;
}

/** Whether a pattern with `*` matches a parameter's name. */
function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[^\w-]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(name);
}

export async function startFakeRedis({ info, config = {} }: FakeRedisOptions): Promise<FakeRedis> {
  const fields = Object.entries({ ...EMPTY_MASTER, ...info });
  const text = ['# Server', ...fields.map(([name, value]) => `${name}:${value}`), '# Keyspace', ''].join('\r\n');
  const touched: string[] = [];
  const sockets = new Set<Socket>();
  let looks = 0;

  function answer(words: readonly string[]): string {
    const [name = '', second = '', third = ''] = words;
    const verb = name.toUpperCase();
    const known = [verb, `${verb} ${second.toUpperCase()}`].find((each) => QUESTIONS.includes(each));
    if (known === undefined) touched.push(words.join(' '));
    if (known === 'INFO') {
      looks += 1;
      return bulk(text);
    }
    if (known === 'CONFIG GET') {
      const found = Object.entries(config).filter(([parameter]) => matches(third, parameter)).flat();
      return `*${String(found.length)}\r\n${found.map(bulk).join('')}`;
    }
    return verb === 'HELLO' ? '-ERR unknown command\r\n' : '+OK\r\n';
  }

  const server = createServer((socket) => {
    let rest: Buffer = Buffer.alloc(0);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      const taken = takeCommands(Buffer.concat([rest, chunk]));
      rest = taken.rest;
      socket.write(taken.commands.map(answer).join(''));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get looks() {
      return looks;
    },
    touched,
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
