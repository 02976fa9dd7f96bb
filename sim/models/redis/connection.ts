/**
 * One accepted connection as the server sees it: what lies unread in its socket, what waits to be written at the end
 * of the turn, and what its client is in the middle of (a transaction, a WAIT, a replication stream).
 */
import type { Command, Reply } from '../../../src/redis/link.ts';
import type { End } from '../../kernel/network.ts';
import type { Answer, Request } from './messages.ts';
import type { Op } from './stream.ts';

/** Something with a socket that the event loop reads when there is something in it. */
export interface Readable {
  /** Already among those that the next turn reads. */
  ready: boolean;
  read(): void;
}

/** The master's side of one replica. */
export interface ReplicaSide {
  readonly host: string;
  readonly port: number;
  state: 'wait_bgsave' | 'online';
  /** The snapshot it gets is being sent; what happens from here on is kept for it. */
  sending: boolean;
  /** Online in name: the stream begins at its first acknowledgement. */
  startsOnAck: boolean;
  readonly kept: Op[];
  ackOffset: number;
  /** Whole second of the last acknowledgement. */
  ackSecond: number;
  readonly sinceSecond: number;
}

/** A client inside WAIT. */
export interface Waiter {
  readonly connection: Connection;
  readonly offset: number;
  readonly replicas: number;
  cancelTimeout: () => void;
  /** Answers it. */
  readonly answer: (replicas: number) => void;
  readonly refuse: () => void;
}

export class Connection implements Readable {
  readonly end: End;
  ready = false;
  readonly inbox: Request[] = [];
  readonly outbox: Answer[] = [];
  /** The other side closed; seen once the inbox is empty. */
  ended = false;
  freed = false;
  replica: ReplicaSide | null = null;
  waiter: Waiter | null = null;
  transaction: Command[] | null = null;
  transactionBroken = false;
  /** Replies to the part of the first request in the inbox that ran already. */
  replies: Reply[] = [];
  /** Offset behind its latest write. */
  writtenOffset = 0;
  private readonly onRead: (connection: Connection) => void;

  constructor(end: End, onRead: (connection: Connection) => void) {
    this.end = end;
    this.onRead = onRead;
  }

  read(): void {
    this.onRead(this);
  }
}

const COMMAND_BYTES = 48;

/** What a request weighs against the 16 KiB that are read at once. */
export function bytesOf(request: Request): number {
  return request.kind === 'write' ? request.bytes * request.ids.length
    : request.kind === 'commands' ? request.commands.length * COMMAND_BYTES : COMMAND_BYTES;
}
