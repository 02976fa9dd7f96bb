/** The driver against real Redis servers: how connections begin and end, and that the sequences of power do it. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  deadMan, fenceSequence, follow, freeze, fullSyncs, promote, reversibleFence,
} from '../../src/redis/commands.ts';
import { parseInfo, type RedisInfo } from '../../src/redis/info.ts';
import { firstError, type Command } from '../../src/redis/link.ts';
import { recordLink, type RecordedLink } from '../support/record-link.ts';
import { startRedis, type RedisServerOptions, type RedisServerProcess } from '../support/redis-server.ts';
import { waitFor } from '../support/wait-for.ts';

const servers: RedisServerProcess[] = [];
const links: RecordedLink[] = [];

async function start(options?: RedisServerOptions): Promise<RedisServerProcess> {
  const server = await startRedis(options);
  servers.push(server);
  return server;
}

function connect(server: { host: string; port: number }, password?: string, connectTimeoutMs?: number): RecordedLink {
  const recorded = recordLink({ host: server.host, port: server.port, password }, connectTimeoutMs);
  links.push(recorded);
  return recorded;
}

async function open(server: RedisServerProcess, password?: string): Promise<RecordedLink> {
  const recorded = connect(server, password);
  await recorded.opened();
  return recorded;
}

async function info(recorded: RecordedLink): Promise<RedisInfo> {
  const [reply] = await recorded.replies(['INFO', 'everything']);
  if (!reply?.ok || typeof reply.value !== 'string') throw new Error(`no INFO: ${JSON.stringify(reply)}`);
  return parseInfo(reply.value);
}

/** By HELLO, which the driver does not ask: `redis` or `valkey`. */
async function callsItself(server: RedisServerProcess): Promise<unknown> {
  const [name, value] = (await server.cmd('HELLO')) as readonly unknown[];
  if (name !== 'server') throw new Error(`HELLO begins with ${String(name)}`);
  return value;
}

async function must(recorded: RecordedLink, commands: readonly Command[]): Promise<void> {
  expect(firstError(await recorded.replies(...commands))).toBeNull();
}

async function version(recorded: RecordedLink): Promise<string> {
  const { server } = await info(recorded);
  if (server === null) throw new Error('INFO without section Server');
  return server.version;
}

beforeEach(() => {
  for (const method of ['log', 'warn', 'error'] as const) vi.spyOn(console, method);
});

afterEach(async () => {
  for (const method of ['log', 'warn', 'error'] as const) expect(console[method]).not.toHaveBeenCalled();
  vi.restoreAllMocks();
  for (const { link } of links.splice(0)) link.close();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

describe('a connection', () => {
  test('opens, shows its purpose in CLIENT LIST and sends nothing else of its own', async () => {
    const server = await start();
    const { replies, link } = await open(server);
    expect(await replies(['CLIENT', 'GETNAME'])).toEqual([{ ok: true, value: 'dictator-test' }]);
    expect(link.resolvedAddress).toBe('127.0.0.1');
    const stats = String(await server.cmd('INFO', 'commandstats'));
    expect(stats).not.toMatch(/cmdstat_(hello|auth|client\|setinfo|select)/);
  });

  test('hears of the death of the server by its socket, and then of a refusal', async () => {
    const server = await start();
    const { ended, send, events } = await open(server);
    const pending = send([['DEBUG', 'SLEEP', '0'], ['BLPOP', 'nothing', '0']]);
    await server.kill();
    expect(await ended()).toMatchObject({ kind: 'closed', how: expect.stringMatching(/^(fin|reset)$/) as string });
    expect(await pending).toEqual({ kind: 'closed' });
    expect(events).toHaveLength(2);
    const again = connect(server);
    expect(await again.ended()).toEqual({ kind: 'refused' });
    expect(again.link.resolvedAddress).toBe('127.0.0.1');
  });

  test('is refused by name only when every address of the name refused', async () => {
    const server = await start();
    await server.kill();
    const { ended } = connect({ host: 'localhost', port: server.port });
    expect(await ended()).toEqual({ kind: 'refused' });
  });

  test('to a stopped server stays open and silent; what was sent runs in order when it thaws', async () => {
    const server = await start();
    const { send, replies, events } = await open(server);
    server.freeze();
    expect(await send([['RPUSH', 'list', 'first']], 40)).toEqual({ kind: 'silent' });
    expect(await send([['RPUSH', 'list', 'second']], 40)).toEqual({ kind: 'silent' });
    const thawed = replies(['LRANGE', 'list', '0', '-1'], ['PING']);
    server.thaw();
    expect(await thawed).toEqual([{ ok: true, value: ['first', 'second'] }, { ok: true, value: 'PONG' }]);
    expect(events).toEqual([{ kind: 'open' }]);
  });

  test('to an already stopped server opens and leaves a fence queued in its socket', async () => {
    const server = await start();
    const before = await open(server);
    server.freeze();
    const late = await open(server);
    expect(await late.send(fenceSequence(null), 40)).toEqual({ kind: 'silent' });
    server.thaw();
    expect((await before.ended()).kind).toBe('closed');
    expect((await info(late)).replication?.role).toBe('replica');
  });

  test('gets every reply of a transaction, and one error does not touch the others', async () => {
    const { replies } = await open(await start());
    const got = await replies(
      ['SET', 'text', 'x'], ['NOSUCH', 'secret'], ['MULTI'], ['SET', 'a', '1'], ['LPUSH', 'text', '1'], ['EXEC'],
      ['GET', 'a'],
    );
    expect(got).toMatchObject([
      { ok: true, value: 'OK' }, { ok: false, code: 'ERR' }, { ok: true, value: 'OK' }, { ok: true, value: 'QUEUED' },
      { ok: true, value: 'QUEUED' }, { ok: true, value: ['OK', { ok: false, code: 'WRONGTYPE' }] },
      { ok: true, value: '1' },
    ]);
    expect(JSON.stringify(got)).not.toContain('secret');
    expect(firstError(got)?.code).toBe('ERR');
  });

  test('that another client kills ends by FIN while the server lives', async () => {
    const server = await start();
    const { ended } = await open(server);
    await server.cmd('CLIENT', 'KILL', 'TYPE', 'normal');
    expect(await ended()).toEqual({ kind: 'closed', how: 'fin' });
    expect(await server.cmd('PING')).toBe('PONG');
  });
});

describe('credentials', () => {
  test('right ones open', async () => {
    const server = await start({ password: 'geheim' });
    const { replies } = await open(server, 'geheim');
    expect(await replies(['PING'])).toEqual([{ ok: true, value: 'PONG' }]);
  });

  test('wrong ones are a failure that does not repeat them', async () => {
    const server = await start({ password: 'geheim' });
    const event = await connect(server, 'falsch').ended();
    expect(event).toMatchObject({ kind: 'failed', failure: { code: 'auth' } });
    expect(JSON.stringify(event)).not.toContain('falsch');
  });

  test('to a server that has none are a failure that says so', async () => {
    const event = await connect(await start(), 'geheim').ended();
    expect(event).toMatchObject({ kind: 'failed', failure: { code: 'auth' } });
    expect(JSON.stringify(event)).toMatch(/without any password configured/);
  });

  test('of an ACL user open as that user, and what it may not do is refused by name', async () => {
    const server = await start();
    await server.cmd('ACL', 'SETUSER', 'agent', 'on', '>pw', '~*', '+@all', '-config', '-replicaof');
    const recorded = recordLink({ host: server.host, port: server.port, username: 'agent', password: 'pw' });
    links.push(recorded);
    await recorded.opened();
    expect(await recorded.replies(['ACL', 'WHOAMI'])).toEqual([{ ok: true, value: 'agent' }]);
    expect(firstError(await recorded.replies(...reversibleFence('7.0.0')))?.code).toBe('NOPERM');
    const fence = await recorded.replies(...fenceSequence(null));
    expect(firstError(fence)?.code).toBe('NOPERM');
    expect(fence.at(-1)).toMatchObject({ ok: false, code: 'EXECABORT' });
  });

  test('missing ones open, and every command is answered NOAUTH', async () => {
    const server = await start({ password: 'geheim' });
    const { replies } = await open(server);
    expect(await replies(['PING'])).toMatchObject([{ ok: false, code: 'NOAUTH' }]);
  });
});

describe('a server that is alive but does not serve', () => {
  test('a busy script is answered BUSY, not silence', async () => {
    const server = await start();
    const { replies, send } = await open(server);
    await must(await open(server), [['CONFIG', 'SET', 'busy-reply-threshold', '1']]);
    const script = await server.client();
    const running = script.cmd('EVAL', 'while true do end', 0).catch((error: unknown) => error);
    await waitFor(async () => {
      const outcome = await send([['PING']], 500);
      return outcome.kind === 'answered' && firstError(outcome.replies)?.code === 'BUSY';
    }, 'BUSY is answered');
    const another = await open(server);
    expect(firstError(await another.replies(['PING']))?.code).toBe('BUSY');
    await replies(['SCRIPT', 'KILL']);
    await running;
    script.close();
  });

  test('a loading one opens and is answered LOADING, and INFO says so', async () => {
    const server = await start({ save: true });
    await server.cmd('EVAL', "for i = 1, 3000 do redis.call('SET', 'k' .. i, string.rep('x', 100)) end", 0);
    await server.term();
    await server.restart({ args: ['--key-load-delay', '5000', '--loading-process-events-interval-bytes', '1024'] });
    const recorded = await open(server);
    expect(firstError(await recorded.replies(['GET', 'a']))?.code).toBe('LOADING');
    expect((await info(recorded)).loading).toBe(true);
  });
});

describe('the sequences of power', () => {
  test('the reversible fence refuses writes at once, survives REPLICAOF, and is lifted without a resync', async () => {
    const server = await start();
    const agent = await open(server);
    await must(agent, [['SET', 'a', '1']]);
    await must(agent, reversibleFence(await version(agent)));
    await expect(server.cmd('SET', 'a', '2')).rejects.toMatchObject({ code: 'NOREPLICAS' });
    const before = await info(agent);
    await must(agent, freeze());
    await expect(server.cmd('SET', 'a', '2')).rejects.toMatchObject({ code: 'READONLY' });
    await must(agent, promote());
    await expect(server.cmd('SET', 'a', '2')).rejects.toMatchObject({ code: 'NOREPLICAS' });
    await must(agent, deadMan(0, await version(agent)));
    expect(await server.cmd('SET', 'a', '2')).toBe('OK');
    expect((await info(agent)).replication?.replid2).toBe(before.replication?.replid);
  });

  test('under the sync fence a replica waits and keeps its data, until full syncs are opened', async () => {
    const [master, replica] = [await start({ args: ['--repl-diskless-sync-delay', '86400'] }), await start()];
    const [toMaster, toReplica] = [await open(master), await open(replica)];
    await replica.cmd('SET', 'kept', '1');
    await must(toMaster, reversibleFence(await version(toMaster)));
    await must(toReplica, follow(master));
    await waitFor(async () => (await info(toMaster)).replication?.replicas[0]?.state === 'wait_bgsave', 'it waits');
    expect(await replica.cmd('GET', 'kept')).toBe('1');
    await must(toMaster, [fullSyncs('open')]);
    await waitFor(async () => (await info(toReplica)).replication?.link?.up, 'the link is up');
    expect(await replica.cmd('GET', 'kept')).toBeNull();
  });

  test('the fence makes a replica of it and disconnects everybody but us', async () => {
    const server = await start();
    const [agent, bystander] = [await open(server), await open(server)];
    const subscriber = await server.client();
    await subscriber.cmd('SUBSCRIBE', 'news');
    const replies = await agent.replies(...fenceSequence(null));
    expect(firstError(replies)).toBeNull();
    expect(replies.at(-1)).toMatchObject({ ok: true, value: ['OK', 1, 1] });
    expect(await bystander.ended()).toEqual({ kind: 'closed', how: 'fin' });
    await subscriber.closed;
    await expect(server.cmd('SET', 'a', '1')).rejects.toMatchObject({ code: 'READONLY' });
    expect((await info(agent)).replication?.link).toMatchObject({ masterHost: '127.0.0.1', masterPort: 1, up: false });
  });

  test('INFO of a real master and its replica gives what elections need', async () => {
    const [master, replica] = [await start({ args: ['--repl-diskless-sync-delay', '0'] }), await start()];
    const [toMaster, toReplica] = [await open(master), await open(replica)];
    await must(toReplica, follow(master));
    await waitFor(async () => (await info(toReplica)).replication?.link?.up, 'the link is up');
    await master.cmd('SET', 'a', '1');
    const ofMaster = await waitFor(async () => {
      const both = [(await info(toMaster)).replication, (await info(toReplica)).replication];
      return both[0]?.offset === both[1]?.offset && await info(toMaster);
    }, 'the offsets are equal');
    const ofReplica = await info(toReplica);
    const kind = await callsItself(master);
    expect(ofMaster.server).toMatchObject({ kind, mode: 'standalone', processId: master.pid });
    expect(ofMaster.server?.runId).toMatch(/^[0-9a-f]{40}$/);
    expect(ofMaster.keys).toBe(1);
    expect(ofMaster.replication?.replicas).toMatchObject([{ host: '127.0.0.1', port: replica.port, state: 'online' }]);
    expect(ofReplica.replication).toMatchObject({
      role: 'replica', replid: ofMaster.replication?.replid, priority: 100,
      link: { masterHost: '127.0.0.1', masterPort: master.port, up: true, downSinceSeconds: null },
    });
  });

  test('a restart is seen by its run_id, and empty when it lost its data', async () => {
    const server = await start();
    await server.cmd('SET', 'a', '1');
    const before = await info(await open(server));
    await server.restart({ empty: true });
    const after = await info(await open(server));
    expect(after.server?.runId).not.toBe(before.server?.runId);
    expect([before.keys, after.keys]).toEqual([1, 0]);
  });
});
