/**
 * Fetches the whole dataset of one Redis as an RDB, over a connection of its own, as `redis-cli --rdb` does.
 *
 * Not over the agent's link: what follows `SYNC` is no reply. Not by `BGSAVE` either: a full sync that begins
 * meanwhile kills its child, and its file overwrites the server's own. The server must be a master, or a replica
 * whose link is up. It lists us among its replicas until the connection ends.
 */
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { fullSyncs } from './commands.ts';
import type { Command, RedisTarget } from './link.ts';
import { RdbStream } from './rdb-stream.ts';

export interface RdbFetchBounds {
  /** Without a byte for so long, the server is given up; it sends an empty line each second while it prepares. */
  readonly idleTimeoutMs: number;
  /** For all of it. */
  readonly timeoutMs: number;
}

/** Why there is no dataset: `TIMEOUT`, `CLOSED`, `PROTOCOL`, the first word of Redis' error, or an errno's name. */
export class RdbFetchFault extends Error {
  override readonly name = 'RdbFetchFault';
  readonly code: string;

  constructor(code: string) {
    super(`the dataset could not be fetched: ${code}`);
    this.code = code;
  }
}

/**
 * `write` is given the RDB piece by piece and awaited, so that a slow disk slows the server and no memory fills;
 * `sizeBytes` is what the server announced, null where it streams without a length. Throws `RdbFetchFault`, and
 * whatever `write` throws.
 */
export async function fetchRdb(
  target: RedisTarget,
  bounds: RdbFetchBounds,
  write: (bytes: Buffer, sizeBytes: number | null) => Promise<void>,
): Promise<void> {
  const socket = createConnection({ host: target.host, port: target.port, noDelay: true });
  const give = (): void => void socket.destroy(new RdbFetchFault('TIMEOUT'));
  socket.setTimeout(bounds.idleTimeoutMs, give);
  const timer = setTimeout(give, bounds.timeoutMs);
  try {
    await receive(socket, target, write);
  } catch (error) {
    throw isErrno(error) && error.syscall !== undefined && SOCKET_CALLS.has(error.syscall)
      ? new RdbFetchFault(error.code ?? 'CLOSED')
      : error;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

const SOCKET_CALLS: ReadonlySet<string> = new Set(['connect', 'read', 'getaddrinfo']);

function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

async function receive(
  socket: Socket,
  target: RedisTarget,
  write: (bytes: Buffer, sizeBytes: number | null) => Promise<void>,
): Promise<void> {
  const questions = handshake(target);
  let owed = questions.length;
  const stream = new RdbStream();
  socket.write(questions.map(encode).join(''));
  for await (const data of socket) {
    let chunk = data as Buffer;
    while (owed > 0 && chunk.length > 0) {
      const end = chunk.indexOf(LINE_FEED);
      if (end < 0) break;
      refuseBadCredentials(chunk.toString('latin1', 0, end));
      chunk = chunk.subarray(end + 1);
      owed -= 1;
      // Redis refuses `SYNC` while a reply is still on its way, so it is not sent with the rest.
      if (owed === 0) socket.write(encode(['SYNC']));
    }
    if (owed > 0 || chunk.length === 0) continue;
    const pieces: Buffer[] = [];
    const progress = stream.push(chunk, (bytes) => pieces.push(bytes));
    for (const piece of pieces) await write(piece, stream.sizeBytes);
    if (progress.kind === 'refused') throw new RdbFetchFault(progress.code);
    if (progress.kind === 'end') return;
  }
  throw new RdbFetchFault('CLOSED');
}

const LINE_FEED = 0x0a;

/**
 * `rdb-only`: the server need not keep what it writes meanwhile. The server is fenced, and a fenced one may not hand
 * out its data, so that is lifted. Servers that do not know the one or the other say so, and go on.
 */
function handshake({ username, password }: RedisTarget): readonly Command[] {
  const auth: readonly Command[] = password
    ? [username ? ['AUTH', username, password] : ['AUTH', password]]
    : [];
  return [...auth, fullSyncs('open'), ['REPLCONF', 'capa', 'eof'], ['REPLCONF', 'rdb-only', '1']];
}

const CREDENTIAL_ERROR = /^-(WRONGPASS|NOAUTH|NOPERM)\b/;

function refuseBadCredentials(line: string): void {
  const code = CREDENTIAL_ERROR.exec(line)?.[1];
  if (code !== undefined) throw new RdbFetchFault(code);
}

function encode(command: Command): string {
  const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
  return `*${command.length}\r\n${parts.join('')}`;
}
