// The client's public face: each method encodes one request and decodes its answer. What a reader should learn here
// is what each method promises; the session behind it is session.ts.

import assert from 'node:assert/strict';
import type { ConnectionOptions as TlsOptions } from 'node:tls';

import { JuteWriter, type JuteReader } from './codec.ts';
import { READ_DEADLINE_SHARE, type Connection, type Credential } from './connection.ts';
import { isZooKeeperError, ZooKeeperError } from './errors.ts';
import type { Fault } from './faults.ts';
import type { Host, Lookup } from './hosts.ts';
import type { Request } from './in-flight.ts';
import { createFlags, readMulti, versionOnWire, writeMulti, type MultiOp, type MultiResult } from './multi.ts';
import { Chroot, pathAndParents, pathFault } from './paths.ts';
import { OP, OPEN_ACL, readStat, writeAcl, type Acl, type Stat, type WatchEvent } from './protocol.ts';
import { CONNECT_DEADLINE_SHARE, Session } from './session.ts';
import type { OneShotKind, PersistentMode } from './watches.ts';

const DEFAULT_REQUEST_TIMEOUT_MS = 2000;
const DEFAULT_RECONNECT_PAUSE_MAX_MS = 2000;
/** `close` gives up waiting for the server after this. */
const CLOSE_TIMEOUT_MS = 1000;

const WATCH_MODE: Readonly<Record<PersistentMode, number>> = { persistent: 0, persistent_recursive: 1 };
const CONTAINER_FLAG = 4;
const TTL_FLAG = 5;
const SEQUENTIAL_TTL_FLAG = 6;
const ANY_WATCH = 3;

export interface ZooKeeperOptions {
  /** Names (resolved again at every attempt), IPv4 or IPv6 literals. Tried in random order. */
  readonly hosts: readonly Host[];
  /** What is asked for; the server decides within its bounds (2 to 20 ticks). */
  readonly sessionTimeoutMs: number;
  /** All paths are below it. '' (default) or an absolute path; made by `mkdirp('/')`. */
  readonly chroot?: string;
  /** Presented on every connection before anything of the user; until accepted, the client is not connected. */
  readonly auth?: readonly Credential[];
  readonly tls?: TlsOptions;
  /** Default 2000. Every request is answered within it. */
  readonly requestTimeoutMs?: number;
  /**
   * Silence that ends a connection, as a share of the session timeout; default 2/3, above 1/3 (the ping). A lease
   * holder wants less: another server may answer before it must give up.
   */
  readonly readDeadlineShare?: number;
  /**
   * Longest attempt to connect to one server, as a share of the session timeout; default 2/3, and never more than one
   * divided by the number of servers. A lease holder wants less: a server that is starting accepts and says nothing.
   */
  readonly connectDeadlineShare?: number;
  /** Default 2000. Pauses between rounds over all hosts grow up to it. */
  readonly reconnectPauseMaxMs?: number;
  /** In [0, 1). Default Math.random. */
  readonly random?: () => number;
  /** Default `dns.lookup`. */
  readonly lookup?: Lookup;
}

/** Called synchronously from the socket's handlers. What they throw is not caught. */
export interface ZooKeeperEvents {
  /**
   * `fresh`: a new session, which holds no ephemeral nodes and no watches of the one before. Otherwise the same session
   * on a new connection: watches have been registered again, but changes under *persistent* watches in between are
   * not reported. So read again after every `onConnected`.
   */
  onConnected(session: { id: bigint; timeoutMs: number; fresh: boolean }): void;
  /** The connection is gone, the session perhaps not. Requests in flight have been rejected. */
  onDisconnected(): void;
  /** The session is over, as a server said; a new one is under way by itself. */
  onExpired(): void;
  /** Events of all watches, in the order of the wire, also relative to answers. */
  onWatch(event: WatchEvent): void;
  onFault?(fault: Fault): void;
}

export interface CreateOptions {
  readonly ephemeral?: boolean;
  readonly sequential?: boolean;
  readonly container?: boolean;
  /** Not with `ephemeral`. The server needs `extendedTypesEnabled`. */
  readonly ttlMs?: number;
  readonly acl?: readonly Acl[];
}

export interface WatchOption {
  /** Sets a one-shot watch: its event arrives through `onWatch`. */
  readonly watch?: boolean;
}

/**
 * Requests are sent in the order of the calls, without waiting for each other, and executed in that order. While not
 * connected they are rejected at once with CONNECTION_LOSS. Rejections are ZooKeeperErrors.
 * Versions: undefined = any; 0 is 0.
 */
export interface ZooKeeperClient {
  readonly state: 'connecting' | 'connected' | 'closed';
  /** 0n before the first session. */
  readonly sessionId: bigint;
  /** As negotiated; before that as asked for. */
  readonly sessionTimeoutMs: number;
  /** `performance.now()` when the latest bytes from a server arrived; -Infinity before the first. */
  readonly lastReceivedMs: number;
  create(path: string, data: Buffer | string, options?: CreateOptions): Promise<{ path: string; stat: Stat }>;
  delete(path: string, version?: number): Promise<void>;
  getData(path: string, options?: WatchOption): Promise<{ data: Buffer; stat: Stat }>;
  setData(path: string, data: Buffer | string, version?: number): Promise<Stat>;
  exists(path: string, options?: WatchOption): Promise<Stat | null>;
  getChildren(path: string, options?: WatchOption): Promise<string[]>;
  /** A read after it sees at least what was committed before it, as far as the server's leader knows. */
  sync(path: string): Promise<void>;
  /** All or nothing. A rejection carries the code and `index` of the operation that was refused. */
  multi(ops: readonly MultiOp[]): Promise<MultiResult[]>;
  addWatch(path: string, mode: PersistentMode): Promise<void>;
  /** All watches on this path, of every kind. None there is fine. */
  removeWatches(path: string): Promise<void>;
  /** Creates the node and its missing parents, the chroot's included, without data. */
  mkdirp(path: string): Promise<void>;
  /** Ends the session, or gives up after 1 s. No event is fired from the call on. */
  close(): Promise<void>;
  /** Lets go of the connection without a word: the session lasts until its timeout. No event is fired from then on. */
  abandon(): void;
}

/** Starts to connect and returns at once; `events.onConnected` follows, never before this returns. */
export function connectZooKeeper(options: ZooKeeperOptions, events: ZooKeeperEvents): ZooKeeperClient {
  return new Client(options, events);
}

interface RequestSpec<T> {
  readonly op: number;
  /** Null for a request without one. */
  readonly path: string | null;
  readonly write: (writer: JuteWriter) => void;
  /** The value, or an error that the body of a positive answer carries. */
  readonly read: (reader: JuteReader, zxid: bigint) => T | ZooKeeperError;
  readonly onReply?: (error: number) => void;
}

class Client implements ZooKeeperClient {
  readonly #chroot: Chroot;
  readonly #session: Session;
  #closing: Promise<void> | null = null;

  constructor(options: ZooKeeperOptions, events: ZooKeeperEvents) {
    const chroot = options.chroot ?? '';
    assert(options.hosts.length > 0, 'hosts must not be empty');
    assert(options.sessionTimeoutMs > 0, 'sessionTimeoutMs must be positive');
    assert(chroot === '' || pathFault(chroot) === null, `chroot ${pathFault(chroot) ?? ''}`);
    this.#chroot = new Chroot(chroot);
    this.#session = new Session({
      hosts: options.hosts,
      sessionTimeoutMs: options.sessionTimeoutMs,
      auth: options.auth ?? [],
      tls: options.tls,
      requestTimeoutMs: options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS,
      readDeadlineShare: options.readDeadlineShare ?? READ_DEADLINE_SHARE,
      connectDeadlineShare: options.connectDeadlineShare ?? CONNECT_DEADLINE_SHARE,
      reconnectPauseMaxMs: options.reconnectPauseMaxMs ?? DEFAULT_RECONNECT_PAUSE_MAX_MS,
      random: options.random ?? Math.random,
      lookup: options.lookup,
    }, {
      onConnected: (session) => { events.onConnected(session); },
      onDisconnected: () => { events.onDisconnected(); },
      onExpired: () => { events.onExpired(); },
      onWatch: (event) => { events.onWatch({ ...event, path: this.#chroot.toUser(event.path) }); },
      onFault: (fault) => { events.onFault?.(fault); },
    });
  }

  get state(): 'connecting' | 'connected' | 'closed' {
    return this.#session.state;
  }

  get sessionId(): bigint {
    return this.#session.id;
  }

  get sessionTimeoutMs(): number {
    return this.#session.timeoutMs;
  }

  get lastReceivedMs(): number {
    return this.#session.lastReceivedMs;
  }

  create(path: string, data: Buffer | string, options: CreateOptions = {}): Promise<{ path: string; stat: Stat }> {
    return this.#createAt(path, this.#chroot.toServer(path), data, options);
  }

  delete(path: string, version?: number): Promise<void> {
    return this.#request({
      op: OP.delete,
      path,
      write: (writer) => writer.string(this.#chroot.toServer(path)).int(versionOnWire(version)),
      read: () => undefined,
    });
  }

  getData(path: string, options: WatchOption = {}): Promise<{ data: Buffer; stat: Stat }> {
    return this.#request({
      ...this.#reading(OP.getData, path, 'data', options),
      read: (reader) => ({ data: reader.buffer() ?? Buffer.alloc(0), stat: readStat(reader) }),
    });
  }

  setData(path: string, data: Buffer | string, version?: number): Promise<Stat> {
    return this.#request({
      op: OP.setData,
      path,
      write: (writer) =>
        writer.string(this.#chroot.toServer(path)).buffer(Buffer.from(data)).int(versionOnWire(version)),
      read: readStat,
    });
  }

  async exists(path: string, options: WatchOption = {}): Promise<Stat | null> {
    try {
      return await this.#request({ ...this.#reading(OP.exists, path, 'exists', options), read: readStat });
    } catch (error) {
      if (isZooKeeperError(error, 'NO_NODE')) return null;
      throw error;
    }
  }

  getChildren(path: string, options: WatchOption = {}): Promise<string[]> {
    return this.#request({
      ...this.#reading(OP.getChildren2, path, 'children', options),
      read: (reader) => reader.vector(() => reader.string()),
    });
  }

  sync(path: string): Promise<void> {
    return this.#request({
      op: OP.sync,
      path,
      write: (writer) => writer.string(this.#chroot.toServer(path)),
      read: () => undefined,
    });
  }

  multi(ops: readonly MultiOp[]): Promise<MultiResult[]> {
    const wrong = ops.findIndex((op) => pathFault(op.path) !== null);
    if (wrong >= 0) {
      return Promise.reject(new ZooKeeperError('BAD_ARGUMENTS', ops[wrong]?.path ?? '', { index: wrong }));
    }
    return this.#request({
      op: OP.multi,
      path: null,
      write: (writer) => { writeMulti(writer, ops, (path) => this.#chroot.toServer(path)); },
      read: (reader, zxid) => readMulti(reader, { ops, zxid, toUser: (path) => this.#chroot.toUser(path) }),
    });
  }

  addWatch(path: string, mode: PersistentMode): Promise<void> {
    const serverPath = this.#chroot.toServer(path);
    return this.#request({
      op: OP.addWatch,
      path,
      write: (writer) => writer.string(serverPath).int(WATCH_MODE[mode]),
      read: () => undefined,
      onReply: (error) => {
        if (error === 0) this.#session.watches.add(mode, serverPath);
      },
    });
  }

  async removeWatches(path: string): Promise<void> {
    const serverPath = this.#chroot.toServer(path);
    try {
      await this.#request({
        op: OP.removeWatches,
        path,
        write: (writer) => writer.string(serverPath).int(ANY_WATCH),
        read: () => undefined,
        onReply: () => { this.#session.watches.remove(serverPath); },
      });
    } catch (error) {
      // What should not be there is not there.
      if (!isZooKeeperError(error, 'NO_WATCHER')) throw error;
    }
  }

  async mkdirp(path: string): Promise<void> {
    const fault = pathFault(path);
    if (fault !== null) throw new ZooKeeperError('BAD_ARGUMENTS', path);
    // Written one after the other without waiting: the server executes them in this order, parents first.
    const attempts = pathAndParents(this.#chroot.toServer(path)).map((each) => this.#createAt(path, each, '', {}));
    const outcomes = await Promise.allSettled(attempts);
    const last = outcomes.at(-1);
    // Parents may exist and be closed to us; only the node itself counts.
    if (last?.status === 'rejected' && !isZooKeeperError(last.reason, 'NODE_EXISTS')) throw last.reason;
  }

  close(): Promise<void> {
    this.#closing ??= this.#session.close((connection) => this.#sayGoodbye(connection));
    return this.#closing;
  }

  abandon(): void {
    this.#closing ??= this.#session.close(() => Promise.resolve());
  }

  #createAt(
    path: string,
    serverPath: string,
    data: Buffer | string,
    options: CreateOptions,
  ): Promise<{ path: string; stat: Stat }> {
    const { op, flags } = createVariant(options);
    // A sequential node may have no name but its number: `/folder/` becomes `/folder/0000000007`.
    const named = options.sequential === true ? path.replace(/(.)\/$/, '$1') : path;
    return this.#request({
      op,
      path: named,
      write: (writer) => {
        writer.string(serverPath).buffer(Buffer.from(data));
        writeAcl(writer, options.acl ?? OPEN_ACL);
        writer.int(flags);
        if (options.ttlMs !== undefined) writer.long(BigInt(options.ttlMs));
      },
      read: (reader) => ({ path: this.#chroot.toUser(reader.string()), stat: readStat(reader) }),
    });
  }

  #reading(op: number, path: string, kind: OneShotKind, options: WatchOption): Omit<RequestSpec<never>, 'read'> {
    const serverPath = this.#chroot.toServer(path);
    const watch = options.watch === true;
    const onReply = (error: number): void => {
      if (error === 0) this.#session.watches.add(kind === 'exists' ? 'data' : kind, serverPath);
      // `exists` on a missing node watches for its creation.
      else if (kind === 'exists' && error === NO_NODE) this.#session.watches.add('exists', serverPath);
    };
    return {
      op,
      path,
      write: (writer) => writer.string(serverPath).boolean(watch),
      ...(watch ? { onReply } : {}),
    };
  }

  #request<T>(spec: RequestSpec<T>): Promise<T> {
    const { path } = spec;
    if (path !== null && pathFault(path) !== null) return Promise.reject(new ZooKeeperError('BAD_ARGUMENTS', path));
    return new Promise((resolve, reject) => {
      this.#session.send(this.#encode(spec, resolve, reject));
    });
  }

  #encode<T>(spec: RequestSpec<T>, resolve: (value: T) => void, reject: (error: Error) => void): Request {
    const xid = this.#session.nextXid();
    const writer = new JuteWriter().int(xid).int(spec.op);
    spec.write(writer);
    return {
      xid,
      path: spec.path ?? '',
      frame: writer.frame(),
      ...(spec.onReply === undefined ? {} : { onReply: spec.onReply }),
      resolve: (reader, zxid) => {
        const value = spec.read(reader, zxid);
        if (value instanceof ZooKeeperError) reject(value);
        else resolve(value);
      },
      reject,
    };
  }

  #sayGoodbye(connection: Connection): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      // Rejected or not: the connection is destroyed next, and the session ends now or at its timeout.
      connection.send(this.#encode(
        { op: OP.closeSession, path: null, write: () => undefined, read: () => undefined },
        done,
        done,
      ));
    });
  }
}

const NO_NODE = -101;

function createVariant(options: CreateOptions): { op: number; flags: number } {
  const { ephemeral, sequential, container, ttlMs } = options;
  if (ttlMs !== undefined) {
    assert(ephemeral !== true && container !== true, 'a node with a ttl is neither ephemeral nor a container');
    return { op: OP.createTtl, flags: sequential === true ? SEQUENTIAL_TTL_FLAG : TTL_FLAG };
  }
  if (container === true) {
    assert(ephemeral !== true && sequential !== true, 'a container is neither ephemeral nor sequential');
    return { op: OP.createContainer, flags: CONTAINER_FLAG };
  }
  return { op: OP.create2, flags: createFlags({ ephemeral, sequential }) };
}
