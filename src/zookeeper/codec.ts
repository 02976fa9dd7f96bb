// "Jute", ZooKeeper's encoding: big-endian integers, one-byte booleans, buffers, strings and vectors with a 4-byte
// length (-1 = null), and each message preceded by its length. The reader treats its input as hostile: whatever the
// bytes, it returns a value or throws JuteError; it never reads past the end and never allocates by a claimed length.

const LENGTH_BYTES = 4;
const FIRST_CAPACITY_BYTES = 256;

/** The bytes are not what the protocol says; the connection they came from cannot be trusted any further. */
export class JuteError extends Error {
  override readonly name = 'JuteError';
}

export class JuteWriter {
  #bytes = Buffer.allocUnsafe(FIRST_CAPACITY_BYTES);
  // The frame's own length comes first and is filled in by `frame`.
  #end = LENGTH_BYTES;

  int(value: number): this {
    this.#reserve(4);
    this.#end = this.#bytes.writeInt32BE(value, this.#end);
    return this;
  }

  long(value: bigint): this {
    this.#reserve(8);
    this.#end = this.#bytes.writeBigInt64BE(value, this.#end);
    return this;
  }

  boolean(value: boolean): this {
    this.#reserve(1);
    this.#end = this.#bytes.writeUInt8(value ? 1 : 0, this.#end);
    return this;
  }

  buffer(value: Buffer | null): this {
    if (value === null) return this.int(-1);
    this.int(value.length);
    this.#reserve(value.length);
    value.copy(this.#bytes, this.#end);
    this.#end += value.length;
    return this;
  }

  string(value: string): this {
    return this.buffer(Buffer.from(value, 'utf8'));
  }

  vector<T>(values: readonly T[], write: (value: T) => void): this {
    this.int(values.length);
    for (const value of values) write(value);
    return this;
  }

  /** The whole message with its length in front. */
  frame(): Buffer {
    this.#bytes.writeInt32BE(this.#end - LENGTH_BYTES, 0);
    return this.#bytes.subarray(0, this.#end);
  }

  #reserve(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, needed));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}

export class JuteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  int(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  long(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8));
  }

  boolean(): boolean {
    return this.#bytes.readUInt8(this.#take(1)) !== 0;
  }

  /** Shares memory with the frame; copy what is kept for long. */
  buffer(): Buffer | null {
    const length = this.int();
    if (length === -1) return null;
    if (length < 0) throw new JuteError(`negative length ${String(length)}`);
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  string(): string {
    const bytes = this.buffer();
    if (bytes === null) throw new JuteError('null where a string belongs');
    return bytes.toString('utf8');
  }

  /** A null vector reads as an empty one. */
  vector<T>(read: () => T): T[] {
    const count = this.int();
    if (count < -1) throw new JuteError(`negative count ${String(count)}`);
    // Every element takes at least one byte, so a larger count is a lie: do not loop over it.
    if (count > this.remaining) throw new JuteError(`${String(count)} elements in ${String(this.remaining)} bytes`);
    const values: T[] = [];
    for (let index = 0; index < count; index += 1) values.push(read());
    return values;
  }

  #take(bytes: number): number {
    const start = this.#at;
    if (bytes > this.remaining) {
      throw new JuteError(`${String(bytes)} bytes wanted, ${String(this.remaining)} left`);
    }
    this.#at += bytes;
    return start;
  }
}

/** Cuts a stream of chunks into frames. Whatever the chunking, the frames are the same. */
export class FrameSplitter {
  readonly #frameBytesMax: number;
  #chunks: Buffer[] = [];
  #buffered = 0;
  // Joining chunks only when a whole header or frame is there keeps a large frame in many chunks linear.
  #needed = LENGTH_BYTES;

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
  }

  /** The next whole frame without its length, or null when more bytes are needed. Throws JuteError on a bad length. */
  next(): Buffer | null {
    if (this.#buffered < this.#needed) return null;
    const joined = this.#join();
    const length = joined.readInt32BE(0);
    if (length < 0 || length > this.#frameBytesMax) throw new JuteError(`frame of ${String(length)} bytes`);
    const end = LENGTH_BYTES + length;
    if (joined.length < end) {
      this.#needed = end;
      return null;
    }
    const rest = joined.subarray(end);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#buffered = rest.length;
    this.#needed = LENGTH_BYTES;
    return joined.subarray(LENGTH_BYTES, end);
  }

  #join(): Buffer {
    const [first] = this.#chunks;
    const joined = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }
}
