// The HTTP server with a stand-in for the agent behind it, and a caller that speaks raw TCP: what a test asserts about
// bytes must not pass through an HTTP client's idea of them.

import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

import { afterEach } from 'vitest';

import type { PublishedView } from '../../src/contract/view.ts';
import type { HttpApi, OrderResult } from '../../src/http/api.ts';
import { createHttpServer } from '../../src/http/server.ts';
import type { HttpServerOptions } from '../../src/http/server.ts';
import type { PeerHello } from '../../src/peers/hello.ts';
import { waitFor } from './wait-for.ts';

export const ENABLED = 'Dictator Status = Enable\n';
export const DISABLED = 'Dictator Status = Disable/Paused\n';
export const IDENTITY = { service: 'local', name: 'redis1', instance: 'i1', version: '1.0.0' };
export const VIEW: PublishedView = {
  version: 1,
  service: 'local',
  node: { name: 'redis1', host: '10.0.0.1', port: 6379 },
  instance: 'i1',
  enabled: true,
  role: 'starting',
  epoch: 0,
  master: null,
  fence: 'none',
  reasons: [],
  lease: { heardAgoMs: null, fenceInMs: null },
  session: { connected: false, timeoutMs: 5000 },
  redis: { reachable: false, role: null, runId: null, replid: null, offset: 0, linkUp: false },
  settings: { durability: 'async', waitReplicas: 1, onEnsembleLoss: 'fence', priorityLagBytes: 0, version: 1 },
  tags: { zone: null, noRead: false, neverMaster: false },
  failover: { falls: 0, resumesInMs: null },
  whole: true,
  rescue: { running: false, last: null },
  pause: null,
  maintenance: null,
  operation: null,
  switchover: null,
  lastOperation: null,
  inSync: [],
  nodes: [],
  members: [],
  peers: [],
  replicas: [],
  failsafe: null,
  promise: null,
  health: { serves: false, primary: false, follows: false, lagBytes: null, lagAgeMs: null, takesReads: true },
};

export interface FakeApi extends HttpApi {
  bootstrapped: string[];
  maintained: unknown[];
  accepted: PeerHello[];
}

export function fakeApi(overrides: Partial<HttpApi> = {}): FakeApi {
  let enabled = true;
  const bootstrapped: string[] = [];
  const maintained: unknown[] = [];
  const accepted: PeerHello[] = [];
  return {
    bootstrapped,
    maintained,
    accepted,
    enabled: () => enabled,
    setEnabled(wanted) {
      const changed = wanted !== enabled;
      enabled = wanted;
      return changed;
    },
    maintain(asked) {
      enabled = false;
      maintained.push(asked);
    },
    view: () => VIEW,
    turnAgeMs: () => 0,
    identity: () => IDENTITY,
    bootstrap(master): Promise<OrderResult> {
      bootstrapped.push(master);
      return Promise.resolve(master === 'redis1' ? { ok: true } : { ok: false, reason: 'conflicting_datasets' });
    },
    forget: () => Promise.resolve({ ok: true }),
    events: (after) => Promise.resolve({ instance: IDENTITY.instance, next: after, lost: false, events: [] }),
    operate: () => Promise.resolve({ answer: 'done' }),
    cancelOperation: () => Promise.resolve({ answer: 'done' }),
    pause: () => Promise.resolve({ answer: 'done' }),
    resume: () => Promise.resolve({ answer: 'done' }),
    settings: () => null,
    changeSettings: () => Promise.resolve({ answer: 'unknown' }),
    tryParameters: () => Promise.resolve(null),
    wallNow: () => 0,
    promise: ({ promiseMs }) => Promise.resolve({ promised: true, promiseMs }),
    acceptPeer(stream, hello) {
      accepted.push(hello);
      stream.on('data', (chunk) => stream.write(chunk));
      stream.on('end', () => stream.destroy());
    },
    ...overrides,
  };
}

/** What the current test opened; closed again after it. */
export const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export async function serve(options: Partial<HttpServerOptions> = {}): Promise<number> {
  const server = createHttpServer({ port: 0, host: '127.0.0.1', api: fakeApi(), ...options });
  cleanups.push(() => server.stop());
  const started = await server.start();
  if (!started.ok) throw new Error(`could not listen: ${started.cause}`);
  return started.port;
}

export interface RawConnection {
  readonly socket: Socket;
  /** All that came so far. */
  text(): string;
  closed(): boolean;
}

/** `from`: the address of this machine that the caller has. */
export async function open(port: number, host = '127.0.0.1', from?: string): Promise<RawConnection> {
  const socket = connect({ port, host, ...(from === undefined ? {} : { localAddress: from }) });
  cleanups.push(() => void socket.destroy());
  let text = '';
  let closed = false;
  socket.on('data', (chunk) => (text += chunk.toString()));
  // How the server ended it does not matter here, only that it did.
  socket.on('error', () => socket.destroy());
  socket.on('close', () => (closed = true));
  await once(socket, 'connect');
  return { socket, text: () => text, closed: () => closed };
}

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Sends bytes and reads until the server closes. */
export async function exchange(port: number, bytes: string, host?: string, from?: string): Promise<RawAnswer> {
  const connection = await open(port, host, from);
  connection.socket.write(bytes);
  await waitFor(connection.closed, `the server closes after ${bytes.slice(0, 40)}`);
  const text = connection.text();
  const split = text.indexOf('\r\n\r\n');
  return { status: Number(text.slice(9, 12)), head: text.slice(0, split), body: text.slice(split + 4) };
}

export function headerLines(headers: Record<string, string>): string {
  return Object.entries({ Host: 'x', ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}

export function call(port: number, line: string, headers: Record<string, string> = {}, body = ''): Promise<RawAnswer> {
  return exchange(port, `${line} HTTP/1.1\r\n${headerLines({ Connection: 'close', ...headers })}\r\n${body}`);
}

export const jsonOf = ({ body }: RawAnswer): Record<string, unknown> => JSON.parse(body) as Record<string, unknown>;
