// Noticing what happens to our own Redis.

import { describe, expect, test } from 'vitest';

import {
  answer, facts, masterFacts, ownAnswers, ownSees, replicaFacts, run, START_MS, T_MS, world,
} from './testing/world.ts';

describe('a Redis that was restarted', () => {
  const restart = [ownSees({ seen: 'closed' }), ownSees({ seen: 'opened' })];

  test.each([
    ['as a master that takes writes: a hint, and it is fenced all the same', { minReplicas: 0 }, true],
    ['as a master with the start fence: none', { minReplicas: 1 }, false],
    ['as a replica: none', { ...replicaFacts('b'), minReplicas: 0 }, false],
  ])('%s', (_what, change, hinted) => {
    const { state, does } = run(world('b', 'replica'), ...restart, ownAnswers(facts('b', { ...change, runId: 'new' })));
    expect(state.reasons.has('starts_writable')).toBe(hinted);
    if (hinted) expect(does.some((kind) => kind === 'fence_reversibly' || kind === 'fence_hard')).toBe(true);
  });

  test('is fenced at once, though a fence has just failed with the connection to the former process', () => {
    const before = world('a', 'master', { lastProofMs: START_MS - T_MS });
    const fences = run(before, 0);
    expect(fences.does).toContain('fence_reversibly');
    const failed = run(fences.state, answer(fences.state, 'fence_reversibly', { result: 'failed', code: 'CLOSED' }));
    expect(run(failed.state, 1).does).not.toContain('fence_reversibly');
    const again = run(failed.state, ...restart, ownAnswers(masterFacts({ runId: 'new', minReplicas: 0 })));
    expect(again.does).toContain('fence_reversibly');
  });

  test('is told again at once, when it has loaded, what it refused meanwhile', () => {
    const before = world('a', 'master', { lastProofMs: START_MS - T_MS });
    const fences = run(before, 0);
    const refused = answer(fences.state, 'fence_reversibly', { result: 'failed', code: 'LOADING' });
    const loading = run(fences.state, refused, ownSees({ seen: 'blocked', by: 'loading' }));
    expect(loading.does).not.toContain('fence_reversibly');
    expect(run(loading.state, ownAnswers(masterFacts({ minReplicas: 0 }))).does).toContain('fence_reversibly');
  });

  test('the hint outlives everything but the next restart', () => {
    const first = run(world('b', 'replica'), ...restart, ownAnswers(facts('b', { runId: 'new', minReplicas: 0 })));
    const later = run(first.state, 1000, ownAnswers(replicaFacts('b', { runId: 'new' })), 1000);
    expect(later.state.reasons.has('starts_writable')).toBe(true);
    const again = run(later.state, ...restart, ownAnswers(facts('b', { runId: 'newer', minReplicas: 1 })));
    expect(again.state.reasons.has('starts_writable')).toBe(false);
  });

  test('a server that is seen for the first time says nothing about its start', () => {
    expect(run(world('b', 'starting', { own: world('b', 'starting').remote }), 0).state.reasons)
      .not.toContain('starts_writable');
  });
});
