/**
 * One client that writes every few milliseconds where ZooKeeper says the master is, as a client of the service would:
 * it goes to a new address at once, leaves a write unanswered that the old one never answers, and knows nothing else.
 */
import { connectRaw, RawRedisError } from '../../test/support/raw-redis.ts';
import type { RawRedis } from '../../test/support/raw-redis.ts';
import type { Published } from '../published.ts';

/** What happened since the write that was accepted before. */
export interface Accepted {
  /** The address changed, a connection ended, or a write was refused. */
  readonly disturbed: boolean;
  /** The first word of the latest refusal, as Redis gave it. */
  readonly refusal: string | null;
  /** The longest time for which this very process was not scheduled: no gap of the service. */
  readonly stalledMs: number;
}

const UNDISTURBED: Accepted = { disturbed: false, refusal: null, stalledMs: 0 };
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
  private since = UNDISTURBED;
  private tickedMs = performance.now();
  private readonly onAccepted: (since: Accepted) => void;

  constructor(onAccepted: (since: Accepted) => void) {
    this.onAccepted = onAccepted;
    this.timer = setInterval(() => {
      this.noteStall();
      if (this.target !== null && !this.busy) void this.write(this.target, this.turn);
    }, EVERY_MS);
  }

  moveTo(target: Published | null): void {
    this.turn += 1;
    this.since = { ...this.since, disturbed: true };
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
      if (turn === this.turn) this.accepted();
    } catch (error) {
      if (turn === this.turn) this.failed(error);
    } finally {
      if (turn === this.turn) this.busy = false;
    }
  }

  private accepted(): void {
    this.noteStall();
    const { since } = this;
    this.since = UNDISTURBED;
    this.onAccepted(since);
  }

  /** Refused or cut off: the next write tries again, over a new connection where this one ended. */
  private failed(error: unknown): void {
    const refusal = error instanceof RawRedisError ? error.code : this.since.refusal;
    this.since = { ...this.since, disturbed: true, refusal };
    if (!(error instanceof RawRedisError)) this.client = null;
  }

  private noteStall(): void {
    const nowMs = performance.now();
    const stalledMs = Math.max(this.since.stalledMs, nowMs - this.tickedMs - EVERY_MS);
    this.since = { ...this.since, stalledMs };
    this.tickedMs = nowMs;
  }
}
