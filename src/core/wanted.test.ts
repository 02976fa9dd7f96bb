// How closely an agent looks, and that it rests when there is nothing to wait for.

import { describe, expect, test } from 'vitest';

import type { State } from './state.ts';
import { linkTo, masterFacts, redisOf, replicaFacts, run, sight, START_MS, T_MS, world } from './testing/world.ts';
import { POLL_PEACE_MS, POLL_SETTLING_MS, POLL_WAITING_MS, wanted } from './wanted.ts';

const LONG_AGO = { sinceMs: START_MS - 60_000 };

function replicaBeside(remote: State['remote']): State {
  const state = world('b', 'replica', { remote });
  return { ...state, role: { name: 'replica', ...LONG_AGO }, alertUntilMs: 0 };
}

describe('a replica looks at its own Redis', () => {
  test('rarely while the recorded master answers', () => {
    expect(wanted(replicaBeside(sight(masterFacts()))).pollOwnMs).toBe(POLL_PEACE_MS);
  });

  test('closely for a moment when it was silent until now: what its link says may be long past', () => {
    const thawed = { ...replicaBeside(sight(masterFacts())), alertUntilMs: START_MS + 1 };
    expect(wanted(thawed).pollOwnMs).toBe(POLL_SETTLING_MS);
  });

  test.each([
    ['another process answers there', sight(masterFacts({ runId: 'run-new' }))],
    ['nobody answers there', sight(masterFacts(), { link: 'failed' })],
    ['it is silent', sight(masterFacts(), { silentSinceMs: START_MS })],
  ])('closely enough to see a full sync before it is loaded when %s', (_what, remote) => {
    expect(wanted(replicaBeside(remote)).pollOwnMs).toBe(POLL_SETTLING_MS);
  });
});

test('who takes over looks closely again, when that takes long, while its stream is broken', () => {
  const state = world('b', 'candidate', { own: sight(replicaFacts('b')), remote: sight(masterFacts()) });
  const role = { name: 'promoting', epoch: 6, deposed: redisOf('a'), takeover: true, remoteFence: 'asked' } as const;
  const late: State = { ...state, role: { ...role, ...LONG_AGO }, alertUntilMs: 0 };
  expect(wanted(late).pollOwnMs).toBe(POLL_WAITING_MS);
  const broken = sight(replicaFacts('b', { link: linkTo(redisOf('a'), { up: false }) }));
  expect(wanted({ ...late, own: broken }).pollOwnMs).toBe(POLL_SETTLING_MS);
});

describe('a deadline that has passed', () => {
  test('wakes nobody: without an ensemble an agent does not turn without a pause', () => {
    const cut = run(world('b', 'replica'), { kind: 'session_disconnected' }, T_MS, T_MS);
    expect(cut.state.wakeAtMs).toBeGreaterThan(cut.state.nowMs + 1);
  });
});
