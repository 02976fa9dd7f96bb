// ZooKeeper's client protocol: numbers and records. Source: zookeeper.jute and ZooDefs.java of ZooKeeper 3.8.
// A request is {xid, operation, record}; an answer {xid, zxid, error, record}. The server answers a connection's
// requests in their order. Negative xids are not requests of the user: see XID.

import type { JuteReader} from './codec.ts';
import { JuteWriter } from './codec.ts';

export const OP = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  removeWatches: 18,
  createContainer: 19,
  createTtl: 21,
  auth: 100,
  setWatches2: 105,
  addWatch: 106,
  closeSession: -11,
  error: -1,
} as const;

export const XID = { watchEvent: -1, ping: -2, auth: -4, setWatches: -8 } as const;

export const XID_MAX = 0x7fff_ffff;

/** What ZooKeeper knows about a node. zxids and session ids are 64 bits wide, hence bigint. */
export interface Stat {
  /** zxid of the creation: a node deleted and created again has another one. */
  readonly czxid: bigint;
  /** zxid of the latest change of the data. */
  readonly mzxid: bigint;
  /** Wall clock of the server, ms since 1970. For display only. */
  readonly ctimeMs: number;
  readonly mtimeMs: number;
  /** Number of changes of the data; starts at 0. */
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  /** Session that owns an ephemeral node; 0n for an ordinary node. */
  readonly ephemeralOwner: bigint;
  readonly dataLength: number;
  readonly numChildren: number;
  readonly pzxid: bigint;
}

export function readStat(reader: JuteReader): Stat {
  // Properties are evaluated in their order here, which is the order on the wire.
  return {
    czxid: reader.long(),
    mzxid: reader.long(),
    ctimeMs: Number(reader.long()),
    mtimeMs: Number(reader.long()),
    version: reader.int(),
    cversion: reader.int(),
    aversion: reader.int(),
    ephemeralOwner: reader.long(),
    dataLength: reader.int(),
    numChildren: reader.int(),
    pzxid: reader.long(),
  };
}

/** `permissions`: sum of READ 1, WRITE 2, CREATE 4, DELETE 8, ADMIN 16. */
export interface Acl {
  readonly permissions: number;
  readonly scheme: string;
  readonly id: string;
}

export const OPEN_ACL: readonly Acl[] = [{ permissions: 31, scheme: 'world', id: 'anyone' }];

export function writeAcl(writer: JuteWriter, acl: readonly Acl[]): void {
  writer.vector(acl, (entry) => writer.int(entry.permissions).string(entry.scheme).string(entry.id));
}

export interface SessionIdentity {
  readonly id: bigint;
  readonly password: Buffer;
}

/** What a client without a session says. */
export const NO_SESSION: SessionIdentity = { id: 0n, password: Buffer.alloc(16) };

export interface ConnectRequest {
  readonly lastZxid: bigint;
  readonly timeoutMs: number;
  readonly session: SessionIdentity;
}

export function connectFrame(request: ConnectRequest): Buffer {
  const protocolVersion = 0;
  const readOnlyIsFine = false;
  return new JuteWriter()
    .int(protocolVersion)
    .long(request.lastZxid)
    .int(request.timeoutMs)
    .long(request.session.id)
    .buffer(request.session.password)
    .boolean(readOnlyIsFine)
    .frame();
}

/** `timeoutMs` of 0 or less: the session that was asked for is over. */
export interface ConnectResponse {
  readonly timeoutMs: number;
  readonly session: SessionIdentity;
}

export function readConnectResponse(reader: JuteReader): ConnectResponse {
  reader.int();
  const timeoutMs = reader.int();
  const id = reader.long();
  // A copy: the password lives as long as the session, the frame it came in should not.
  const password = Buffer.from(reader.buffer() ?? NO_SESSION.password);
  return { timeoutMs, session: { id, password } };
}

export interface ReplyHeader {
  readonly xid: number;
  readonly zxid: bigint;
  readonly error: number;
}

export function readReplyHeader(reader: JuteReader): ReplyHeader {
  return { xid: reader.int(), zxid: reader.long(), error: reader.int() };
}

export type WatchEventType = 'created' | 'deleted' | 'changed' | 'children';

export interface WatchEvent {
  readonly type: WatchEventType;
  readonly path: string;
  /** zxid of the change; -1n from servers before 3.9, which do not send it. */
  readonly zxid: bigint;
}

const EVENT_TYPES: Readonly<Record<number, WatchEventType>> = {
  1: 'created',
  2: 'deleted',
  3: 'changed',
  4: 'children',
};

/** Null for the kinds that concern a connection or the removal of a watch: the client knows those by itself. */
export function readWatchEvent(reader: JuteReader, zxid: bigint): WatchEvent | null {
  const type = EVENT_TYPES[reader.int()];
  reader.int();
  const path = reader.string();
  return type === undefined ? null : { type, path, zxid };
}

export function pingFrame(): Buffer {
  return new JuteWriter().int(XID.ping).int(OP.ping).frame();
}

export function authFrame(scheme: string, credential: string): Buffer {
  const authType = 0;
  const header = new JuteWriter().int(XID.auth).int(OP.auth);
  return header.int(authType).string(scheme).buffer(Buffer.from(credential)).frame();
}
