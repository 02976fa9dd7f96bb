/**
 * Time, handed in: whoever waits or measures is given one of these, so that a simulator can give another.
 *
 * Only a monotonic clock decides anything here; wall time is for display.
 */
export interface Clock {
  /** Monotonic milliseconds, with fractions; the origin means nothing. */
  now(): number;
  /** Calls back once, no sooner than `delayMs` milliseconds from now; returns what cancels it (harmless afterwards). */
  after(delayMs: number, callback: () => void): () => void;
}

/** A clock that also tells wall time: it decides nothing, but beside `now` it shows that the machine slept. */
export interface WallClock extends Clock {
  /** Milliseconds since 1970. */
  wallNow(): number;
}

/**
 * Milliseconds from `nowMs` until a multiple of `everyMs` that is at least half of it away. Timers of one process that
 * are set by it fall on the same moments: an idle process pays for wake-ups, not for what it does in them.
 */
export function untilGridMs(nowMs: number, everyMs: number): number {
  return Math.ceil((nowMs + everyMs / 2) / everyMs) * everyMs - nowMs;
}
