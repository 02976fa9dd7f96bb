// Which server is tried next, and at which address. Servers are taken in a random order, so that the clients of a
// dead server spread over the others; names are resolved again at every attempt, so that a server may move.
//
// The operating system's resolver cannot be cancelled, may take 10 s with a name server that does not answer, and
// occupies one of the few threads that the whole process shares with its file system calls. Therefore: at most one
// lookup per name and LOOKUPS_MAX in all at a time, and whoever waits for one waits a bounded time and then takes the
// addresses known from before.

import { lookup as systemLookup } from 'node:dns';
import { isIP } from 'node:net';

export interface Host {
  readonly host: string;
  readonly port: number;
}

export type LookupCallback = (error: NodeJS.ErrnoException | null, addresses: readonly { address: string }[]) => void;
/** Resolves a name to its addresses; `dns.lookup` with all addresses by default. */
export type Lookup = (hostname: string, callback: LookupCallback) => void;

/** libuv has four threads for lookups and files together; two stay free. */
export const LOOKUPS_MAX = 2;

/** Every name the server list may resolve to in one answer; more are ignored. */
const ADDRESSES_MAX = 64;

const defaultLookup: Lookup = (hostname, callback) => {
  systemLookup(hostname, { all: true }, (error, addresses) => { callback(error, error === null ? addresses : []); });
};

/** One configured server and what is remembered about it between attempts. */
export interface HostEntry extends Host {
  /** It closed our handshake when we presented our zxid: the next attempt there may have to ask why. */
  refusedOurZxid: boolean;
  /** How often in a row it granted our session without our zxid. */
  probesGranted: number;
  /** It has seen less than we have: see the wiped ensemble in session.ts. */
  isBehind: boolean;
}

interface Name {
  pending: boolean;
  /** A name that does not exist (any more) has no known addresses. */
  addresses: readonly string[];
  turn: number;
  waiter: ((detail: string | null) => void) | null;
}

/** `fault`: what went wrong with the lookup, even where an address known from before is used instead. */
export interface Resolution {
  readonly address: string | null;
  readonly fault: string | null;
}

export class HostList {
  readonly entries: readonly HostEntry[];
  readonly #lookup: Lookup;
  readonly #names = new Map<string, Name>();
  #next = 0;
  #lookupsPending = 0;

  constructor(hosts: readonly Host[], random: () => number, lookup: Lookup = defaultLookup) {
    this.entries = shuffled(hosts, random).map(({ host, port }) => ({
      host,
      port,
      refusedOurZxid: false,
      probesGranted: 0,
      isBehind: false,
    }));
    this.#lookup = lookup;
  }

  get size(): number {
    return this.entries.length;
  }

  /** Forgets what the servers said about our session. */
  forgetVerdicts(): void {
    for (const entry of this.entries) {
      entry.refusedOurZxid = false;
      entry.probesGranted = 0;
      entry.isBehind = false;
    }
  }

  next(): HostEntry {
    const entry = this.entries[this.#next % this.entries.length];
    if (entry === undefined) throw new Error('no hosts');
    this.#next = (this.#next + 1) % this.entries.length;
    return entry;
  }

  /**
   * Calls `done` once, after at most `timeoutMs`, unless the returned function was called before.
   * For an address literal it is called before this returns.
   */
  resolve(host: string, timeoutMs: number, done: (resolution: Resolution) => void): () => void {
    if (isIP(host) !== 0) {
      done({ address: host, fault: null });
      return () => undefined;
    }
    const name = this.#name(host);
    const finish = (fault: string | null): void => {
      clearTimeout(timer);
      name.waiter = null;
      done({ address: nextAddress(name), fault });
    };
    const timer = setTimeout(() => { finish(`no answer within ${String(Math.round(timeoutMs))} ms`); }, timeoutMs);
    name.waiter = finish;
    if (!name.pending && this.#lookupsPending < LOOKUPS_MAX) this.#start(host, name);
    return () => {
      clearTimeout(timer);
      if (name.waiter === finish) name.waiter = null;
    };
  }

  #name(host: string): Name {
    const known = this.#names.get(host);
    if (known !== undefined) return known;
    const name: Name = { pending: false, addresses: [], turn: 0, waiter: null };
    this.#names.set(host, name);
    return name;
  }

  #start(host: string, name: Name): void {
    name.pending = true;
    this.#lookupsPending += 1;
    this.#lookup(host, (error, addresses) => {
      name.pending = false;
      this.#lookupsPending -= 1;
      if (error === null) name.addresses = addresses.slice(0, ADDRESSES_MAX).map(({ address }) => address);
      else if (error.code === 'ENOTFOUND') name.addresses = [];
      name.waiter?.(error === null ? null : (error.code ?? error.message));
    });
  }
}

function nextAddress(name: Name): string | null {
  if (name.addresses.length === 0) return null;
  const address = name.addresses[name.turn % name.addresses.length] ?? null;
  name.turn = (name.turn + 1) % name.addresses.length;
  return address;
}

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const result = [...values];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    const a = result[last];
    const b = result[other];
    if (a === undefined || b === undefined) throw new Error('random() must be in [0, 1)');
    result[last] = b;
    result[other] = a;
  }
  return result;
}
