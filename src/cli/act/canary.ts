/**
 * A client that writes one key as fast as it is answered, to the servers of a service, and tells for how long none of
 * them took a write: what a client with a perfect address book would have seen of a switchover.
 *
 * The key has a time to live, and nothing else is ever written. It writes while it is told to and no longer.
 */
import type { Clock } from '../../contract/clock.ts';
import { createRedisConnector } from '../../redis/connector.ts';
import type { RedisLink, RedisTarget, SendOutcome } from '../../redis/link.ts';

export const CANARY_KEY = 'dictator:canary';
const TTL_MS = 10_000;
const EVERY_MS = 2;
const RECONNECT_MS = 5;
const CONNECT_TIMEOUT_MS = 1000;
const ANSWER_TIMEOUT_MS = 1000;

export interface CanaryTarget extends RedisTarget {
  readonly name: string;
}

export class Canary {
  readonly #clock: Clock;
  readonly #cancels = new Set<() => void>();
  readonly #links = new Set<RedisLink>();
  #stopped = false;
  #lastMs: number | null = null;
  #worstMs = 0;
  /** Who took the latest write. */
  at: string | null = null;
  writes = 0;
  /** The latest refusal that was not one of a replica or a fence. */
  fault: string | null = null;

  constructor(clock: Clock, targets: readonly CanaryTarget[]) {
    this.#clock = clock;
    for (const target of targets) this.#open(target);
  }

  /** The longest time between two writes that were taken, since the last call. */
  takeGapMs(): number {
    const worst = this.#worstMs;
    this.#worstMs = 0;
    return Math.round(worst);
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#cancels) cancel();
    for (const link of this.#links) link.close();
  }

  #after(delayMs: number, callback: () => void): void {
    if (this.#stopped) return;
    const cancel = this.#clock.after(delayMs, () => {
      this.#cancels.delete(cancel);
      callback();
    });
    this.#cancels.add(cancel);
  }

  #open(target: CanaryTarget): void {
    if (this.#stopped) return;
    const again = (): void => {
      this.#links.delete(link);
      this.#after(RECONNECT_MS, () => this.#open(target));
    };
    const link = createRedisConnector().connect(target, { purpose: 'canary', connectTimeoutMs: CONNECT_TIMEOUT_MS }, {
      onOpen: () => this.#write(link, target.name),
      onRefused: again,
      onFailed: ({ code, detail }) => {
        if (code === 'auth') this.fault = detail;
        again();
      },
      onClosed: again,
    });
    this.#links.add(link);
  }

  #write(link: RedisLink, name: string): void {
    const command = ['SET', CANARY_KEY, String(this.writes), 'PX', String(TTL_MS)] as const;
    link.send([command], ANSWER_TIMEOUT_MS, (outcome) => {
      this.#note(outcome, name);
      if (outcome.kind !== 'closed') this.#after(EVERY_MS, () => this.#write(link, name));
    });
  }

  #note(outcome: SendOutcome, name: string): void {
    const [reply] = outcome.kind === 'answered' ? outcome.replies : [];
    if (reply?.ok === false && !EXPECTED.includes(reply.code)) this.fault = reply.message;
    if (reply?.ok !== true) return;
    const nowMs = this.#clock.now();
    if (this.#lastMs !== null) this.#worstMs = Math.max(this.#worstMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    this.at = name;
    this.writes += 1;
  }
}

/** What a replica, a fenced server and one that loads say. */
const EXPECTED: readonly string[] = ['READONLY', 'NOREPLICAS', 'LOADING', 'MASTERDOWN'];
