// The HTTP server as a caller meets it, over raw TCP: the original's answers byte for byte, our own paths, the bounds.

import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';

import { describe, expect, test } from 'vitest';

import { HTTP_LIMITS } from '../../src/http/limits.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { helloHeaders, PEER_PROTOCOL } from '../../src/peers/hello.ts';
import {
  call, cleanups, DISABLED, ENABLED, exchange, fakeApi, headerLines, IDENTITY, jsonOf, open, serve, VIEW,
} from '../support/http-raw.ts';
import { waitFor } from '../support/wait-for.ts';

describe('the paths of the original', () => {
  const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'];

  test.each(methods)('answer %s byte for byte', async (method) => {
    const port = await serve();
    const bodies: string[] = [];
    for (const path of ['/status', '/ping', '/enable', '/disable', '/disable', '/status', '/ping?x=1', '/enable']) {
      const answer = await call(port, `${method} ${path}`);
      expect(answer.status).toBe(200);
      expect(answer.head).toContain('\r\nContent-Type: text/plain; charset=utf-8');
      expect(answer.head).toContain(`\r\nContent-Length: ${answer.body.length}`);
      bodies.push(answer.body);
    }
    expect(bodies).toEqual([ENABLED, ENABLED, '', DISABLED, '', DISABLED, DISABLED, ENABLED]);
  });

  test('answer HEAD with the length and no body', async () => {
    const answer = await call(await serve(), 'HEAD /status');
    expect(answer.head).toContain(`Content-Length: ${ENABLED.length}`);
    expect(answer.body).toBe('');
  });

  test('take a body and ignore it', async () => {
    const port = await serve();
    const body = 'a=1&b=2';
    const answer = await call(port, 'POST /disable', { 'Content-Length': `${body.length}` }, body);
    expect(answer.body).toBe(DISABLED);
  });

  test('answer a client that offers to upgrade to HTTP/2, as curl does', async () => {
    const headers = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABk' };
    const answer = await call(await serve(), 'GET /status', headers);
    expect([answer.status, answer.body]).toEqual([200, ENABLED]);
  });

  test('answer HTTP/1.0 and several requests on one connection', async () => {
    const port = await serve();
    expect((await exchange(port, 'GET /status HTTP/1.0\r\n\r\n')).body).toBe(ENABLED);
    const connection = await open(port);
    connection.socket.write('GET /ping HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2));
    await waitFor(() => connection.text().split(ENABLED).length === 3, 'both answers came');
    expect(connection.closed()).toBe(false);
  });
});

describe('our paths', () => {
  test('GET /v1/node says who the agent is, GET /v1/view what it sees', async () => {
    const port = await serve();
    const first = jsonOf(await call(port, 'GET /v1/node')) as { uptimeMs: number };
    expect(first).toEqual({ ...IDENTITY, uptimeMs: expect.any(Number), wallMs: expect.any(Number) });
    const second = jsonOf(await call(port, 'GET /v1/node')) as { uptimeMs: number };
    expect(second.uptimeMs).toBeGreaterThanOrEqual(first.uptimeMs);
    expect(jsonOf(await call(port, 'GET /v1/view'))).toEqual(VIEW);
    expect(await call(port, 'HEAD /v1/view')).toMatchObject({ status: 200, body: '' });
  });

  test('an unknown path is 404, with code and next step', async () => {
    const port = await serve();
    for (const path of ['/status/', '/v1', '/Status', '//', '/v1/../secret', 'http://[', '*']) {
      const answer = await call(port, `GET ${path}`);
      expect([path, answer.status, jsonOf(answer)['error']]).toEqual([path, 404, 'not_found']);
    }
  });

  test.each([
    ['POST', '/v1/node', 'GET, HEAD, OPTIONS'],
    ['DELETE', '/v1/view', 'GET, HEAD, OPTIONS'],
    ['GET', '/v1/bootstrap?master=redis1', 'POST, OPTIONS'],
    ['POST', '/v1/peer', 'GET, OPTIONS'],
  ])('%s %s is 405 and names the methods', async (method, path, allow) => {
    const port = await serve();
    const answer = await call(port, `${method} ${path}`);
    expect(answer.status).toBe(405);
    expect(answer.head).toContain(`\r\nAllow: ${allow}\r\n`);
    expect(jsonOf(answer)).toMatchObject({ error: 'method_not_allowed' });
    const options = await call(port, `OPTIONS ${path}`);
    expect([options.status, options.body]).toEqual([204, '']);
    expect(options.head).toContain(`\r\nAllow: ${allow}\r\n`);
  });

  test('a bootstrap is done, or refused with its reason', async () => {
    const api = fakeApi();
    const port = await serve({ api });
    expect((await call(port, 'POST /v1/bootstrap?master=redis1')).status).toBe(200);
    const refused = await call(port, 'POST /v1/bootstrap?master=redis%202');
    expect(refused.status).toBe(412);
    expect(jsonOf(refused)).toMatchObject({ error: 'bootstrap_refused', reason: 'conflicting_datasets' });
    expect(jsonOf(await call(port, 'POST /v1/bootstrap'))).toMatchObject({ error: 'master_missing' });
    expect(api.bootstrapped).toEqual(['redis1', 'redis 2']);
  });

  test('a bootstrap ordered by a web page is refused', async () => {
    const api = fakeApi();
    const answer = await call(await serve({ api }), 'POST /v1/bootstrap?master=redis1', { Origin: 'http://evil' });
    expect([answer.status, jsonOf(answer)['error'], api.bootstrapped]).toEqual([403, 'not_loopback', []]);
  });

  const outward = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const address = outward.find(({ internal, family }) => !internal && family === 'IPv4')?.address;

  test.skipIf(address === undefined)('a bootstrap ordered from another address is refused', async () => {
    const api = fakeApi();
    const port = await serve({ api, host: undefined });
    const order = 'POST /v1/bootstrap?master=redis1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    expect((await exchange(port, order, '127.0.0.1', address)).status).toBe(403);
    expect(api.bootstrapped).toEqual([]);
    expect((await exchange(port, order)).status).toBe(200);
    expect((await exchange(port, order, address)).status, 'from the address that was called').toBe(403);
  });

  test.skipIf(address === undefined)('at an agent without loopback its own address is local', async () => {
    const port = await serve({ host: address });
    const order = 'POST /v1/bootstrap?master=redis1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    expect((await exchange(port, order, address)).status).toBe(200);
    expect((await exchange(port, order, address, '127.0.0.1')).status).not.toBe(403);
  });

  test('a bootstrap that takes too long is answered all the same', async () => {
    const api = fakeApi({ bootstrap: () => new Promise(() => undefined) });
    const port = await serve({ api, limits: { orderTimeoutMs: 20 } });
    const answer = await call(port, 'POST /v1/bootstrap?master=redis1');
    expect([answer.status, jsonOf(answer)['error']]).toEqual([504, 'bootstrap_timeout']);
  });

  test('a fault in the agent is a 500 and is reported, and the server goes on', async () => {
    const faults: unknown[] = [];
    const fault = new Error('broken');
    const api = fakeApi({
      view() {
        throw fault;
      },
      bootstrap: () => Promise.reject(fault),
    });
    const port = await serve({ api, onFault: (error) => faults.push(error) });
    expect((await call(port, 'GET /v1/view')).status).toBe(500);
    expect((await call(port, 'POST /v1/bootstrap?master=a')).status).toBe(500);
    expect(faults).toEqual([fault, fault]);
    expect((await call(port, 'GET /status')).status).toBe(200);
  });
});

describe('the bounds', () => {
  test('a body over the limit is 413, announced or not, and its order is not taken', async () => {
    const api = fakeApi();
    const port = await serve({ api });
    const announced = { 'Content-Length': `${HTTP_LIMITS.bodyBytesMax + 1}` };
    expect(jsonOf(await call(port, 'POST /disable', announced))).toMatchObject({ error: 'body_too_large' });
    const chunk = `${HTTP_LIMITS.bodyBytesMax.toString(16)}\r\n${'x'.repeat(HTTP_LIMITS.bodyBytesMax)}\r\n`;
    const inChunks = { 'Transfer-Encoding': 'chunked' };
    const chunked = await call(port, 'POST /disable', inChunks, `${chunk}1\r\nx\r\n0\r\n\r\n`);
    expect(chunked.status).toBe(413);
    expect(api.enabled()).toBe(true);
    const largest = await call(port, 'POST /disable', inChunks, `${chunk}0\r\n\r\n`);
    expect(largest.body).toBe(DISABLED);
  });

  test('a long URL is 414, headers over the limit are 431, what is no HTTP is 400', async () => {
    const port = await serve();
    expect((await call(port, `GET /${'x'.repeat(HTTP_LIMITS.urlLengthMax)}`)).status).toBe(414);
    expect((await call(port, 'GET /status', { X: 'x'.repeat(HTTP_LIMITS.headerBytesMax) })).status).toBe(431);
    expect((await exchange(port, 'PING\r\n\r\n')).status).toBe(400);
  });

  test.each([
    ['sends nothing', ''],
    ['never ends its headers', 'GET /disable HTTP/1.1\r\nHost: x\r\n'],
    ['never sends its body', 'POST /disable HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n'],
  ])('a caller that %s is cut off, and no order is taken', async (_what, bytes) => {
    const api = fakeApi();
    const port = await serve({ api, limits: { requestTimeoutMs: 100, requestCheckMs: 20 } });
    const answer = await exchange(port, bytes);
    expect(answer.status).toBe(408);
    expect(api.enabled()).toBe(true);
  });

  test('a connection is closed when no further request comes', async () => {
    const port = await serve({ limits: { idleTimeoutMs: 50 } });
    expect((await exchange(port, 'GET /ping HTTP/1.1\r\nHost: x\r\n\r\n')).body).toBe(ENABLED);
  });

  test('a connection on which nothing moves is closed, even with a request under way', async () => {
    const api = fakeApi({ bootstrap: () => new Promise(() => undefined) });
    const port = await serve({ api, limits: { stalledTimeoutMs: 50 } });
    expect((await call(port, 'POST /v1/bootstrap?master=redis1')).head).toBe('');
  });

  test('connections over the limit are closed, and the others served', async () => {
    const port = await serve({ limits: { connectionsMax: 1 } });
    const first = await open(port);
    const second = await open(port);
    await waitFor(second.closed, 'the second connection is closed');
    first.socket.write('GET /ping HTTP/1.1\r\nHost: x\r\n\r\n');
    await waitFor(() => first.text().endsWith(ENABLED), 'the first connection is served');
  });
});

describe('listening', () => {
  test('a taken port is said once, tried again, and taken when it is free', async () => {
    const occupant = createServer();
    occupant.listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const { port } = occupant.address() as AddressInfo;
    const told: string[] = [];
    const server = createHttpServer({
      port,
      host: '127.0.0.1',
      api: fakeApi(),
      limits: { listenRetryMs: 5 },
      onPortTaken: (cause) => told.push(cause),
      onListening: (taken) => told.push(`listening on ${taken}`),
    });
    cleanups.push(() => server.stop());
    expect(await server.start()).toEqual({ ok: false, code: 'port_taken', cause: 'EADDRINUSE' });
    occupant.close();
    await waitFor(() => told.length > 1, 'the server listens');
    expect(told).toEqual(['EADDRINUSE', `listening on ${port}`]);
    expect((await call(port, 'GET /ping')).body).toBe(ENABLED);
  });

  test('a server that never listened stops, and tries no more', async () => {
    const port = await serve();
    const server = createHttpServer({ port, host: '127.0.0.1', api: fakeApi(), limits: { listenRetryMs: 1 } });
    expect(await server.start()).toMatchObject({ ok: false });
    await server.stop();
  });

  test('stop waits for a request under way no longer than its grace, and closes peer streams', async () => {
    const api = fakeApi({ bootstrap: () => new Promise(() => undefined) });
    const server = createHttpServer({ port: 0, host: '127.0.0.1', api, limits: { stopGraceMs: 20 } });
    const started = await server.start();
    if (!started.ok) throw new Error(started.cause);
    const busy = await open(started.port);
    busy.socket.write('POST /v1/bootstrap?master=redis1 HTTP/1.1\r\nHost: x\r\n\r\n');
    const headers = { Connection: 'Upgrade', Upgrade: PEER_PROTOCOL, ...helloHeaders(IDENTITY) };
    const peer = await open(started.port);
    peer.socket.write(`GET /v1/peer HTTP/1.1\r\n${headerLines(headers)}\r\n`);
    await waitFor(() => peer.text() !== '', 'the peer stream is up');
    await server.stop();
    await waitFor(() => busy.closed() && peer.closed(), 'both connections are closed');
  });
});
