// One connection to one server, from dialling to its end: handshake, credentials, frames, deadlines, pings. It knows
// a session only as something to present and to hand on; which server comes next is session.ts' affair.
//
// Deadlines, with T the session's negotiated timeout (as in the Java client's ClientCnxn): everything up to `onOpen`
// within `connectDeadlineMs`; then a ping when nothing was written for T/3, and the connection is dropped when nothing
// was heard for 2/3 T, which leaves T/3 to find another server before the session can expire.
//
// Any frame that is not what the protocol says drops the connection: a stream out of step never gets back into it.

import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls';

import { FrameSplitter, JuteError, JuteReader } from './codec.ts';
import type { Fault } from './faults.ts';
import { InFlight, type Request } from './in-flight.ts';
import {
  authFrame,
  connectFrame,
  pingFrame,
  readConnectResponse,
  readReplyHeader,
  readWatchEvent,
  XID,
  type ConnectRequest,
  type ConnectResponse,
  type ReplyHeader,
  type WatchEvent,
} from './protocol.ts';

/** Largest answer accepted. The server's own limit for a node is 1 MB, but lists of children may be longer. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const PING_SHARE = 1 / 3;
/** Silence that ends a connection, as a share of T: what the Java client takes. */
export const READ_DEADLINE_SHARE = 2 / 3;

export interface Credential {
  readonly scheme: string;
  readonly credential: string;
}

export interface ConnectionSetup {
  /** The server as configured (a name or a literal): what a certificate must match. */
  readonly host: string;
  /** The address to dial. */
  readonly address: string;
  readonly port: number;
  readonly tls: TlsOptions | undefined;
  readonly auth: readonly Credential[];
  readonly connectRequest: ConnectRequest;
  readonly connectDeadlineMs: number;
  readonly requestTimeoutMs: number;
  readonly readDeadlineShare: number;
}

/** Called synchronously from the socket's handlers, in the order of the wire. */
export interface ConnectionHandlers {
  /** The server's answer about the session. `false` drops the connection (session over). */
  onHandshake(response: ConnectResponse): boolean;
  /** Credentials accepted: requests may be sent from here on. */
  onOpen(): void;
  onEvent(event: WatchEvent): void;
  /** An answer carried this zxid. */
  onZxid(zxid: bigint): void;
  onWatchesSet(): void;
  /** Once, unless `destroy` was called. Requests without an answer have been rejected with CONNECTION_LOSS. */
  onEnd(fault: Fault, phase: ConnectionPhase): void;
}

export type ConnectionPhase = 'dialling' | 'handshake' | 'auth' | 'open' | 'closed';

export class Connection {
  readonly #setup: ConnectionSetup;
  readonly #handlers: ConnectionHandlers;
  readonly #socket: Socket;
  readonly #splitter = new FrameSplitter(ANSWER_BYTES_MAX);
  readonly #inFlight: InFlight;
  #phase: ConnectionPhase = 'dialling';
  #reached = false;
  #timeoutMs = 0;
  #authAnswersDue = 0;
  #lastReceivedMs = Number.NEGATIVE_INFINITY;
  #deadline: NodeJS.Timeout;
  #pinger: NodeJS.Timeout | null = null;
  #answeredSinceYield = false;
  #yielding = false;

  constructor(setup: ConnectionSetup, handlers: ConnectionHandlers) {
    this.#setup = setup;
    this.#handlers = handlers;
    this.#inFlight = new InFlight(setup.requestTimeoutMs);
    this.#deadline = setTimeout(() => {
      this.#afterPendingInput(() => {
        if (this.#phase !== 'open') this.#drop('silent', `nothing useful within ${String(setup.connectDeadlineMs)} ms`);
      });
    }, setup.connectDeadlineMs);
    this.#socket = this.#dial();
  }

  get phase(): ConnectionPhase {
    return this.#phase;
  }

  get lastReceivedMs(): number {
    return this.#lastReceivedMs;
  }

  hasRoomFor(frameBytes: number): boolean {
    return this.#inFlight.hasRoomFor(frameBytes);
  }

  /** Only when open and with room. */
  send(request: Request): void {
    this.#inFlight.add(request);
    this.#write(request.frame);
  }

  /** Only when open: frames whose answers concern nobody but `onWatchesSet`. */
  sendSetWatches(frames: readonly Buffer[]): void {
    for (const frame of frames) this.#write(frame);
  }

  /** Ends the connection without a word to the handlers. Unanswered requests are rejected with CONNECTION_LOSS. */
  destroy(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    clearTimeout(this.#deadline);
    if (this.#pinger !== null) clearTimeout(this.#pinger);
    this.#socket.destroy();
    this.#inFlight.rejectAll('CONNECTION_LOSS');
  }

  #dial(): Socket {
    const { host, address, port, tls } = this.#setup;
    const target = { host: address, port };
    const socket = tls === undefined
      ? connectTcp(target)
      : connectTls({ ...(isIP(host) === 0 ? { servername: host } : {}), ...tls, ...target });
    socket.setNoDelay(true);
    socket.once('connect', () => { this.#reached = true; });
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => { this.#startHandshake(); });
    socket.on('data', (chunk: Buffer) => { this.#onData(chunk); });
    // Not waiting for 'close': with bytes left to write to a server that does not read, it would not come.
    socket.once('end', () => { this.#drop(this.#lostCode(), 'closed by the server'); });
    socket.on('error', (error: NodeJS.ErrnoException) => { this.#onSocketError(error); });
    socket.once('close', () => { this.#drop(this.#lostCode(), 'closed'); });
    return socket;
  }

  #startHandshake(): void {
    if (this.#phase !== 'dialling') return;
    this.#phase = 'handshake';
    this.#write(connectFrame(this.#setup.connectRequest));
  }

  // A server that has no quorum, is starting, or has seen less than our last zxid closes without an answer.
  #lostCode(): Fault['code'] {
    if (this.#phase === 'auth') return 'auth_failed';
    return this.#phase === 'handshake' ? 'not_serving' : 'lost';
  }

  #onSocketError(error: NodeJS.ErrnoException): void {
    const detail = error.code ?? error.message;
    // With TLS 1.3 the server's verdict on our certificate comes after our side has finished its handshake.
    if (error.code?.startsWith('ERR_SSL') === true) this.#drop('tls', detail);
    else if (this.#phase !== 'dialling') this.#drop(this.#lostCode(), detail);
    else if (this.#reached) this.#drop('tls', `${detail}: ${error.message}`);
    else this.#drop(error.code === 'ECONNREFUSED' ? 'refused' : 'unreachable', detail);
  }

  #drop(code: Fault['code'], detail: string): void {
    if (this.#phase === 'closed') return;
    const phase = this.#phase;
    this.destroy();
    const { host, port } = this.#setup;
    this.#handlers.onEnd({ code, host: `${host}:${String(port)}`, detail }, phase);
  }

  #write(frame: Buffer): void {
    this.#socket.write(frame);
    this.#pinger?.refresh();
  }

  #onData(chunk: Buffer): void {
    if (this.#phase === 'closed') return;
    this.#splitter.push(chunk);
    if (this.#yielding) return;
    this.#answeredSinceYield = false;
    this.#drain();
  }

  // Continuations of a promise run only after this handler returns, but `onEvent` is called at once. To keep the order
  // of the wire for the user, an event that follows an answer waits until the answer's continuations have run:
  // microtasks are drained before the next tick, and no input is read in between.
  #drain(): void {
    for (;;) {
      const frame = this.#guarded(() => this.#splitter.next());
      if (frame === null) return;
      if (this.#answeredSinceYield && isWatchEventFrame(frame)) {
        this.#yielding = true;
        queueMicrotask(() => process.nextTick(() => {
          this.#yielding = false;
          this.#answeredSinceYield = false;
          if (this.#phase === 'closed') return;
          this.#onFrame(frame);
          this.#drain();
        }));
        return;
      }
      this.#onFrame(frame);
      if (this.#isClosed()) return;
    }
  }

  // A method, because the phase changes inside of calls, which the compiler does not expect.
  #isClosed(): boolean {
    return this.#phase === 'closed';
  }

  // Only faults of the bytes are caught; what a user's handler throws is the user's.
  #guarded<T>(decode: () => T): T | null {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.#drop('protocol', error.message);
      return null;
    }
  }

  #onFrame(frame: Buffer): void {
    const reader = new JuteReader(frame);
    if (this.#phase === 'handshake') {
      const response = this.#guarded(() => readConnectResponse(reader));
      if (response !== null) this.#onConnectResponse(response);
      return;
    }
    const header = this.#guarded(() => readReplyHeader(reader));
    if (header === null) return;
    this.#lastReceivedMs = performance.now();
    if (this.#phase === 'open') this.#deadline.refresh();
    this.#onReply(header, reader);
  }

  #onConnectResponse(response: ConnectResponse): void {
    this.#lastReceivedMs = performance.now();
    if (!this.#handlers.onHandshake(response)) {
      this.destroy();
      return;
    }
    if (this.#isClosed()) return;
    this.#timeoutMs = response.timeoutMs;
    this.#phase = 'auth';
    this.#authAnswersDue = this.#setup.auth.length;
    for (const { scheme, credential } of this.#setup.auth) this.#write(authFrame(scheme, credential));
    if (this.#authAnswersDue === 0) this.#open();
  }

  #open(): void {
    this.#phase = 'open';
    clearTimeout(this.#deadline);
    this.#watchSilence();
    this.#keepAlive();
    this.#handlers.onOpen();
  }

  #onReply(header: ReplyHeader, reader: JuteReader): void {
    switch (header.xid) {
      case XID.ping:
        return;
      case XID.auth:
        this.#onAuthReply(header.error);
        return;
      case XID.setWatches:
        this.#handlers.onWatchesSet();
        return;
      case XID.watchEvent: {
        const event = this.#guarded(() => readWatchEvent(reader, header.zxid));
        if (event !== null) this.#handlers.onEvent(event);
        return;
      }
      default:
        if (header.zxid > 0n) this.#handlers.onZxid(header.zxid);
        this.#answeredSinceYield = true;
        this.#guarded(() => { this.#inFlight.reply(header, reader); });
    }
  }

  #onAuthReply(error: number): void {
    if (error !== 0) {
      this.#drop('auth_failed', `refused with ${String(error)}`);
      return;
    }
    this.#authAnswersDue -= 1;
    if (this.#phase === 'auth' && this.#authAnswersDue === 0) this.#open();
  }

  // Both timers are put off by what they wait for, and so seldom end: a timer that ends wakes the process.

  #watchSilence(): void {
    const limitMs = this.#timeoutMs * this.#setup.readDeadlineShare;
    this.#deadline = setTimeout(() => {
      this.#afterPendingInput(() => {
        if (performance.now() - this.#lastReceivedMs < limitMs) this.#deadline.refresh();
        else this.#drop('silent', `nothing heard for ${String(Math.round(limitMs))} ms`);
      });
    }, Math.ceil(limitMs) + 1);
  }

  #keepAlive(): void {
    this.#pinger = setTimeout(() => { this.#write(pingFrame()); }, this.#timeoutMs * PING_SHARE);
  }

  // A process that was stopped or busy finds its timers due before it read its sockets: let it read first, what we
  // waited for may be lying there. `setImmediate` runs after the poll for input.
  #afterPendingInput(action: () => void): void {
    setImmediate(() => {
      if (this.#phase !== 'closed') action();
    });
  }
}

function isWatchEventFrame(frame: Buffer): boolean {
  return frame.length >= 4 && frame.readInt32BE(0) === XID.watchEvent;
}
