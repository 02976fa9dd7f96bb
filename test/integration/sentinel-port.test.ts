/**
 * The Sentinel port of real agents where the network is in the way: one that is cut off from ZooKeeper or overslept,
 * and addresses that are others outside than inside.
 */
import { afterAll, expect, test } from 'vitest';
import { nodeRedis } from '../interop/keep-writing.ts';
import { Ear } from '../support/ear.ts';
import { failureStage, FAST_SYNC } from '../support/failure-stage.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import type { FaultProxy } from '../support/fault-proxy.ts';
import { peace } from '../support/healing.ts';
import { connectRaw } from '../support/raw-redis.ts';
import type { RawReply } from '../support/raw-redis.ts';
import type { Node } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

const OUTSIDE = { announce_host: '192.0.2.7', announce_port: 32000 };
const NAME = 'mymaster';
const proxies: FaultProxy[] = [];
const stage = failureStage(
  { nodes: 2, redisArgs: FAST_SYNC, sentinel: { master_name: NAME, ...OUTSIDE } },
  async ({ port }) => {
    while (proxies.length < 2) proxies.push(await startFaultProxy({ targetPort: port }));
    return { zkPort: (index) => proxies[index]?.port ?? 0 };
  },
);
afterAll(() => Promise.all(proxies.map((proxy) => proxy.stop())));

async function ask({ sentinelPort = 0 }: Node, ...words: readonly string[]): Promise<RawReply> {
  const client = await connectRaw(sentinelPort);
  try {
    return await client.cmd(...words);
  } finally {
    client.close();
  }
}

async function names(node: Node, expected: RawReply): Promise<void> {
  await waitFor(async () => {
    return JSON.stringify(await ask(node, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)) === JSON.stringify(expected);
  }, `${node.name} to name ${JSON.stringify(expected)}`);
}

async function offers(node: Node, replicas: number): Promise<void> {
  await waitFor(async () => {
    const entries = (await ask(node, 'SENTINEL', 'REPLICAS', NAME)) as RawReply[];
    return entries.length === replicas;
  }, `${node.name} to list ${replicas} replicas`);
}

test('the other agent is named where it can be reached from outside', async () => {
  const { master, replicas: [replica] } = await peace(stage.service);
  for (const node of [master, replica]) {
    const found = await waitFor(async () => {
      const sentinels = (await ask(node, 'SENTINEL', 'SENTINELS', NAME)) as RawReply[][];
      return sentinels[0];
    }, 'the other agent to listen');
    expect([found[found.indexOf('ip') + 1], found[found.indexOf('port') + 1]]).toEqual(['192.0.2.7', '32000']);
    // Redis is announced by the keys of its node.
    await names(node, ['127.0.0.1', String(master.redis.port)]);
  }
});

test('a replica that an operator takes out is not offered to readers, and is again when it is back', async () => {
  const { master, replicas: [replica] } = await peace(stage.service);
  for (const node of [master, replica]) await offers(node, 1);
  await replica.agent.http('/disable');
  for (const node of [master, replica]) await offers(node, 0);
  await replica.agent.http('/enable');
  for (const node of [master, replica]) await offers(node, 1);
  await peace(stage.service);
});

test('an agent that is cut off from ZooKeeper names nobody, says that it is blind, and sees again later', async () => {
  const { master, replicas: [replica] } = await peace(stage.service);
  const at = ['127.0.0.1', String(master.redis.port)];
  await names(replica, at);
  const ear = await Ear.at(replica.sentinelPort ?? 0);
  try {
    const proxy = proxies[stage.service.nodes.indexOf(replica)]!;
    proxy.freeze('toServer', 'toClient');
    await names(replica, null);
    await ear.hears('+tilt', '#tilt');
    const entry = (await ask(replica, 'SENTINEL', 'MASTER', NAME)) as RawReply[];
    expect(entry[entry.indexOf('flags') + 1]).toBe('s_down,master,disconnected');
    expect(String(await ask(replica, 'INFO', 'sentinel'))).toContain('sentinel_tilt:1');
    await expect(ask(replica, 'SENTINEL', 'CKQUORUM', NAME)).rejects.toThrow('NOQUORUM');
    // Nobody else is any the worse, and node-redis, which would ask it for ever, is sent on to the next.
    await names(master, at);
    const ports = [replica, master].map(({ sentinelPort = 0 }) => sentinelPort);
    const writer = await nodeRedis({ ports, name: NAME });
    await waitFor(() => writer.acceptedMs.length > 0, 'node-redis to write').finally(() => writer.stop());
    proxy.resetAll();
    proxy.thaw();
    await ear.hears('-tilt', '#tilt');
    const { master: now } = await peace(stage.service);
    await names(replica, ['127.0.0.1', String(now.redis.port)]);
    const switches = ear.payloads('+switch-master', NAME);
    expect(switches).toHaveLength(new Set(switches).size);
  } finally {
    ear.close();
  }
});

/** Ways for an agent to miss that another one took its place, and back again. */
const ABSENCES: readonly [string, (node: Node, proxy: FaultProxy) => () => void][] = [
  ['was stopped for longer than its lease', ({ agent }) => {
    agent.signal('SIGSTOP');
    return () => agent.signal('SIGCONT');
  }],
  ['was cut off from ZooKeeper', (_node, proxy) => {
    proxy.freeze('toServer', 'toClient');
    return () => {
      proxy.resetAll();
      proxy.thaw();
    };
  }],
];

test.each(ABSENCES)('the agent of a master that %s never names it again, and tells of the next one once', async (
  _how, leave,
) => {
  const { master, replicas: [replica] } = await peace(stage.service);
  const old = ['127.0.0.1', String(master.redis.port)];
  await names(master, old);
  const ear = await Ear.at(master.sentinelPort ?? 0);
  const client = await connectRaw(master.sentinelPort ?? 0);
  const address = (): Promise<RawReply> => client.cmd('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME);
  try {
    const comeBack = leave(master, proxies[stage.service.nodes.indexOf(master)]!);
    const successor = await stage.successorOf(master);
    const next = ['127.0.0.1', String(successor.redis.port)];
    // Asked while it is away, so that it is answered before anything else when it is back.
    const early = address();
    comeBack();
    const answers = [await early];
    await waitFor(async () => {
      const now = await address();
      answers.push(now);
      return JSON.stringify(now) === JSON.stringify(next);
    }, 'the next master to be named');
    expect(answers.map(String)).not.toContain(String(old));

    await ear.hears('+tilt', '#tilt');
    await ear.hears('-tilt', '#tilt');
    await ear.hears('+slave', `slave ${old.join(':')}`);
    await peace(stage.service);
    expect(ear.payloads('+switch-master', NAME)).toEqual([[NAME, ...old, ...next].join(' ')]);
    expect(String(await ask(master, 'INFO', 'sentinel'))).toContain('sentinel_tilt:0');
    expect(successor).toBe(replica);
  } finally {
    client.close();
    ear.close();
  }
});
