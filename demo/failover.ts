/**
 * The scripted demo: load, kill, measure, restart, check. `--help` says what each figure means.
 */
import { waitFor } from '../test/support/wait-for.ts';
import { connectRaw } from '../test/support/raw-redis.ts';
import type { RawRedis, RawReply } from '../test/support/raw-redis.ts';
import { Prober } from './prober.ts';
import type { Accepted } from './prober.ts';
import { PublishedMaster } from './published.ts';
import type { DemoNode, DemoService } from './service.ts';

const KEYS = 1000;
const REPLICAS = 2;
const WAIT_TIMEOUT_MS = 10_000;
const STEP_TIMEOUT_MS = 20_000;
const ROLE_EVERY_MS = 2;

/** Something that must not be; its message ends the demo's last line. */
export class DemoFailed extends Error {
  override readonly name = 'DemoFailed';
}

export interface Script {
  readonly service: DemoService;
  readonly root: string;
  /** One line of progress. */
  readonly say: (text: string) => void;
}

/** Resolves with the last line; rejects when anything went wrong. */
export async function failover({ service, root, say }: Script): Promise<string> {
  await service.start(root, say);
  const published = new PublishedMaster(service.zooKeeperPort);
  const master = await settled(service, null);
  say(`${master.name} is master, ${REPLICAS} replicas in sync`);
  await load(master);
  say(`${KEYS} keys written and on both replicas`);

  const writes: Accepted[] = [];
  const servers = service.nodes.map(({ name, redis }) => ({ name, port: redis.port }));
  const prober = new Prober(servers, (write) => writes.push(write));
  try {
    const { gapMs, winner } = await killAndWait({ service, master, writes, published, say });
    const restartedMs = performance.now();
    const backMs = await restartOld(master, winner, say);
    await settled(service, winner);
    say(`${winner.name} is master for every agent, in ZooKeeper and by ROLE; both replicas are in sync`);
    const lost = KEYS - await keysOn(winner);
    const beside = writes.filter(({ node, sentMs }) => node !== winner.name && sentMs >= restartedMs).length;
    if (beside > 0) throw new DemoFailed(`${beside} writes were accepted beside the new master`);
    if (lost > 0) throw new DemoFailed(`${lost} of ${KEYS} keys lost`);
    const copied = await keysOn(master);
    if (copied !== KEYS) throw new DemoFailed(`the old master came back with ${copied} of ${KEYS} keys`);
    say(`all keys are on ${winner.name} and on ${master.name}; the old master accepted no write after its return`);
    return `demo: ok, write gap ${gapMs} ms, 0 of ${KEYS} keys lost, old master back in ${backMs} ms`;
  } finally {
    prober.stop();
    await published.close();
  }
}

async function load({ redis }: DemoNode): Promise<void> {
  const client = await redis.client();
  try {
    const indexes = Array.from({ length: KEYS }, (_value, index) => index);
    await Promise.all(indexes.map((index) => client.cmd('SET', `demo:${index}`, valueOf(index))));
    // Without it "0 lost" would be luck: an acknowledged write may not have left its master yet.
    const copies = await client.cmd('WAIT', REPLICAS, WAIT_TIMEOUT_MS);
    if (copies !== REPLICAS) throw new DemoFailed(`only ${String(copies)} replicas have the keys`);
  } finally {
    client.close();
  }
}

const valueOf = (index: number): string => `value of ${index}`;

async function keysOn({ redis }: DemoNode): Promise<number> {
  const names = Array.from({ length: KEYS }, (_value, index) => `demo:${index}`);
  const values = await redis.cmd('MGET', ...names) as readonly RawReply[];
  return values.filter((value, index) => value === valueOf(index)).length;
}

interface Scene {
  readonly service: DemoService;
  readonly master: DemoNode;
  readonly writes: readonly Accepted[];
  readonly published: PublishedMaster;
  readonly say: (text: string) => void;
}

async function killAndWait(scene: Scene): Promise<{ gapMs: number; winner: DemoNode }> {
  const { service, master, writes, published, say } = scene;
  await waitFor(() => writes.some(({ node }) => node === master.name), 'the master to accept writes', STEP_TIMEOUT_MS);
  const killedMs = performance.now();
  const gone = master.redis.kill();
  const deadMs = performance.now();
  say(`${master.name}: Redis killed`);
  await gone;
  const first = await waitFor(
    () => writes.find(({ sentMs }) => sentMs >= deadMs),
    'a write after the death of the master',
    STEP_TIMEOUT_MS,
  );
  const winner = service.nodes.find(({ name }) => name === first.node);
  if (winner === undefined) throw new DemoFailed('no node is the winner');
  const gapMs = Math.round(first.answeredMs - killedMs);
  const address = await waitFor(
    () => (published.current?.name === winner.name ? published.current : null),
    'the address of the new master in ZooKeeper',
    STEP_TIMEOUT_MS,
  );
  say(`${winner.name} accepted a write after ${gapMs} ms; its address was published after ${
    Math.round(address.atMs - killedMs)} ms`);
  return { gapMs, winner };
}

async function restartOld(old: DemoNode, winner: DemoNode, say: (text: string) => void): Promise<number> {
  const startMs = performance.now();
  const [, followsMs] = await Promise.all([old.redis.restart(), follows(old, winner, startMs)]);
  const backMs = Math.round(performance.now() - startMs);
  say(`${old.name}: Redis started, follows ${winner.name} after ${followsMs} ms, link up after ${backMs} ms`);
  return backMs;
}

/** Waits until the server itself says that its link to the new master is up; resolves with when it first followed. */
async function follows(old: DemoNode, winner: DemoNode, startMs: number): Promise<number> {
  let followsMs: number | null = null;
  let client = null as RawRedis | null;
  let seen: unknown = 'no answer';
  const deadlineMs = startMs + STEP_TIMEOUT_MS;
  for (;;) {
    try {
      client = client?.open === true ? client : await connectRaw(old.redis.port);
      const answer = await client.cmd('ROLE') as readonly RawReply[];
      seen = answer;
      const [role, , port, state] = answer;
      const following = role === 'slave' && port === winner.redis.port;
      if (following) followsMs ??= Math.round(performance.now() - startMs);
      if (following && followsMs !== null && state === 'connected') return followsMs;
    } catch (error) {
      // Not there yet, or our connection was ended together with all others by the fence.
      if (!(error instanceof Error)) throw error;
    }
    if (performance.now() > deadlineMs) {
      throw new DemoFailed(`${old.name} did not follow ${winner.name} again, its ROLE is ${JSON.stringify(seen)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, ROLE_EVERY_MS));
  }
}

/** Waits until every agent, ZooKeeper and every Redis name the same one master, with all replicas in sync. */
export async function settled(service: DemoService, expected: DemoNode | null): Promise<DemoNode> {
  let disagreement = '';
  try {
    return await waitFor(async () => {
      const found = await agreement(service, expected);
      if (typeof found !== 'string') return found;
      disagreement = found;
      return null;
    }, 'one master that all agree on', STEP_TIMEOUT_MS);
  } catch (error) {
    throw new DemoFailed(`no agreement on one master: ${disagreement}`, { cause: error });
  }
}

async function agreement({ nodes, zooKeeperPort }: DemoService, expected: DemoNode | null): Promise<DemoNode | string> {
  const views = await Promise.all(nodes.map(({ agent }) => agent.view()));
  const named = new Set(views.map((view) => `${view?.master?.name ?? 'nobody'} at epoch ${view?.epoch ?? 'unknown'}`));
  if (named.size > 1) return `the agents name ${[...named].join(' and ')}`;
  const master = nodes.find(({ name }) => name === views[0]?.master?.name);
  if (master === undefined) return 'the agents name nobody';
  if (expected !== null && master !== expected) return `${master.name} took over from ${expected.name}`;
  const inSync = views[0]?.inSync.length ?? 0;
  if (inSync < REPLICAS) return `${inSync} replicas are in sync`;
  const roles = await Promise.all(nodes.map(async ({ redis }) => (await redis.cmd('ROLE') as readonly RawReply[])[0]));
  const masters = nodes.filter((_node, index) => roles[index] === 'master');
  if (masters.length !== 1 || masters[0] !== master) {
    return `by ROLE these are masters: ${masters.map(({ name }) => name).join(', ')}`;
  }
  const record = await publishedName(zooKeeperPort);
  return record === master.name ? master : `ZooKeeper names ${record ?? 'nobody'}`;
}

/** Read anew, so that no watch of ours is part of what is checked. */
async function publishedName(zooKeeperPort: number): Promise<string | null> {
  const reader = new PublishedMaster(zooKeeperPort);
  try {
    return await waitFor(() => reader.current?.name, 'the master record', STEP_TIMEOUT_MS);
  } finally {
    await reader.close();
  }
}
