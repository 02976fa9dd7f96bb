/**
 * What the keys do: faults at the master's node, and the way back from them.
 *
 * Freezing is a switch of one node: while one is frozen the same key thaws that one, though another is master by then.
 */
import type { NodeObserver } from './observer.ts';

export interface FaultTools {
  readonly observers: readonly NodeObserver[];
  /** The node that is master now, as published. */
  readonly master: () => NodeObserver | null;
  /** Says what was done, before it takes effect. */
  readonly tell: (text: string) => void;
}

type Part = 'redis' | 'agent';
const FROZEN = { redis: 'frozenRedis', agent: 'frozenAgent' } as const;
const KEY = { redis: 'f', agent: 'F' } as const;
const WHAT = { redis: 'Redis', agent: 'agent' } as const;

export class Faults {
  private readonly tools: FaultTools;
  private restarting = false;

  constructor(tools: FaultTools) {
    this.tools = tools;
  }

  async kill(part: Part): Promise<void> {
    const target = this.tools.master();
    if (target === null) {
      this.tools.tell('there is no master to hurt: r restarts what is down');
      return;
    }
    const { node } = target;
    if (this.isDown(target, part)) return;
    this.tools.tell(`killed the ${WHAT[part]} of ${node.name}, the master`);
    this.set(target, part, false);
    await node[part].kill();
  }

  freezeOrThaw(part: Part): void {
    const frozen = this.tools.observers.find((observer) => observer[FROZEN[part]]);
    if (frozen !== undefined) return this.thaw(frozen, part);
    const target = this.tools.master();
    if (target === null) return this.tools.tell('there is no master to freeze: r restarts what is down');
    const { node } = target;
    if (this.isDown(target, part)) return;
    this.tools.tell(`froze the ${WHAT[part]} of ${node.name}, the master (${KEY[part]} thaws it)`);
    this.set(target, part, true);
    if (part === 'redis') node.redis.freeze();
    else node.agent.signal('SIGSTOP');
  }

  /** Thaws what is frozen, starts what is down. */
  async restart(): Promise<void> {
    if (this.restarting) return;
    this.restarting = true;
    try {
      await this.restartAll();
    } finally {
      this.restarting = false;
    }
  }

  private async restartAll(): Promise<void> {
    const { observers, tell } = this.tools;
    const frozen = observers.flatMap((observer) => (
      (['redis', 'agent'] as const).filter((part) => observer[FROZEN[part]]).map((part) => ({ observer, part }))
    ));
    for (const { observer, part } of frozen) this.thaw(observer, part);
    const dead = observers.map(({ node }) => node).filter(({ redis, agent }) => !redis.running || !agent.alive);
    if (dead.length === 0 && frozen.length === 0) tell('nothing is down');
    await Promise.all(dead.map(async ({ name, redis, agent }) => {
      const parts = [...(redis.running ? [] : [WHAT.redis]), ...(agent.alive ? [] : [WHAT.agent])];
      tell(`started the ${parts.join(' and the ')} of ${name}`);
      if (!agent.alive) agent.restart();
      if (!redis.running) await redis.restart();
    }));
  }

  private isDown({ node }: NodeObserver, part: Part): boolean {
    const down = part === 'redis' ? !node.redis.running : !node.agent.alive;
    if (down) this.tools.tell(`the ${WHAT[part]} of ${node.name} is down: r restarts it`);
    return down;
  }

  private thaw(observer: NodeObserver, part: Part): void {
    const { node } = observer;
    this.tools.tell(`thawed the ${WHAT[part]} of ${node.name}`);
    this.set(observer, part, false);
    if (part === 'redis') node.redis.thaw();
    else node.agent.signal('SIGCONT');
  }

  private set(observer: NodeObserver, part: Part, frozen: boolean): void {
    Object.assign(observer, { [FROZEN[part]]: frozen });
  }
}
