// Requests that were written and not answered yet, in the order of their writing, which is the order of their answers.
//
// A request that is not answered in time is rejected but stays in its place, marked, until its answer or the end of
// the connection: were it removed, the next answer would be taken for somebody else's. That also keeps the bound
// honest, since what the server still owes us is still counted.

import { JuteError, type JuteReader } from './codec.ts';
import { serverError, ZooKeeperError, type ZooKeeperErrorCode } from './errors.ts';
import type { ReplyHeader } from './protocol.ts';

/** Unanswered requests of one connection; beyond it a request is rejected with QUEUE_FULL. */
export const IN_FLIGHT_MAX = 1000;
/** Bytes of the unanswered requests, which a server that reads nothing leaves in our memory. */
export const IN_FLIGHT_BYTES_MAX = 8 * 1024 * 1024;

export interface Request {
  readonly xid: number;
  /** User path, for errors. */
  readonly path: string;
  readonly frame: Buffer;
  /** Called with the server's error number (0 = none) before the promise is settled, even after its time ran out. */
  readonly onReply?: (error: number) => void;
  /** Decodes the answer, given with its zxid, and settles the promise. */
  readonly resolve: (reader: JuteReader, zxid: bigint) => void;
  readonly reject: (error: Error) => void;
}

interface Entry {
  readonly request: Request;
  readonly deadlineMs: number;
  settled: boolean;
}

export class InFlight {
  readonly #timeoutMs: number;
  // All requests have the same timeout, so deadlines are in order and one timer, for the first open one, is enough.
  #entries: Entry[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  get size(): number {
    return this.#entries.length;
  }

  hasRoomFor(frameBytes: number): boolean {
    return this.#entries.length < IN_FLIGHT_MAX && this.#bytes + frameBytes <= IN_FLIGHT_BYTES_MAX;
  }

  add(request: Request): void {
    this.#entries.push({ request, deadlineMs: performance.now() + this.#timeoutMs, settled: false });
    this.#bytes += request.frame.length;
    if (this.#timer === null) this.#arm(this.#timeoutMs);
  }

  /** Settles the oldest request with its answer. Throws JuteError when the answer is not its own. */
  reply(header: ReplyHeader, reader: JuteReader): void {
    const entry = this.#entries.shift();
    if (entry?.request.xid !== header.xid) {
      // Put back, so that it is rejected with the rest when the connection is dropped.
      if (entry !== undefined) this.#entries.unshift(entry);
      throw new JuteError(`answer ${String(header.xid)} to request ${String(entry?.request.xid ?? 'none')}`);
    }
    const { request } = entry;
    this.#bytes -= request.frame.length;
    request.onReply?.(header.error);
    if (entry.settled) return;
    entry.settled = true;
    if (header.error === 0) resolveWith(request, reader, header.zxid);
    else request.reject(serverError(header.error, request.path));
  }

  rejectAll(code: ZooKeeperErrorCode): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const entries = this.#entries;
    this.#entries = [];
    this.#bytes = 0;
    for (const entry of entries) {
      if (!entry.settled) entry.request.reject(new ZooKeeperError(code, entry.request.path));
    }
  }

  #arm(delayMs: number): void {
    this.#timer = setTimeout(() => {
      // A process that was stopped or busy finds its timers due before it read its sockets: let it read first, the
      // answer may be lying there. `setImmediate` runs after the poll for input.
      setImmediate(() => {
        if (this.#timer !== null) this.#rejectOverdue();
      });
    }, Math.max(1, Math.ceil(delayMs)));
  }

  #rejectOverdue(): void {
    this.#timer = null;
    const now = performance.now();
    for (const entry of this.#entries) {
      if (entry.settled) continue;
      if (entry.deadlineMs > now) {
        this.#arm(entry.deadlineMs - now);
        return;
      }
      entry.settled = true;
      entry.request.reject(new ZooKeeperError('OPERATION_TIMEOUT', entry.request.path));
    }
  }
}

// An answer that cannot be decoded must not leave its request unanswered; the connection is dropped by the caller.
function resolveWith(request: Request, reader: JuteReader, zxid: bigint): void {
  try {
    request.resolve(reader, zxid);
  } catch (error) {
    if (error instanceof JuteError) request.reject(new ZooKeeperError('CONNECTION_LOSS', request.path));
    throw error;
  }
}
