// One agent, input by input: what each role does with what it sees.

import { describe, expect, test } from 'vitest';

import type { State } from './state.ts';
import {
  answer, ballot, dead, EPOCH, facts, frozenFacts, httpOf, instanceOf, kept, lease, leaseOf, linkTo, masterFacts,
  masterRecord, member, only, ownAnswers, ownSees, peer, reads, readsBallot, readsLease, readsTerm, redisOf,
  remoteAnswers, remoteSees, replicaFacts, roleIs, run, runIdOf, sessionOf, settings, sight, START_MS, term, termOf,
  world,
} from './testing/world.ts';

const agentDead = [peer('a', { peer: 'ended', proving: true }), peer('a', { peer: 'refused' })];
const upA = peer('a', { peer: 'up', instance: instanceOf('a') });

describe('a replica whose master dies', () => {
  test('drains, freezes, votes, and claims when the lease is gone', () => {
    const suspects = run(world('b', 'replica'), ...dead);
    expect(suspects.state.role.name).toBe('candidate');
    expect(suspects.does).toEqual([]);
    const drained = run(suspects.state, 10, ownAnswers(replicaFacts('b')), 10, ownAnswers(replicaFacts('b')));
    expect(drained.does).toEqual(['freeze']);
    const frozen = run(drained.state, ownAnswers(frozenFacts('b')), answer(drained.state, 'freeze'));
    expect(only(frozen, 'cast_ballot').ballot).toMatchObject({ standing: 'frozen', offset: 1000, refusal: null });
    const voted = run(
      frozen.state, readsBallot(only(frozen, 'cast_ballot').ballot), readsBallot(ballot('c', { offset: 900 })),
    );
    expect([...voted.state.reasons]).toContain('awaiting_session_end');
    const gone = run(voted.state, reads({ record: 'masterRecord', kept: null }), readsLease(null));
    expect([...gone.state.reasons]).toContain('awaiting_ballots');
    const settled = run(gone.state, reads({ record: 'members', name: 'a', kept: null }));
    expect(only(settled, 'claim')).toMatchObject(
      { removeLease: false, termVersion: 7, lease: { epoch: EPOCH + 1, node: 'b' } },
    );
    expect(only(settled, 'claim').term.inSync).toEqual(['c']);
  });

  test('freezes at once when its link is down already', () => {
    const down = replicaFacts('b', { link: linkTo(redisOf('a'), { up: false }) });
    expect(run(world('b', 'replica', { own: sight(down) }), ...dead).does).toEqual(['freeze']);
  });

  test('while the read offset moves it drains, at most 200 ms', () => {
    let state = run(world('b', 'replica'), ...dead).state;
    for (let i = 1; i < 20; i++) {
      const moved = run(
        state, 10, ownAnswers(replicaFacts('b', { link: linkTo(redisOf('a'), { readOffset: 1000 + i }) })),
      );
      expect(moved.does).toEqual([]);
      state = moved.state;
    }
    const last = replicaFacts('b', { link: linkTo(redisOf('a'), { readOffset: 2000 }) });
    expect(run(state, 10, ownAnswers(last)).does).toContain('freeze');
  });

  test('does not take an offset that nobody shows for one that stands still', () => {
    const silent = run(run(world('b', 'replica'), ...dead).state, 250);
    expect(silent.does).toEqual([]);
    // A server that stood still may answer before it reads what its master had sent.
    const thawed = run(silent.state, ownAnswers(replicaFacts('b')));
    expect(thawed.does).toEqual([]);
    expect(run(thawed.state, 10, ownAnswers(replicaFacts('b'))).does).toContain('freeze');
  });

  test('drains though it has dialled one that claimed meanwhile, and gave that back', () => {
    const remote = sight(masterFacts({ runId: runIdOf('c') }));
    const at = (target: string): State =>
      world('b', 'candidate', { remote, remoteTarget: redisOf(target), record: { lease: null } });
    expect(run(at('c'), 0).does).not.toContain('freeze');
    expect(run(at('a'), 0).does).toContain('freeze');
  });

  test('the master is followed when it has answered behind the break, so that nothing leaves it at once', () => {
    const unlinkedSinceMs = START_MS - 50;
    const own = sight(frozenFacts('b'), { unlinkedSinceMs });
    const remote = sight(masterFacts(), { answeredAtMs: unlinkedSinceMs - 1 });
    const late = run(world('b', 'replica', { own, remote }), 0);
    expect(late.does).not.toContain('follow');
    expect(run(late.state, remoteAnswers(masterFacts())).does).toContain('follow');
  });

  test('a master that answers in another process is frozen away from before it can wipe us', () => {
    const restarted = remoteAnswers(masterFacts({ runId: 'run-new', keys: 0 }));
    expect(run(world('b', 'replica'), remoteSees({ seen: 'closed' }), remoteSees({ seen: 'opened' }), restarted).does)
      .toContain('freeze');
  });

  test.each([
    [true, ['freeze']],
    [false, []],
  ])('out of sync and enabled=%s: leaves the old address', (enabled, froze) => {
    const cut = replicaFacts('b', { link: linkTo(redisOf('a'), { up: false }) });
    const record = { term: term({ inSync: ['c'] }), lease: null };
    const played = run(world('b', 'candidate', { own: sight(cut), enabled, record }), 0);
    expect(played.does.filter((kind) => kind === 'freeze')).toEqual(froze);
  });

  test('a false alarm takes the ballot back, then follows again', () => {
    const state = world('b', 'candidate', { own: sight(frozenFacts('b')), record: { ballots: [ballot('b')] } });
    const alarm = run(state, remoteAnswers(masterFacts()));
    expect(alarm.does).toEqual(['withdraw_ballot']);
    const taken = run(
      alarm.state, reads({ record: 'ballots', name: 'b', kept: null }), answer(alarm.state, 'withdraw_ballot'),
    );
    expect(taken.does).toContain('follow');
    expect(taken.state.role.name).toBe('replica');
  });
});

describe('proof of a death', () => {
  const candidate = (): State =>
    run(
      world('b', 'replica', { own: sight(frozenFacts('b')) }),
      upA,
      ...dead,
      ...agentDead,
      10,
      ...dead.slice(1),
      ...agentDead.slice(1)
    ).state;

  test('is in the ballot once both ports refused twice, 10 ms apart', () => {
    const { inFlight } = candidate();
    expect([...inFlight.keys()]).toContain('cast_ballot');
  });

  test('of two out of three removes the lease in the claim', () => {
    const state = candidate();
    const mine = ballot('b', { deathProof: runIdOf('a') });
    const one = run(state, readsBallot(mine), answer(state, 'cast_ballot'));
    expect(one.does).not.toContain('claim');
    const two = run(one.state, readsBallot(ballot('c', { deathProof: runIdOf('a'), offset: 900 })));
    expect(only(two, 'claim')).toMatchObject({ removeLease: true, removeRecord: true });
    expect(two.says).toContain('death_proved');
  });

  test.each([
    ['a stream that ended by a timeout', [peer('a', { peer: 'ended', proving: false })]],
    ['a stream that never was', []],
  ])('%s proves nothing', (_what, ends) => {
    const inputs = _what.includes('never') ? [] : [upA, ...ends];
    const refused = [peer('a', { peer: 'refused' }), 10, peer('a', { peer: 'refused' })] as const;
    const played = run(
      world('b', 'replica', { own: sight(frozenFacts('b')) }), ...inputs, ...dead, ...refused, ...dead.slice(1), 100,
    );
    expect(only(played, 'cast_ballot').ballot.deathProof).toBe(null);
  });

  test('is not taken where refusals are not to be trusted', () => {
    const trusting = world(
      'b', 'replica', { own: sight(frozenFacts('b')), settings: settings('b', { trustRefused: false }) },
    );
    const played = run(trusting, upA, ...dead, ...agentDead, 10, ...dead.slice(1), ...agentDead.slice(1), 100);
    expect(only(played, 'cast_ballot').ballot.deathProof).toBe(null);
  });
});

describe('a claim', () => {
  const claiming = (): State => {
    const record = {
      lease: null, masterRecord: null, members: [member('b'), member('c')], ballots: [ballot('b'), ballot('c')],
    };
    return run(
      world('b', 'candidate', { own: sight(frozenFacts('b')), remote: sight(null, { link: 'refused' }), record }), 0,
    ).state;
  };

  test('whose answer was lost counts when its lease is read', () => {
    const state = claiming();
    const lost = run(
      state, { kind: 'session_disconnected' }, answer(state, 'claim', { result: 'failed', code: 'CONNECTION_LOSS' }),
    );
    const back = run(
      lost.state,
      { kind: 'session_connected', sessionId: sessionOf('b'), timeoutMs: 6000 },
      leaseOf('b', 6),
      termOf('b', 6),
    );
    expect(back.does).not.toContain('promote');
    const found = run(back.state, { kind: 'records_synced' });
    expect(found.says).toContain('epoch_claimed');
    expect(run(found.state, remoteSees({ seen: 'refused' })).does).toContain('promote');
  });

  test('that another won makes a replica of us', () => {
    const state = claiming();
    const lost = run(
      state, leaseOf('c', 6), termOf('c', 6), answer(state, 'claim', { result: 'failed', code: 'BAD_VERSION' }),
    );
    expect(lost.state.role.name).toBe('replica');
    expect(lost.does).not.toContain('promote');
  });

  test('is answered once: what nobody waits for any more changes nothing', () => {
    const state = claiming();
    const again = answer(state, 'claim', { result: 'failed', code: 'BAD_VERSION' });
    const once = run(state, again);
    const twice = run(once.state, again);
    expect(twice.says).toEqual([]);
    expect(twice.state.inFlight).toEqual(once.state.inFlight);
  });

  test('makes a master only after Redis was seen to be one; then it is announced', () => {
    const state = claiming();
    const won = run(state, leaseOf('b', 6), termOf('b', 6), answer(state, 'claim'));
    expect(won.state.role.name).toBe('promoting');
    const told = run(won.state, answer(won.state, 'promote'));
    expect(told.does).not.toContain('announce');
    const seen = run(won.state, ownAnswers(facts('b', { replid: 'new', minReplicas: 0 })));
    expect(seen.state.role.name).toBe('master');
    expect(seen.does).toContain('announce');
  });

  test('is not written over a term of a newer format', () => {
    const record = { lease: null, masterRecord: null, members: [member('b')], ballots: [ballot('b')] };
    const state = world('b', 'candidate', { own: sight(frozenFacts('b')), record });
    const newer = run(state, reads({ record: 'term', kept: kept(term({ inSync: ['b'] }), { version: 9, format: 2 }) }));
    expect(newer.does).not.toContain('claim');
    expect([...newer.state.reasons]).toContain('record_newer');
  });
});

test('a master that somebody made a replica is promoted again, and its replicas have time to attach anew', () => {
  const cut = facts('a', { link: linkTo(redisOf('x'), { up: false }) });
  const { state } = run(world('a', 'master'), 1000, ownAnswers(cut), 1);
  const { lease: held } = state.records;
  const heard = { owner: held!.znode.owner, czxid: held!.znode.czxid };
  const outcome = { result: 'heard', sentAtMs: state.nowMs, lease: heard } as const;
  const confirmed = run(state, answer(state, 'heartbeat', outcome));
  expect(confirmed.does).toContain('promote');
  const again = run(confirmed.state, ownAnswers(masterFacts({ replicas: [] })), answer(confirmed.state, 'promote'));
  expect(roleIs(again.state, 'master').demotedSinceMs).toBe(null);
  expect(again.does).not.toContain('write_term');
});

describe('a holder whose own Redis fails', () => {
  test('releases at once when it died, and tells why it does not stand', () => {
    const played = run(world('a', 'master'), ownSees({ seen: 'closed' }), ownSees({ seen: 'refused' }));
    expect(only(played, 'release')).toMatchObject({ removeRecord: true, ballot: { refusal: 'redis_unreachable' } });
    expect(played.does).toContain('tell');
  });

  test('fences hard and releases when it hangs for down_after_ms, not before', () => {
    const silent = run(world('a', 'master'), ownSees({ seen: 'silent', sinceMs: START_MS }));
    expect(run(silent.state, 1999).does).not.toContain('release');
    const hung = run(silent.state, 2000);
    expect(only(hung, 'fence_hard').target).toEqual({ host: '127.0.0.1', port: 1 });
    expect(only(hung, 'release').ballot?.refusal).toBe('redis_hung');
  });

  test('fences and releases when it was restarted', () => {
    const played = run(world('a', 'master'), ownAnswers(masterFacts({ runId: 'run-new', keys: 0 })));
    expect(played.says).toContain('redis_restarted');
    expect(played.does).toEqual(expect.arrayContaining(['release', 'fence_reversibly']));
  });

  test('a session that expired leaves the Redis fenced', () => {
    const played = run(world('a', 'master'), { kind: 'session_expired' });
    expect(played.state.role.name).toBe('starting');
    expect(played.does).toContain('fence_reversibly');
  });

  test('a lease that was read to be another\'s ends the office at once', () => {
    const played = run(world('a', 'master'), leaseOf('c', 6));
    expect(played.says).toContain('lease_lost');
    expect(played.does).toContain('fence_reversibly');
  });
});

describe('stepping down', () => {
  test.each([
    ['disable', 'node_disabled'],
    ['stop', 'agent_stopping'],
  ] as const)('ordered to %s: fences, sees the fence hold, then releases, and says %s', (order, refusal) => {
    const ordered = run(world('a', 'master'), { kind: 'order', order: { order } });
    expect(ordered.does).toContain('fence_reversibly');
    expect(ordered.does).not.toContain('release');
    const fenced = run(ordered.state, ownAnswers(masterFacts({ minReplicas: 1_000_000 })));
    expect(only(fenced, 'release').ballot?.refusal).toBe(refusal);
  });

  test('alone it first names nobody in sync, and leaves Redis writable', () => {
    const alone = world(
      'a', 'master', { own: sight(masterFacts({ replicas: [] })), record: { members: [member('a')] } },
    );
    const ordered = run(alone, { kind: 'order', order: { order: 'stop' } });
    expect(only(ordered, 'write_term').term.inSync).toEqual([]);
    expect(ordered.does).not.toContain('release');
    const named = run(ordered.state, readsTerm(term({ inSync: [] })), answer(ordered.state, 'write_term'));
    expect(named.does).not.toContain('fence_reversibly');
    expect(named.does).not.toContain('release');
    const lifted = ownAnswers(masterFacts({ minReplicas: only(named, 'set_min_replicas').minReplicas, replicas: [] }));
    expect(run(named.state, lifted).does).not.toContain('release');
    expect(run(named.state, lifted, answer(named.state, 'set_min_replicas')).does).toContain('release');
    expect([...named.state.reasons]).toContain('no_successor');
  });

  test('for a foreign master record the holder fences and releases', () => {
    const foreign = reads({ record: 'masterRecord', kept: kept(masterRecord('x'), { owner: 77n }) });
    const played = run(world('a', 'master'), foreign);
    expect(roleIs(played.state, 'stepping_down').because).toBe('foreign_master_record');
    expect(played.does).toContain('fence_reversibly');
  });
});

describe('an agent of a node with a lease that is not its own', () => {
  const before = {
    lease: kept(lease('a', { instance: 'earlier' }), { owner: 99n }),
    members: [member('b'), member('a', { instance: 'earlier' })],
  };
  const restarted = (): State => {
    const state = world('a', 'replica', { record: before });
    const members = new Map(state.records.members).set('a', kept(member('a'), { owner: sessionOf('a') }));
    return { ...state, records: { ...state.records, members } };
  };
  const identified = (state: State, as: 'same' | 'other' | 'refused' | 'silent') =>
    run(state, answer(state, 'identify', { result: 'identified', instance: 'earlier', as }));

  test('asks who answers there before anything else', () => {
    const played = run(restarted(), 0);
    expect(only(played, 'identify')).toMatchObject({ address: httpOf('a'), instance: 'earlier' });
    expect(played.does).not.toContain('claim');
  });

  test.each(['refused', 'other'] as const)('adopts it when the earlier process is gone (%s)', (as) => {
    const played = identified(run(restarted(), 0).state, as);
    expect(only(played, 'claim')).toMatchObject(
      { removeLease: true, record: masterRecord('a'), term: { inSync: ['b', 'c'] } },
    );
    expect(played.does).not.toContain('fence_reversibly');
  });

  test.each(['same', 'silent'] as const)('waits when it answers or is silent (%s)', (as) => {
    expect(identified(run(restarted(), 0).state, as).does).not.toContain('claim');
  });

  test('releases it when Redis was restarted too', () => {
    const other = { ...restarted(), own: sight(masterFacts({ runId: 'run-new' })) };
    const played = identified(run(other, 0).state, 'refused');
    expect(played.does).toContain('release');
    expect(played.does).not.toContain('claim');
  });
});

describe('what a replica must not do', () => {
  test('a full sync from another process than the recorded one is aborted', () => {
    const syncing = replicaFacts('b', { link: linkTo(redisOf('a'), { up: false, syncInProgress: true }) });
    const state = world('b', 'replica', { own: sight(syncing), remote: sight(null, { link: 'ended' }) });
    const played = run(state, 0);
    expect(played.does).toEqual(['freeze']);
    expect(played.says).toContain('full_sync_aborted');
  });

  test('when its link and ours to the master ended both, it meets nobody there before we have', () => {
    const down = replicaFacts('b', { link: linkTo(redisOf('a'), { up: false }) });
    const ended = sight(null, { link: 'ended', endedAfterHealth: true });
    const state = world('b', 'replica', { own: sight(down), remote: ended });
    expect(run(state, 0).does).toEqual(['freeze']);
    const empty = world('b', 'replica', { own: sight({ ...down, keys: 0 }), remote: ended });
    expect(run(empty, 0).does).not.toContain('freeze');
    const linked = world('b', 'replica', { own: sight(replicaFacts('b')), remote: ended });
    expect(run(linked, 0).does).not.toContain('freeze');
  });

  test('a full sync from the recorded process is let through', () => {
    const syncing = replicaFacts('b', { link: linkTo(redisOf('a'), { up: false, syncInProgress: true }) });
    expect(run(world('b', 'replica', { own: sight(syncing) }), 0).does).toEqual([]);
  });

  test('without proof from the ensemble it leaves its master at F', () => {
    const cut = run(world('b', 'replica'), { kind: 'session_disconnected' });
    expect(run(cut.state, 3999).does).toEqual([]);
    expect(run(cut.state, 4000).does).toEqual(['freeze']);
  });

  test.each<[string, State]>([
    ['of the past, whose successor it knows', world('b', 'replica', { remoteTarget: redisOf('c'), record: {
      lease: kept(lease('c'), { owner: sessionOf('c') }),
    } })],
    ['of the past, while it stands for election', world('b', 'candidate', { record: { lease: null } })],
    ['that it was about to take over from', { ...world('b', 'promoting'), role: {
      name: 'promoting', epoch: EPOCH, sinceMs: START_MS, deposed: redisOf('a'), takeover: true, remoteFence: 'asked',
    } }],
  ])('without proof it leaves a master %s', (_whose, state) => {
    const cut = run(state, { kind: 'session_disconnected' }, 3999);
    expect(cut.does).not.toContain('freeze');
    expect(run(cut.state, 1).does).toContain('freeze');
    const promise = { to: 'a', epoch: EPOCH, redis: redisOf('a'), sinceMs: START_MS, untilMs: START_MS + 9000 };
    expect(run({ ...cut.state, promise }, 1).does).not.toContain('freeze');
  });
});
