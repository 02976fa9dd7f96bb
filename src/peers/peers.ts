/**
 * The interface of the peer streams: what the agent's loop may ask, and what it is told. Callbacks only, no promises,
 * so that a simulator can stand in its place.
 *
 * Every agent dials one stream to every other agent of its service, so a pair has two. The fate of the *outgoing*
 * stream is evidence of the other agent's life; the incoming one only carries messages.
 *
 * Proof of an agent's death (guarantees, Election 1) is composed by the reader of these events: `onEnded` with `fin`
 * or `reset`, then two `onRefused` from one address at least PROOF_PAUSE_MS apart. Anything else proves nothing.
 */
import type { Duplex } from 'node:stream';

import type { PeerHello } from './hello.ts';
import type { PeerMessage } from './messages.ts';

/** Another agent, as its member record names it. */
export interface PeerAddress {
  readonly name: string;
  /** Host and port of its HTTP listener. */
  readonly host: string;
  readonly port: number;
  /** Only this agent process is accepted as the peer: a stream to its successor is no stream to it. */
  readonly instance: string;
}

/**
 * How an outgoing stream that was up ended.
 * - `fin`, `reset`: the other side closed it, or its host's kernel did when the process died. Evidence.
 * - `silent`: it had been silent before (whatever ended it then), or the kernel gave up. No evidence.
 * - `local`: we closed it: the peer left the list, the hub stopped, or the other side broke a rule. No evidence.
 */
export type PeerEnd = 'fin' | 'reset' | 'silent' | 'local';

/** Never called from inside a call to the hub, except `onEnded(name, 'local')` by setPeers, tell and stop. */
export interface PeerEvents {
  /** The outgoing stream is established, and the answer names the service, name and instance that were dialled. */
  onUp(name: string, instance: string): void;
  /** An outgoing stream that was up ended; a new dial is already under way (unless the peer was removed). */
  onEnded(name: string, how: PeerEnd): void;
  /** A dial met ECONNREFUSED, each time; `address` is the resolved one that refused. */
  onRefused(name: string, address: string): void;
  /**
   * A dial failed otherwise; never evidence. `code`: `timeout`, `wrong_service`, `wrong_name`, `wrong_instance`,
   * `bad_hello`, `bad_address`, `http_STATUS`, or the operating system's (`EHOSTUNREACH`, `ENOTFOUND`...).
   */
  onFailed(name: string, code: string): void;
  /** From a stream of either direction, of a peer on the list. */
  onMessage(name: string, message: PeerMessage): void;
}

export interface PeerHub {
  /**
   * Replaces the list. Streams to peers that stay as they were are untouched; one whose host, port or instance
   * changed is dialled anew. At most PEERS_MAX; own name is skipped. Keep a peer on the list for as long as the
   * proof of its death may be needed, whether or not its member record still stands.
   */
  setPeers(peers: readonly PeerAddress[]): void;
  /**
   * Sends to the named peer, or to every one (`all`): over the outgoing stream, else over an incoming one; with
   * neither the message is dropped.
   */
  tell(name: string, message: PeerMessage): void;
  /** Takes over a stream that the HTTP server upgraded; it is destroyed where the hello or the bounds forbid it. */
  accept(stream: Duplex, hello: PeerHello): void;
  /** Closes every stream; afterwards nothing is reported. */
  stop(): void;
}

/** Interval of the heartbeat line, each way: rare, because each one that arrives wakes a process that rests. */
export const BEAT_MS = 2000;
/** A stream is silent after this many beats were due and none came... */
export const SILENT_BEATS = 2;
/** ...and closed after this many, because TCP's own retries would take minutes to resume it when a partition heals. */
export const GIVE_UP_BEATS = 5;
/** Least time between the two refusals that prove a death. */
export const PROOF_PAUSE_MS = 10;
/** Limit of one dial, from name resolution to the verified hello. */
export const DIAL_TIMEOUT_MS = 2000;
/** Most peers that one agent dials. */
export const PEERS_MAX = 64;
/** Most streams accepted from others: two per peer, so that a restarted agent is not kept out by its predecessor. */
export const INCOMING_MAX = 128;
