/** A server of node:http that bounds every caller: in time, in the size of its headers, and in number. */
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { HttpLimits } from './limits.ts';

export function createBoundedServer(limits: HttpLimits, onRequest: RequestListener): Server {
  const server = createServer({
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.requestTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: limits.requestCheckMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    noDelay: true,
    keepAlive: true,
  }, onRequest);
  server.timeout = limits.stalledTimeoutMs;
  server.maxConnections = limits.connectionsMax;
  return server;
}
