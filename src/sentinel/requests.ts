/**
 * Reads requests off a byte stream: RESP arrays of bulk strings, or one line (inline), as Redis takes them.
 *
 * Bounded in every dimension, more tightly until the client proved who it is; whatever exceeds a bound is an error that
 * ends the connection, in the words of Redis. How the bytes are cut into chunks makes no difference to what is read.
 */
import { splitInline } from './inline.ts';

export interface RequestBounds {
  readonly argumentsMax: number;
  /** All arguments of one request together. */
  readonly requestBytesMax: number;
  readonly lineBytesMax: number;
  /** Not proved who it is: Redis words its refusals differently then. */
  readonly guest: boolean;
}

export type Read =
  /** At least one argument. */
  | { readonly kind: 'request'; readonly args: readonly string[] }
  | { readonly kind: 'more' }
  /** The stream cannot be read on; `message` is what the client is told. */
  | { readonly kind: 'broken'; readonly message: string };

const LF = 0x0a;
const CR = 0x0d;
const ASTERISK = 0x2a;
const DOLLAR = 0x24;
const EMPTY = Buffer.alloc(0);
const MORE: Read = { kind: 'more' };
const COUNT = /^-?\d{1,10}$/;

export class RequestReader {
  private bytes: Buffer = EMPTY;
  private at = 0;
  /** The array under way: arguments still to come, those read, and their bytes. */
  private missing = 0;
  private args: string[] = [];
  private argBytes = 0;
  /** Length of the bulk string whose header was read, or -1. */
  private bulk = -1;

  /** Bytes that were received and not yet read. */
  get pending(): number {
    return this.bytes.length - this.at;
  }

  push(chunk: Buffer): void {
    this.bytes = this.pending === 0 ? chunk : Buffer.concat([this.bytes.subarray(this.at), chunk]);
    this.at = 0;
  }

  /** The next whole request. After `broken` the reader is of no more use. */
  next(bounds: RequestBounds): Read {
    for (;;) {
      const read = this.missing > 0 ? this.part(bounds) : this.start(bounds);
      if (read === null) continue;
      if (read.kind === 'more') this.release();
      return read;
    }
  }

  /** A chunk that was read to its end is not held on to. */
  private release(): void {
    if (this.pending > 0) return;
    this.bytes = EMPTY;
    this.at = 0;
  }

  /** A line without its end; null when it is not there yet, undefined when it is too long. A lone LF ends one, too. */
  private line(bounds: RequestBounds): string | null | undefined {
    const end = this.bytes.indexOf(LF, this.at);
    if (end < 0) return this.pending > bounds.lineBytesMax ? undefined : null;
    if (end - this.at > bounds.lineBytesMax) return undefined;
    const stop = end > this.at && this.bytes[end - 1] === CR ? end - 1 : end;
    const line = this.bytes.toString('utf8', this.at, stop);
    this.at = end + 1;
    return line;
  }

  private start(bounds: RequestBounds): Read | null {
    if (this.pending === 0) return MORE;
    const isArray = this.bytes[this.at] === ASTERISK;
    const line = this.line(bounds);
    if (line === null) return MORE;
    if (line === undefined) return broken(isArray ? 'too big mbulk count string' : 'too big inline request');
    if (!isArray) {
      const args = splitInline(line);
      if (args === null) return broken('unbalanced quotes in request');
      return args.length === 0 ? null : { kind: 'request', args };
    }
    const count = COUNT.test(line.slice(1)) ? Number(line.slice(1)) : Number.NaN;
    if (Number.isNaN(count)) return broken('invalid multibulk length');
    if (count > bounds.argumentsMax) return broken(`${bounds.guest ? 'unauthenticated' : 'invalid'} multibulk length`);
    this.missing = Math.max(0, count);
    this.args = [];
    this.argBytes = 0;
    return null;
  }

  private part(bounds: RequestBounds): Read | null {
    if (this.bulk < 0) {
      const header = this.header(bounds);
      if (header !== null) return header;
    }
    // With the CRLF behind it.
    if (this.pending < this.bulk + 2) return MORE;
    this.args.push(this.bytes.toString('utf8', this.at, this.at + this.bulk));
    this.at += this.bulk + 2;
    this.bulk = -1;
    this.missing -= 1;
    if (this.missing > 0) return null;
    const { args } = this;
    this.args = [];
    return { kind: 'request', args };
  }

  private header(bounds: RequestBounds): Read | null {
    if (this.pending === 0) return MORE;
    const first = this.bytes[this.at] ?? 0;
    const line = this.line(bounds);
    if (line === null) return MORE;
    if (line === undefined) return broken('too big bulk count string');
    if (first !== DOLLAR) return broken(`expected '$', got '${printable(first)}'`);
    const length = COUNT.test(line.slice(1)) ? Number(line.slice(1)) : -1;
    if (length < 0) return broken('invalid bulk length');
    this.argBytes += length;
    if (this.argBytes > bounds.requestBytesMax) {
      return broken(`${bounds.guest ? 'unauthenticated' : 'invalid'} bulk length`);
    }
    this.bulk = length;
    return null;
  }
}

function broken(what: string): Read {
  return { kind: 'broken', message: `ERR Protocol error: ${what}` };
}

function printable(byte: number): string {
  return byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '?';
}
