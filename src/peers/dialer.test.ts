// The pauses between dials; what dialling does is shown against real sockets in test/integration/peers-*.test.ts.

import { expect, test } from 'vitest';

import { DIAL_PAUSE_MAX_MS, dialPauseMs } from './dialer.ts';

test('after an end: at once, twice after 10 ms, then growing pauses up to a second', () => {
  const pauses = Array.from({ length: 12 }, (_value, failures) => dialPauseMs(failures));
  expect(pauses).toEqual([0, 10, 10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000]);
  expect(dialPauseMs(100_000)).toBe(DIAL_PAUSE_MAX_MS);
});
