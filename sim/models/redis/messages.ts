/**
 * What travels over a connection to a Redis of the simulated world: requests of agents and clients, the answers to
 * them, and what a master and a replica say to each other. Messages are never changed once sent: both ends share them.
 */
import type { Command, ErrorReply, Reply } from '../../../src/redis/link.ts';
import type { Data } from './dataset.ts';
import type { Op } from './stream.ts';

/** Of an agent: one write on the wire; all replies come in one message. */
export interface CommandsRequest {
  readonly kind: 'commands';
  readonly commands: readonly Command[];
}

/** Of a client: a pipeline of SETs of new keys, and `WAIT` behind it where `wait` is not 0. */
export interface WriteRequest {
  readonly kind: 'write';
  readonly ids: readonly number[];
  /** Of each SET. */
  readonly bytes: number;
  readonly wait: number;
  readonly timeoutMs: number;
}

/** Of a replica. `replid` is `?` when it has nothing to continue. */
export interface PsyncRequest {
  readonly kind: 'psync';
  readonly replid: string;
  readonly nextOffset: number;
  readonly host: string;
  readonly port: number;
}

export interface AckRequest {
  readonly kind: 'ack';
  readonly offset: number;
}

export type Request = CommandsRequest | WriteRequest | PsyncRequest | AckRequest;

export interface RepliesMessage {
  readonly kind: 'replies';
  readonly replies: readonly Reply[];
}

/** The SETs were executed, or refused. */
export interface WrittenMessage {
  readonly kind: 'written';
  readonly request: WriteRequest;
  readonly error: ErrorReply | null;
}

/** The answer to WAIT: how many replicas acknowledged. */
export interface WaitedMessage {
  readonly kind: 'waited';
  readonly request: WriteRequest;
  readonly replicas: number;
  readonly error: ErrorReply | null;
}

export type Answer = RepliesMessage | WrittenMessage | WaitedMessage;

/** What a server has at one moment, and where in which history that is. */
export interface Snapshot {
  readonly data: Data;
  /** Null where there was no history to save: a master that never had a replica. */
  readonly replid: string | null;
  readonly offset: number;
}

/** What a full sync sends: of a history, and of the process that it was asked of. */
export interface FullCopy extends Snapshot {
  readonly replid: string;
  readonly runId: string;
}

export type MasterMessage =
  | { readonly kind: 'continue'; readonly replid: string; readonly ops: readonly Op[] }
  | { readonly kind: 'fullresync'; readonly snapshot: FullCopy }
  | { readonly kind: 'rdb'; readonly snapshot: FullCopy }
  | { readonly kind: 'stream'; readonly ops: readonly Op[] }
  | { readonly kind: 'refused'; readonly error: ErrorReply };
