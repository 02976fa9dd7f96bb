/**
 * The interface to one connection to one Redis: what the agent may ask of it, and what it is told.
 *
 * Callback style, so that the simulator can hold an in-memory twin to the same contract. A reader should learn here
 * which endings of a connection are told apart, because proofs of death are built on them: a connection that ended
 * by FIN or RST says that the other kernel closed it; silence, a timeout or a lost route says nothing.
 */

/** Where a Redis listens, and as whom to speak to it. An empty password counts as none. */
export interface RedisTarget {
  readonly host: string;
  readonly port: number;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** One command, sent verbatim: `['CONFIG', 'SET', 'repl-backlog-ttl', '0']`. */
export type Command = readonly [name: string, ...args: string[]];

/** An error as Redis worded it. `code` is its first word: LOADING, BUSY, NOAUTH, READONLY, NOREPLICAS, ERR ... */
export interface ErrorReply {
  readonly ok: false;
  readonly code: string;
  readonly message: string;
}

/** What a command returned. Inside the array of an EXEC, the error of one command stands as an `ErrorReply`. */
export type ReplyValue = string | number | null | ErrorReply | readonly ReplyValue[];

export type Reply = { readonly ok: true; readonly value: ReplyValue } | ErrorReply;

/**
 * What became of one `send`.
 * - `answered`: one reply per command, in order.
 * - `silent`: the deadline passed. The commands stay in the socket and run when the server thaws; their replies are
 *   then dropped. Never a reason to close: a fence must stay queued.
 * - `closed`: the connection ended first, or was not open. Whether the commands ran is unknown.
 */
export type SendOutcome =
  | { readonly kind: 'answered'; readonly replies: readonly Reply[] }
  | { readonly kind: 'silent' }
  | { readonly kind: 'closed' };

/** `dns`: no address. `auth`: the credentials were refused. `other` includes a reset while connecting. */
export type ConnectFailureCode = 'timeout' | 'unreachable' | 'auth' | 'dns' | 'other';

export interface ConnectFailure {
  readonly code: ConnectFailureCode;
  readonly detail: string;
}

/**
 * How an established connection ended. `fin` and `reset` come from the other side's kernel. `lost` is everything that
 * proves nothing about the server: keep-alive timed out, route gone, bytes that are not the protocol.
 * `local` is our own `close()`.
 */
export type CloseKind = 'fin' | 'reset' | 'lost' | 'local';

/**
 * Exactly one of `onRefused`, `onFailed` and `onClosed` is called per link, once, as its last event; sends still
 * pending are told `closed` just before. No event is called from inside `connect`, `send` or `close`.
 */
export interface RedisLinkEvents {
  /**
   * Connected; where there are credentials, accepted as well. Without credentials nothing was awaited, so a stopped
   * server opens too and is then silent. LOADING, BUSY and NOAUTH are replies to commands, not failures of opening.
   */
  onOpen(): void;
  /** Every resolved address answered the connection attempt with a refusal. */
  onRefused(): void;
  onFailed(failure: ConnectFailure): void;
  /** The connection ended after `onOpen`, or `close()` was called at any time (`local`). */
  onClosed(how: CloseKind): void;
}

export interface RedisLink {
  /**
   * Writes all commands at once, in order. `done` is called once, later. Beyond `MAX_PENDING_COMMANDS` unanswered
   * commands nothing is written and every reply is the error QUEUE_FULL, so do not poll a server that owes answers.
   * Before `onOpen` nothing is written either: `closed`.
   */
  send(commands: readonly Command[], deadlineMs: number, done: (outcome: SendOutcome) => void): void;
  /** What was sent before is still carried out, when it arrives. */
  close(): void;
  /** The same by a reset: what has not arrived is not carried out, perhaps behind what another connection brought. */
  abort(): void;
  /** The address the name resolved to, once known; the last one tried where there were several. */
  readonly resolvedAddress: string | null;
}

export interface ConnectOptions {
  /** Shown as `dictator-<purpose>` in CLIENT LIST; letters, digits and dashes. */
  readonly purpose: string;
  /** For name resolution, connection and authentication together. */
  readonly connectTimeoutMs: number;
}

export interface RedisConnector {
  connect(target: RedisTarget, options: ConnectOptions, events: RedisLinkEvents): RedisLink;
}

/**
 * Commands one link may have unanswered. A fence needs five; a poll every 100 ms to a frozen server reaches the bound
 * after minutes, long before the kernel's buffers or ours grow to matter.
 */
export const MAX_PENDING_COMMANDS = 1024;

/** The deadline of what may stay unanswered: in practice until the connection ends. */
export const NO_DEADLINE_MS = 24 * 3600 * 1000;

/**
 * The first error among replies, also inside the array of an EXEC. A pipeline whose first command was refused
 * (NOPERM) must not pass for done because its last one succeeded.
 */
export function firstError(replies: readonly Reply[]): ErrorReply | null {
  for (const reply of replies) {
    const error = reply.ok ? errorWithin(reply.value) : reply;
    if (error !== null) return error;
  }
  return null;
}

function errorWithin(value: ReplyValue): ErrorReply | null {
  if (typeof value !== 'object' || value === null) return null;
  if (!isList(value)) return value;
  for (const item of value) {
    const error = errorWithin(item);
    if (error !== null) return error;
  }
  return null;
}

function isList(value: ErrorReply | readonly ReplyValue[]): value is readonly ReplyValue[] {
  return Array.isArray(value);
}
