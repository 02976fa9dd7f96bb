/** The Sentinel port as a server: who may ask, how much at a time, and how clients are looked up and ended. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { CALM, Stage, SWITCHED } from '../../test/support/sentinel-stage.ts';
import { waitFor } from '../../test/support/wait-for.ts';

describe('who may ask', () => {
  const users = [{ name: 'default', password: 'secret' }, { name: 'app', password: 'word' }];

  test('only whoever says who it is, where that is asked', async () => {
    const talk = await new Stage({ users }).client();
    talk.say('ping');
    expect(await talk.hears('\n')).toBe('-NOAUTH Authentication required.\r\n');
    talk.say('hello 3');
    expect(await talk.hears('\n')).toMatch(/^-NOAUTH HELLO must be called with the client already authenticated/);
    for (const wrong of ['auth wrong', 'auth app secret', 'auth nobody word', 'hello 3 auth app x']) {
      talk.say(wrong);
      expect(await talk.hears('\n')).toBe('-WRONGPASS invalid username-password pair or user is disabled.\r\n');
    }
    talk.say('hello 3 auth app word setname me');
    expect(await talk.hears('modules')).toMatch(/^%6\r\n/);
    expect(await talk.ask('acl whoami')).toBe('$3\r\napp\r\n');
    talk.say('reset');
    expect(await talk.hears('\n')).toBe('+RESET\r\n');
    talk.say('auth secret');
    expect(await talk.hears('\n')).toBe('+OK\r\n');
  });

  test('nobody who keeps guessing, says nothing, or asks for much before', async () => {
    const stage = new Stage({ users, limits: { guestTimeoutMs: 300, authFailuresMax: 3 } });
    const [guesser, silent, big] = [await stage.client(), await stage.client(), await stage.client()];
    guesser.say('auth 1\r\nauth 2\r\nauth 3\r\nauth secret\r\nping');
    big.say('*11\r\n');
    await waitFor(() => guesser.closed && silent.closed && big.closed, 'all three to be closed');
    expect(guesser.heard.match(/WRONGPASS/g)).toHaveLength(3);
    expect(guesser.heard).not.toContain('+');
    expect(big.heard).toBe('-ERR Protocol error: unauthenticated multibulk length\r\n');
  });
});

test('clients are listed and ended by what they are', async () => {
  const stage = new Stage();
  const [operator, listener, named] = [await stage.client(), await stage.client(), await stage.client()];
  listener.say('subscribe +sdown');
  await listener.hears(':1\r\n');
  named.say('client setname app');
  await named.hears('OK');
  expect((await operator.ask('client list')).match(/ addr=127\.0\.0\.1:\d+ /g)).toHaveLength(3);
  expect((await operator.ask('client list type pubsub')).match(/ flags=P /g)).toHaveLength(1);
  expect(await operator.ask('client kill type pubsub')).toBe(':1\r\n');
  await waitFor(() => listener.closed, 'the subscriber to be gone');
  const id = / ?id=(\d+) [^\n]*name=app /.exec(await operator.ask('client list'))?.[1] ?? '';
  expect(await operator.ask(`client kill id ${id} addr 1.2.3.4:5`)).toBe(':0\r\n');
  expect(await operator.ask(`client kill user default laddr 127.0.0.1:${stage.port} id ${id}`)).toBe(':1\r\n');
  await waitFor(() => named.closed, 'the named one to be gone');
  operator.say('client kill type normal skipme no');
  await waitFor(() => operator.closed, 'the operator itself to be gone');
  expect(operator.heard).toBe(':1\r\n');
});

describe('bounds', () => {
  test('of clients, of the rate of connecting, and of subscriptions', async () => {
    const stage = new Stage({ clientsMax: 2, limits: { channelsMax: 2 } });
    const [first] = [await stage.client(), await stage.client()];
    const third = await stage.client();
    await waitFor(() => third.closed, 'the third client to be turned away');
    expect(third.heard).toBe('-ERR max number of clients reached\r\n');
    first.say('subscribe a b c');
    expect(await first.hears('too many')).toMatch(/:2\r\n-ERR too many/);
    const hasty = new Stage({ limits: { acceptsPerInterval: 3, acceptIntervalMs: 3_600_000 } });
    const talks = [await hasty.client(), await hasty.client(), await hasty.client(), await hasty.client()];
    await waitFor(() => talks[3]?.closed, 'the fourth to be turned away');
    expect(await talks[0]?.ask('ping')).toBe('+PONG\r\n');
  });

  test('of what one client may ask at a time: the others are answered in between', async () => {
    const stage = new Stage();
    const [greedy, modest] = [await stage.client(), await stage.client()];
    const count = 20_000;
    greedy.socket.write('PING\r\n'.repeat(count));
    expect(await modest.ask('ping')).toBe('+PONG\r\n');
    await waitFor(() => greedy.heard.length === '+PONG\r\n'.length * count, 'every answer to the greedy one');
  });

  test('end the connection of a browser, of nonsense, and of whoever says goodbye', async () => {
    const stage = new Stage();
    const [browser, nonsense, polite] = [await stage.client(), await stage.client(), await stage.client()];
    browser.say('POST / HTTP/1.1\r\nHost: x');
    nonsense.say('*1\r\n:1');
    polite.say('quit');
    await waitFor(() => browser.closed && nonsense.closed && polite.closed, 'all three to be closed');
    expect([browser.heard, nonsense.heard, polite.heard]).toEqual(
      ['', "-ERR Protocol error: expected '$', got ':'\r\n", '+OK\r\n'],
    );
  });
});

test('a look that finds something overdue, which is a turn, leads to no further look by itself', async () => {
  let looks = 0;
  const stage: Stage = new Stage({
    api: {
      topology: () => {
        looks += 1;
        if (looks > 1000) throw new Error('it looks without end');
        stage.server.turned();
        return stage.topology;
      },
      operate: () => stage.answer,
    },
  });
  stage.see(SWITCHED);
  const talk = await stage.client();
  expect(await talk.ask('sentinel get-master-addr-by-name svc')).toContain('10.0.0.2');
  expect(looks).toBeLessThan(10);
});

test('a taken port is said once, and taken when it is free', async () => {
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const causes: string[] = [];
  const stage = new Stage({
    port, onPortTaken: (cause) => causes.push(cause), limits: { listenRetryMinMs: 5, listenRetryMaxMs: 20 },
  });
  await waitFor(() => causes.length > 0, 'the port to be called taken');
  await new Promise((resolve) => other.close(resolve));
  const talk = await stage.client();
  expect(await talk.ask('ping')).toBe('+PONG\r\n');
  expect(causes).toEqual(['EADDRINUSE']);
});

describe('answers for thousands of services', () => {
  test('are cut where all clients together leave too much of them unread', async () => {
    const stage = new Stage({ limits: { outputBytesOfAllMax: 1000 } });
    for (let each = 0; each < 2000; each += 1) {
      stage.server.take(`cache-${each}`, { ...CALM, service: `cache-${each}`, self: '' }, false);
    }
    const talk = await stage.client();
    expect((await talk.ask('role')).match(/cache-/g)).toHaveLength(2000);
    talk.socket.pause();
    await waitFor(() => {
      if (talk.socket.writable) talk.say('sentinel masters');
      return talk.closed;
    }, 'who reads nothing to be cut');
    const other = await stage.client();
    expect(await other.ask('sentinel get-master-addr-by-name cache-1999')).toContain('10.0.0.1');
  });
});
