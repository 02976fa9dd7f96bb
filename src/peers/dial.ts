/**
 * One attempt to open a stream to another agent: connect, upgrade, check whom we reached.
 *
 * `refused` is evidence and therefore narrow: every address that the name resolved to answered the connect with
 * ECONNREFUSED. A reset after the connect, a timeout, an unreachable host or an HTTP error is `failed`.
 */
import { lookup } from 'node:dns';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { LookupFunction, Socket } from 'node:net';

import type { Clock } from '../contract/clock.ts';
import { helloHeaders, PEER_PATH, PEER_PROTOCOL, readHello } from './hello.ts';
import type { PeerHello } from './hello.ts';
import { DIAL_TIMEOUT_MS } from './peers.ts';
import type { PeerAddress } from './peers.ts';

/** Bound of the headers of an answer. */
export const ANSWER_HEADER_BYTES_MAX = 8 * 1024;
/** Idle time after which the kernel probes a connection; heartbeats come first unless an agent is stopped. */
const KEEP_ALIVE_DELAY_MS = 5000;

export type DialOutcome =
  | { readonly kind: 'up'; readonly stream: Socket; readonly address: string }
  | { readonly kind: 'refused'; readonly address: string }
  | { readonly kind: 'failed'; readonly code: string };

export interface DialOptions {
  readonly self: PeerHello;
  readonly peer: PeerAddress;
  /** What to connect to: the peer's host, or the address of its last stream. */
  readonly host: string;
  readonly lookup: LookupFunction;
  readonly clock: Clock;
}

/** Starts the attempt; `done` is called once, later, unless the returned function cancelled it. */
export function dial(options: DialOptions, done: (outcome: DialOutcome) => void): () => void {
  const { self, peer, host } = options;
  // Records of others name the address; what cannot be one would make the request throw.
  if (!isDialable(host, peer.port)) {
    return options.clock.after(0, () => done({ kind: 'failed', code: 'bad_address' }));
  }
  const attempt = request({
    host,
    port: peer.port,
    path: PEER_PATH,
    headers: { ...helloHeaders(self), Connection: 'Upgrade', Upgrade: PEER_PROTOCOL },
    agent: false,
    lookup: options.lookup,
    maxHeaderSize: ANSWER_HEADER_BYTES_MAX,
  });
  let settled = false;
  const cancelTimeout = options.clock.after(DIAL_TIMEOUT_MS, () => settle({ kind: 'failed', code: 'timeout' }));

  function abandon(): void {
    settled = true;
    cancelTimeout();
    attempt.destroy();
  }
  function settle(outcome: DialOutcome): void {
    if (settled) return;
    settled = true;
    cancelTimeout();
    if (outcome.kind !== 'up') attempt.destroy();
    done(outcome);
  }

  // Stays attached: destroying the attempt reports a hang-up of our own making.
  attempt.on('error', (error) => settle(failureOf(error, host)));
  attempt.on('response', (response) => settle({ kind: 'failed', code: `http_${response.statusCode}` }));
  attempt.on('upgrade', (response, stream, head) => {
    const fault = settled ? 'late' : faultOfHello(response, self, peer);
    if (fault !== undefined) {
      stream.destroy();
      settle({ kind: 'failed', code: fault });
      return;
    }
    stream.setNoDelay(true);
    stream.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    if (head.length > 0) stream.unshift(head);
    settle({ kind: 'up', stream, address: stream.remoteAddress ?? host });
  });
  attempt.end();
  return abandon;
}

export function isDialable(host: string, port: number): boolean {
  return Number.isInteger(port) && port > 0 && port <= 65535 && /^[\w.:%-]+$/.test(host);
}

function faultOfHello(response: IncomingMessage, self: PeerHello, peer: PeerAddress): string | undefined {
  const hello = readHello(response.headers);
  if (hello === undefined || response.headers.upgrade !== PEER_PROTOCOL) return 'bad_hello';
  if (hello.service !== self.service) return 'wrong_service';
  if (hello.name !== peer.name) return 'wrong_name';
  return hello.instance === peer.instance ? undefined : 'wrong_instance';
}

function failureOf(error: Error, host: string): DialOutcome {
  const refusedBy = refusingAddress(error, host);
  if (refusedBy !== undefined) return { kind: 'refused', address: refusedBy };
  return { kind: 'failed', code: (error as NodeJS.ErrnoException).code ?? 'unknown' };
}

/**
 * The address that refused the connection, or undefined where the failure was another one. A name with several
 * addresses fails with an AggregateError, whose own code is the first part's: all parts must be refusals.
 */
export function refusingAddress(error: Error, host: string): string | undefined {
  const parts: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  if (parts.length === 0) return undefined;
  const refused = parts.every((part) => (part as NodeJS.ErrnoException).code === 'ECONNREFUSED');
  if (!refused) return undefined;
  return (parts[0] as { address?: string }).address ?? host;
}

/**
 * A resolver with at most one lookup under way. A silent name server holds a lookup for 5-10 s, longer than a dial
 * lives: without this, one peer's dials would fill the few threads that all lookups and file reads share.
 */
export function createSingleLookup(): LookupFunction {
  let waiting: Parameters<LookupFunction>[2] | undefined;
  return (hostname, options, callback) => {
    const underWay = waiting !== undefined;
    // Only the latest dial waits; those before it have been abandoned.
    waiting = callback;
    if (underWay) return;
    lookup(hostname, options, (error, address, family) => {
      const latest = waiting;
      waiting = undefined;
      latest?.(error, address, family);
    });
  };
}
