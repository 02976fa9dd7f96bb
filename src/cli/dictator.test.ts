import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Config } from '../config/config.ts';
import { dictator } from './dictator.ts';
import { playedIo } from '../../test/support/cli-io.ts';
import { order, targetOf } from './order.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server that treats every connection as told. */
async function serve(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => sockets.delete(socket));
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A server that answers every request with `status` and `body`; `seen` has the first lines of the requests. */
async function answering(status: number, body: string): Promise<{ readonly port: number; readonly seen: string[] }> {
  const seen: string[] = [];
  const port = await serve((socket) => {
    socket.once('data', (request) => {
      seen.push(String(request).split('\r\n')[0] ?? '');
      socket.end(`HTTP/1.1 ${status} X\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    });
  });
  return { port, seen };
}

async function start(args: readonly string[], given: { env?: Record<string, string>; file?: string } = {}) {
  const started: Config[] = [];
  const file = { ok: true as const, text: given.file ?? '{}', othersMayRead: true };
  const { io, printed, read } = playedIo({ env: given.env ?? {}, readFile: () => file });
  const exitCode = await dictator(args, io, async () => ({
    runAgent: async (config) => {
      started.push(config);
      return 7;
    },
  }));
  return { exitCode, started, read, ...printed };
}

describe('a failure with --json', () => {
  test.each([
    ['of the command line', ['show', '--json', '--nonsense'], 2, 'usage'],
    ['of the configuration', ['show', '--json'], 78, 'config_invalid'],
    ['of an agent', ['show', '--json', '--agent', 'http://127.0.0.1:1'], 1, 'agent_unreachable'],
    ['of events', ['events', '--json', '--agent', 'http://127.0.0.1:1'], 1, 'agent_unreachable'],
    ['of an order', ['resume', '--json', '--agent', 'http://127.0.0.1:1'], 1, 'agent_unreachable'],
  ])('%s is one object on stdout', async (_of, args, exitCode, error) => {
    const ended = await start(args, { file: '{"svc_name": 5}' });
    expect(ended.exitCode).toBe(exitCode);
    expect(Object.keys(JSON.parse(ended.out) as object)).toEqual(['v', 'error', 'message', 'details', 'next']);
    expect(JSON.parse(ended.out)).toMatchObject({ v: 1, error });
    expect(ended.err).toContain(`(${error})`);
  });

  test('without it nothing is on stdout', async () => {
    expect(await start(['show', '--nonsense'])).toMatchObject({ exitCode: 2, out: '' });
  });
});

describe('running the agent', () => {
  test('gives it the configuration, and ends with its exit code', async () => {
    const ended = await start(['-config', '/a', '--log-level', 'fatal'], { file: '{"log_level": "DEBUG"}' });
    expect(ended).toMatchObject({ exitCode: 7, read: ['/a'], out: '', started: [{ logLevel: 'FATAL' }] });
  });

  test('without --config reads no file', async () => {
    expect(await start([])).toMatchObject({ exitCode: 7, read: [], err: '' });
  });

  test('takes the file from DICTATOR_CONFIG where no flag names one', async () => {
    expect((await start([], { env: { DICTATOR_CONFIG: '/b' } })).read).toEqual(['/b']);
    expect((await start(['--config=/a'], { env: { DICTATOR_CONFIG: '/b' } })).read).toEqual(['/a']);
    expect((await start([], { env: { DICTATOR_CONFIG: '' } })).read).toEqual([]);
  });

  test('prints warnings of the configuration and goes on', async () => {
    const ended = await start(['--config=/a'], { file: '{"node": {"password": "hunter2"}}' });
    expect(ended.exitCode).toBe(7);
    expect(ended.err).toBe('dictator: warning: /a: holds a secret and every user of this host can read it.\n');
  });

  test('prints every fault of the configuration and starts nothing', async () => {
    const ended = await start(['--config=/a'], { file: '{"http_port": 0, "svcname": "x"}' });
    expect(ended).toMatchObject({ exitCode: 78, started: [], out: '' });
    expect(ended.err).toContain('/a: http_port: 0 must be an integer');
    expect(ended.err).toContain('Did you mean svc_name?');
  });
});

test('the version has build time and revision', async () => {
  expect(await start(['--version'])).toMatchObject({ exitCode: 0, out: 'dictator dev (built dev, revision dev)\n' });
});

test('the build puts in the very constants that the version reads', () => {
  const root = path.join(import.meta.dirname, '../..');
  const source = readFileSync(path.join(import.meta.dirname, 'version.ts'), 'utf8');
  const build = readFileSync(path.join(root, 'scripts/build.mjs'), 'utf8');
  const names = [...source.matchAll(/declare const (\w+)/g)].map(([, name]) => name);
  expect(names).toHaveLength(3);
  for (const name of names) expect(build).toMatch(new RegExp(`^ +${name}: `, 'm'));
});

test('help goes to stdout, fits a terminal and names every exit code', async () => {
  const { exitCode, out } = await start(['help']);
  expect(exitCode).toBe(0);
  expect(out.split('\n').every((line) => line.length <= 80)).toBe(true);
  for (const code of [0, 1, 2, 3, 4, 5, 78]) expect(out).toMatch(new RegExp(`\\b${code} `));
});

test('a usage error names what is wrong and what was probably meant', async () => {
  const ended = await start(['--confg=x']);
  expect(ended).toMatchObject({ exitCode: 2, out: '' });
  expect(ended.err).toContain('did you mean --config?');
});

describe('bootstrap', () => {
  const bootstrap = async (port: number) =>
    start(['bootstrap', '--master', 'redis 1', '--yes'], { env: { DICTATOR_HTTP_PORT: String(port) } });

  test('orders it from the agent of this node', async () => {
    const { port, seen } = await answering(200, '{"ok":true}');
    expect(await bootstrap(port)).toMatchObject({ exitCode: 0, out: 'redis 1 is the master of local\n' });
    expect(seen).toEqual(['POST /v1/bootstrap?master=redis%201 HTTP/1.1']);
  });

  test('tells programs what was done, or why it was not', async () => {
    const { port } = await answering(200, '{"ok":true}');
    const env = { DICTATOR_HTTP_PORT: String(port) };
    const done = await start(['bootstrap', '--master', 'a', '--yes', '--json'], { env });
    expect(JSON.parse(done.out)).toEqual({
      v: 1, service: 'local', operation: 'bootstrap', outcome: 'done', master: 'a',
    });
    const asking = await start(['bootstrap', '--master', 'a', '--json'], { env });
    expect([asking.exitCode, JSON.parse(asking.out)]).toMatchObject([2, { error: 'confirmation_needed' }]);
  });

  test('says what it would replace, and asks', async () => {
    const { port, seen } = await answering(200, '{"ok":true}');
    const ended = await start(['bootstrap', '--master', 'a'], { env: { DICTATOR_HTTP_PORT: String(port) } });
    expect(ended).toMatchObject({ exitCode: 2, out: '' });
    expect(ended.err).toContain('a becomes the master, whatever the others hold');
    expect(ended.err).toContain('(confirmation_needed)');
    expect(seen).toEqual([]);
  });

  test('prints the reason of a refusal and what to do', async () => {
    const body = { error: 'bootstrap_refused', reason: 'not_in_sync', message: 'Lags.', next: 'Wait\u001b[2J.' };
    const { port } = await answering(412, JSON.stringify(body));
    const ended = await bootstrap(port);
    expect(ended).toMatchObject({ exitCode: 3, out: '' });
    expect(ended.err).toContain('not_in_sync: Lags.\n  Wait\\u001b[2J.');
  });

  test.each([
    [500, '{"error":"internal_error"}', 1, 'agent_failed'],
    [403, '{"error":"not_loopback"}', 4, 'not_allowed'],
    [504, '{"error":"bootstrap_timeout"}', 5, 'outcome_unknown'],
    [200, 'hello', 1, 'not_an_agent'],
    [404, '{"detail":"another program"}', 1, 'not_an_agent'],
    [200, '[]', 1, 'not_an_agent'],
  ])('ends by what came back: %i %s', async (status, body, exitCode, code) => {
    const { port } = await answering(status, body);
    const ended = await bootstrap(port);
    expect(ended.exitCode).toBe(exitCode);
    expect(ended.err).toContain(`(${code})`);
  });

  test('says that nothing was done where no agent listens', async () => {
    const port = await serve(() => undefined);
    for (const close of closers.splice(0)) close();
    const ended = await bootstrap(port);
    expect(ended.exitCode).toBe(1);
    expect(ended.err).toContain('ECONNREFUSED');
  });

  test.each([
    ['before the answer', ''],
    ['within the answer', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"ok":true}'],
    ['with an answer that is none', 'nonsense\r\n\r\n'],
  ])('does not know the outcome when the connection ends %s', async (_, sent) => {
    const port = await serve((socket) => socket.once('data', () => socket.end(sent)));
    expect(await bootstrap(port)).toMatchObject({ exitCode: 5, out: '' });
  });

  test('with a faulty configuration asks nobody', async () => {
    const ended = await start(['bootstrap', '--master', 'a', '--config', '/a'], { file: '[]' });
    expect(ended.exitCode).toBe(78);
  });
});

describe('an order', () => {
  test('that is never answered ends, its outcome unknown', async () => {
    const port = await serve(() => undefined);
    const limits = { timeoutMs: 5000, answerTimeoutMs: 20, answerBytesMax: 100 };
    const result = await order({ host: '127.0.0.1', port }, '/', { limits });
    expect(result).toMatchObject({ failure: { code: 'outcome_unknown' } });
  });

  test('takes no endless answer', async () => {
    const { port } = await answering(200, `{"ok":true,"x":"${'x'.repeat(1000)}"}`);
    const limits = { timeoutMs: 5000, answerTimeoutMs: 5000, answerBytesMax: 100 };
    const result = await order({ host: '127.0.0.1', port }, '/', { limits });
    expect(result).toMatchObject({ failure: { code: 'outcome_unknown' } });
  });

  test.each([
    [null, '127.0.0.1'],
    ['0.0.0.0', '127.0.0.1'],
    ['::', '::1'],
    ['10.0.0.1', '10.0.0.1'],
  ])('for an agent that listens on %s goes to %s', (host, target) => {
    const config = { http: { host, port: 1, announceHost: '' } } as Config;
    expect(targetOf(config)).toEqual({ host: target, port: 1 });
  });
});
