// Fencing: what `min-replicas-to-write` must be for every role and every look of our Redis, and by when.

import { describe, expect, test } from 'vitest';

import type { RedisFacts } from './facts.ts';
import {
  FENCE_MIN_REPLICAS as FENCE, fenceAtMs, fenceMarginMs, FIRST_LOOK_MS, heartbeatDueMs, proofEndsAtMs,
  wantedMinReplicas, YOUNG_LOOK_MS,
} from './fencing.ts';
import type { Role } from './role.ts';
import type { State } from './state.ts';
import {
  answer, facts, instanceOf, kept, lease, linkTo, masterFacts, member, only, ownAnswers, ownSees, readsTerm, redisOf,
  replicaFacts, roleIs, run, sessionOf, settings, sight, START_MS, T_MS, term, world,
} from './testing/world.ts';
import type { Change, RecordsChange } from './testing/world.ts';
import { FENCE_RETRY_PAUSE_MS } from './turn.ts';

const withFacts = (node: string, role: Role['name'], own: RedisFacts, change: Change = {}): State =>
  world(node, role, { own: sight(own), ...change });

const noLease: RecordsChange = { lease: null, masterRecord: null };

describe('a master', () => {
  const inRole = (change: Partial<State['role']>): Change => {
    const role = { ...world('a', 'master').role, ...change } as Role;
    return { role };
  };
  test.each<[string, Change, number]>([
    ['with an in-sync set: the dead-man', {}, 1],
    ['with nobody in sync: none', { record: { term: term({ inSync: [] }) } }, 0],
    [
      'with somebody joining: raised before the term names them',
      { record: { term: term({ inSync: [] }) }, ...inRole({ joining: ['b'] }) },
      1,
    ],
    ['the operator\'s larger number is the floor', { minReplicasFloor: 2 }, 2],
    [
      'the operator\'s number stays without anybody in sync',
      { minReplicasFloor: 2, record: { term: term({ inSync: [] }) } },
      2,
    ],
    ['in doubt: the fence', inRole({ inDoubt: true }), FENCE],
    ['its Redis was restarted: the fence', { unplaced: true }, FENCE],
  ])('%s', (_what, change, wanted) => {
    expect(wantedMinReplicas(world('a', 'master', change))).toBe(wanted);
  });
});

describe('a restarted agent beside a master that its predecessor managed', () => {
  const unread = (agoMs: number, change: Change = {}): State => world('a', 'starting', {
    own: sight(masterFacts({ announced: redisOf('a') })),
    session: null,
    synced: false,
    startedAtMs: START_MS - agoMs,
    lastProofMs: START_MS - agoMs,
    ...change,
  });
  /** The lease of its predecessor stands, which owns it by another session. */
  const found = (agoMs: number): State => withFacts('a', 'replica', masterFacts(), {
    startedAtMs: START_MS - agoMs,
    record: { lease: kept(lease('a'), { owner: 99n }) },
    twin: { instance: instanceOf('a'), as: 'refused' },
  });
  /** The record of that name is another session's, and its agent has not been heard of yet. */
  const asking = (agoMs: number): State => unread(agoMs, {
    session: { id: 77n, timeoutMs: T_MS, connected: true }, synced: true,
    record: { members: [member('a', { instance: 'earlier' })] },
  });
  test.each<[string, State, number | null]>([
    ['leaves it alone while it looks for the owner of its name', asking(FIRST_LOOK_MS - 1), null],
    ['fences it when that owner takes its time to answer', asking(FIRST_LOOK_MS), FENCE],
    ['leaves it alone while it looks for the records', unread(FIRST_LOOK_MS - 1), null],
    ['fences it when they do not come: the lease may be anybody\'s by now', unread(FIRST_LOOK_MS), FENCE],
    ['leaves it alone while it may adopt the lease that it finds', found(FIRST_LOOK_MS - 1), null],
    ['fences it when the adoption does not come about', found(FIRST_LOOK_MS), FENCE],
  ])('%s', (_what, state, wanted) => {
    expect(wantedMinReplicas(state)).toBe(wanted);
  });
});

describe('a promoting node', () => {
  test.each<[string, State, number | null]>([
    ['adopting: goes on as it is', withFacts('a', 'promoting', masterFacts()), null],
    ['adopting too late', withFacts('a', 'promoting', masterFacts(), { nowMs: START_MS + 3500 }), FENCE],
    ['adopting another process', withFacts('a', 'promoting', masterFacts(), { unplaced: true }), FENCE],
    ['an incumbent that is fenced stays so', withFacts('a', 'promoting', masterFacts({ minReplicas: FENCE })), FENCE],
  ])('%s', (_what, state, wanted) => {
    expect(wantedMinReplicas(state)).toBe(wanted);
  });
});

describe('who steps down', () => {
  const stepping = (alone: boolean, record: RecordsChange = {}): State =>
    world('a', 'stepping_down', { record, role: { ...roleIs(world('a', 'stepping_down'), 'stepping_down'), alone } });
  test.each<[string, State, number]>([
    ['is fenced', stepping(false), FENCE],
    ['alone: stays writable', stepping(true, { term: term({ inSync: [] }) }), 0],
    ['alone, but the term still names somebody', stepping(true), 1],
  ])('%s', (_what, state, wanted) => {
    expect(wantedMinReplicas(state)).toBe(wanted);
  });
});

describe('a Redis in role master whose node holds no office', () => {
  const another: RecordsChange = { lease: kept(lease('c'), { owner: sessionOf('c') }) };
  const adoptable: RecordsChange = { lease: kept(lease('b', { instance: 'earlier' }), { owner: 99n }) };
  const stranger = facts('b', { replid: 'other', replid2: null });
  test.each<[string, State, number | null]>([
    ['somebody else is master', withFacts('b', 'replica', facts('b'), { record: another }), FENCE],
    ['nobody is master yet', withFacts('b', 'candidate', facts('b'), { record: noLease }), FENCE],
    ['our own earlier lease may be adopted', withFacts('b', 'replica', facts('b'), { record: adoptable }), null],
    [
      'that lease speaks of another process',
      withFacts('b', 'replica', facts('b', { runId: 'new' }), { record: adoptable }),
      FENCE,
    ],
    [
      'no term knows of any service',
      withFacts('b', 'starting', facts('b'), { record: { ...noLease, term: null } }),
      null,
    ],
    [
      'unrelated data of an unregistered node',
      withFacts('b', 'replica', stranger, { record: { term: term({ nodes: ['a'], inSync: [] }) } }),
      null,
    ],
    [
      'disabled, and nobody was master since',
      withFacts('a', 'candidate', masterFacts(), { enabled: false, record: noLease }),
      null,
    ],
    [
      'disabled, and the office has passed on since, though nobody holds it now',
      withFacts('b', 'candidate', facts('b'), { enabled: false, record: noLease }),
      FENCE,
    ],
    ['disabled, and somebody else is master', withFacts('b', 'replica', facts('b'), { enabled: false }), FENCE],
    [
      'another process than it was',
      withFacts('b', 'replica', facts('b'), { unplaced: true, record: adoptable }),
      FENCE,
    ],
  ])('%s', (_what, state, wanted) => {
    expect(wantedMinReplicas(state)).toBe(wanted);
  });
});

describe('a replica', () => {
  test.each<[string, State, number | null]>([
    [
      'streams from its master: no fence is left behind',
      withFacts('b', 'replica', replicaFacts('b', { minReplicas: FENCE })),
      0,
    ],
    ['the operator\'s number is put back', withFacts('b', 'replica', replicaFacts('b'), { minReplicasFloor: 2 }), 2],
    [
      'its link is down: left alone',
      withFacts('b', 'replica', replicaFacts('b', { link: linkTo(redisOf('a'), { up: false }) })),
      null,
    ],
    ['its agent has not seen it', world('b', 'replica', { own: sight(null) }), null],
  ])('%s', (_what, state, wanted) => {
    expect(wantedMinReplicas(state)).toBe(wanted);
  });
});

describe('deadlines', () => {
  test.each([
    [6000, null, 500],
    [2000, null, 250],
    [6000, 100, 100],
  ])('with T = %i and a configured margin of %s fencing begins %i ms before F', (timeoutMs, fenceMarginMs_, margin) => {
    const session = { id: 1n, timeoutMs, connected: true };
    const state = world('a', 'master', { session, settings: settings('a', { fenceMarginMs: fenceMarginMs_ }) });
    expect(fenceMarginMs(state)).toBe(margin);
    expect(fenceAtMs(state)).toBeCloseTo(START_MS + (2 / 3) * timeoutMs - margin);
    expect(proofEndsAtMs(state)).toBeCloseTo(START_MS + (2 / 3) * timeoutMs);
  });

  test('full syncs are opened by a confirmed master alone, and not while it is fenced', () => {
    const closed = { fullSyncsClosed: true };
    const does = (state: State, change: Partial<RedisFacts> = {}): readonly string[] =>
      run(state, ownAnswers(masterFacts({ ...closed, ...change }))).does;
    expect(does(world('a', 'master'))).toContain('open_full_syncs');
    expect(does(world('a', 'master'), { fullSyncsClosed: false })).not.toContain('open_full_syncs');
    expect(does(world('b', 'starting'))).not.toContain('open_full_syncs');
    const late = run(world('a', 'master', { own: sight(masterFacts(closed)) }), 3500);
    expect(late.does).toContain('fence_reversibly');
    expect(late.does).not.toContain('open_full_syncs');
  });

  test('the fence is sent at the deadline and not before, and asked for by a wake', () => {
    const state = world('a', 'master');
    const before = run(state, 3499);
    expect(before.does).toEqual(['ask_promises', 'heartbeat']);
    expect(before.state.wakeAtMs).toBeLessThanOrEqual(START_MS + 3500);
    const after = run(before.state, 1);
    expect(after.does).toEqual(['fence_reversibly']);
    expect(after.says).toContain('lease_in_doubt');
    expect([...after.state.reasons]).toContain('zookeeper_unreachable');
  });

  test.each([
    ['master', 6000, 10_100, 11_000],
    ['master', 5000, 10_100, 10_750],
    ['replica', 5000, 10_100, 11_000],
    ['replica', 5000, 10_700, 11_000 + 950],
    ['replica', 2000, 10_100, 10_600],
  ] as const)('a %s with T = %i and a proof of %i beats again at %i: at a question, where one is due', (...example) => {
    const [role, timeoutMs, lastProofMs, dueMs] = example;
    const session = { id: 1n, timeoutMs, connected: true };
    expect(heartbeatDueMs(world('a', role, { session, lastProofMs }))).toBe(dueMs);
  });

  test('F counts from the moment at which the heartbeat was sent, however late its answer came', () => {
    const sent = run(world('a', 'master'), T_MS / 6);
    const { lease: held } = sent.state.records;
    const heard = { owner: held!.znode.owner, czxid: held!.znode.czxid };
    const sentAtMs = START_MS + T_MS / 6;
    const answered = run(
      sent.state, 2000, answer(sent.state, 'heartbeat', { result: 'heard', sentAtMs, lease: heard }),
    );
    expect(answered.state.lastProofMs).toBe(sentAtMs);
    expect(fenceAtMs(answered.state)).toBe(sentAtMs + 3500);
  });

  test('a heartbeat that found the lease with another owner, or gone, proves nothing', () => {
    const sent = run(world('a', 'master'), T_MS / 6);
    const sentAtMs = sent.state.nowMs;
    for (const found of [null, { owner: 99n, czxid: 5n }]) {
      const answered = run(sent.state, answer(sent.state, 'heartbeat', { result: 'heard', sentAtMs, lease: found }));
      expect(answered.state.lastProofMs).toBe(START_MS);
    }
  });

  test('a fence that was answered, and that no look shows in force, is sent again after a pause', () => {
    const sent = run(world('a', 'master'), T_MS);
    expect(sent.does).toContain('fence_reversibly');
    const answered = run(sent.state, 1, answer(sent.state, 'fence_reversibly'), ownAnswers(masterFacts()));
    expect(answered.does).not.toContain('fence_reversibly');
    expect(answered.state.wakeAtMs).toBeLessThanOrEqual(answered.state.nowMs + FENCE_RETRY_PAUSE_MS);
    expect(run(answered.state, FENCE_RETRY_PAUSE_MS).does).toContain('fence_reversibly');
  });

  test('after a sleep the fence comes first, and what was sent before it proves nothing', () => {
    const sent = run(world('a', 'master'), T_MS / 6);
    const { lease: held } = sent.state.records;
    const heard = { owner: held!.znode.owner, czxid: held!.znode.czxid };
    const late = answer(sent.state, 'heartbeat', { result: 'heard', sentAtMs: sent.state.nowMs, lease: heard });
    const slept = run(sent.state, 1, { kind: 'slept' });
    expect(slept.does).toContain('fence_reversibly');
    const answered = run(slept.state, late);
    expect(roleIs(answered.state, 'master').inDoubt).toBe(true);
    const sentAtMs = answered.state.nowMs;
    const first = run(answered.state, answer(answered.state, 'heartbeat', { result: 'heard', sentAtMs, lease: heard }));
    // The leader, who ends sessions, may not know yet that this one is alive.
    expect(roleIs(first.state, 'master').inDoubt).toBe(true);
    let { state } = run(first.state, T_MS / 4);
    state = run(state, answer(state, 'heartbeat', { result: 'heard', sentAtMs: state.nowMs, lease: heard })).state;
    expect(roleIs(state, 'master').inDoubt).toBe(false);
  });

  test.each([
    ['on a connection that is as old proves nothing yet', 0, true],
    ['on a new connection, which the leader was told of, does', 1, false],
  ])('a heartbeat that is heard as late as the session might end, %s', (_what, isNew, doubted) => {
    const cut = run(world('a', 'master'), (4 / 5) * T_MS);
    const connected = { kind: 'session_connected', sessionId: sessionOf('a'), timeoutMs: T_MS } as const;
    const again = isNew === 1 ? run(cut.state, connected, { kind: 'records_synced' }).state : cut.state;
    const { lease: held } = again.records;
    const heard = { owner: held!.znode.owner, czxid: held!.znode.czxid };
    const outcome = { result: 'heard', sentAtMs: again.nowMs, lease: heard } as const;
    const played = run(again, answer(again, 'heartbeat', outcome));
    expect(roleIs(played.state, 'master').inDoubt).toBe(doubted);
  });

  test('a fence that fails is tried again after 10 ms, and a busy script is named at F', () => {
    const fenced = run(world('a', 'master'), 3500);
    const failed = run(fenced.state, answer(fenced.state, 'fence_reversibly', { result: 'failed', code: 'BUSY' }));
    expect(failed.does).toEqual([]);
    expect(run(failed.state, 9).does).toEqual([]);
    expect(run(failed.state, 10).does).toEqual(['fence_reversibly']);
    expect([...failed.state.reasons]).toContain('cannot_fence_busy');
  });

  test('a silent Redis is sent the fence too, to be the first thing it runs; power is not sent into silence', () => {
    const silent = ownSees({ seen: 'silent', sinceMs: START_MS });
    expect(run(world('a', 'master'), silent, 1900, 1600).does).toContain('fence_reversibly');
    const grown = world('a', 'master', { own: sight(masterFacts({ minReplicas: 0 })) });
    expect(run(grown, silent).does).not.toContain('set_min_replicas');
  });

  test('when the doubt ends the dead-man comes back, without a resync', () => {
    const fenced = run(world('a', 'master'), 3500);
    const { lease: held } = fenced.state.records;
    const seen = run(
      fenced.state, ownAnswers(masterFacts({ minReplicas: FENCE })), answer(fenced.state, 'fence_reversibly'),
    );
    const beat = answer(seen.state, 'heartbeat', {
      result: 'heard',
      sentAtMs: seen.state.nowMs,
      lease: { owner: held!.znode.owner, czxid: held!.znode.czxid },
    });
    const confirmed = run(seen.state, beat);
    expect(confirmed.says).toContain('lease_confirmed');
    expect(only(confirmed, 'set_min_replicas').minReplicas).toBe(1);
  });
});

test('the dead-man is lowered only when the smaller set was read back', () => {
  const alone = world('a', 'master', { own: sight(masterFacts({ replicas: [] })) });
  const shrunk = run(alone, 0);
  expect(shrunk.does).toEqual(['write_term']);
  expect(only(shrunk, 'write_term').term.inSync).toEqual([]);
  const committed = run(shrunk.state, readsTerm(term({ inSync: [] })));
  expect(only(committed, 'set_min_replicas').minReplicas).toBe(0);
});

describe('a server as young as its agent, while no records can be read', () => {
  const young = (own: RedisFacts, agoMs: number): State => world('a', 'starting', {
    own: sight(own), session: null, synced: false, everSynced: false, enabled: null, unplaced: true,
    minReplicasFloor: 2,
    role: { name: 'starting', sinceMs: START_MS - agoMs },
  });

  test('is fenced unseen after the time that a restart without a start fence is given', () => {
    expect(wantedMinReplicas(young(masterFacts({ minReplicas: 0 }), YOUNG_LOOK_MS - 1))).toBe(null);
    const played = run(young(masterFacts({ minReplicas: 0 }), YOUNG_LOOK_MS), 0);
    expect(played.does).toContain('fence_reversibly');
    expect(played.state.fencedUnseen).toBe(true);
  });

  test('is fenced at once by an agent that has read them, and waited for it since', () => {
    const waiting = world('a', 'starting', { own: sight(null, { link: 'refused' }), session: null, synced: false });
    const seen = masterFacts({ minReplicas: 0, uptimeSeconds: 0, announced: null });
    expect(run(waiting, ownSees({ seen: 'opened' }), ownAnswers(seen)).does).toContain('fence_reversibly');
  });

  const turnsOut = (change: Change): State => world('a', 'starting', {
    own: sight(masterFacts({ minReplicas: FENCE, mode: 'cluster' })), fencedUnseen: true, minReplicasFloor: 2,
    ...change,
  });
  test('gets back what it had when it turns out to be none that may be touched', () => {
    expect(only(run(turnsOut({}), 0), 'set_min_replicas').minReplicas).toBe(2);
    expect(run(turnsOut({ fencedUnseen: false }), 0).does).not.toContain('set_min_replicas');
  });

  test('is its business from the first look at the records on: a fence that they ask for stays', () => {
    const own = sight(masterFacts({ minReplicas: FENCE }));
    const placed = run(world('a', 'starting', { own, fencedUnseen: true }), 0);
    expect(placed.state.fencedUnseen).toBe(false);
    const lost = world('a', 'starting', { own, session: null, synced: false, enabled: true, unplaced: true });
    expect(run({ ...lost, own: sight(masterFacts()) }, 0).state.fencedUnseen).toBe(false);
  });

  test('is fenced while nobody can say whether an earlier agent of this node lives, too', () => {
    const own = sight(masterFacts({ minReplicas: 0 }));
    const asking = world('a', 'starting', {
      own, unplaced: true, record: { ...noLease, members: [member('a', { instance: 'earlier' })] },
    });
    const played = run({ ...asking, session: { id: 77n, timeoutMs: T_MS, connected: true } }, 0);
    expect(played.does).toContain('fence_reversibly');
    expect(played.state.fencedUnseen).toBe(true);
  });

  test('is left to the other agent that leads to the same process', () => {
    const record = { members: [member('b', { runId: 'run-a' })] };
    expect(run(turnsOut({ record }), 0).does).not.toContain('set_min_replicas');
  });

  test('stays fenced where another agent has our name: ours may be the one that was master', () => {
    const record = { members: [member('a', { runId: 'run-x', redis: redisOf('x'), instance: 'other' })] };
    const session = { id: 77n, timeoutMs: T_MS, connected: true };
    const twin = { instance: 'other', as: 'same' } as const;
    expect(run(turnsOut({ record, session, twin }), 0).does).not.toContain('set_min_replicas');
  });
});

describe('who goes on without an office because nobody could take over', () => {
  const alone = (change: Change): State => withFacts('a', 'stepping_down', masterFacts(), {
    role: { ...roleIs(world('a', 'stepping_down'), 'stepping_down'), alone: true, released: true },
    record: { ...noLease, term: term({ inSync: [] }) },
    ...change,
  });
  test.each<[string, Change, number]>([
    ['takes writes while the ensemble hears it', {}, 0],
    ['is fenced when its proof has ended', { lastProofMs: START_MS - T_MS }, FENCE],
    ['is fenced when its Redis was restarted', { unplaced: true }, FENCE],
    ['is left alone while an operator disabled it', { enabled: false, lastProofMs: START_MS - T_MS }, 0],
  ])('%s', (_what, change, wanted) => {
    expect(wantedMinReplicas(alone(change))).toBe(wanted);
  });
});
