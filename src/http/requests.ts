/**
 * From a request on a connection to an answer on it: reads the body within its bound, asks the table, answers once.
 */
import { ServerResponse } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

import { errorAnswer, sendAnswer } from './answer.ts';
import { route } from './routes.ts';
import type { RouteContext } from './routes.ts';

export interface RequestContext extends RouteContext {
  /** The server listens at one address alone, which is not loopback: then whoever is on this host comes from there. */
  readonly onOneAddress: boolean;
  /** A function of the agent threw; the caller got a 500. */
  onFault(error: unknown): void;
}

/**
 * Answers when the whole request has arrived: an order with a body that is too long, or that never ends, is not taken.
 */
export function answerWhenRead(request: IncomingMessage, response: ServerResponse, context: RequestContext): void {
  const { bodyBytesMax } = context.limits;
  const chunks: Buffer[] = [];
  let bytes = 0;
  let refused = false;
  function refuse(): void {
    refused = true;
    // The rest of the body is not read, so the connection cannot be used again.
    sendAnswer(response, errorAnswer('body_too_large', { Connection: 'close' }));
  }
  if (Number(request.headers['content-length'] ?? 0) > bodyBytesMax) {
    refuse();
    return;
  }
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= bodyBytesMax) chunks.push(chunk);
    else if (!refused) refuse();
  });
  request.on('end', () => {
    if (!refused) answerNow(request, response, context, Buffer.concat(chunks).toString('utf8'));
  });
}

/** Answers; `body` is what came with the request. */
export function answerNow(
  request: IncomingMessage,
  response: ServerResponse,
  context: RequestContext,
  body = '',
): void {
  function failed(error: unknown): void {
    context.onFault(error);
    sendAnswer(response, errorAnswer('internal_error'));
  }
  try {
    const { method = '', url: target = '' } = request;
    const answer = route({ method, target, body, local: isLocal(request, context) }, context);
    if (answer instanceof Promise) answer.then((late) => sendAnswer(response, late), failed);
    else sendAnswer(response, answer);
  } catch (error) {
    failed(error);
  }
}

/** A response on a connection that left the HTTP server for an upgrade that does not happen; closes it afterwards. */
export function lastResponse(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.on('finish', () => {
    response.detachSocket(socket);
    socket.destroySoon();
  });
  return response;
}

/**
 * Whether the caller is a program on this host: from a loopback address. From the very address that it called only
 * where there is no loopback to call: elsewhere a proxy that rewrites addresses (of a container, say) could have sent
 * it. A browser here runs other people's pages, and sends Origin with every POST of theirs.
 */
function isLocal(request: IncomingMessage, { onOneAddress }: RequestContext): boolean {
  const { remoteAddress = '', localAddress } = request.socket;
  const address = remoteAddress.replace(/^::ffff:/, '');
  const isLoopback = address === '::1' || address.startsWith('127.');
  const fromHere = isLoopback || (onOneAddress && remoteAddress === localAddress);
  return fromHere && request.headers.origin === undefined;
}
