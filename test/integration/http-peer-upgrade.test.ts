// The upgrade of a request to a peer stream, over raw TCP; the streams themselves are in peers-streams.test.ts.

import { describe, expect, test } from 'vitest';

import { helloHeaders, PEER_PROTOCOL } from '../../src/peers/hello.ts';
import { call, exchange, fakeApi, headerLines, jsonOf, open, serve } from '../support/http-raw.ts';
import { waitFor } from '../support/wait-for.ts';

describe('the upgrade to a peer stream', () => {
  const hello = { service: 'local', name: 'redis 2', instance: 'i2' };
  const upgrade = { Connection: 'Upgrade', Upgrade: PEER_PROTOCOL, ...helloHeaders(hello) };
  const bytes = (headers: Record<string, string>): string =>
    `GET /v1/peer HTTP/1.1\r\n${headerLines(headers)}\r\n`;

  test('answers 101 with our hello and hands over the stream with what came behind the request', async () => {
    const api = fakeApi();
    const port = await serve({ api });
    const connection = await open(port);
    connection.socket.write(`${bytes(upgrade)}early`);
    await waitFor(() => connection.text().endsWith('early'), 'the stream echoes');
    expect(connection.text()).toMatch(/^HTTP\/1\.1 101 /);
    expect(connection.text()).toContain('\r\nDictator-Name: redis1\r\n');
    expect(api.accepted).toEqual([hello]);
  });

  test('outlives every limit on time, while a plain connection is cut', async () => {
    const port = await serve({
      limits: { requestTimeoutMs: 100, requestCheckMs: 20, idleTimeoutMs: 100, stalledTimeoutMs: 200 },
    });
    const peer = await open(port);
    peer.socket.write(bytes(upgrade));
    await waitFor(() => peer.text() !== '', 'the stream is up');
    const started = performance.now();
    const plain = await open(port);
    await waitFor(() => plain.closed() && performance.now() - started > 500, 'the limits passed');
    peer.socket.write('still here');
    await waitFor(() => peer.text().endsWith('still here'), 'the stream echoes');
  });

  test('is 426 without the header, or with another protocol', async () => {
    const port = await serve();
    for (const headers of [{}, { Connection: 'Upgrade', Upgrade: 'websocket' }]) {
      const answer = await call(port, 'GET /v1/peer', headers);
      expect([answer.status, jsonOf(answer)['error']]).toEqual([426, 'upgrade_required']);
      expect(answer.head).toContain(`\r\nUpgrade: ${PEER_PROTOCOL}\r\n`);
    }
  });

  test('is 400 without a valid hello', async () => {
    const answer = await exchange(await serve(), bytes({ Connection: 'Upgrade', Upgrade: PEER_PROTOCOL }));
    expect([answer.status, jsonOf(answer)['error']]).toEqual([400, 'bad_hello']);
  });

  test('is 503 over the limit, and possible again when a stream has ended', async () => {
    const port = await serve({ limits: { peerStreamsMax: 1 } });
    const first = await open(port);
    first.socket.write(bytes(upgrade));
    await waitFor(() => first.text() !== '', 'the first stream is up');
    const refused = await exchange(port, bytes(upgrade));
    expect([refused.status, jsonOf(refused)['error']]).toEqual([503, 'too_many_peers']);
    first.socket.end();
    await waitFor(async () => {
      const again = await open(port);
      again.socket.write(bytes(upgrade));
      await waitFor(() => again.text() !== '', 'an answer');
      const accepted = again.text().startsWith('HTTP/1.1 101');
      if (!accepted) again.socket.destroy();
      return accepted;
    }, 'another stream is accepted');
  });
});
