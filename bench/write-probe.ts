/**
 * A client that tries to write to one address again and again and tells when a write was accepted: the instrument
 * behind every gap and every overlap. It speaks raw sockets, so that no client library's reconnection pauses and no
 * code of ours stand between Redis and the clock.
 */
import { createConnection, type Socket } from 'node:net';

/** A write that was acknowledged; moments are `performance.now()`. */
export interface AcceptedWrite {
  readonly port: number;
  /** When the connection that carried it was established: tells writes to a process from those to its predecessor. */
  readonly connectedAtMs: number;
  readonly sentAtMs: number;
  readonly acceptedAtMs: number;
  /** Counts this probe's writes; the value that was written. */
  readonly number: number;
}

export interface WriteProbeOptions {
  /** Null = nowhere for now. */
  readonly port: number | null;
  readonly everyMs: number;
  /** Written again and again; the probe's counter goes behind it where `distinct` is set. */
  readonly key: string;
  readonly distinct?: boolean;
  readonly onAccepted: (write: AcceptedWrite) => void;
}

/** A write that is unanswered for so long is given up together with its connection. */
const ANSWER_TIMEOUT_MS = 1000;
const ACCEPTED = '+OK\r\n';

interface Connection {
  readonly socket: Socket;
  readonly port: number;
  /** -1 while it is being established. */
  connectedAtMs: number;
  /** -1 while no write is under way. */
  sentAtMs: number;
  answer: string;
}

export class WriteProbe {
  private readonly options: WriteProbeOptions;
  private readonly timer: NodeJS.Timeout;
  private port: number | null;
  private connection: Connection | null = null;
  private sent = 0;

  constructor(options: WriteProbeOptions) {
    this.options = options;
    this.port = options.port;
    this.timer = setInterval(() => this.tick(), options.everyMs);
    this.tick();
  }

  /** Writes to another address from now on; the same address again changes nothing. */
  aim(port: number | null): void {
    if (port === this.port) return;
    this.port = port;
    this.hangUp();
    this.tick();
  }

  stop(): void {
    clearInterval(this.timer);
    this.port = null;
    this.hangUp();
  }

  private hangUp(): void {
    this.connection?.socket.destroy();
    this.connection = null;
  }

  private tick(): void {
    const { connection } = this;
    if (connection === null) return this.connect();
    if (connection.connectedAtMs < 0) return;
    if (connection.sentAtMs < 0) return this.write(connection);
    if (performance.now() - connection.sentAtMs > ANSWER_TIMEOUT_MS) this.hangUp();
  }

  private connect(): void {
    const { port } = this;
    if (port === null) return;
    const socket = createConnection({ host: '127.0.0.1', port, noDelay: true });
    const connection: Connection = { socket, port, connectedAtMs: -1, sentAtMs: -1, answer: '' };
    this.connection = connection;
    socket.on('connect', () => {
      connection.connectedAtMs = performance.now();
      this.write(connection);
    });
    socket.on('data', (chunk: Buffer) => this.read(connection, chunk));
    // Refused and reset connections are what is being waited out; 'close' follows.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (this.connection === connection) this.connection = null;
    });
  }

  private write(connection: Connection): void {
    this.sent += 1;
    const key = this.options.distinct === true ? `${this.options.key}:${this.sent}` : this.options.key;
    connection.sentAtMs = performance.now();
    connection.socket.write(`SET ${key} ${this.sent}\r\n`);
  }

  private read(connection: Connection, chunk: Buffer): void {
    connection.answer += chunk.toString('latin1');
    if (!connection.answer.endsWith('\r\n')) return;
    const accepted = connection.answer === ACCEPTED;
    const { port, connectedAtMs, sentAtMs } = connection;
    connection.answer = '';
    connection.sentAtMs = -1;
    if (!accepted || this.connection !== connection) return;
    this.options.onAccepted({ port, connectedAtMs, sentAtMs, acceptedAtMs: performance.now(), number: this.sent });
  }
}
