// One exchange with an agent: every way in which it can be lost ends it, in time, as a value.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect, onTestFinished, test } from 'vitest';

import type { FailsafeQuestion } from '../contract/failsafe.ts';
import { exchange } from './exchange.ts';
import { askAgent } from './failsafe.ts';
import { identifyAgent } from './identify.ts';

const HOST = '127.0.0.1';
const ASKING = { path: '/', method: 'GET', limits: { timeoutMs: 5000, answerBytesMax: 10 } } as const;

/** Answers with this body, or with nothing at all. */
async function serve(body: string | null): Promise<{ host: string; port: number; stop: () => Promise<void> }> {
  const server = createServer((_request, response) => {
    if (body !== null) response.writeHead(201).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const stop = (): Promise<void> => new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
  onTestFinished(stop);
  return { host: HOST, port: (server.address() as AddressInfo).port, stop };
}

test('an answer comes with its status', async () => {
  expect(await exchange(await serve('{}'), ASKING)).toEqual({ kind: 'answered', status: 201, body: '{}' });
});

test('an answer that is too long is lost', async () => {
  const lost = { kind: 'lost', connected: true, refused: false, why: 'the answer was cut off' };
  expect(await exchange(await serve('x'.repeat(11)), ASKING)).toEqual(lost);
});

test('without a limit of its own, an answer has the time that is left', async () => {
  const limits = { timeoutMs: 200, answerBytesMax: 10 };
  expect(await exchange(await serve(null), { ...ASKING, limits })).toMatchObject({ kind: 'lost', refused: false });
});

test('with a limit of its own, it has that from the connection on', async () => {
  const limits = { timeoutMs: 5000, answerTimeoutMs: 20, answerBytesMax: 10 };
  const lost = { kind: 'lost', connected: true, refused: false, why: 'no answer in time' };
  expect(await exchange(await serve(null), { ...ASKING, limits })).toEqual(lost);
});

test('a port where nobody listens refuses', async () => {
  const { port, stop } = await serve('');
  await stop();
  const lost = { kind: 'lost', connected: false, refused: true, why: 'ECONNREFUSED' };
  expect(await exchange({ host: HOST, port }, ASKING)).toEqual(lost);
});

// Records that others wrote name the address.
const NOWHERE: [string, number][] = [['a\nb', 80], ['', 80], [HOST, 0], [HOST, 70_000]];
test.each(NOWHERE)('%j at port %i is silence, not a fault', async (host, port) => {
  const question: FailsafeQuestion = {
    service: 's', node: 'b', from: { name: 'a', instance: '1' }, epoch: 1, redis: { host: 'a', port: 1 }, runId: 'r',
    replid: 'x', inSync: true, promiseMs: 1,
  };
  expect(await exchange({ host, port }, ASKING)).toMatchObject({ kind: 'lost', connected: false, refused: false });
  expect(await identifyAgent({ host, port }, 1000)).toEqual({ kind: 'silent' });
  expect(await askAgent({ host, port }, question, 1000)).toBe(null);
});
