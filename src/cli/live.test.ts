// Asking agents on demand: a screen that looks again, and a service of many nodes, become no load.
import { expect, test } from 'vitest';
import { LiveViews } from './live.ts';
import type { Asked, AgentView } from './live.ts';

/** Agents whose answers come when they are let; the clock stands unless it is set. */
function played() {
  const seen = { nowMs: 0, asked: [] as number[], most: 0 };
  const waiting: (() => void)[] = [];
  const live = new LiveViews({ now: () => seen.nowMs, after: () => () => undefined }, ({ port }) => {
    seen.asked.push(port);
    return new Promise<Asked<AgentView>>((resolve) => {
      waiting.push(() => resolve({ ok: false, why: 'silent' }));
      seen.most = Math.max(seen.most, waiting.length);
    });
  });
  /** Lets everybody answer, until the look is over. */
  async function look(targets: number): Promise<number> {
    const ended = { yes: false };
    const looking = live.of(Array.from({ length: targets }, (_value, port) => ({ host: 'here', port })));
    void looking.then(() => (ended.yes = true));
    while (!ended.yes) {
      for (const answer of waiting.splice(0)) answer();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return (await looking).length;
  }
  return { seen, look };
}

test('an answer is kept for a second, and asked for again after it', async () => {
  const { seen, look } = played();
  await look(2);
  seen.nowMs = 999;
  expect(await look(2)).toBe(2);
  expect(seen.asked).toEqual([0, 1]);
  seen.nowMs = 1000;
  await look(2);
  expect(seen.asked).toEqual([0, 1, 0, 1]);
});

test('sixteen are asked at once, and everybody is', async () => {
  const { seen, look } = played();
  expect(await look(50)).toBe(50);
  expect([seen.asked.length, seen.most]).toEqual([50, 16]);
});
