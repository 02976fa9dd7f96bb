/** A small world for tests of the Redis model: hosts, servers on them, and a hand at each server's socket. */
import type { Command, ReplyValue, RedisLink, SendOutcome } from '../../../../src/redis/link.ts';
import { parseInfo } from '../../../../src/redis/info.ts';
import type { RedisInfo, ReplicationInfo } from '../../../../src/redis/info.ts';
import type { End, EndEvents } from '../../../kernel/network.ts';
import { Network } from '../../../kernel/network.ts';
import { Host, Process } from '../../../kernel/process.ts';
import { Random } from '../../../kernel/random.ts';
import { Scheduler } from '../../../kernel/scheduler.ts';
import { Trace } from '../../../kernel/trace.ts';
import { redisConnector } from '../connector.ts';
import { Disk } from '../disk.ts';
import type { Answer, Request } from '../messages.ts';
import type { RedisOptions } from '../options.ts';
import { RedisServer } from '../server.ts';
import type { Replacement } from '../state.ts';

export const PORT = 6379;

/** A connection whose messages the test writes and reads itself. */
export interface RawClient {
  readonly end: End;
  readonly heard: Answer[];
  readonly endings: string[];
  send(request: Request): void;
  /** SETs of these ids in one pipeline. */
  write(ids: readonly number[], wait?: number): void;
}

/** A node: its host, its disk, and whatever process runs there now. */
export class Node {
  readonly name: string;
  readonly disk = new Disk();
  readonly host: Host;
  server!: RedisServer;
  process!: Process;
  readonly replaced: Replacement[] = [];
  readonly acknowledged: { id: number; atMs: number; viaWait: number }[] = [];
  private readonly stage: Stage;
  private options: Partial<RedisOptions>;

  constructor(stage: Stage, name: string, options: Partial<RedisOptions>) {
    this.stage = stage;
    this.name = name;
    this.options = options;
    this.host = new Host(name);
    stage.network.addHost(this.host);
    this.start();
  }

  start(options: Partial<RedisOptions> = {}): void {
    const { scheduler, network, trace } = this.stage;
    this.options = { ...this.options, ...options };
    this.process = new Process(this.name, this.host, scheduler);
    this.server = new RedisServer({
      process: this.process, network, scheduler, trace, disk: this.disk, options: this.options,
      random: this.stage.random.fork(`${this.name}${scheduler.nowMs}`),
      onAcknowledged: (ids, viaWait) => {
        const atMs = scheduler.nowMs;
        for (const id of ids) this.acknowledged.push({ id, atMs, viaWait });
      },
      onReplaced: (what) => this.replaced.push(what),
    });
  }

  /** Another process on the same disk. */
  restart(options: Partial<RedisOptions> = {}): void {
    this.process.kill();
    this.start(options);
    this.stage.pass(100);
  }

  get ids(): number[] {
    return [...this.server.data.all()].sort((a, b) => a - b);
  }
}

export class Stage {
  readonly scheduler = new Scheduler();
  readonly random: Random;
  readonly network: Network;
  readonly trace: Trace;
  readonly me: Process;

  constructor(seed = 1) {
    this.random = new Random(seed);
    this.network = new Network(this.scheduler, this.random.fork('network'));
    this.trace = new Trace(() => this.scheduler.nowMs, true);
    const host = new Host('me');
    this.network.addHost(host);
    this.me = new Process('me', host, this.scheduler);
  }

  node(name: string, options: Partial<RedisOptions> = {}): Node {
    return new Node(this, name, { disklessDelaySeconds: 0, ...options });
  }

  pass(ms: number): void {
    this.scheduler.runUntil(this.scheduler.nowMs + ms);
  }

  /** Lets time pass until this holds. */
  until(condition: () => boolean, what: string): void {
    for (let i = 0; i < 30_000 && !condition(); i++) this.pass(1);
    if (!condition()) throw new Error(`never: ${what}`);
  }

  /** Runs commands over a connection of its own and returns what came back within a second. */
  ask(node: Node, ...commands: readonly Command[]): readonly (ReplyValue | string)[] {
    const link = this.link(node);
    let outcome: SendOutcome | null = null;
    link.send(commands, 1000, (result) => {
      outcome = result;
    });
    this.until(() => outcome !== null, 'an outcome');
    link.close();
    return shown(outcome);
  }

  link(node: Node, endings: string[] = []): RedisLink {
    let open = false;
    const link = redisConnector(this.network, this.me).connect(
      { host: node.name, port: PORT },
      { purpose: 'test', connectTimeoutMs: 1000 },
      {
        onOpen: () => {
          open = true;
        },
        onRefused: () => endings.push('refused'),
        onFailed: ({ code }) => endings.push(code),
        onClosed: (how) => endings.push(how),
      },
    );
    this.until(() => open || endings.length > 0, 'a connection');
    return link;
  }

  info(node: Node): RedisInfo {
    const [text] = this.ask(node, ['INFO']);
    return parseInfo(typeof text === 'string' ? text : '');
  }

  replication(node: Node): ReplicationInfo {
    const { replication } = this.info(node);
    if (replication === null) throw new Error('no section Replication');
    return replication;
  }

  client(node: Node): RawClient {
    const heard: Answer[] = [];
    const endings: string[] = [];
    let open = false;
    const events: EndEvents = {
      onOpen: () => {
        open = true;
      },
      onFailed: (failure) => endings.push(failure),
      onMessage: (message) => heard.push(message as Answer),
      onClosed: (how) => endings.push(how),
    };
    const end = this.network.connect(this.me, { host: node.name, port: PORT }, { timeoutMs: 1000, events });
    this.until(() => open, 'a connection');
    const send = (request: Request): void => end.send(request);
    return {
      end, heard, endings, send,
      write: (ids, wait = 0) => send({ kind: 'write', ids, bytes: 100, wait, timeoutMs: 500 }),
    };
  }

  /** Makes the others follow the first, and waits until the stream flows. */
  follow(master: Node, ...replicas: readonly Node[]): void {
    for (const replica of replicas) this.ask(replica, ['REPLICAOF', master.name, String(PORT)]);
    const flowing = (): boolean => {
      const online = [...master.server.state.replicas].filter(({ replica }) => (
        replica?.state === 'online' && !replica.startsOnAck
      ));
      return online.length >= replicas.length && replicas.every(({ server }) => server.linkUp);
    };
    this.until(flowing, 'the stream flows');
  }
}

function shown(outcome: SendOutcome | null): readonly (ReplyValue | string)[] {
  if (outcome?.kind !== 'answered') return [outcome?.kind ?? 'nothing'];
  return outcome.replies.map((reply) => (reply.ok ? reply.value : reply.code));
}
