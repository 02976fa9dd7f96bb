/**
 * The agent's Sentinel port: accepts clients within bounds, answers from the picture of the moment, and tells
 * subscribers what changed. It decides nothing, and asks nobody to answer a question.
 */
import type { Socket } from 'node:net';
import type { OperationAnswer, OperationRequest } from '../contract/operations.ts';
import type { Topology } from '../contract/topology.ts';
import { Access, DEFAULT_USER } from './access.ts';
import type { SentinelUser } from './access.ts';
import type { SentinelEvent } from './announce.ts';
import { Book } from './book.ts';
import type { OthersSource } from './book.ts';
import type { House } from './call.ts';
import { Client } from './client.ts';
import { Connection } from './connection.ts';
import { Held } from './held.ts';
import { HostNames } from './host-names.ts';
import type { HostNamesOptions } from './host-names.ts';
import { SENTINEL_LIMITS } from './limits.ts';
import type { SentinelLimits } from './limits.ts';
import { listen } from './listen.ts';
import type { Listener } from './listen.ts';
import { delayOf } from './quirks.ts';
import { sentinelId } from './run-id.ts';
import { tell } from './tell.ts';
import { Turnstile } from './turnstile.ts';

/** What the agent gives its Sentinel port. */
export interface SentinelApi {
  /** The service of the agent at this moment; null where there is no agent, only others to answer for. */
  topology(): Topology | null;
  operate(asked: Omit<OperationRequest, 'id' | 'askedAt'>): Promise<OperationAnswer>;
}

export interface SentinelServerOptions {
  /** 0 takes any free port. */
  readonly port: number;
  /** Addresses to listen on; empty: all. */
  readonly bind: readonly string[];
  /** Where others reach it; port 0: the one that it listens on. */
  readonly announce: { readonly host: string; readonly port: number };
  /** Names of the own service's master; none where there is no agent. */
  readonly names: readonly string[];
  /** Services beside the own one, which `take` tells of. */
  readonly others?: OthersSource & { namesOf?(service: string): readonly string[] };
  readonly users: readonly SentinelUser[];
  readonly aliases: boolean;
  readonly announceHostnames: boolean;
  readonly clientsMax: number;
  readonly version: string;
  readonly api: SentinelApi;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly lookup: HostNamesOptions['lookup'];
  /** It listens on every address, and others reach it here. */
  onListening?(announced: { readonly host: string; readonly port: number }): void;
  /** An address could not be taken, with the system's code; tried again. Once per change of the code. */
  onPortTaken?(cause: string): void;
  onFault?(fault: unknown): void;
  /** Other bounds than SENTINEL_LIMITS, for tests. */
  readonly limits?: Partial<SentinelLimits>;
}

export class SentinelServer {
  private readonly options: SentinelServerOptions;
  private readonly limits: SentinelLimits;
  private readonly connections = new Map<number, Connection>();
  private readonly turnstile: Turnstile;
  private readonly house: House & { address: { host: string; port: number } };
  private readonly clients = new Map<number, Client>();
  private readonly book: Book;
  private readonly held: Held;
  private listeners: readonly Listener[] = [];
  private nextId = 1;
  private refreshing = false;
  private stopped = false;
  /** Without an agent: since when it knows nothing of anybody. */
  private tiltSinceMs: number | null = null;
  private window = { sinceMs: Number.NEGATIVE_INFINITY, accepted: 0 };

  constructor(options: SentinelServerOptions) {
    this.options = options;
    this.limits = { ...SENTINEL_LIMITS, ...options.limits };
    this.turnstile = new Turnstile(this.limits, options.now);
    const hostNames = new HostNames({ asNames: options.announceHostnames, lookup: options.lookup, now: options.now });
    this.book = new Book({
      topology: () => options.api.topology(),
      ownNames: options.names,
      namesOf: (service) => options.others?.namesOf?.(service) ?? [service],
      others: options.others ?? null,
      aliases: options.aliases,
      show: hostNames.show,
      now: options.now,
      publish: (events) => this.publish(events),
    });
    const find: House['find'] = (name) => this.book.find(name);
    this.held = new Held({ find, questionsMax: this.limits.heldQuestionsMax });
    this.house = {
      find,
      untilClear: (name, maxMs) => this.held.untilClear(name, maxMs),
      served: () => this.book.served(),
      own: () => this.book.ownPicture(),
      id: () => this.id(),
      blindSinceMs: () => this.blindSinceMs(),
      show: hostNames.show,
      announceHostnames: options.announceHostnames,
      access: new Access(options.users),
      limits: this.limits,
      clients: this.clients,
      clientsMax: options.clientsMax,
      disconnect: ({ id }) => this.connections.get(id)?.close(),
      address: { host: options.announce.host, port: 0 },
      counts: { connections: 0, commands: 0, rejected: 0 },
      unread: { bytes: 0 },
      startedAtMs: options.now(),
      version: options.version,
      now: options.now,
      operate: (asked) => options.api.operate(asked),
      publish: (events) => this.publish(events),
    };
  }

  start(): void {
    // What is so from the start is no event.
    this.turned();
    const { bind, port } = this.options;
    const hosts = bind.length === 0 ? [undefined] : bind;
    let missing = hosts.length;
    this.listeners = hosts.map((host) => listen({
      port,
      host,
      retryMinMs: this.limits.listenRetryMinMs,
      retryMaxMs: this.limits.listenRetryMaxMs,
      onSocket: (socket) => this.accept(socket),
      onListening: (taken) => {
        missing -= 1;
        this.house.address = { host: this.options.announce.host, port: this.options.announce.port || taken };
        if (missing === 0) this.options.onListening?.(this.house.address);
      },
      onTaken: (cause) => this.options.onPortTaken?.(cause),
      onFault: (fault) => this.options.onFault?.(fault),
    }));
  }

  /** Something about the service may have changed. Looks at it when whoever says so is done. */
  readonly turned = (): void => {
    if (this.refreshing || this.stopped) return;
    this.refreshing = true;
    queueMicrotask(() => {
      try {
        const own = this.book.ownPicture();
        if (own !== null) this.held.look(own.service);
      } catch (fault) {
        this.options.onFault?.(fault);
      } finally {
        // Whoever is looked at first decides what is overdue, and says so here: that was seen just now. Looked at once
        // more, it would find the next thing overdue, and microtasks without end would leave no turn to the rest.
        this.refreshing = false;
      }
    });
  };

  async stop(): Promise<void> {
    this.stopped = true;
    this.turnstile.stop();
    for (const connection of this.connections.values()) connection.close();
    await Promise.all(this.listeners.map((listener) => listener.stop()));
  }

  /** Takes in what is known of another service now; null: it is gone. `news`: subscribers are told of it. */
  take(service: string, seen: Topology | null, news: boolean): void {
    this.book.take(service, seen, news);
    this.held.look(service);
  }

  /** Where there is no agent: whether anything is known at all. */
  sees(known: boolean): void {
    if (known === (this.tiltSinceMs === null)) return;
    this.tiltSinceMs = known ? null : this.options.now();
    const [channel, what] = known ? ['-tilt', 'exited'] as const : ['+tilt', 'entered'] as const;
    this.publish([{ channel, payload: `#tilt mode ${what}` }]);
    this.held.lookAtAll();
  }

  private id(): string {
    const own = this.book.ownPicture();
    const { host, port } = this.house.address;
    return own === null ? sentinelId('', `${host}:${port}`) : sentinelId(own.service, own.self);
  }

  private blindSinceMs(): number | null {
    const own = this.book.ownPicture();
    if (own === null) return this.tiltSinceMs;
    return own.blind ? own.masterSinceMs : null;
  }

  private publish(events: readonly SentinelEvent[]): void {
    const texts = tell(events);
    for (const connection of this.connections.values()) {
      const text = texts(connection.client);
      if (text !== '') connection.tell(text, delayOf(connection.client, events));
    }
  }

  private accept(socket: Socket): void {
    const { counts, access } = this.house;
    counts.connections += 1;
    if (this.stopped || !this.mayAccept()) {
      counts.rejected += 1;
      socket.destroy();
      return;
    }
    if (this.connections.size >= this.options.clientsMax) {
      counts.rejected += 1;
      socket.on('error', () => socket.destroy());
      socket.end('-ERR max number of clients reached\r\n', () => socket.destroy());
      return;
    }
    socket.setKeepAlive(true, this.limits.keepAliveMs);
    const id = this.nextId;
    this.nextId += 1;
    const address = plain(socket.remoteAddress);
    const client = new Client({
      id,
      remote: `${address}:${socket.remotePort ?? 0}`,
      local: `${plain(socket.localAddress)}:${socket.localPort ?? 0}`,
      isLocal: address === '[::1]' || address.startsWith('127.'),
      user: access.isOpen ? DEFAULT_USER : null,
      nowMs: this.options.now(),
    });
    this.clients.set(id, client);
    this.connections.set(id, new Connection({
      socket,
      client,
      house: this.house,
      turnstile: this.turnstile,
      onClosed: () => {
        this.connections.delete(id);
        this.clients.delete(id);
      },
      onFault: (fault) => this.options.onFault?.(fault),
    }));
  }

  /** Accepting costs more than it seems: beyond the rate of any sane herd of clients they are turned away. */
  private mayAccept(): boolean {
    const nowMs = this.options.now();
    if (nowMs - this.window.sinceMs >= this.limits.acceptIntervalMs) this.window = { sinceMs: nowMs, accepted: 0 };
    this.window.accepted += 1;
    return this.window.accepted <= this.limits.acceptsPerInterval;
  }
}

/** As Redis writes addresses: IPv4 without its IPv6 disguise, IPv6 in brackets. */
function plain(address: string | undefined): string {
  const text = (address ?? '?').replace(/^::ffff:(?=\d+\.)/, '');
  return text.includes(':') ? `[${text}]` : text;
}
