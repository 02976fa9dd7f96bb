// Waiting in tests: poll a condition instead of sleeping a guessed time. A failure names what was awaited.

import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 10;

/** What `waitFor` resolves with: the condition's value once it is neither falsy nor missing. */
export type Truthy<T> = Exclude<T, false | null | undefined | 0 | '' | 0n>;

/**
 * Resolves with the first truthy value of `condition`, polled every 10 ms.
 * An exception of the condition counts as "not yet"; the last one is the cause of the final error.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  message: string,
  timeoutMs = 20_000,
): Promise<Truthy<T>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let lastError: unknown;
    try {
      const value = await condition();
      if (value) return value as Truthy<T>;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() >= deadline) {
      throw new Error(`gave up after ${String(timeoutMs)} ms waiting for: ${message}`, { cause: lastError });
    }
    await sleep(POLL_MS);
  }
}
