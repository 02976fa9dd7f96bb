/**
 * The real clock: `performance.now()` and timers of the event loop.
 *
 * Node rounds a timer's delay and measures it from the loop's cached time, so a timer may fire up to a millisecond
 * early by `performance.now()`. A pause that proves something ("two refusals 10 ms apart") must not be shorter than
 * it says, so a callback that comes early is put off again for the rest.
 */
import { performance } from 'node:perf_hooks';

import type { WallClock } from '../contract/clock.ts';

/** Where a millisecond more does not matter. */
const LONG_WAIT_MS = 100;

/** The clock of this process. */
export const systemClock: WallClock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  after(delayMs, callback) {
    const dueAt = performance.now() + delayMs;
    const fire = (): void => {
      const restMs = dueAt - performance.now();
      if (restMs > 0) timer = setTimeout(fire, Math.ceil(restMs));
      else callback();
    };
    // Putting off costs a second wake-up: a long wait rather ends a millisecond late.
    let timer = setTimeout(fire, delayMs < LONG_WAIT_MS ? delayMs : Math.ceil(delayMs) + 1);
    return () => clearTimeout(timer);
  },
};
