/**
 * Bounds how much is written: what only repeats another line is counted, and so is everything above a fixed rate.
 *
 * A repetition has the same event and the same fields, numbers aside: an offset or an age differs each time without
 * making the line news, while a failover (six changes of role within 20 ms) must be seen whole. `epoch` is no
 * measurement and does count.
 */
import type { EventName } from '../contract/events.ts';
import type { LogFields } from './logger.ts';

/** Within this time of the first, a repetition is counted and not written. */
export const REPEAT_WINDOW_MS = 1000;

/** Lines written per window, whatever they say. */
export const LINES_PER_WINDOW_MAX = 200;

/** Different lines remembered at a time; with more, the oldest is forgotten and may repeat. */
export const KEYS_MAX = 256;

interface Seen {
  readonly event: EventName;
  readonly reason: string | undefined;
  readonly sinceMs: number;
  repeated: number;
}

/** What came of a repeated line once its window closed. */
export interface Repetition {
  readonly event: EventName;
  readonly reason: string | undefined;
  readonly repeated: number;
}

export interface Admission {
  readonly write: boolean;
  /** How often the same line went unwritten since it was last written. */
  readonly repeated: number;
}

const REFUSED: Admission = { write: false, repeated: 0 };

export class RepeatFilter {
  readonly #seen = new Map<string, Seen>();
  #windowSinceMs = -Infinity;
  #writtenInWindow = 0;
  #suppressed = 0;

  /** Whether the line is to be written. `fields` are redacted ones: bounded, and without cycles. */
  admit(event: EventName, fields: LogFields, nowMs: number): Admission {
    const key = keyOf(event, fields);
    const seen = this.#seen.get(key);
    if (seen !== undefined && nowMs - seen.sinceMs < REPEAT_WINDOW_MS) {
      seen.repeated += 1;
      return REFUSED;
    }
    if (!this.#withinRate(nowMs)) {
      this.#suppressed += 1;
      return REFUSED;
    }
    // Deleted first: the map stays in order of time, which `expire` relies on.
    this.#seen.delete(key);
    this.#seen.set(key, { event, reason: fields.reason, sinceMs: nowMs, repeated: 0 });
    return { write: true, repeated: seen?.repeated ?? 0 };
  }

  /** Forgets what is older than the window (everything at `Infinity`); gives what was counted meanwhile. */
  expire(nowMs: number): Repetition[] {
    const counted: Repetition[] = [];
    for (const [key, seen] of this.#seen) {
      const old = nowMs - seen.sinceMs >= REPEAT_WINDOW_MS;
      if (!old && this.#seen.size <= KEYS_MAX) break;
      this.#seen.delete(key);
      if (seen.repeated > 0) counted.push({ event: seen.event, reason: seen.reason, repeated: seen.repeated });
    }
    return counted;
  }

  /** How many lines went unwritten because of the rate, since last asked. */
  takeSuppressed(): number {
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    return suppressed;
  }

  #withinRate(nowMs: number): boolean {
    if (nowMs - this.#windowSinceMs >= REPEAT_WINDOW_MS) {
      this.#windowSinceMs = nowMs;
      this.#writtenInWindow = 0;
    }
    this.#writtenInWindow += 1;
    return this.#writtenInWindow <= LINES_PER_WINDOW_MAX;
  }
}

function keyOf(event: EventName, fields: LogFields): string {
  const withoutMeasurements = (name: string, value: unknown): unknown =>
    typeof value === 'number' && name !== 'epoch' ? undefined : value;
  return JSON.stringify([event, fields], withoutMeasurements);
}
