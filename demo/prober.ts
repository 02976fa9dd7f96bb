/**
 * Tries to write at every server of the service every 2 ms, and notes who accepted when.
 *
 * It asks the servers themselves and nobody's opinion of them: neither the agents nor ZooKeeper. What counts is when a
 * write was *sent*: an answer that was under way while its server died says nothing of the time after.
 */
import { connectRaw, RawRedisError } from '../test/support/raw-redis.ts';
import type { RawRedis } from '../test/support/raw-redis.ts';

const EVERY_MS = 2;
const KEY = 'dictator:probe';
const KEY_TTL_S = 60;

/** performance.now() of the sending and of the answer. */
export interface Accepted {
  readonly node: string;
  readonly sentMs: number;
  readonly answeredMs: number;
}

interface Target {
  readonly node: string;
  readonly port: number;
  client: RawRedis | null;
  busy: boolean;
}

export class Prober {
  private readonly targets: Target[];
  private readonly timer: NodeJS.Timeout;
  private readonly onAccepted: (write: Accepted) => void;
  private stopped = false;

  constructor(servers: readonly { name: string; port: number }[], onAccepted: (write: Accepted) => void) {
    this.targets = servers.map(({ name, port }) => ({ node: name, port, client: null, busy: false }));
    this.onAccepted = onAccepted;
    this.timer = setInterval(() => {
      for (const target of this.targets) if (!target.busy) void this.probe(target);
    }, EVERY_MS);
  }

  stop(): void {
    this.stopped = true;
    clearInterval(this.timer);
    for (const { client } of this.targets) client?.close();
  }

  private async probe(target: Target): Promise<void> {
    const set = (change: Partial<Target>): void => { Object.assign(target, change); };
    set({ busy: true });
    try {
      const client = target.client?.open === true ? target.client : await connectRaw(target.port);
      set({ client });
      if (this.stopped) {
        client.close();
        return;
      }
      const sentMs = performance.now();
      await client.cmd('SET', KEY, Math.round(sentMs), 'EX', KEY_TTL_S);
      this.onAccepted({ node: target.node, sentMs, answeredMs: performance.now() });
    } catch (error) {
      // A refused write keeps its connection; a refused or ended connection is opened again by the next probe.
      if (!(error instanceof RawRedisError)) set({ client: null });
    } finally {
      set({ busy: false });
    }
  }
}
