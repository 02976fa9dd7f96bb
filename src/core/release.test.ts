// Giving the lease back: what goes with it, what must not outlive it, and what it must never take away.

import { describe, expect, test } from 'vitest';

import { Ensemble } from './testing/ensemble.ts';
import type { State } from './state.ts';
import {
  answer, ballot, EPOCH, frozenFacts, kept, lease, leaseOf, masterFacts, masterRecord, member, NAMES, only, ownAnswers,
  ownSees, reads, readsLease, roleIs, run, sessionOf, sight, T_MS, term, termOf, world,
} from './testing/world.ts';

const died = [ownSees({ seen: 'closed' }), ownSees({ seen: 'refused' })];

describe('a master whose Redis dies', () => {
  test('with its announcement on its way: the release waits for it, and takes the record along', () => {
    const announcing = run(world('a', 'master', { record: { masterRecord: null } }), 0);
    expect(announcing.does).toContain('announce');
    const waiting = run(announcing.state, ...died);
    expect(waiting.does).not.toContain('release');
    const record = reads({ record: 'masterRecord', kept: kept(masterRecord(), { owner: sessionOf('a') }) });
    const told = run(waiting.state, record, answer(waiting.state, 'announce'));
    expect(only(told, 'release').removeRecord).toBe(true);
  });

  test('before the records of a new connection are read: what is to be removed is not known yet', () => {
    const again = { kind: 'session_connected', sessionId: sessionOf('a'), timeoutMs: 6000 } as const;
    const reconnected = run(world('a', 'master'), again);
    const waiting = run(reconnected.state, ...died);
    expect(waiting.does).not.toContain('release');
    expect(run(waiting.state, { kind: 'records_synced' }).does).toContain('release');
  });
});

describe('a release that nobody answers', () => {
  const back = [ownSees({ seen: 'opened' }), ownAnswers(masterFacts())];
  const lost = (code: string): State => {
    const { state } = run(world('a', 'master'), ...died);
    return run(state, answer(state, 'release', { result: 'failed', code }), ...back).state;
  };

  test('may still be carried out: the master is fenced, and renews its lease before it goes on', () => {
    const state = lost('CONNECTION_LOSS');
    expect(roleIs(state, 'master').inDoubt).toBe(true);
    expect([...state.inFlight.keys()]).toEqual(expect.arrayContaining(['fence_reversibly', 'claim']));
    // Behind a heartbeat that was heard, too: it may lie in the socket of a server that stands still.
    const heard = { owner: sessionOf('a'), czxid: state.records.lease!.znode.czxid };
    const beat = run(state, T_MS / 6).state;
    const outcome = { result: 'heard', sentAtMs: beat.nowMs, lease: heard } as const;
    expect(roleIs(run(beat, answer(beat, 'heartbeat', outcome)).state, 'master').inDoubt).toBe(true);
    const renewed = run(state, leaseOf('a', EPOCH + 1), termOf('a', EPOCH + 1));
    expect(roleIs(renewed.state, 'master')).toMatchObject({ epoch: EPOCH + 1, inDoubt: false });
  });

  test('of who serves alone: it goes on as long as it is disabled, and is fenced once it is enabled again', () => {
    const own = sight(masterFacts({ replicas: [], minReplicas: 0 }));
    const record = { members: [member('a')], term: term({ inSync: [] }) };
    const disabled = run(world('a', 'master', { own, record }), { kind: 'order', order: { order: 'disable' } });
    expect(disabled.does).toContain('release');
    expect(disabled.does).not.toContain('fence_reversibly');
    const enabled = run(disabled.state, { kind: 'order', order: { order: 'enable' } });
    expect(enabled.does).toContain('fence_reversibly');
    expect(roleIs(enabled.state, 'stepping_down').released).toBe(false);
    const refused = run(enabled.state, answer(enabled.state, 'release', { result: 'failed', code: 'BAD_VERSION' }));
    expect(refused.does).toContain('heartbeat');
    const gone = run(enabled.state, readsLease(null));
    expect(gone.state.role.name).toBe('candidate');
  });

  test('of which the ensemble says that it was not carried out leaves no doubt', () => {
    expect(roleIs(lost('BAD_VERSION'), 'master').inDoubt).toBe(false);
  });
});

test('a release that arrives when somebody else holds the lease changes nothing', () => {
  const release = only(run(world('a', 'master'), ...died), 'release');
  expect(release.termVersion).toBe(7);
  const ensemble = new Ensemble();
  const later = kept(lease('b', { epoch: EPOCH + 1 }), { owner: sessionOf('b') });
  const laterTerm = kept(term({ epoch: EPOCH + 1 }), { version: 8 });
  const record = kept(masterRecord('b'), { owner: sessionOf('b') });
  const records = { ...world('b', 'master').records, lease: later, term: laterTerm, masterRecord: record };
  Object.assign(ensemble, { records });
  expect(ensemble.commit(release, { name: 'a', session: sessionOf('a') })).toBe(false);
  expect(ensemble.records.lease).toBe(later);
});

test('a record that stays behind its lease holds nobody up: the winner removes it', () => {
  const members = NAMES.filter((name) => name !== 'a').map((name) => member(name));
  const ballots = [ballot('b'), ballot('c', { offset: 900 })];
  const candidate: State = world('b', 'candidate', { own: sight(frozenFacts('b')), record: { members, ballots } });
  const waiting = run(candidate, readsLease(null));
  expect(roleIs(waiting.state, 'candidate').leaseGoneSinceMs).not.toBe(null);
  expect(waiting.does).not.toContain('claim');
  expect(only(run(waiting.state, 100), 'claim')).toMatchObject({ removeLease: false, removeRecord: true });
});
