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
