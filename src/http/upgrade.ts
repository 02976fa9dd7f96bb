/**
 * The upgrade of a request to a peer stream: answers 101 with our own hello and hands the raw connection over.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

import { helloHeaders, PEER_PATH, PEER_PROTOCOL, readHello } from '../peers/hello.ts';
import { errorAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import type { HttpApi } from './api.ts';

/** Whether the request asks for a peer stream; any other offer to upgrade (curl's h2c) is ignored, as HTTP allows. */
export function asksForPeerStream(request: IncomingMessage): boolean {
  const [path] = (request.url ?? '').split('?', 1);
  return path === PEER_PATH && request.method === 'GET' && request.headers.upgrade === PEER_PROTOCOL;
}

/** Hands the stream over; or the answer that refuses it, with the stream untouched. */
export function upgradeToPeer(
  { request, socket, head }: { request: IncomingMessage; socket: Socket; head: Buffer },
  api: HttpApi,
): Answer | undefined {
  const hello = readHello(request.headers);
  if (hello === undefined) return errorAnswer('bad_hello');
  const headers = Object.entries({ Connection: 'Upgrade', Upgrade: PEER_PROTOCOL, ...helloHeaders(api.identity()) });
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  // Heartbeats are its sign of life from here on.
  socket.setTimeout(0);
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
  // What the other agent sent behind its request already belongs to the stream.
  if (head.length > 0) socket.unshift(head);
  api.acceptPeer(socket, hello);
  return undefined;
}
