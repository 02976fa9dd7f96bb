// Health: whether clients may be sent to a node, worked out at the moment that is asked about.

import { describe, expect, test } from 'vitest';

import { FENCE_MIN_REPLICAS } from './fencing.ts';
import { healthOf, SAME_MOMENT_MS } from './health.ts';
import type { Failsafe, State } from './state.ts';
import {
  attached, facts, frozenFacts, kept, lease, linkTo, masterFacts, NAMES, ownAnswers, ownSees, redisOf,
  remoteAnswers, replicaFacts, roleIs, run, runIdOf, sessionOf, sight, START_MS, term, T_MS, world,
} from './testing/world.ts';

const later = (state: State, ms: number): State => ({ ...state, nowMs: state.nowMs + ms });

describe('a node is the primary', () => {
  const master = world('a', 'master');

  test('while its lease is fresh, to the millisecond, with no turn in between', () => {
    const fenceInMs = (2 / 3) * T_MS - 500;
    expect(healthOf(master).primary).toBe(true);
    expect(healthOf(later(master, fenceInMs - 1)).primary).toBe(true);
    expect(healthOf(later(master, fenceInMs)).primary).toBe(false);
  });

  test.each<[string, Partial<State>]>([
    ['in doubt of its lease', { role: { ...roleIs(master, 'master'), inDoubt: true } }],
    ['fenced', { own: sight(masterFacts({ minReplicas: FENCE_MIN_REPLICAS })) }],
    ['made a replica behind its back', { own: sight(facts('a', { link: linkTo(redisOf('b')) })) }],
    ['hung', { own: sight(masterFacts(), { silentSinceMs: START_MS - 1 }) }],
    ['loading', { own: sight(masterFacts(), { blocked: 'loading' }) }],
    ['known by an earlier connection only', { own: sight(masterFacts(), { current: false }) }],
    ['stepping down', { role: world('a', 'stepping_down').role }],
    ['still promoting', { role: world('a', 'promoting').role }],
    ['without its lease', { records: { ...master.records, lease: null } }],
    ['under another lease', { records: { ...master.records, lease: kept(lease('b'), { owner: sessionOf('b') }) } }],
  ])('but not %s', (_case, change) => {
    expect(healthOf({ ...master, ...change }).primary).toBe(false);
  });

  test('not from the moment on at which its Redis dies', () => {
    expect(healthOf(run(master, ownSees({ seen: 'closed' })).state)).toMatchObject({ primary: false, serves: false });
  });

  test('by promises while the ensemble is silent, until they end', () => {
    const failsafe: Failsafe = {
      sinceMs: START_MS,
      runId: runIdOf('a'),
      nodes: NAMES,
      untilMs: START_MS + 3 * T_MS,
      byChoice: false,
      round: null,
      confirmed: ['b', 'c'],
      refused: [],
    };
    const silent: State = { ...master, session: null, synced: false, failsafe };
    expect(healthOf(later(silent, 2 * T_MS)).primary).toBe(true);
    expect(healthOf(later(silent, 3 * T_MS)).primary).toBe(false);
  });

  test('and never a replica, whatever its Redis says', () => {
    const own = sight(facts('b', { replicas: [attached('c')] }));
    expect(healthOf(world('b', 'replica', { own })).primary).toBe(false);
  });
});

describe('a node follows', () => {
  test('the present master with its link up', () => {
    expect(healthOf(world('b', 'replica'))).toMatchObject({ serves: true, follows: true, takesReads: true });
  });

  test.each<[string, State]>([
    ['its link is down', world('b', 'replica', {
      own: sight(replicaFacts('b', { link: linkTo(redisOf('a'), { up: false }) })),
    })],
    ['it is frozen', world('b', 'candidate', { own: sight(frozenFacts('b')) })],
    ['the lease is another node\'s', world('b', 'replica', {
      record: { lease: kept(lease('c'), { owner: sessionOf('c') }) },
    })],
    ['it may hold half of a dataset', world('b', 'replica', { own: sight(replicaFacts('b'), { halfSynced: true }) })],
    ['no master was ever recorded', world('b', 'replica', { record: { lease: null, term: null, masterRecord: null } })],
  ])('not when %s', (_case, state) => {
    expect(healthOf(state).follows).toBe(false);
  });

  test('as long as it streams, the master of the last term, with the ensemble away', () => {
    const away: State = { ...world('b', 'replica', { record: { lease: null } }), session: null, synced: false };
    expect(healthOf(away).follows).toBe(true);
  });

  test('the master of an original agent, where that one is published', () => {
    const record = { host: redisOf('c').host, port: '6379', name: 'c' };
    const foreign = { lease: null, term: term({ master: null }), masterRecord: kept(record, { owner: 77n }) };
    const own = sight(replicaFacts('b', { link: linkTo(redisOf('c')) }));
    expect(healthOf(world('b', 'replica', { record: foreign, own })).follows).toBe(true);
  });
});

describe('reads are not wanted', () => {
  test.each<[string, Partial<State>]>([
    ['of a disabled node', { enabled: false }],
    ['of one that stops', { stopping: { sinceMs: START_MS } }],
  ])('%s', (_case, change) => {
    expect(healthOf(world('b', 'replica', change))).toMatchObject({ follows: true, takesReads: false });
  });
});

describe('the lag', () => {
  const replica = world('b', 'replica');

  test('is not known before both were seen', () => {
    expect(healthOf(replica)).toMatchObject({ lagBytes: null, lagAgeMs: null });
  });

  test('is the difference of two answers of one moment, and keeps its age', () => {
    const { state } = run(replica, 1000, remoteAnswers(masterFacts({ offset: 5000 })), 5, ownAnswers(
      replicaFacts('b', { offset: 4400 }),
    ), 500);
    expect(healthOf(state)).toMatchObject({ lagBytes: 600, lagAgeMs: 505 });
  });

  test('is not made of answers of different moments', () => {
    const first = run(replica, 1000, ownAnswers(replicaFacts('b', { offset: 4400 })), SAME_MOMENT_MS + 1);
    const { state } = run(first.state, remoteAnswers(masterFacts({ offset: 9_000_000 })));
    expect(healthOf(state).lagBytes).toBe(null);
  });

  test('is never negative, where our answer is the later one', () => {
    const { state } = run(replica, 1000, remoteAnswers(masterFacts({ offset: 10 })), ownAnswers(replicaFacts('b')));
    expect(healthOf(state).lagBytes).toBe(0);
  });

  test('of another history is none', () => {
    const both = run(replica, 1000, remoteAnswers(masterFacts()), ownAnswers(replicaFacts('b')));
    expect(healthOf(both.state).lagBytes).toBe(0);
    const after = run(both.state, 1000, ownAnswers(replicaFacts('b', { replid: 'replid-6' })));
    expect(healthOf(after.state)).toMatchObject({ follows: true, lagBytes: null });
  });
});
