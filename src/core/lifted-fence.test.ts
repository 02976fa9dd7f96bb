// A fence and its lift on their way to one Redis: what was seen last says nothing about what holds next.

import { describe, expect, test } from 'vitest';

import { FENCE_MIN_REPLICAS, wantedMinReplicas } from './fencing.ts';
import type { State } from './state.ts';
import type { RecordsChange } from './testing/world.ts';
import {
  answer, facts, masterFacts, member, ownAnswers, roleIs, run, runIdOf, sight, START_MS, term, world,
} from './testing/world.ts';

const told = (order: 'disable' | 'enable' | 'stop') => ({ kind: 'order', order: { order } }) as const;

/** Told to leave, then to stay: the fence was seen, and its lift is on its way. */
function lifting(): State {
  const disabled = run(world('a', 'master'), told('disable'));
  const fenced = ownAnswers(masterFacts({ minReplicas: FENCE_MIN_REPLICAS }));
  const lifted = run(disabled.state, told('enable'), fenced, answer(disabled.state, 'fence_reversibly'), 1);
  expect(lifted.does).toContain('set_min_replicas');
  return lifted.state;
}

describe('a lift on its way is followed by the fence at once', () => {
  test('when its node is to leave once more', () => {
    const again = run(lifting(), told('disable'));
    expect([...again.state.inFlight.keys()]).toContain('set_min_replicas');
    expect(again.does).toContain('fence_reversibly');
  });

  test('when its agent ends', () => {
    const ended = run(lifting(), told('stop'), { kind: 'session_expired' });
    expect(ended.does).toContain('exit');
    expect(ended.does).toContain('fence_reversibly');
  });
});

test('a lease is not released while the lift of its fence is on its way', () => {
  const state = world('a', 'stepping_down', {
    own: sight(masterFacts({ minReplicas: FENCE_MIN_REPLICAS })),
    inFlight: new Map([['set_min_replicas', { id: 9, epoch: 5, sinceMs: START_MS }]]), nextActionId: 10,
  });
  expect(run(state, 1).does).not.toContain('release');
});

test('a fence sent unseen, and not seen yet when the records come, is taken back all the same', () => {
  // Another node owns this Redis: ours may not touch it (duplicate_run_id), and its agent is not where the record says.
  const own = facts('b', { minReplicas: 0, mode: 'cluster' });
  const sent = world('b', 'starting', {
    own: sight(own), fencedUnseen: true,
    inFlight: new Map([['fence_reversibly', { id: 9, epoch: 0, sinceMs: START_MS }]]), nextActionId: 10,
    record: { members: [member('a'), member('b', { runId: runIdOf('b') }), member('c')] },
  });
  const synced = run(sent, 1);
  const seen = ownAnswers({ ...own, minReplicas: FENCE_MIN_REPLICAS });
  const landed = run(synced.state, seen, answer(synced.state, 'fence_reversibly'), 20);
  expect(landed.does).toContain('set_min_replicas');
});

describe('who goes on alone does not lift the fence of a successor', () => {
  const role = { ...roleIs(world('a', 'stepping_down'), 'stepping_down'), alone: true };
  const alone = (record: RecordsChange = {}): State => world('a', 'stepping_down', { record, role });
  const fenced = sight(masterFacts({ minReplicas: FENCE_MIN_REPLICAS }));
  const gives = (change: Partial<State>): State => ({
    ...alone({ term: term({ inSync: [] }) }), own: fenced, role: { ...role, releaseSentAtMs: START_MS - 10 }, ...change,
  });
  const onItsWay = new Map([['release', { id: 9, epoch: 5, sinceMs: START_MS }]] as const);
  test.each<[string, State, number]>([
    ['its own fence, before it gave anything away', { ...alone(), own: fenced }, 1],
    ['a release that is not answered', gives({ inFlight: onItsWay }), FENCE_MIN_REPLICAS],
    ['a release that nobody has answered', gives({ looseRelease: true }), FENCE_MIN_REPLICAS],
    ['a release that was answered, and nothing heard since', gives({ lastProofMs: START_MS - 10 }), FENCE_MIN_REPLICAS],
    ['a release that was declined', gives({}), 0],
  ])('found fenced behind %s', (_what, state, wanted) => {
    expect(wantedMinReplicas(state)).toBe(wanted);
  });
});
