// One agent's part in a hand-over, turn by turn: every refusal before anything is touched, and the way back.

import { describe, expect, test } from 'vitest';

import type { OrderRecord } from './records.ts';
import { FENCE_WAIT_MS } from './hand-over.ts';
import { SWITCHOVER_LAG_BYTES_MAX } from './switchover.ts';
import { FENCE_MIN_REPLICAS } from '../fencing.ts';
import type { State } from '../state.ts';
import { POLL_SETTLING_MS, wanted } from '../wanted.ts';
import {
  answer, attached, ballot, EPOCH, frozenFacts, kept, lease, linkTo, masterFacts, member, nodeRecord, only, ownAnswers,
  reads, readsBallot, readsLease, readsTerm, redisOf, remoteAnswers, remoteSees, replicaFacts, roleIs, run, sessionOf,
  sight, START_MS, term, world,
} from '../testing/world.ts';
import type { Change, RecordsChange } from '../testing/world.ts';

const WALL_MS = 5_000_000;

function order(change: Partial<OrderRecord> = {}): OrderRecord {
  return {
    id: 'order-1',
    kind: 'switchover',
    target: 'b',
    from: null,
    epoch: EPOCH,
    asker: 'test',
    askedAt: WALL_MS,
    scheduledAt: null,
    deadline: WALL_MS + 10_000,
    withinMs: 10_000,
    force: false,
    phase: 'waiting',
    instance: null,
    ...change,
  };
}

const readsOrder = (of: OrderRecord) => reads({ record: 'order', kept: kept(of, { version: 4 }) });

/** The master as it hears of an order. */
function hears(of: Partial<OrderRecord> = {}, record: RecordsChange = {}, change: Change = {}) {
  return run(world('a', 'master', { record, ...change }), readsOrder(order(of)));
}

describe('a target that joined a moment ago', () => {
  const master = world('a', 'master');
  const attaching = new Map([['b', { offset: 1000, sinceMs: START_MS }]]);
  const heard = run({ ...master, role: { ...roleIs(master, 'master'), attaching } }, readsOrder(order()));
  const shows = (offset: number) =>
    ownAnswers(masterFacts({ offset: 1010, replicas: [attached('b', { offset }), attached('c')] }));

  test('is handed nothing before it acknowledges more than it joined with', () => {
    expect(heard.does).not.toContain('fence_reversibly');
    expect(run(heard.state, shows(1000)).does).not.toContain('fence_reversibly');
    expect(run(heard.state, shows(1005)).does).toContain('fence_reversibly');
  });

  test('is waited for no longer than its next acknowledgement may take', () => {
    const later = run(heard.state, 1499, shows(1000));
    expect(later.does).not.toContain('fence_reversibly');
    expect(run(later.state, 1).does).toContain('fence_reversibly');
  });
});

describe('a master refuses before it touches anything', () => {
  const disabled = { nodes: [nodeRecord('a'), nodeRecord('b', { disabled: true }), nodeRecord('c')] };
  const members = (change: Parameters<typeof member>[1]) =>
    ({ members: [member('a'), member('b', change), member('c')] });
  const detached = { own: sight(masterFacts({ replicas: [attached('c')] })) };
  const redis = (b: Parameters<typeof attached>[1], offset = 1000) => ({
    own: sight(masterFacts({ offset, replicas: [attached('b', b), attached('c')] })),
  });
  test.each<[string, Partial<OrderRecord>, RecordsChange, Change, string]>([
    ['itself as a target', { target: 'a' }, {}, {}, 'target_is_master'],
    ['a node without an agent', { target: 'd' }, {}, {}, 'unknown_member'],
    ['a node that is disabled', {}, disabled, {}, 'node_disabled'],
    ['a node that is never to be master', {}, members({ priority: 0 }), {}, 'priority_zero'],
    ['a node out of sync', {}, { term: term({ inSync: ['c'] }) }, {}, 'not_in_sync'],
    ['a replica that is not attached', {}, {}, detached, 'not_in_sync'],
    ['a replica that is silent', {}, {}, redis({ lagSeconds: 5 }), 'lag_too_high'],
    ['a replica that is far behind', {}, {}, redis({}, 1001 + SWITCHOVER_LAG_BYTES_MAX), 'lag_too_high'],
    ['a replica that refuses writes', {}, members({ refusesWrites: true }), {}, 'redis_refuses_writes'],
    ['an order to another master', { from: 'c' }, {}, {}, 'master_differs'],
    ['an order of another epoch', { epoch: EPOCH - 1 }, {}, {}, 'epoch_passed'],
    ['to choose with nobody in sync', { target: null }, { term: term({ inSync: [] }) }, {}, 'no_candidate'],
  ])('%s', (...[, of, record, change, reason]) => {
    const played = hears(of, record, change);
    expect(played.does).not.toContain('fence_reversibly');
    expect(only(played, 'end_order')).toMatchObject({ orderVersion: 4, results: [{ outcome: 'refused', reason }] });
    expect(played.state.role.name).toBe('master');
  });

  test('to choose while the service is paused, but not a node that is named', () => {
    const paused = { pause: { czxid: 1n, version: 0, endsAtMs: START_MS + 5000 } };
    const change = { operations: { ...world('a', 'master').operations, ...paused } };
    expect(only(hears({ target: null }, {}, change), 'end_order').results[0]?.reason).toBe('service_paused');
    expect(hears({}, {}, change).does).toContain('fence_reversibly');
  });

  test('an order that it finds when it starts, and one whose deadline passed', () => {
    const fresh = hears({}, {}, { everSynced: false });
    expect(only(fresh, 'end_order').results[0]?.reason).toBe('order_expired');
    const state = world('a', 'master', { nowMs: START_MS + 9000, proofBeforeMs: START_MS - 1001 });
    const late = run({ ...state, own: sight(masterFacts(), { answeredAtMs: state.nowMs }) }, readsOrder(order()));
    expect(late.does).not.toContain('release');
  });

  test('an order for later waits for what may pass, until its deadline', () => {
    const scheduled = { scheduledAt: WALL_MS + 1000, epoch: null };
    const before = run(
      world('a', 'master', { record: { term: term({ inSync: ['c'] }) } }),
      { kind: 'time_of_day', wallMs: WALL_MS },
      readsOrder(order(scheduled)),
      1500,
    );
    expect(before.does).not.toContain('end_order');
    const nowMs = before.state.nowMs + 10_000;
    const later = { ...before.state, nowMs, lastProofMs: nowMs };
    expect(only(run(later, 0), 'end_order').results[0]?.reason).toBe('order_expired');
  });
});

/** Fenced, seen to be, about to give the lease away. */
function fenced(): State {
  const begun = hears();
  const facts = masterFacts({ minReplicas: FENCE_MIN_REPLICAS });
  return run(begun.state, answer(begun.state, 'fence_reversibly'), ownAnswers(facts)).state;
}

describe('a master that hands over', () => {
  test('gives nothing away before its fence is seen to hold', () => {
    const begun = hears();
    expect(begun.does).toContain('fence_reversibly');
    expect(begun.does).not.toContain('release');
    expect(run(begun.state, answer(begun.state, 'fence_reversibly')).does).not.toContain('release');
  });

  test('goes on when a term that was on its way takes its target out of the set', () => {
    const left = run(hears().state, readsTerm(term({ inSync: ['c'] })));
    expect(left.says).toContain('switchover_undone');
    expect(roleIs(left.state, 'master').name).toBe('master');
    expect(run(left.state, ownAnswers(masterFacts({ minReplicas: FENCE_MIN_REPLICAS }))).does).not.toContain('release');
  });

  test('names its successor and begins the order in the transaction that gives the lease away', () => {
    const begun = hears();
    const played = run(begun.state, ownAnswers(masterFacts({ minReplicas: FENCE_MIN_REPLICAS })));
    const release = only(played, 'release');
    expect(release).toMatchObject({
      removeRecord: true,
      termVersion: 7,
      ballot: null,
      order: { version: 4, order: { phase: 'running', target: 'b', epoch: EPOCH, instance: 'instance-a' } },
    });
    const planned = { from: { name: 'a', runId: 'run-a' }, to: 'b' };
    expect(release.term).toMatchObject({ version: 7, term: { handOver: planned } });
  });

  test.each<[string, (state: State) => ReturnType<typeof run>, string | null]>([
    [
      'its target leaves it',
      (state) => run(state, ownAnswers(masterFacts({ replicas: [attached('c')] }))),
      'target_lost',
    ],
    [
      'the fence does not hold in time',
      (state) => run({ ...state, lastProofMs: START_MS + FENCE_WAIT_MS }, FENCE_WAIT_MS),
      'cannot_fence_busy',
    ],
    ['the order was taken back', (state) => run(state, reads({ record: 'order', kept: null })), null],
  ])('goes on in its office when %s, without another epoch', (_what, play, reason) => {
    const played = play(hears().state);
    expect(roleIs(played.state, 'master').epoch).toBe(EPOCH);
    expect(played.does).not.toContain('release');
    if (reason === null) expect(played.does).not.toContain('end_order');
    else expect(only(played, 'end_order').results[0]).toMatchObject({ outcome: 'interrupted', reason, target: 'b' });
  });

  test('lifts its fence when it goes on', () => {
    const begun = hears();
    const gone = reads({ record: 'order', kept: null });
    const undone = run(begun.state, answer(begun.state, 'fence_reversibly'), gone);
    const seen = run(undone.state, ownAnswers(masterFacts({ minReplicas: FENCE_MIN_REPLICAS })));
    expect(only(seen, 'set_min_replicas').minReplicas).toBe(1);
  });

  test('does not go on by itself once the release is on its way', () => {
    const played = run(fenced(), ownAnswers(masterFacts({ minReplicas: FENCE_MIN_REPLICAS, replicas: [] })));
    expect(played.state.role.name).toBe('stepping_down');
  });

  test('keeps its fence until it knows that a release whose answer was lost was not carried out', () => {
    const state = fenced();
    const alone = ownAnswers(masterFacts({ minReplicas: FENCE_MIN_REPLICAS, replicas: [attached('c')] }));
    const failed = answer(state, 'release', { result: 'failed', code: 'OPERATION_TIMEOUT' });
    const lost = run(state, 20, failed, alone);
    expect(lost.state.role.name).toBe('stepping_down');
    expect(lost.does).toContain('heartbeat');
    const { owner, czxid } = lost.state.records.lease!.znode;
    const asked = lost.state.inFlight.get('heartbeat')!.sinceMs;
    const heard = { result: 'heard', sentAtMs: asked, lease: { owner, czxid } } as const;
    const known = run(lost.state, answer(lost.state, 'heartbeat', heard));
    expect(roleIs(known.state, 'master').epoch).toBe(EPOCH);
    expect(only(known, 'end_order').results[0]).toMatchObject({ outcome: 'interrupted', reason: 'target_lost' });
  });

  test('does not begin again what it gave up, while the result is not written yet', () => {
    const undone = run(hears().state, ownAnswers(masterFacts({ replicas: [attached('c')] })));
    expect(only(undone, 'end_order').results[0]?.reason).toBe('target_lost');
    const failed = answer(undone.state, 'end_order', { result: 'failed', code: 'BAD_VERSION' });
    const later = run(undone.state, failed, ownAnswers(masterFacts()), 200);
    expect(later.does).not.toContain('fence_reversibly');
    expect(only(later, 'end_order').results[0]).toMatchObject({ outcome: 'interrupted', reason: 'target_lost' });
  });

  test('takes its office back at once when its target is lost after the lease was given away', () => {
    const handOver = { from: { name: 'a', runId: 'run-a' }, to: 'b' };
    const alone = ownAnswers(masterFacts({ minReplicas: FENCE_MIN_REPLICAS, replicas: [attached('c')] }));
    const state = fenced();
    const gone = run(state, readsTerm(term({ handOver })), readsLease(null), answer(state, 'release'));
    expect(gone.does).not.toContain('claim');
    expect(gone.state.reasons).toContain('switchover_running');
    const claim = only(run(gone.state, alone), 'claim');
    expect(claim.term).toMatchObject({ epoch: EPOCH + 1, master: { name: 'a' }, handOver: null, inSync: ['c'] });
  });

  test.each([
    [EPOCH - 1, false],
    [EPOCH, true],
  ])('takes a ballot of epoch %i that refuses for the loss of its target: %s', (epoch, lost) => {
    const handOver = { from: { name: 'a', runId: 'run-a' }, to: 'b' };
    const refusing = ballot('b', { epoch, standing: 'frozen', refusal: 'redis_unreachable' });
    const state = run(fenced(), readsBallot(refusing)).state;
    const played = run(state, readsTerm(term({ handOver })), readsLease(null), answer(state, 'release'));
    expect(played.does.includes('claim')).toBe(lost);
  });

  test('keeps still while its target claims', () => {
    const handOver = { from: { name: 'a', runId: 'run-a' }, to: 'b' };
    const state = fenced();
    const theirs = kept(lease('b', { epoch: EPOCH + 1 }), { owner: sessionOf('b') });
    const played = run(
      state, readsTerm(term({ handOver })), readsLease(null), answer(state, 'release'), readsLease(theirs), 900,
    );
    expect(played.does).not.toContain('claim');
    expect(played.does).not.toContain('cast_ballot');
  });
});

describe('a replica that neither gives nor gets the office', () => {
  const handOver = { from: { name: 'a', runId: 'run-a' }, to: 'b' };
  const told = run(world('c', 'replica'), readsTerm(term({ handOver })), readsLease(null));

  test('looks at the one that it will follow, and rests otherwise', () => {
    expect(told.state.reasons).toContain('switchover_running');
    expect(wanted(told.state)).toMatchObject({ remote: member('b').redis, pollOwnMs: POLL_SETTLING_MS });
  });

  const cutShort = run(told.state, ownAnswers(replicaFacts('c', { link: linkTo(redisOf('a'), { up: false }) })));

  test('leaves the old address when its stream ends, and looks there again', () => {
    expect(run(told.state, ownAnswers(replicaFacts('c'))).does).not.toContain('freeze');
    expect(cutShort.does).toContain('freeze');
    expect(cutShort.state.reasons).toContain('switchover_running');
    expect(wanted(cutShort.state).remote).toEqual(redisOf('a'));
  });

  test.each([
    ['refuses', remoteSees({ seen: 'refused' })],
    ['is another process', remoteAnswers(masterFacts({ runId: 'run-restarted', keys: 0 }))],
  ])('waits no longer when what it finds there %s', (_what, seen) => {
    const { state } = run(cutShort.state, ownAnswers(frozenFacts('c')), remoteSees({ seen: 'opened' }), seen);
    expect(state.reasons).not.toContain('switchover_running');
  });

  test('waits on when the old master is there', () => {
    const played = run(cutShort.state, ownAnswers(frozenFacts('c')), remoteSees({ seen: 'opened' }),
      remoteAnswers(masterFacts()));
    expect(played.state.reasons).toContain('switchover_running');
  });

  test('waits for nobody whose Redis is dead, when the old master leaves for good', () => {
    const leaving = ballot('a', { epoch: EPOCH, refusal: 'agent_stopping' });
    const left = run(told.state, readsBallot(leaving));
    expect(left.state.reasons).toContain('switchover_running');
    const dead = run(left.state, reads({ record: 'members', name: 'b', kept: kept(member('b', { runId: null })) }));
    expect(dead.state.reasons).not.toContain('switchover_running');
  });

  test('looks at the old master again when nobody came', () => {
    const { state } = run(told.state, 2 * told.state.settings.electionSettleMs + 1);
    expect(state.reasons).not.toContain('switchover_running');
    expect(wanted(state).remote).toEqual(member('a').redis);
  });
});
