// A TCP proxy in front of a real server that misbehaves on command, as networks and hosts do: it cuts a connection in
// the middle of a message, stops carrying one direction without a word, refuses, or accepts and says nothing.

import { connect, createServer, type Server, type Socket } from 'node:net';

export type Direction = 'toServer' | 'toClient';

export interface FaultProxyOptions {
  readonly targetPort: number;
  readonly targetHost?: string;
}

export interface FaultProxy {
  readonly port: number;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Bytes stay where they are, in either or both directions, also on connections to come, until `thaw`. */
  freeze(...directions: Direction[]): void;
  thaw(): void;
  /** Closes the listener and resets every connection: from here on the kernel refuses. */
  refuse(): Promise<void>;
  /** Listens again, on the same port. */
  accept(): Promise<void>;
  /** Connections to come are accepted and then ignored. */
  ignore(): void;
  /** Connections to come are carried again. */
  carry(): void;
  /** Resets every connection. */
  resetAll(): void;
  /** Carries this many bytes more in this direction, then ends the connection that carried the last one. */
  cutAfter(direction: Direction, bytes: number): void;
  /** Slips bytes into every connection's stream. */
  inject(direction: Direction, bytes: Buffer): void;
  stop(): Promise<void>;
}

export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const proxy = new Proxy(options);
  await proxy.accept();
  return proxy;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket | null;
}

class Proxy implements FaultProxy {
  readonly #options: FaultProxyOptions;
  readonly #pairs = new Set<Pair>();
  readonly #frozen = new Set<Direction>();
  #listener: Server | null = null;
  #port = 0;
  #accepted = 0;
  #ignoring = false;
  #cut: { direction: Direction; bytesLeft: number } | null = null;

  constructor(options: FaultProxyOptions) {
    this.#options = options;
  }

  get port(): number {
    return this.#port;
  }

  get accepted(): number {
    return this.#accepted;
  }

  freeze(...directions: Direction[]): void {
    for (const direction of directions) {
      this.#frozen.add(direction);
      for (const pair of this.#pairs) source(pair, direction)?.pause();
    }
  }

  thaw(): void {
    this.#frozen.clear();
    for (const pair of this.#pairs) {
      pair.client.resume();
      pair.server?.resume();
    }
  }

  async refuse(): Promise<void> {
    const listener = this.#listener;
    this.#listener = null;
    this.resetAll();
    if (listener !== null) await new Promise((resolve) => listener.close(resolve));
  }

  async accept(): Promise<void> {
    if (this.#listener !== null) return;
    const listener = createServer((client) => { this.#onClient(client); });
    this.#listener = listener;
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(this.#port, '127.0.0.1', resolve);
    });
    const address = listener.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    this.#port = address.port;
  }

  ignore(): void {
    this.#ignoring = true;
  }

  carry(): void {
    this.#ignoring = false;
  }

  resetAll(): void {
    for (const pair of this.#pairs) reset(pair);
  }

  cutAfter(direction: Direction, bytes: number): void {
    this.#cut = { direction, bytesLeft: bytes };
  }

  inject(direction: Direction, bytes: Buffer): void {
    for (const pair of this.#pairs) destination(pair, direction)?.write(bytes);
  }

  async stop(): Promise<void> {
    await this.refuse();
  }

  #onClient(client: Socket): void {
    this.#accepted += 1;
    const { targetPort, targetHost } = this.#options;
    const server = this.#ignoring ? null : connect({ port: targetPort, host: targetHost ?? '127.0.0.1' });
    const pair: Pair = { client, server };
    this.#pairs.add(pair);
    for (const socket of [client, server]) {
      // Small messages pass at once, as they would without a proxy.
      socket?.setNoDelay(true);
      // A reset on one side is a reset on the other: the error itself has no more to say.
      socket?.on('error', () => { reset(pair); });
      socket?.on('close', () => {
        this.#pairs.delete(pair);
        reset(pair);
      });
    }
    this.#carryDirection(pair, 'toServer');
    this.#carryDirection(pair, 'toClient');
  }

  #carryDirection(pair: Pair, direction: Direction): void {
    const from = source(pair, direction);
    const to = destination(pair, direction);
    from?.on('data', (chunk: Buffer) => {
      const rest = this.#beforeCut(direction, chunk);
      if (rest === null) {
        to?.write(chunk);
      } else {
        // No reset, which could overtake the bytes: the other side reads them all and then the end.
        from.pause();
        to?.end(rest);
      }
    });
    if (this.#frozen.has(direction)) from?.pause();
  }

  /** What may still be carried of the chunk in which the cut lies; null when there is no cut in it. */
  #beforeCut(direction: Direction, chunk: Buffer): Buffer | null {
    if (this.#cut?.direction !== direction) return null;
    this.#cut.bytesLeft -= chunk.length;
    if (this.#cut.bytesLeft > 0) return null;
    const kept = chunk.subarray(0, chunk.length + this.#cut.bytesLeft);
    this.#cut = null;
    return kept;
  }
}

function source(pair: Pair, direction: Direction): Socket | null {
  return direction === 'toServer' ? pair.client : pair.server;
}

function destination(pair: Pair, direction: Direction): Socket | null {
  return direction === 'toServer' ? pair.server : pair.client;
}

function reset(pair: Pair): void {
  for (const socket of [pair.client, pair.server]) {
    if (socket !== null && !socket.destroyed) socket.resetAndDestroy();
  }
}
