/**
 * The smallest client that can talk to a Redis in tests, bench and demo. It is deliberately not the driver of
 * `src/redis`: what a test asserts must not pass through what it tests.
 */
import { createConnection, type Socket } from 'node:net';

export type RawReply = string | number | null | RawRedisError | readonly RawReply[];

/** An error as Redis worded it; `code` is its first word (READONLY, NOREPLICAS, LOADING ...). */
export class RawRedisError extends Error {
  override readonly name = 'RawRedisError';
  readonly code: string;

  constructor(text: string) {
    super(text);
    this.code = text.split(' ', 1)[0] ?? 'ERR';
  }
}

export interface RawRedis {
  /** Rejects with `RawRedisError` when Redis answers an error, with an `Error` when the connection ends first. */
  cmd(...args: readonly (string | number)[]): Promise<RawReply>;
  close(): void;
  readonly open: boolean;
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;
}

interface Waiter {
  resolve(reply: RawReply): void;
  reject(error: Error): void;
}

export interface RawOptions {
  readonly host?: string;
  readonly password?: string;
  /** A Unix socket instead of host and port. */
  readonly path?: string;
  /** Default: as long as the kernel tries. */
  readonly connectTimeoutMs?: number;
}

/** Connects, and authenticates where a password is given. Rejects when refused. */
export async function connectRaw(port: number, options: RawOptions = {}): Promise<RawRedis> {
  const socket = options.path === undefined
    ? createConnection({ host: options.host ?? '127.0.0.1', port, noDelay: true })
    : createConnection({ path: options.path });
  await new Promise<void>((resolve, reject) => {
    const limit = options.connectTimeoutMs === undefined ? undefined : setTimeout(() => {
      socket.destroy(new Error('no connection in time'));
    }, options.connectTimeoutMs);
    const settle = (done: () => void) => (): void => {
      clearTimeout(limit);
      done();
    };
    socket.once('connect', settle(resolve));
    socket.once('error', (error) => settle(() => reject(error))());
  });
  const client = rawClient(socket);
  if (options.password !== undefined) await client.cmd('AUTH', options.password);
  return client;
}

function rawClient(socket: Socket): RawRedis {
  const waiters: Waiter[] = [];
  let buffer: Buffer = Buffer.alloc(0);
  let open = true;
  const closed = new Promise<void>((resolve) => {
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      open = false;
      for (const waiter of waiters.splice(0)) waiter.reject(new Error('connection to Redis ended'));
      resolve();
    });
  });
  socket.on('data', (chunk: Buffer) => {
    buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk]);
    for (let parsed = parseReply(buffer, 0); parsed !== null; parsed = parseReply(buffer, 0)) {
      buffer = buffer.subarray(parsed.next);
      const waiter = waiters.shift();
      if (parsed.reply instanceof RawRedisError) waiter?.reject(parsed.reply);
      else waiter?.resolve(parsed.reply);
    }
  });
  return {
    cmd: (...args) => new Promise<RawReply>((resolve, reject) => {
      if (!open) {
        reject(new Error('connection to Redis ended'));
        return;
      }
      waiters.push({ resolve, reject });
      socket.write(encode(args));
    }),
    close: () => socket.destroy(),
    get open() { return open; },
    closed,
  };
}

function encode(args: readonly (string | number)[]): string {
  const parts = args.map(String).map((arg) => `$${String(Buffer.byteLength(arg))}\r\n${arg}\r\n`);
  return `*${String(args.length)}\r\n${parts.join('')}`;
}

interface Parsed {
  readonly reply: RawReply;
  readonly next: number;
}

/** The reply that begins at `start`, or null when it has not fully arrived. */
function parseReply(buffer: Buffer, start: number): Parsed | null {
  const lineEnd = buffer.indexOf('\r\n', start);
  if (lineEnd < 0) return null;
  const line = buffer.toString('utf8', start + 1, lineEnd);
  const next = lineEnd + 2;
  switch (String.fromCharCode(buffer[start] ?? 0)) {
    case '+': return { reply: line, next };
    case '-': return { reply: new RawRedisError(line), next };
    case ':': return { reply: Number(line), next };
    case '$': return parseBulk(buffer, Number(line), next);
    case '*': return parseArray(buffer, Number(line), next);
    default: throw new Error(`not a reply of Redis: ${line.slice(0, 40)}`);
  }
}

function parseBulk(buffer: Buffer, length: number, start: number): Parsed | null {
  if (length < 0) return { reply: null, next: start };
  if (buffer.length < start + length + 2) return null;
  return { reply: buffer.toString('utf8', start, start + length), next: start + length + 2 };
}

function parseArray(buffer: Buffer, count: number, start: number): Parsed | null {
  if (count < 0) return { reply: null, next: start };
  const items: RawReply[] = [];
  let next = start;
  for (let i = 0; i < count; i += 1) {
    const parsed = parseReply(buffer, next);
    if (parsed === null) return null;
    items.push(parsed.reply);
    next = parsed.next;
  }
  return { reply: items, next };
}
