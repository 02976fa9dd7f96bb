/**
 * The agent's end of the ensemble: a twin of the real client, with its deadlines and its order of events.
 *
 * It leaves a silent server after half of the session timeout, gives an attempt a sixth, answers every request within
 * its bound, and tells of an expiry only when a server says so.
 */
import type { Clock } from '../../../src/contract/clock.ts';
import type { ZkAnswer, ZkEvents, ZkPort, ZkRequest } from '../../../src/zookeeper/index.ts';
import type { End, Network } from '../../kernel/network.ts';
import type { Process } from '../../kernel/process.ts';
import type { Random } from '../../kernel/random.ts';
import type { ToClient, ToServer } from './messages.ts';
import { CLIENT_PORT } from './server.ts';

export interface ClientOptions {
  readonly process: Process;
  readonly clock: Clock;
  readonly network: Network;
  readonly random: Random;
  readonly hosts: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly events: ZkEvents;
}

const REQUEST_TIMEOUT_MS = 2000;
const CLOSE_TIMEOUT_MS = 1000;
const FIRST_PAUSE_MS = 20;
const SHARE = { silence: 1 / 2, attempt: 1 / 6, ping: 1 / 3, pause: 1 / 10 } as const;
/** Rounds over all servers that ended without a word before it asks whether its session is over. */
const SILENT_ROUNDS = 2;

interface Pending {
  readonly done: (answer: ZkAnswer) => void;
  readonly cancel: () => void;
}

export class Client implements ZkPort {
  private readonly options: ClientOptions;
  private readonly order: readonly string[];
  private attempts = 0;
  private session = 0n;
  private lastZxid = 0n;
  private connection: End | null = null;
  private connected = false;
  private lastHeardMs = 0;
  private lastSentMs = 0;
  private xids = 0;
  private readonly pending = new Map<number, Pending>();
  private closing: (() => void) | null = null;
  private cancelWatch: () => void = () => undefined;

  constructor(options: ClientOptions) {
    this.options = options;
    const hosts = [...options.hosts];
    for (let i = hosts.length - 1; i > 0; i--) {
      const j = options.random.below(i + 1);
      [hosts[i], hosts[j]] = [hosts[j] ?? '', hosts[i] ?? ''];
    }
    this.order = hosts;
    options.clock.after(0, () => this.dial());
  }

  private get timeoutMs(): number {
    return this.options.sessionTimeoutMs;
  }

  submit(request: ZkRequest, done: (answer: ZkAnswer) => void): void {
    const { clock } = this.options;
    if (!this.connected || this.closing !== null) {
      clock.after(0, () => done({ ok: false, code: 'CONNECTION_LOSS' }));
      return;
    }
    const xid = ++this.xids;
    const cancel = clock.after(REQUEST_TIMEOUT_MS, () => this.settle(xid, { ok: false, code: 'OPERATION_TIMEOUT' }));
    this.pending.set(xid, { done, cancel });
    this.send({ t: 'request', xid, request });
  }

  close(done: () => void): void {
    if (this.closing !== null) return;
    let ended = false;
    this.closing = () => {
      if (ended) return;
      ended = true;
      this.connection?.close();
      done();
    };
    const { closing } = this;
    this.options.clock.after(this.connected ? CLOSE_TIMEOUT_MS : 0, () => closing());
    if (this.connected) this.send({ t: 'close' });
  }

  abandon(): void {
    this.closing ??= () => undefined;
    this.connection?.close();
  }

  private settle(xid: number, answer: ZkAnswer): void {
    const waiting = this.pending.get(xid);
    if (waiting === undefined) return;
    this.pending.delete(xid);
    waiting.cancel();
    waiting.done(answer);
  }

  private send(message: ToServer): void {
    this.lastSentMs = this.options.clock.now();
    this.connection?.send(message);
  }

  private dial(): void {
    if (this.closing !== null) return;
    const { network, process, clock } = this.options;
    const host = this.order[this.attempts++ % this.order.length] ?? '';
    const deadlineMs = this.timeoutMs * SHARE.attempt;
    const end = network.connect(process, { host, port: CLIENT_PORT }, {
      timeoutMs: deadlineMs,
      events: {
        onOpen: () => this.present(end),
        onFailed: () => this.lost(end),
        onMessage: (message) => this.hear(end, message as ToClient),
        onClosed: () => this.lost(end),
      },
    });
    this.connection = end;
    this.cancelWatch();
    this.cancelWatch = clock.after(deadlineMs, () => this.giveUp(end));
  }

  private present(end: End): void {
    if (this.connection !== end) return;
    const probe = this.attempts > SILENT_ROUNDS * this.order.length;
    const { session, lastZxid, timeoutMs } = this;
    this.send({ t: 'connect', session, timeoutMs, lastZxid, probe });
  }

  private giveUp(end: End): void {
    end.close();
    this.lost(end);
  }

  private lost(end: End): void {
    if (this.connection !== end) return;
    this.connection = null;
    this.cancelWatch();
    const wasConnected = this.connected;
    this.connected = false;
    const waiting = [...this.pending.keys()];
    for (const xid of waiting) this.settle(xid, { ok: false, code: 'CONNECTION_LOSS' });
    // A server ends the connection of a session that ended: the goodbye was heard.
    if (this.closing !== null) return this.closing();
    const rounds = Math.floor(this.attempts / this.order.length);
    const pauseMs = wasConnected ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** rounds, this.timeoutMs * SHARE.pause);
    this.options.clock.after(pauseMs * (0.5 + this.options.random.unit() / 2), () => {
      if (this.connection === null) this.dial();
    });
    if (wasConnected) this.options.events.onDisconnected();
  }

  private hear(end: End, message: ToClient): void {
    if (this.connection !== end) return;
    this.lastHeardMs = this.options.clock.now();
    if ('zxid' in message && message.zxid > this.lastZxid) this.lastZxid = message.zxid;
    switch (message.t) {
      case 'connected':
        return this.welcomed(end, message.session);
      case 'expired':
        return this.expired(end);
      case 'answer':
        return this.settle(message.xid, message.answer);
      case 'event':
        if (this.closing === null) this.options.events.onChanged(message.path);
        return;
      case 'closed':
        return this.closing?.();
      case 'pong':
        return;
    }
  }

  private welcomed(end: End, session: bigint): void {
    this.session = session;
    this.connected = true;
    this.attempts = 0;
    this.watchSilence(end);
    if (this.closing === null) this.options.events.onConnected({ id: session, timeoutMs: this.timeoutMs });
  }

  private expired(end: End): void {
    this.session = 0n;
    this.lastZxid = 0n;
    this.attempts = 0;
    this.connection = null;
    this.connected = false;
    this.cancelWatch();
    end.close();
    if (this.closing !== null) return this.closing();
    this.options.events.onExpired();
    this.dial();
  }

  /** One timer for both: a ping when nothing was sent for a while, an ending when nothing was heard. */
  private watchSilence(end: End): void {
    this.cancelWatch();
    const { clock } = this.options;
    const pingAtMs = this.lastSentMs + this.timeoutMs * SHARE.ping;
    const endAtMs = this.lastHeardMs + this.timeoutMs * SHARE.silence;
    const delayMs = Math.max(1, Math.min(pingAtMs, endAtMs) - clock.now());
    this.cancelWatch = clock.after(delayMs, () => {
      if (this.connection !== end) return;
      const now = clock.now();
      if (now >= this.lastHeardMs + this.timeoutMs * SHARE.silence) return this.judgeSilence(end);
      if (now >= this.lastSentMs + this.timeoutMs * SHARE.ping) this.send({ t: 'ping' });
      this.watchSilence(end);
    });
  }

  /** A process that was stopped reads what arrived meanwhile before it judges. */
  private judgeSilence(end: End): void {
    const { clock } = this.options;
    this.cancelWatch = clock.after(1, () => {
      if (clock.now() >= this.lastHeardMs + this.timeoutMs * SHARE.silence) this.giveUp(end);
      else this.watchSilence(end);
    });
  }
}
