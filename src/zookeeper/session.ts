// A session and the search for a server that holds it: one connection at a time, the next server when it ends, a
// growing pause after each round in which all failed. The session outlives connections; it ends when a server says so
// (never by our own clock), and then a new one begins by itself.
//
// The wiped ensemble. A server that has seen less than the last zxid we present closes the connection without a word,
// and so does a server that is starting or has no quorum. Taking the first for the second means to try for ever after
// the ensemble lost its data; taking the second for the first means to throw away a living session because of an
// election. So after a whole round of failures we ask, presenting the session but zxid 0. A server without our session
// says "expired": it is behind. One that grants it PROBES_GRANTED_MAX times in a row, and each time refuses our zxid
// afterwards, is behind too (restored from a backup). One server that is behind may be a deposed leader that does not
// know it yet; when more than half of the servers are, the ensemble has forgotten, and a new session begins.

import type { ConnectionOptions as TlsOptions } from 'node:tls';

import { Connection, type Credential } from './connection.ts';
import { ZooKeeperError } from './errors.ts';
import type { Fault } from './faults.ts';
import { HostList, type HostEntry, type Lookup } from './hosts.ts';
import type { Request } from './in-flight.ts';
import { NO_SESSION, XID_MAX, type ConnectResponse, type WatchEvent } from './protocol.ts';
import { WatchRegistry } from './watches.ts';

/** Pause after the first round in which every server failed; doubled after each further one. */
const FIRST_PAUSE_MS = 20;
export const PROBES_GRANTED_MAX = 3;
/** The server's `jute.maxbuffer`: it closes the connection on anything longer. */
const REQUEST_BYTES_MAX = 0xf_ffff;
const CONNECT_DEADLINE_MIN_MS = 250;
/** Longest attempt on one server, as a share of T. */
export const CONNECT_DEADLINE_SHARE = 2 / 3;
/** Share of the connect deadline after which addresses known from before are used. */
const LOOKUP_SHARE = 1 / 2;
/** A connection was of use when it was heard for this share of the session timeout, the interval of pings. */
const USEFUL_SHARE = 1 / 3;
/** Longest pause, as a share of the session timeout, while the session may still be alive. */
const LIVE_SESSION_PAUSE_SHARE = 1 / 10;
/**
 * How long a session is left alone so that it can end, as a share of its timeout. The server counts from the last
 * handshake that reached it and rounds up to its tick, of which a timeout has at least two.
 */
const LET_GO_SHARE = 3 / 2;

export interface SessionOptions {
  readonly hosts: readonly { host: string; port: number }[];
  readonly sessionTimeoutMs: number;
  readonly auth: readonly Credential[];
  readonly tls: TlsOptions | undefined;
  readonly requestTimeoutMs: number;
  readonly readDeadlineShare: number;
  readonly connectDeadlineShare: number;
  readonly reconnectPauseMaxMs: number;
  readonly random: () => number;
  readonly lookup: Lookup | undefined;
}

export interface SessionEvents {
  onConnected(session: { id: bigint; timeoutMs: number; fresh: boolean }): void;
  onDisconnected(): void;
  onExpired(): void;
  /** Path as the server knows it. */
  onWatch(event: WatchEvent): void;
  onFault(fault: Fault): void;
}

export class Session {
  readonly watches = new WatchRegistry();
  readonly #options: SessionOptions;
  readonly #events: SessionEvents;
  readonly #hosts: HostList;
  #state: 'connecting' | 'connected' | 'closed' = 'connecting';
  #identity = NO_SESSION;
  /** Whether the user has heard of this session. */
  #announced = false;
  #timeoutMs: number;
  #lastZxid = 0n;
  /** What `setWatches` presents: stays behind `#lastZxid` until the server has taken all of the previous ones. */
  #watchesZxid = 0n;
  #watchAnswersDue = 0;
  #nextXid = 1;
  #connection: Connection | null = null;
  #lastReceivedMs = Number.NEGATIVE_INFINITY;
  #openedMs = 0;
  /** Attempts since a connection was of use. */
  #failures = 0;
  /** Whether a server was reached in this round of attempts and gave no answer. */
  #unanswered = false;
  #letGoUntilMs = Number.NEGATIVE_INFINITY;
  /** Ends whatever the next attempt waits for: a pause or a lookup. */
  #cancelWait: () => void = () => undefined;

  constructor(options: SessionOptions, events: SessionEvents) {
    this.#options = options;
    this.#events = events;
    this.#timeoutMs = options.sessionTimeoutMs;
    this.#hosts = new HostList(options.hosts, options.random, options.lookup);
    // Not before the user holds the client that the events are about.
    this.#wait(0);
  }

  get state(): 'connecting' | 'connected' | 'closed' {
    return this.#state;
  }

  get id(): bigint {
    return this.#identity.id;
  }

  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  get lastReceivedMs(): number {
    return Math.max(this.#lastReceivedMs, this.#connection?.lastReceivedMs ?? Number.NEGATIVE_INFINITY);
  }

  nextXid(): number {
    const xid = this.#nextXid;
    this.#nextXid = xid === XID_MAX ? 1 : xid + 1;
    return xid;
  }

  /** Writes the request at once, or rejects it at once. */
  send(request: Request): void {
    const fault = this.#refusal(request);
    if (fault !== null) request.reject(new ZooKeeperError(fault, request.path));
    else this.#connection?.send(request);
  }

  #refusal(request: Request): 'CLOSED' | 'CONNECTION_LOSS' | 'TOO_LARGE' | 'QUEUE_FULL' | null {
    if (this.#state === 'closed') return 'CLOSED';
    if (this.#state !== 'connected' || this.#connection === null) return 'CONNECTION_LOSS';
    if (request.frame.length > REQUEST_BYTES_MAX) return 'TOO_LARGE';
    return this.#connection.hasRoomFor(request.frame.length) ? null : 'QUEUE_FULL';
  }

  /** No event is fired from here on. `sayGoodbye` sends a last request, which ends the session, if connected. */
  async close(sayGoodbye: (connection: Connection) => Promise<void>): Promise<void> {
    const wasConnected = this.#state === 'connected';
    this.#state = 'closed';
    this.#cancelWait();
    const connection = this.#connection;
    if (wasConnected && connection !== null) await sayGoodbye(connection);
    connection?.destroy();
    this.#connection = null;
  }

  #wait(pauseMs: number): void {
    const timer = setTimeout(() => { this.#attempt(); }, pauseMs);
    this.#cancelWait = () => { clearTimeout(timer); };
  }

  #attempt(): void {
    const entry = this.#hosts.next();
    const deadlineMs = this.#connectDeadlineMs();
    const startedMs = performance.now();
    const cancel = this.#hosts.resolve(entry.host, deadlineMs * LOOKUP_SHARE, ({ address, fault }) => {
      this.#cancelWait = () => undefined;
      if (fault !== null) this.#report('dns', entry, fault);
      if (this.#isClosed()) return;
      const leftMs = Math.max(1, deadlineMs - (performance.now() - startedMs));
      if (address === null) this.#failed();
      else this.#connect(entry, address, leftMs);
    });
    if (this.#connection === null && !this.#isClosed()) {
      const pause = this.#cancelWait;
      this.#cancelWait = () => { pause(); cancel(); };
    }
  }

  // T / servers, so that all of them can be tried before the session expires; but enough for a handshake.
  #connectDeadlineMs(): number {
    const shareMs = Math.min(this.#timeoutMs / this.#hosts.size, this.#timeoutMs * this.#options.connectDeadlineShare);
    return Math.max(shareMs, CONNECT_DEADLINE_MIN_MS);
  }

  #connect(entry: HostEntry, address: string, deadlineMs: number): void {
    const probing = this.#failures >= this.#hosts.size && entry.refusedOurZxid && this.#lastZxid > 0n;
    entry.refusedOurZxid = false;
    const lastZxid = probing ? 0n : this.#lastZxid;
    this.#connection = new Connection({
      host: entry.host,
      address,
      port: entry.port,
      tls: this.#options.tls,
      auth: this.#options.auth,
      connectRequest: { lastZxid, timeoutMs: this.#options.sessionTimeoutMs, session: this.#identity },
      connectDeadlineMs: deadlineMs,
      requestTimeoutMs: this.#options.requestTimeoutMs,
      readDeadlineShare: this.#options.readDeadlineShare,
    }, {
      onHandshake: (response) => this.#onHandshake(response, probing, entry),
      onOpen: () => { this.#onOpen(); },
      onEvent: (event) => { this.#onEvent(event); },
      onZxid: (zxid) => { this.#onZxid(zxid); },
      onWatchesSet: () => { this.#onWatchesSet(); },
      onEnd: (fault, phase) => {
        if (fault.code === 'not_serving' && lastZxid > 0n) entry.refusedOurZxid = true;
        if (fault.code === 'silent' && phase === 'handshake') this.#unanswered = true;
        this.#onEnd(fault);
      },
    });
  }

  #onHandshake(response: ConnectResponse, probing: boolean, entry: HostEntry): boolean {
    if (response.timeoutMs <= 0 && this.#identity.id === 0n) {
      // Nobody can refuse a session that was not asked for: not a ZooKeeper server, or one gone mad.
      this.#report('protocol', entry, 'no session granted');
      this.#leave();
      this.#failed();
      return false;
    }
    if (probing) {
      this.#onProbeAnswered(entry, response.timeoutMs > 0);
      return false;
    }
    if (response.timeoutMs <= 0) {
      this.#expire();
      return false;
    }
    this.#identity = response.session;
    this.#timeoutMs = response.timeoutMs;
    return true;
  }

  #onProbeAnswered(entry: HostEntry, granted: boolean): void {
    entry.probesGranted = granted ? entry.probesGranted + 1 : 0;
    entry.isBehind = !granted || entry.probesGranted >= PROBES_GRANTED_MAX;
    const behind = this.#hosts.entries.filter(({ isBehind }) => isBehind).length;
    if (behind > this.#hosts.size / 2) {
      const share = `${String(behind)} of ${String(this.#hosts.size)}`;
      this.#report('zxid_ahead', entry, `${share} servers have forgotten what this client has seen`);
      this.#expire();
      return;
    }
    this.#leave();
    this.#failed();
  }

  #expire(): void {
    this.#leave();
    this.#identity = NO_SESSION;
    this.#timeoutMs = this.#options.sessionTimeoutMs;
    const wasAnnounced = this.#announced;
    this.#announced = false;
    // What the previous session saw binds nobody: a wiped ensemble could not be entered otherwise.
    this.#lastZxid = 0n;
    this.#watchesZxid = 0n;
    this.watches.clear();
    this.#hosts.forgetVerdicts();
    if (wasAnnounced) this.#events.onExpired();
    if (!this.#isClosed()) this.#wait(0);
  }

  #onOpen(): void {
    const connection = this.#connection;
    if (connection === null) return;
    this.#state = 'connected';
    this.#openedMs = performance.now();
    this.#hosts.forgetVerdicts();
    const fresh = !this.#announced;
    this.#announced = true;
    const frames = this.watches.frames(this.#watchesZxid);
    this.#watchAnswersDue = frames.length;
    connection.sendSetWatches(frames);
    this.#events.onConnected({ id: this.#identity.id, timeoutMs: this.#timeoutMs, fresh });
  }

  #onZxid(zxid: bigint): void {
    if (zxid > this.#lastZxid) this.#lastZxid = zxid;
    if (this.#watchAnswersDue === 0) this.#watchesZxid = this.#lastZxid;
  }

  #onWatchesSet(): void {
    this.#watchAnswersDue = Math.max(0, this.#watchAnswersDue - 1);
    if (this.#watchAnswersDue === 0) this.#watchesZxid = this.#lastZxid;
  }

  #onEvent(event: WatchEvent): void {
    this.watches.consume(event);
    if (this.#state === 'connected') this.#events.onWatch(event);
  }

  #onEnd(fault: Fault): void {
    const wasConnected = this.#state === 'connected';
    this.#leave();
    if (this.#isClosed()) return;
    this.#events.onFault(fault);
    if (wasConnected && !this.#isClosed()) this.#events.onDisconnected();
    if (this.#isClosed()) return;
    // A server that accepts, perhaps answers a little, and drops again must not be called without a pause.
    const wasOfUse = wasConnected && this.#lastReceivedMs - this.#openedMs >= this.#timeoutMs * USEFUL_SHARE;
    if (wasOfUse) {
      this.#failures = 0;
      this.#wait(0);
    } else {
      this.#failed();
    }
  }

  #leave(): void {
    this.#lastReceivedMs = this.lastReceivedMs;
    this.#connection = null;
    if (this.#state === 'connected') this.#state = 'connecting';
  }

  // The next server at once; a pause when each of them has had its chance.
  #failed(): void {
    this.#failures += 1;
    const rounds = Math.floor(this.#failures / this.#hosts.size);
    const roundEnded = this.#failures % this.#hosts.size === 0;
    this.#wait(roundEnded ? this.#pauseMs(rounds) : 0);
  }

  #pauseMs(rounds: number): number {
    const doubledMs = FIRST_PAUSE_MS * 2 ** Math.min(rounds - 1, 20);
    // A session that may still be alive is worth asking often: what it holds is lost with it.
    const sessionMayLive = this.#announced && performance.now() - this.#lastReceivedMs < this.#timeoutMs;
    const sessionMaxMs = sessionMayLive ? this.#timeoutMs * LIVE_SESSION_PAUSE_SHARE : Number.POSITIVE_INFINITY;
    const pauseMs = Math.min(this.#options.reconnectPauseMaxMs, doubledMs, sessionMaxMs);
    return Math.max(pauseMs * (0.5 + this.#options.random() / 2), this.#letGoMs());
  }

  // A handshake without an answer may have arrived all the same, and then it has kept the session alive on the server:
  // a client whose answers are lost or late could so hold for ever what it cannot use and others wait for. After a
  // timeout without being heard it stays away for once, long enough for the session to end, and then tries again.
  #letGoMs(): number {
    const unanswered = this.#unanswered;
    this.#unanswered = false;
    const nowMs = performance.now();
    const triedSinceMs = Math.max(this.#lastReceivedMs, this.#letGoUntilMs);
    if (!this.#announced || !unanswered || nowMs - triedSinceMs < this.#timeoutMs) return 0;
    const pauseMs = this.#timeoutMs * LET_GO_SHARE;
    this.#letGoUntilMs = nowMs + pauseMs;
    return pauseMs;
  }

  #report(code: Fault['code'], entry: HostEntry, detail: string): void {
    if (!this.#isClosed()) this.#events.onFault({ code, host: `${entry.host}:${String(entry.port)}`, detail });
  }

  // A method, because the state changes inside of calls, which the compiler does not expect.
  #isClosed(): boolean {
    return this.#state === 'closed';
  }
}
