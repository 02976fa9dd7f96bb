/**
 * The agent's HTTP server on node:http (docs/adr/0004-http-server.md): listens, bounds every caller, and hands peer
 * streams over.
 *
 * A port that is taken does not stop the agent: this server keeps trying, and says when that changes.
 */
import assert from 'node:assert/strict';
import type { Server } from 'node:http';
import { Socket } from 'node:net';

import { errorAnswer, sendAnswer } from './answer.ts';
import type { HttpApi } from './api.ts';
import { createBoundedServer } from './bounded.ts';
import { HTTP_LIMITS } from './limits.ts';
import type { HttpLimits } from './limits.ts';
import { createListener } from './listen.ts';
import type { StartResult } from './listen.ts';
import { answerNow, answerWhenRead, lastResponse } from './requests.ts';
import type { RequestContext } from './requests.ts';
import { asksForPeerStream, upgradeToPeer } from './upgrade.ts';

export type { StartResult } from './listen.ts';

export interface HttpServerOptions {
  /** 0 takes any free port. */
  readonly port: number;
  /** Undefined listens on all addresses. */
  readonly host: string | undefined;
  readonly api: HttpApi;
  /** The port could not be taken, with the system's code (`EADDRINUSE`, `EACCES`...); once per change of the code. */
  onPortTaken?(cause: string): void;
  onListening?(port: number): void;
  /** A function of the agent threw (the caller got a 500), or a caller could not be accepted. */
  onFault?(error: unknown): void;
  /** Other bounds than HTTP_LIMITS, for tests. */
  readonly limits?: Partial<HttpLimits>;
}

export interface HttpServer {
  /** Starts to listen, once; tells how the first attempt went. */
  start(): Promise<StartResult>;
  /** Stops listening, lets requests under way finish for stopGraceMs, then closes everything. */
  stop(): Promise<void>;
}

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const limits: HttpLimits = { ...HTTP_LIMITS, ...options.limits };
  const onFault = (error: unknown): void => options.onFault?.(error);
  const { api, host } = options;
  const context: RequestContext = { api, limits, onFault, onOneAddress: !isEverywhere(host) };
  const server = createBoundedServer(limits, (request, response) => answerWhenRead(request, response, context));
  const closeUpgraded = handleUpgrades(server, context);
  const listener = createListener(server, {
    port: options.port,
    host,
    retryMs: limits.listenRetryMs,
    onPortTaken: (cause) => options.onPortTaken?.(cause),
    onListening: (port) => options.onListening?.(port),
    onFault,
  });

  function stop(): Promise<void> {
    listener.stop();
    closeUpgraded();
    return new Promise((resolve) => {
      const grace = setTimeout(() => server.closeAllConnections(), limits.stopGraceMs);
      // Given an error where the server never listened: it is stopped all the same.
      server.close(() => {
        clearTimeout(grace);
        resolve();
      });
    });
  }

  return { start: () => listener.start(), stop };
}

const isEverywhere = (host: string | undefined): boolean => host === undefined || host === '0.0.0.0' || host === '::';

/** Takes every request with an Upgrade header; returns what closes the connections that left the server so. */
function handleUpgrades(server: Server, context: RequestContext): () => void {
  const upgraded = new Set<Socket>();

  server.on('upgrade', (request, socket, head) => {
    assert(socket instanceof Socket);
    // The HTTP server let go of the socket, and its error listener with it.
    socket.on('error', () => socket.destroy());
    const full = upgraded.size >= context.limits.peerStreamsMax;
    upgraded.add(socket);
    socket.on('close', () => upgraded.delete(socket));
    if (!asksForPeerStream(request)) {
      answerNow(request, lastResponse(request, socket), context);
      return;
    }
    const refusal = full ? errorAnswer('too_many_peers') : upgradeToPeer({ request, socket, head }, context.api);
    if (refusal !== undefined) sendAnswer(lastResponse(request, socket), refusal);
  });
  return () => {
    for (const socket of upgraded) socket.destroy();
  };
}
