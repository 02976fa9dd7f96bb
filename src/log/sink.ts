/**
 * Where lines go: a file descriptor, written at once, so that nothing is lost when the process ends.
 *
 * The trap is a reader that stands still (`dictator | less`, a stuck log driver): a blocking write to its full pipe
 * would stop the agent, which then can neither keep its lease nor fence. So a pipe is opened a second time without
 * blocking; what it does not take waits in a bounded buffer, and what does not fit there is counted, not kept. A
 * descriptor that cannot be opened again (a socket, a pipe of another user) is written as it is.
 */
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';

export interface Sink {
  write(line: string): void;
  /** Lines that found the buffer full since last asked; asked in vain (0) until there is room to tell it. */
  takeDropped(): number;
  /** Writes what is buffered, waiting for the reader for `CLOSE_WAIT_MS` at most. */
  close(): void;
}

export const BUFFER_BYTES_MAX = 1024 * 1024;
/** How often a full pipe is tried again while nothing new is logged. */
const RETRY_MS = 100;
const CLOSE_WAIT_MS = 200;
const CLOSE_POLL_MS = 5;

export function openSink(fd: number): Sink {
  const own = reopenWithoutBlocking(fd);
  return own === undefined ? new FdSink(fd, false) : new FdSink(own, true);
}

function reopenWithoutBlocking(fd: number): number | undefined {
  try {
    if (!fstatSync(fd).isFIFO()) return undefined;
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (!hasCode(error)) throw error;
    return undefined; // ENOENT without /proc, EACCES for another user's pipe, EBADF when closed: write as it is.
  }
}

class FdSink implements Sink {
  readonly #fd: number;
  readonly #isOwn: boolean;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #droppedLines = 0;
  #retry: NodeJS.Timeout | undefined;
  #open = true;

  constructor(fd: number, isOwn: boolean) {
    this.#fd = fd;
    this.#isOwn = isOwn;
  }

  write(line: string): void {
    if (!this.#open) return;
    const bytes = Buffer.from(line);
    if (this.#pendingBytes + bytes.length > BUFFER_BYTES_MAX) this.#droppedLines += 1;
    else this.#append(bytes);
    this.#flush();
  }

  takeDropped(): number {
    if (this.#pendingBytes > BUFFER_BYTES_MAX / 2) return 0;
    const dropped = this.#droppedLines;
    this.#droppedLines = 0;
    return dropped;
  }

  close(): void {
    const tries = CLOSE_WAIT_MS / CLOSE_POLL_MS;
    for (let left = tries; left > 0 && this.#pendingBytes > 0; left -= 1) {
      this.#flush();
      if (this.#pendingBytes > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, CLOSE_POLL_MS);
    }
    clearTimeout(this.#retry);
    if (this.#open && this.#isOwn) closeSync(this.#fd);
    this.#open = false;
  }

  #append(bytes: Buffer): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
  }

  #flush(): void {
    for (let bytes = this.#pending[0]; bytes !== undefined; bytes = this.#pending[0]) {
      const written = writeSome(this.#fd, bytes);
      this.#pendingBytes -= written;
      if (written < bytes.length) {
        this.#pending[0] = bytes.subarray(written);
        this.#retrySoon();
        return;
      }
      this.#pending.shift();
    }
  }

  #retrySoon(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#flush();
    }, RETRY_MS).unref();
  }
}

/** Bytes taken: fewer than given when the pipe is full, all of them when nobody will ever read them. */
function writeSome(fd: number, bytes: Buffer): number {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    if (!hasCode(error)) throw error;
    // EPIPE, ENOSPC, EIO: the agent serves Redis, with or without a log. Only a full pipe is worth another try.
    return error.code === 'EAGAIN' ? 0 : bytes.length;
  }
}

const hasCode = (error: unknown): error is Error & { readonly code: unknown } =>
  error instanceof Error && 'code' in error;
