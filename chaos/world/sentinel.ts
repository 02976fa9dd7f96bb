/**
 * Redis Sentinel as its documentation sets it up: one beside each Redis, quorum of a majority. For comparison.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connectRaw } from '../../test/support/raw-redis.ts';
import type { RawRedis } from '../../test/support/raw-redis.ts';
import { findRedisServer } from '../../test/support/redis-server.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { History } from '../clients/belief.ts';
import type { Belief } from '../clients/belief.ts';
import type { Target } from '../clients/writers.ts';
import type { Beginning } from './dictator.ts';
import { askRole, oneMaster } from './role.ts';
import type { RedisPlace, Site } from './site.ts';
import type { ChaosNode, Guard, Subject } from './subject.ts';

export const MASTER_NAME = 'chaos';
const FAILOVER_TIMEOUT_MS = 10_000;
const ASK_EVERY_MS = 100;
const ASK_TIMEOUT_MS = 500;
const SETTLE_MS = 60_000;
const TRACE_LINES = 200;

const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** `redis-sentinel` from the PATH; where there is none, the server, which is the same program. */
function sentinelCommand(): readonly string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = folders.map((folder) => join(folder, 'redis-sentinel')).find((path) => existsSync(path));
  return found === undefined ? [findRedisServer()] : [found];
}

/** Sentinel keeps what it learnt in its configuration file, as it does in production. */
class SentinelGuard implements Guard {
  private readonly place: RedisPlace;
  private readonly file: string;
  private child: ChildProcess | null = null;

  constructor(place: RedisPlace, file: string) {
    this.place = place;
    this.file = file;
  }

  get alive(): boolean {
    return this.child?.exitCode === null && this.child.signalCode === null;
  }

  start(): void {
    if (this.alive) return;
    const [program, ...args] = [...this.place.host.prefix, ...sentinelCommand(), this.file, '--sentinel'];
    const child = spawn(program, args, { stdio: 'ignore' });
    this.child = child;
    children.add(child);
    const forget = (): void => { children.delete(child); };
    child.once('exit', forget);
    child.once('error', forget);
    if (child.pid !== undefined) this.place.cgroup?.add(child.pid);
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (child === null || !this.alive) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (this.alive) this.child?.kill(signal);
  }
}

/** Asks one Sentinel after the other, as client libraries do. */
class SentinelBelief implements Belief {
  private readonly history = new History();
  private readonly nodes: readonly ChaosNode[];
  private readonly connections = new Map<number, RawRedis>();
  private current: Target | null = null;
  private closed = false;
  private readonly done: Promise<void>;

  constructor(nodes: readonly ChaosNode[]) {
    this.nodes = nodes;
    this.done = this.loop();
  }

  now(): Target | null { return this.history.before(0); }
  before(ageMs: number): Target | null { return this.history.before(ageMs); }
  published(): Target | null { return this.current; }

  async close(): Promise<void> {
    this.closed = true;
    for (const connection of this.connections.values()) connection.close();
    await this.done;
  }

  /** What this Sentinel names, or null when it does not answer. */
  async ask(index: number): Promise<Target | null> {
    const node = this.nodes[index];
    if (node === undefined) return null;
    try {
      let connection = this.connections.get(index);
      if (connection?.open !== true) {
        const options = { host: node.host.address, connectTimeoutMs: ASK_TIMEOUT_MS };
        connection = await connectRaw(node.ports[1] ?? 0, options);
        this.connections.set(index, connection);
      }
      const answer = connection.cmd('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER_NAME);
      const reply = await Promise.race([answer, pause(ASK_TIMEOUT_MS, 'late' as const)]);
      if (reply === 'late') {
        connection.close();
        // The question that was given up ends with its connection.
        await answer.catch((error: unknown) => error);
        return null;
      }
      const [host, port] = Array.isArray(reply) ? reply as readonly unknown[] : [];
      const server = this.nodes.findIndex((each) => each.host.address === host && each.ports[0] === Number(port));
      return server < 0 ? null : { server, host: String(host), port: Number(port) };
    } catch (error) {
      // Refused, cut off or ended: the next one is asked.
      if (!(error instanceof Error)) throw error;
      return null;
    }
  }

  private async loop(): Promise<void> {
    while (!this.closed) {
      const answers = await Promise.all(this.nodes.map((_node, index) => this.ask(index)));
      // The one that most of those who answer name: after a partition, some are late.
      const named = answers.filter((answer) => answer !== null);
      const votes = (target: Target): number => named.filter(({ server }) => server === target.server).length;
      this.current = named.toSorted((a, b) => votes(b) - votes(a))[0] ?? null;
      if (this.current !== null) this.history.learn(this.current);
      await pause(ASK_EVERY_MS);
    }
  }

  forget(): void {
    this.history.forget();
    this.current = null;
  }
}

export async function startSentinel({ site, options, count }: Beginning): Promise<SentinelSubject> {
  const places: RedisPlace[] = [];
  for (let index = 0; index < count; index += 1) {
    places.push(await site.redis(`node${index + 1}`, index, ['repl-diskless-sync-delay 0', ...options.redis]));
  }
  const subject = new SentinelSubject(site, places, options.sessionMs);
  await subject.begin();
  return subject;
}

export class SentinelSubject implements Subject {
  readonly ensemble = null;
  readonly cutFromZooKeeper = null;
  readonly healWithinMs = null;
  readonly nodes: readonly ChaosNode[];
  private readonly site: Site;
  private readonly files: readonly string[];
  private readonly downAfterMs: number;
  private asked: SentinelBelief | null = null;

  /** `downAfterMs`: Sentinel's users choose it as they would choose a session timeout. */
  constructor(site: Site, places: readonly RedisPlace[], downAfterMs: number) {
    this.downAfterMs = downAfterMs;
    this.site = site;
    this.files = places.map(({ host }) => join(site.folder, `${host.name}-sentinel.conf`));
    this.nodes = places.map((place, index) => ({
      name: place.host.name, host: place.host, redis: place.redis,
      guard: new SentinelGuard(place, this.files[index] ?? ''),
      ports: [place.redisPort, site.port(26_379)],
    }));
  }

  get belief(): SentinelBelief {
    if (this.asked === null) throw new Error('not begun');
    return this.asked;
  }

  async begin(): Promise<void> {
    await Promise.all(this.nodes.map(({ redis }) => redis.start()));
    const [first, ...others] = this.nodes;
    if (first === undefined) throw new Error('no node');
    for (const { redis } of others) await redis.ask('REPLICAOF', first.host.address, first.ports[0] ?? 0);
    // Written into its file, as Sentinel itself does when it changes something: a restart begins from there.
    for (const { redis } of this.nodes) await redis.ask('CONFIG', 'REWRITE');
    for (const [index, node] of this.nodes.entries()) {
      writeFileSync(this.files[index] ?? '', this.configuration(node, first));
      node.guard.start();
    }
    this.asked ??= new SentinelBelief(this.nodes);
    await waitFor(async () => await this.lacks() === null, 'the Sentinels know all of it', SETTLE_MS);
  }

  namedAt(node: number): Promise<Target | null> {
    return this.belief.ask(node);
  }

  async lacks(): Promise<string | null> {
    const seen = await oneMaster(this.nodes);
    if ('lacks' in seen) return seen.lacks;
    const named = await Promise.all(this.nodes.map((_node, index) => this.belief.ask(index)));
    const others = this.nodes.filter((_node, index) => named[index]?.server !== seen.master);
    return others.length === 0 ? null : `the Sentinel of ${others.map(({ name }) => name).join(', ')} names another`;
  }

  async isRedundant(): Promise<boolean> {
    const roles = await Promise.all(this.nodes.map(askRole));
    return roles.every((role) => role?.linkUp);
  }

  operatorCodes(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  async rebuild(): Promise<void> {
    await Promise.all(this.nodes.map(({ guard }) => guard.kill()));
    await Promise.all(this.nodes.map(({ redis }) => redis.kill()));
    for (const { redis } of this.nodes) {
      redis.empty();
      redis.writeConfiguration();
    }
    this.belief.forget();
    await this.begin();
  }

  takeEvents(): ReturnType<Subject['takeEvents']> {
    return { counts: new Map(), complaints: [] };
  }

  trace(): readonly string[] {
    return this.nodes.flatMap(({ name }) => {
      const log = readFileSync(join(this.site.folder, `${name}-sentinel.log`), 'utf8').trimEnd().split('\n');
      return log.slice(-TRACE_LINES).map((line) => `0 ${name} ${line}`);
    });
  }

  async stop(): Promise<void> {
    await this.asked?.close();
    await Promise.all(this.nodes.map(({ guard }) => guard.kill()));
    await Promise.all(this.nodes.map(({ redis }) => redis.kill()));
  }

  private configuration({ host, ports }: ChaosNode, master: ChaosNode): string {
    const quorum = Math.floor(this.nodes.length / 2) + 1;
    return [
      `port ${ports[1]}`, 'bind 0.0.0.0', 'protected-mode no', `dir ${this.site.folder}`,
      `logfile ${join(this.site.folder, `${host.name}-sentinel.log`)}`,
      `sentinel monitor ${MASTER_NAME} ${master.host.address} ${master.ports[0]} ${quorum}`,
      `sentinel down-after-milliseconds ${MASTER_NAME} ${this.downAfterMs}`,
      `sentinel failover-timeout ${MASTER_NAME} ${FAILOVER_TIMEOUT_MS}`,
      '',
    ].join('\n');
  }
}
