/** The link against peers that misbehave in ways a real Redis cannot be made to; for real ones see test/integration. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { recordLink, type RecordedLink } from '../../test/support/record-link.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { MAX_PENDING_COMMANDS, type Command, type SendOutcome } from './link.ts';

const PING: Command = ['PING'];

/** A server that greets with the answer to CLIENT SETNAME (or AUTH) and otherwise says what the test tells it to. */
class FakePeer {
  readonly sockets: Socket[] = [];
  readonly chunks: string[] = [];
  greeting: string | null = '+OK\r\n';
  private readonly server: Server = createServer((socket) => {
    this.sockets.push(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      this.chunks.push(chunk.toString());
      if (this.chunks.length === 1 && this.greeting !== null) socket.write(this.greeting);
    });
  });

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => { this.server.listen(0, '127.0.0.1', resolve); });
    return (this.server.address() as AddressInfo).port;
  }

  async socket(): Promise<Socket> {
    return waitFor(() => this.chunks.length > 0 && this.sockets[0], 'a client that has spoken');
  }

  stop(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

let peer: FakePeer;
let port: number;
const links: RecordedLink[] = [];

function connect(password?: string, connectTimeoutMs?: number): RecordedLink {
  const recorded = recordLink({ host: '127.0.0.1', port, password }, connectTimeoutMs);
  links.push(recorded);
  return recorded;
}

beforeEach(async () => {
  peer = new FakePeer();
  port = await peer.listen();
  vi.spyOn(console, 'error');
  vi.spyOn(console, 'warn');
});

afterEach(() => {
  expect(console.error).not.toHaveBeenCalled();
  expect(console.warn).not.toHaveBeenCalled();
  vi.restoreAllMocks();
  for (const { link } of links.splice(0)) link.close();
  peer.stop();
});

describe('an established connection', () => {
  test('that ends by FIN tells what was pending first, then says fin, once', async () => {
    const { opened, send, ended, events } = connect();
    await opened();
    const order: string[] = [];
    const outcome = send([PING]).then((result) => order.push(result.kind));
    (await peer.socket()).end();
    const last = ended().then((event) => order.push(event.kind));
    await Promise.all([outcome, last]);
    expect(order).toEqual(['closed', 'closed']);
    expect(events).toEqual([{ kind: 'open' }, { kind: 'closed', how: 'fin' }]);
  });

  test('that is reset says reset', async () => {
    const { opened, ended } = connect();
    await opened();
    (await peer.socket()).resetAndDestroy();
    expect(await ended()).toEqual({ kind: 'closed', how: 'reset' });
  });

  test('that delivers something else than the protocol is lost, which proves nothing', async () => {
    const { opened, send, ended } = connect();
    await opened();
    const outcome = send([PING]);
    (await peer.socket()).write('HTTP/1.1 400 Bad Request\r\n\r\n');
    expect(await ended()).toEqual({ kind: 'closed', how: 'lost' });
    expect(await outcome).toEqual({ kind: 'closed' });
  });

  test('gives what arrived before the FIN', async () => {
    const { opened, replies } = connect();
    await opened();
    const answer = replies(PING);
    const socket = await peer.socket();
    await waitFor(() => peer.chunks.join('').includes('PING'), 'PING arrives');
    socket.end('+PONG\r\n');
    expect(await answer).toEqual([{ ok: true, value: 'PONG' }]);
  });

  test('closed by ourselves says local, not from inside close()', async () => {
    const { opened, ended, link, events, send } = connect();
    await opened();
    const outcome = send([PING]);
    link.close();
    link.close();
    expect(events).toHaveLength(1);
    expect(await ended()).toEqual({ kind: 'closed', how: 'local' });
    expect(await outcome).toEqual({ kind: 'closed' });
    expect(await send([PING])).toEqual({ kind: 'closed' });
    expect(events).toHaveLength(2);
  });
});

test('an abort resets it, so that what waits in it is not carried out, and says local', async () => {
  const { opened, ended, link, events, replies, send } = connect();
  await opened();
  const socket = await peer.socket();
  const answer = replies(PING);
  await waitFor(() => peer.chunks.join('').includes('PING'), 'PING arrives');
  socket.write('+PONG\r\n');
  await answer;
  const reset = new Promise<string | undefined>((resolve) => {
    socket.prependOnceListener('error', ({ code }: NodeJS.ErrnoException) => resolve(code));
  });
  link.abort();
  link.abort();
  expect(await ended()).toEqual({ kind: 'closed', how: 'local' });
  expect(await send([PING])).toEqual({ kind: 'closed' });
  expect(await reset).toBe('ECONNRESET');
  expect(events).toHaveLength(2);
});

describe('opening', () => {
  test('a send before it is told closed, and nothing of it is written', async () => {
    const { send, opened } = connect();
    expect(await send([PING])).toEqual({ kind: 'closed' });
    await opened();
    await peer.socket();
    expect(peer.chunks.join('')).not.toContain('PING');
  });

  test('closed by ourselves while connecting says local and nothing else', async () => {
    const { link, ended, events } = connect();
    link.close();
    expect(await ended()).toEqual({ kind: 'closed', how: 'local' });
    expect(events).toHaveLength(1);
  });

  test.each(['FIN', 'RST'])('a %s while authenticating is a failure, never an ended connection', async (how) => {
    peer.greeting = null;
    const { ended, events } = connect('pw');
    const socket = await peer.socket();
    if (how === 'FIN') socket.end();
    else socket.resetAndDestroy();
    expect(await ended()).toMatchObject({ kind: 'failed', failure: { code: 'other' } });
    expect(events).toHaveLength(1);
  });

  test('silence while authenticating is a timeout', async () => {
    peer.greeting = null;
    const { ended } = connect('pw', 50);
    expect(await ended()).toMatchObject({ kind: 'failed', failure: { code: 'timeout' } });
  });

  test('a server with no room for us is no failure of the credentials', async () => {
    peer.greeting = '-ERR max number of clients reached\r\n';
    const { ended } = connect('pw');
    expect(await ended()).toEqual({
      kind: 'failed', failure: { code: 'other', detail: 'ERR max number of clients reached' },
    });
  });

  test('a name without an address is a failure of name resolution', async () => {
    const recorded = recordLink({ host: 'no-such-host.invalid', port: 6379 });
    expect(await recorded.ended()).toMatchObject({ kind: 'failed', failure: { code: 'dns' } });
  });
});

describe('sending', () => {
  test('all commands of one send leave in one write', async () => {
    const { opened, send } = connect();
    await opened();
    await peer.socket();
    const before = peer.chunks.length;
    void send([['MULTI'], ['REPLICAOF', '127.0.0.1', '1'], ['EXEC']]);
    await waitFor(() => peer.chunks.join('').includes('EXEC'), 'EXEC arrives');
    expect(peer.chunks.slice(before)).toEqual([
      '*1\r\n$5\r\nMULTI\r\n*3\r\n$9\r\nREPLICAOF\r\n$9\r\n127.0.0.1\r\n$1\r\n1\r\n*1\r\n$4\r\nEXEC\r\n',
    ]);
  });

  test('after silence the late replies are dropped, and the next send gets its own', async () => {
    const { opened, send, replies, events } = connect();
    await opened();
    const outcomes: SendOutcome[] = [];
    outcomes.push(await send([['GET', 'a'], ['GET', 'b']], 20));
    const next = replies(['GET', 'c']);
    const socket = await peer.socket();
    await waitFor(() => peer.chunks.join('').includes('\r\nc\r\n'), 'the next send arrives');
    socket.write('$1\r\nA\r\n$1\r\nB\r\n$1\r\nC\r\n');
    expect(await next).toEqual([{ ok: true, value: 'C' }]);
    expect(outcomes).toEqual([{ kind: 'silent' }]);
    expect(events).toEqual([{ kind: 'open' }]);
  });

  test('beyond the bound nothing is written, and it works again once the server answered', async () => {
    const { opened, send, replies } = connect();
    await opened();
    const full = Array.from({ length: MAX_PENDING_COMMANDS - 1 }, () => PING);
    const first = send(full);
    const [reply] = await replies(PING, PING);
    expect(reply).toMatchObject({ ok: false, code: 'QUEUE_FULL' });
    const socket = await peer.socket();
    socket.write('+PONG\r\n'.repeat(full.length));
    expect(await first).toMatchObject({ kind: 'answered' });
    const second = replies(['ECHO', 'x']);
    await waitFor(() => peer.chunks.join('').includes('ECHO'), 'ECHO arrives');
    socket.write('+x\r\n');
    expect(await second).toEqual([{ ok: true, value: 'x' }]);
  });

  test('a reply in any pieces is the same reply', async () => {
    const { opened, replies } = connect();
    await opened();
    const socket = await peer.socket();
    const answer = Buffer.from('-NOPERM no\r\n+QUEUED\r\n*3\r\n$-1\r\n:42\r\n*1\r\n-ERR \u00fc\r\n$4\r\n\r\n\r\n\r\n');
    const expected = [
      { ok: false, code: 'NOPERM', message: 'NOPERM no' }, { ok: true, value: 'QUEUED' },
      { ok: true, value: [null, 42, [{ ok: false, code: 'ERR', message: 'ERR \u00fc' }]] },
      { ok: true, value: '\r\n\r\n' },
    ];
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: answer.length - 1 }), { maxLength: 6 });
    await fc.assert(fc.asyncProperty(cuts, async (positions) => {
      const got = replies(['A'], ['B'], ['C'], ['D']);
      let from = 0;
      for (const to of [...positions.sort((a, b) => a - b), answer.length]) {
        await new Promise((resolve) => { socket.write(answer.subarray(from, to), resolve); });
        await new Promise((resolve) => { setImmediate(resolve); });
        from = to;
      }
      expect(await got).toEqual(expected);
    }), { numRuns: 60 });
  });
});
