// A takeover, and a promotion without one: what the winner of a claim waits for before it serves.

import { describe, expect, test } from 'vitest';

import type { Claimed, State } from './state.ts';
import {
  answer, dead, facts, frozenFacts, leaseOf, linkTo, masterFacts, only, ownAnswers, redisOf, remoteAnswers,
  replicaFacts, roleIs, run, sight, START_MS, term, termOf, world,
} from './testing/world.ts';

const claimOf = ({ takeover }: { takeover: boolean }): Claimed => (
  { epoch: 6, deposed: redisOf('a'), takeover, fenced: false, adopt: false, former: term(), atMs: START_MS }
);

describe('a takeover', () => {
  const takingOver = (): State => {
    const claimed = claimOf({ takeover: true });
    const record = { lease: null, masterRecord: null };
    return run(world('b', 'candidate', { claimed, record }), leaseOf('b', 6), termOf('b', 6, { inSync: ['c'] })).state;
  };
  const fenced = masterFacts({ minReplicas: 1_000_000, offset: 1010 });

  test('fences reversibly, and promotes when it holds the last byte', () => {
    const state = takingOver();
    expect(roleIs(state, 'promoting').takeover).toBe(true);
    expect([...state.inFlight.keys()]).toContain('remote_fence_reversibly');
    const behind = run(state, remoteAnswers(fenced), answer(state, 'remote_fence_reversibly'));
    expect(behind.does).not.toContain('promote');
    const level = run(behind.state, ownAnswers(replicaFacts('b', { offset: 1010 })));
    expect(only(level, 'promote').minReplicas).toBe(1);
  });

  test('an offset seen before the fence held is no equality', () => {
    const state = takingOver();
    expect(run(state, ownAnswers(replicaFacts('b', { offset: 9999 }))).does).not.toContain('promote');
  });

  test('a fence that was seen before our own was answered may have been lifted since', () => {
    const claimed = claimOf({ takeover: true });
    const record = { lease: null, masterRecord: null };
    const candidate = world('b', 'candidate', { claimed, record, remote: sight(fenced) });
    const level = ownAnswers(replicaFacts('b', { offset: 1010 }));
    const { state, does } = run(candidate, level, leaseOf('b', 6), termOf('b', 6, { inSync: ['c'] }));
    expect(does).not.toContain('promote');
    expect(run(state, answer(state, 'remote_fence_reversibly')).does).toContain('promote');
  });

  test('is given up when the old master goes, and the old term is put back', () => {
    const state = takingOver();
    const lost = run(state, ...dead);
    expect(only(lost, 'release').term?.term).toMatchObject(
      { epoch: 6, master: { name: 'a' }, inSync: ['b', 'c'], pending: null },
    );
    expect(lost.does).not.toContain('promote');
  });

  const broken = ownAnswers(replicaFacts('b', { link: linkTo(redisOf('a'), { up: false }) }));
  test('is given up when the stream breaks: another process may answer there next', () => {
    expect(run(takingOver(), broken).does).toContain('release');
    const another = remoteAnswers(masterFacts({ runId: 'run-restarted', keys: 0 }));
    expect(run(takingOver(), another).does).toContain('freeze');
  });

  test('copies nobody who answers there next, while the ensemble is away', () => {
    const away = run(takingOver(), { kind: 'session_disconnected' }, 3999).state;
    expect(away.reasons).toContain('zookeeper_unreachable');
    expect([...away.inFlight.keys()]).not.toContain('freeze');
    const syncing = replicaFacts('b', { link: linkTo(redisOf('a'), { up: false, syncInProgress: true }) });
    expect(run(away, ownAnswers(syncing)).does).toContain('freeze');
  });

  test('once given up promotes nobody, and is not given back twice', () => {
    const given = run(takingOver(), broken).state;
    const released = run(given, answer(given, 'release')).state;
    const level = run(released, remoteAnswers(fenced), ownAnswers(replicaFacts('b', { offset: 1010 })));
    expect(level.does).not.toContain('promote');
    expect(level.does).not.toContain('release');
  });

  test('is given up after its time', () => {
    const state = run(takingOver(), remoteAnswers(fenced)).state;
    expect(run(state, 499).does).not.toContain('release');
    expect(run(state, 500).does).toContain('release');
  });
});

describe('the target of a planned hand-over', () => {
  const from = { name: 'a', runId: masterFacts().runId };
  const fenced = masterFacts({ minReplicas: 1_000_000, offset: 1000 });
  const released = world('b', 'candidate', {
    remote: sight(fenced),
    record: { lease: null, masterRecord: null, term: term({ handOver: { from, to: 'b' } }) },
  });
  const claims = run(released, ownAnswers(replicaFacts('b', { offset: 1000 })));

  test('asks for the last byte while its claim is under way', () => {
    expect(claims.does).toEqual(expect.arrayContaining(['claim', 'remote_fence_reversibly']));
    const answered = run(claims.state, remoteAnswers(fenced), answer(claims.state, 'remote_fence_reversibly'));
    expect(answered.does).not.toContain('promote');
    expect(run(answered.state, leaseOf('b', 6), termOf('b', 6)).does).toContain('promote');
  });

  test('waits for that answer when it comes after the claim', () => {
    const claimed = run(claims.state, leaseOf('b', 6), termOf('b', 6));
    expect(claimed.does).not.toContain('promote');
  });
});

describe('after a claim without takeover', () => {
  const promoting = (remote = sight(masterFacts()), own = frozenFacts('b')): State => {
    const claimed = claimOf({ takeover: false });
    const record = { lease: null, masterRecord: null };
    const before = world('b', 'candidate', { own: sight(own), remote, claimed, record });
    const quiet = { ...before, role: { ...roleIs(before, 'candidate'), mayLink: false } };
    return run(quiet, leaseOf('b', 6), termOf('b', 6)).state;
  };

  test('a deposed master that answers is fenced hard before the promotion', () => {
    const state = promoting();
    expect([...state.inFlight.keys()]).toContain('remote_fence_hard');
    expect([...state.inFlight.keys()]).not.toContain('promote');
    expect(run(state, answer(state, 'remote_fence_hard')).does).toContain('promote');
  });

  test('and before one that restarted as a master, and stood by an order, takes writes', () => {
    const state = promoting(sight(masterFacts()), facts('b', { minReplicas: 1_000_000 }));
    expect(state.role.name).toBe('promoting');
    expect([...state.inFlight.keys()]).toContain('remote_fence_hard');
    expect(run(state, answer(state, 'remote_fence_hard')).state.role.name).toBe('master');
  });

  test('one that does not answer the fence is waited for 200 ms', () => {
    const state = promoting();
    expect(run(state, 199).does).not.toContain('promote');
    expect(run(state, 200).does).toContain('promote');
  });

  test('one that was not looked at yet is waited for as long', () => {
    const state = promoting(sight(null, { link: 'unknown' }));
    expect([...state.inFlight.keys()]).not.toContain('promote');
    expect(run(state, 200).does).toContain('promote');
  });

  test('one whose port refuses is gone', () => {
    expect([...promoting(sight(null, { link: 'refused' })).inFlight.keys()]).toContain('promote');
  });
});
