/**
 * The Redis link on real sockets. ioredis does the protocol (encoding, parsing, matching replies to commands in
 * order); the socket is ours, because how a connection ended is evidence and ioredis does not say.
 *
 * ioredis is kept from doing anything of its own: no reconnection, no resending (it would repeat a REPLICAOF on the
 * next server behind the address), no offline queue, no HELLO, INFO or CLIENT SETINFO, and no AUTH either, since it
 * prints to the console when a password was not needed.
 */
import assert from 'node:assert/strict';
import { createConnection, isIP, type Socket } from 'node:net';
import { AbstractConnector, Redis } from 'ioredis';
import { MAX_PENDING_COMMANDS } from './link.ts';
import type {
  CloseKind, Command, ConnectFailure, ConnectOptions, RedisConnector, RedisLink, RedisLinkEvents, RedisTarget, Reply,
  SendOutcome,
} from './link.ts';
import { toReply } from './reply.ts';

const KEEP_ALIVE_MS = 10_000;

const UNREACHABLE_CODES = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'EADDRNOTAVAIL']);
const DNS_CODES = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NONAME', 'EAI_NODATA']);
const RESET_CODES = new Set(['ECONNRESET', 'EPIPE']);

type Phase = 'connecting' | 'open' | 'ended';

/** A send that was written and is not settled; `settle` may be called any number of times, only the first counts. */
interface PendingSend {
  settle(outcome: SendOutcome): void;
}

export function createRedisConnector(): RedisConnector {
  return { connect: (target, options, events) => new SocketLink(target, options, events) };
}

class SocketLink implements RedisLink {
  resolvedAddress: string | null = null;
  private phase: Phase = 'connecting';
  private lookedUp = false;
  private unansweredCommands = 0;
  private readonly pending = new Set<PendingSend>();
  private readonly host: string;
  private readonly events: RedisLinkEvents;
  private readonly socket: Socket;
  private readonly redis: Redis;
  private readonly connectTimer: NodeJS.Timeout;

  constructor(target: RedisTarget, options: ConnectOptions, events: RedisLinkEvents) {
    assert(Number.isInteger(target.port) && target.port > 0 && target.port < 65_536, 'port out of range');
    assert(/^[\w-]+$/.test(options.purpose), 'purpose must fit into a client name');
    this.host = target.host;
    this.events = events;
    this.socket = createConnection({
      host: target.host, port: target.port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS,
    });
    this.listen();
    this.connectTimer = afterPoll(options.connectTimeoutMs, () => this.onConnectTimeout());
    this.redis = protocolOn(this.socket);
    this.redis.on('error', () => this.onProtocolError());
    this.redis.once('ready', () => this.introduce(target, options.purpose));
  }

  send(commands: readonly Command[], deadlineMs: number, done: (outcome: SendOutcome) => void): void {
    assert(commands.length > 0, 'nothing to send');
    if (this.phase !== 'open') {
      queueMicrotask(() => done({ kind: 'closed' }));
    } else if (this.unansweredCommands + commands.length > MAX_PENDING_COMMANDS) {
      queueMicrotask(() => done({ kind: 'answered', replies: commands.map(() => QUEUE_FULL) }));
    } else {
      this.write(commands, deadlineMs, done);
    }
  }

  close(): void {
    this.leave('fin');
  }

  abort(): void {
    this.leave(this.phase === 'open' ? 'reset' : 'fin');
  }

  private leave(by: 'fin' | 'reset'): void {
    if (this.phase === 'ended') return;
    this.end(by);
    queueMicrotask(() => this.report(() => this.events.onClosed('local')));
  }

  /** Ours are the first listeners of the socket, so a link is ended before ioredis rejects what was pending. */
  private listen(): void {
    const { socket } = this;
    socket.on('lookup', (_error, address) => {
      this.lookedUp = true;
      if (address) this.resolvedAddress = address;
    });
    socket.on('connect', () => {
      this.lookedUp = true;
      this.resolvedAddress = socket.remoteAddress ?? this.resolvedAddress;
    });
    socket.on('end', () => this.onSocketEnd());
    socket.on('error', (error) => this.onSocketError(error));
    socket.on('close', () => this.onEnded('lost', { code: 'other', detail: 'connection ended' }));
  }

  /**
   * Of the errors of ioredis only one kind finds the link alive: bytes that are not the protocol, or a reply to
   * nothing. It has rejected what was pending by then, which must not pass for answers.
   */
  private onProtocolError(): void {
    this.onEnded('lost', { code: 'other', detail: 'does not speak the Redis protocol' });
  }

  private onSocketEnd(): void {
    this.onEnded('fin', { code: 'other', detail: 'closed by the server while connecting' });
  }

  private onSocketError(error: NodeJS.ErrnoException): void {
    const causes = error instanceof AggregateError ? (error.errors as NodeJS.ErrnoException[]) : [error];
    for (const cause of causes) {
      const { address } = cause as { address?: unknown };
      if (typeof address === 'string') this.resolvedAddress = address;
    }
    const established = this.socket.remoteAddress !== undefined;
    if (!established && this.phase === 'connecting' && causes.every((cause) => cause.code === 'ECONNREFUSED')) {
      this.end();
      this.report(() => this.events.onRefused());
      return;
    }
    const code = causes[0]?.code ?? error.name;
    this.onEnded(RESET_CODES.has(code) ? 'reset' : 'lost', toConnectFailure(code));
  }

  private onConnectTimeout(): void {
    if (this.phase !== 'connecting') return;
    const failure: ConnectFailure = this.lookedUp || isIP(this.host) !== 0
      ? { code: 'timeout', detail: 'no answer while connecting' }
      : { code: 'dns', detail: 'name resolution did not finish in time' };
    this.onEnded('lost', failure);
  }

  /**
   * Credentials, then our name. Without credentials there is nothing to wait for. The name's reply does not matter;
   * that of AUTH is awaited alone, since a server that is full answers once and closes.
   */
  private introduce(target: RedisTarget, purpose: string): void {
    if (this.phase !== 'connecting') return;
    const auth = authCommand(target);
    if (auth !== null) this.exchange([auth], (replies) => this.onAuthReply(replies[0]));
    this.exchange([['CLIENT', 'SETNAME', `dictator-${purpose}`]], () => undefined);
    if (auth === null) this.open();
  }

  private onAuthReply(reply: Reply | undefined): void {
    if (this.phase !== 'connecting' || reply === undefined) return;
    if (reply.ok) this.open();
    else this.onEnded('lost', { code: isAboutCredentials(reply) ? 'auth' : 'other', detail: reply.message });
  }

  private open(): void {
    clearTimeout(this.connectTimer);
    this.phase = 'open';
    this.events.onOpen();
  }

  private write(commands: readonly Command[], deadlineMs: number, done: (outcome: SendOutcome) => void): void {
    const timer = afterPoll(deadlineMs, () => send.settle({ kind: 'silent' }));
    const send: PendingSend = {
      settle: (outcome) => {
        if (!this.pending.delete(send)) return;
        clearTimeout(timer);
        done(outcome);
      },
    };
    this.pending.add(send);
    this.exchange(commands, (replies) => send.settle({ kind: 'answered', replies }));
  }

  /** One write for all commands; `onReplies` is called when the last reply is in, however late. */
  private exchange(commands: readonly Command[], onReplies: (replies: readonly Reply[]) => void): void {
    this.unansweredCommands += commands.length;
    const pipeline = this.redis.pipeline();
    for (const [name, ...args] of commands) pipeline.call(name, ...args);
    void pipeline.exec((_error, results) => {
      this.unansweredCommands -= commands.length;
      // After the end the results are ioredis' own errors, not answers of the server.
      if (this.phase !== 'ended' && results) onReplies(results.map(toReply));
    });
  }

  private onEnded(how: CloseKind, failure: ConnectFailure): void {
    if (this.phase === 'ended') return;
    const wasOpen = this.phase === 'open';
    this.end();
    this.report(() => wasOpen ? this.events.onClosed(how) : this.events.onFailed(failure));
  }

  private end(by: 'fin' | 'reset' = 'fin'): void {
    this.phase = 'ended';
    clearTimeout(this.connectTimer);
    if (by === 'reset') this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  /** Sends first: whoever hears of the end has already heard of everything that was pending. */
  private report(last: () => void): void {
    for (const send of [...this.pending]) send.settle({ kind: 'closed' });
    last();
  }
}

const QUEUE_FULL: Reply = {
  ok: false, code: 'QUEUE_FULL', message: `QUEUE_FULL ${String(MAX_PENDING_COMMANDS)} commands unanswered`,
};

/** A client of ioredis that speaks RESP2 on a given socket and does nothing else. */
function protocolOn(socket: Socket): Redis {
  class GivenSocket extends AbstractConnector {
    constructor() { super(0); }
    override connect(): Promise<Socket> { return Promise.resolve(socket); }
    override disconnect(): void { socket.destroy(); }
  }
  const redis = new Redis({
    Connector: GivenSocket, lazyConnect: true, protocol: 2, noDelay: true, keepAlive: KEEP_ALIVE_MS,
    connectTimeout: 0, retryStrategy: () => null, maxRetriesPerRequest: 0, enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false, autoResubscribe: false, enableReadyCheck: false, disableClientInfo: true,
  });
  redis.connect().catch((error: unknown) => {
    // The connection did not come about, or ended while it did; the socket has said so already.
    assert(error instanceof Error);
  });
  return redis;
}

/**
 * A timer that lets the event loop read what had arrived before it says that nothing did: after a pause of our own
 * process, timers run before sockets are read, and a living server would look silent.
 */
function afterPoll(delayMs: number, expired: () => void): NodeJS.Timeout {
  return setTimeout(() => setImmediate(expired), delayMs);
}

function authCommand({ username, password }: RedisTarget): Command | null {
  if (username) return ['AUTH', username, password ?? ''];
  return password ? ['AUTH', password] : null;
}

/** Also "ERR AUTH <password> called without any password configured", and Redis before ACLs given a user. */
function isAboutCredentials(error: { readonly code: string; readonly message: string }): boolean {
  return ['WRONGPASS', 'NOAUTH', 'NOPERM', 'DENIED'].includes(error.code) || /auth|password/i.test(error.message);
}

function toConnectFailure(code: string): ConnectFailure {
  if (DNS_CODES.has(code)) return { code: 'dns', detail: code };
  if (UNREACHABLE_CODES.has(code)) return { code: 'unreachable', detail: code };
  return { code: code === 'ETIMEDOUT' ? 'timeout' : 'other', detail: code };
}
