/**
 * One client that writes every few milliseconds where ZooKeeper says the master is, as a client of the service would:
 * it goes to a new address at once, leaves a write unanswered that the old one never answers, and knows nothing else.
 */
import { connectRaw, RawRedisError } from '../../test/support/raw-redis.ts';
import type { RawRedis } from '../../test/support/raw-redis.ts';
import type { Published } from '../published.ts';

const EVERY_MS = 4;
const KEY = 'dictator:canary';
const KEY_TTL_S = 60;

export class Canary {
  private target: Published | null = null;
  private client: RawRedis | null = null;
  private busy = false;
  /** Grows with each address: what belongs to an earlier one is over. */
  private turn = 0;
  private readonly timer: NodeJS.Timeout;
  private readonly onAccepted: () => void;

  constructor(onAccepted: () => void) {
    this.onAccepted = onAccepted;
    this.timer = setInterval(() => {
      if (this.target !== null && !this.busy) void this.write(this.target, this.turn);
    }, EVERY_MS);
  }

  moveTo(target: Published | null): void {
    this.turn += 1;
    this.client?.close();
    this.client = null;
    this.target = target;
    this.busy = false;
    if (target !== null) void this.write(target, this.turn);
  }

  stop(): void {
    clearInterval(this.timer);
    this.moveTo(null);
  }

  private async write(target: Published, turn: number): Promise<void> {
    this.busy = true;
    try {
      const client = this.client?.open === true ? this.client : await connectRaw(target.port);
      if (turn !== this.turn) {
        client.close();
        return;
      }
      this.client = client;
      await client.cmd('SET', KEY, Date.now(), 'EX', KEY_TTL_S);
      if (turn === this.turn) this.onAccepted();
    } catch (error) {
      // Refused or cut off: the next one tries again, over a new connection where this one ended.
      if (!(error instanceof RawRedisError) && turn === this.turn) this.client = null;
    } finally {
      if (turn === this.turn) this.busy = false;
    }
  }
}
