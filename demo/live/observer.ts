/**
 * Asks every agent what it publishes and every Redis for its ROLE, a few times a second, and keeps the latest answers.
 *
 * Whether a process runs, is frozen or is down the demo knows itself: it started it. All else is what they say.
 */
import type { PublishedView } from '../../src/contract/view.ts';
import { connectRaw, RawRedisError } from '../../test/support/raw-redis.ts';
import type { RawRedis, RawReply } from '../../test/support/raw-redis.ts';
import type { DemoNode } from '../service.ts';
import type { LiveState, NodeRow } from './model.ts';

const EVERY_MS = 100;
/** A process that has not answered for this long is shown as silent. */
const SILENT_AFTER_MS = 700;

interface ServerFacts {
  readonly role: 'master' | 'replica';
  readonly link: NodeRow['link'];
  readonly offset: number;
}

/** One process under observation: its latest answer and when it came. */
class Watched<T> {
  private latest: { readonly value: T; readonly atMs: number } | null = null;
  private asking = false;

  /** At most one question is under way. */
  async ask(question: () => Promise<T | null>): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    try {
      const value = await question();
      if (value !== null) this.latest = { value, atMs: performance.now() };
    } finally {
      this.asking = false;
    }
  }

  forget(): void {
    this.latest = null;
  }

  get fresh(): T | null {
    const { latest } = this;
    return latest !== null && performance.now() - latest.atMs < SILENT_AFTER_MS ? latest.value : null;
  }

  /** However old. */
  get last(): T | null {
    return this.latest?.value ?? null;
  }
}

export class NodeObserver {
  readonly node: DemoNode;
  frozenRedis = false;
  frozenAgent = false;
  private readonly view = new Watched<PublishedView>();
  private readonly server = new Watched<ServerFacts | 'loading'>();
  private client: RawRedis | null = null;
  private readonly timer: NodeJS.Timeout;

  constructor(node: DemoNode) {
    this.node = node;
    this.timer = setInterval(() => { this.look(); }, EVERY_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.client?.close();
  }

  get published(): PublishedView | null {
    return this.frozenAgent ? null : this.view.fresh;
  }

  /** The latest offset known, for the lag of others and of a server that is down. */
  get offset(): number | null {
    const facts = this.server.last;
    return facts === null || facts === 'loading' ? null : facts.offset;
  }

  row(masterOffset: number | null, inSync: readonly string[]): NodeRow {
    const { node, published } = this;
    const { name, redis } = node;
    const facts = this.frozenRedis || !redis.running ? null : this.server.fresh;
    const known = facts === 'loading' ? null : facts;
    const isMaster = known?.role === 'master';
    const { offset } = this;
    return {
      name,
      port: redis.port,
      agent: this.agentState(),
      redis: this.redisState(facts),
      role: known?.role ?? null,
      link: known?.link ?? null,
      lagBytes: isMaster || masterOffset === null || offset === null ? null : Math.max(0, masterOffset - offset),
      inSync: inSync.includes(name),
      fence: published?.fence ?? 'none',
      reasons: published?.reasons ?? [],
    };
  }

  private agentState(): NodeRow['agent'] {
    if (!this.node.agent.alive) return 'down';
    if (this.frozenAgent) return 'frozen';
    return this.view.fresh === null ? 'silent' : 'running';
  }

  private redisState(facts: ServerFacts | 'loading' | null): NodeRow['redis'] {
    if (!this.node.redis.running) return 'down';
    if (this.frozenRedis) return 'frozen';
    if (facts === 'loading') return 'loading';
    return facts === null ? 'silent' : 'running';
  }

  private look(): void {
    if (this.node.agent.alive) void this.view.ask(() => this.node.agent.view());
    else this.view.forget();
    if (this.node.redis.running) void this.server.ask(() => this.askRole());
  }

  private async askRole(): Promise<ServerFacts | 'loading' | null> {
    try {
      this.client = this.client?.open === true ? this.client : await connectRaw(this.node.redis.port);
      return factsOf(await this.client.cmd('ROLE') as readonly RawReply[]);
    } catch (error) {
      // No answer; or our connection was ended together with all others by a fence.
      return error instanceof RawRedisError && error.code === 'LOADING' ? 'loading' : null;
    }
  }
}

function factsOf(answer: readonly RawReply[]): ServerFacts | null {
  const [role, second, , state, offset] = answer;
  if (role === 'master') return { role, link: null, offset: Number(second) };
  if (role !== 'slave') return null;
  const link = state === 'connected' ? 'up' : state === 'sync' ? 'copying' : 'down';
  return { role: 'replica', link, offset: Math.max(0, Number(offset)) };
}

/** What all of them say together: the rows, and who is master at which epoch with how fresh a lease. */
export function observed(observers: readonly NodeObserver[], publishedName: string | null): Pick<
  LiveState, 'nodes' | 'master' | 'lease'
> {
  const views = observers.map(({ published }) => published).filter((view) => view !== null);
  const epoch = Math.max(0, ...views.map((view) => view.epoch));
  const latest = views.filter((view) => view.epoch === epoch);
  const inSync = latest[0]?.inSync ?? [];
  const holder = observers.find(({ node }) => node.name === publishedName);
  const own = holder?.published ?? null;
  return {
    nodes: observers.map((observer) => observer.row(holder?.offset ?? null, inSync)),
    master: publishedName === null ? null : { name: publishedName, epoch },
    lease: own === null
      ? null
      : { ...own.lease, sessionTimeoutMs: own.session.timeoutMs },
  };
}
