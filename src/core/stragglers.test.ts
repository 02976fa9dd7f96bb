// After a deposed master became a replica, clients that stay on it are sent away again, for a bounded while.
import { expect, test } from 'vitest';
import { STRAGGLER_PAUSE_MS, STRAGGLER_ROUNDS } from './stragglers.ts';
import type { State } from './state.ts';
import { answer, ownAnswers, replicaFacts, run, START_MS, world } from './testing/world.ts';

function rounds(state: State, count: number): number {
  let current = state;
  let killed = 0;
  for (let round = 0; round < count; round++) {
    const next = run(current, STRAGGLER_PAUSE_MS);
    if (next.does.includes('kill_stragglers')) {
      killed += 1;
      current = run(next.state, answer(next.state, 'kill_stragglers')).state;
    } else {
      current = next.state;
    }
  }
  return killed;
}

const deposed = (): State => ({
  ...run(world('b', 'replica'), ownAnswers(replicaFacts('b'))).state,
  stragglers: { rounds: STRAGGLER_ROUNDS, nextMs: START_MS + STRAGGLER_PAUSE_MS },
});

test('clients are disconnected once a second, a bounded number of times', () => {
  expect(rounds(deposed(), 2 * STRAGGLER_ROUNDS)).toBe(STRAGGLER_ROUNDS);
});

test('a replica that was never deposed leaves its clients alone', () => {
  expect(rounds({ ...deposed(), stragglers: null }, 3)).toBe(0);
});
