// The real clock keeps the one promise that evidence rests on: never early.

import { expect, test } from 'vitest';

import { systemClock } from './system-clock.ts';

test('no callback comes early', async () => {
  const earliness = Array.from(
    { length: 60 },
    (_value, index) =>
      new Promise<number>((resolve) => {
        const delayMs = 1 + index / 3;
        const startedAt = systemClock.now();
        systemClock.after(delayMs, () => resolve(startedAt + delayMs - systemClock.now()));
      }),
  );
  expect(Math.max(...(await Promise.all(earliness)))).toBeLessThanOrEqual(0);
});

test('what was cancelled does not come, and cancelling late does no harm', async () => {
  const called: string[] = [];
  const cancel = systemClock.after(1, () => called.push('cancelled'));
  cancel();
  await new Promise<void>((resolve) => {
    const done = systemClock.after(5, () => {
      done();
      resolve();
    });
  });
  expect(called).toEqual([]);
});

test('long waits for nearly the same moment are over in one wake-up, and none of them early', async () => {
  const baseMs = Math.ceil(systemClock.now() / 10) * 10 + 110;
  let slept = false;
  const ends = [4.4, 1.1, 2.2, 3.3].map((offsetMs) =>
    new Promise<{ readonly earlyMs: number; readonly slept: boolean }>((resolve) => {
      const dueMs = baseMs + offsetMs;
      systemClock.after(dueMs - systemClock.now(), () => {
        resolve({ earlyMs: dueMs - systemClock.now(), slept });
        setImmediate(() => (slept = true));
      });
    }),
  );
  for (const end of await Promise.all(ends)) {
    expect(end.slept).toBe(false);
    expect(end.earlyMs).toBeLessThanOrEqual(0);
  }
});
