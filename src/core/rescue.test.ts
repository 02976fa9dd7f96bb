// Before a node discards data that nobody else has, a copy is made: while it is a fenced master, and only when needed.

import { describe, expect, test } from 'vitest';

import { electionOutcome } from './election.ts';
import { FENCE_MIN_REPLICAS as FENCE } from './fencing.ts';
import type { RedisFacts } from './facts.ts';
import { identityOf } from './rescue.ts';
import type { State } from './state.ts';
import { Village } from './testing/village.ts';
import {
  answer, ballot, EPOCH, facts, frozenFacts, leaseOf, linkTo, masterFacts, OLD_REPLID, only, ownAnswers,
  redisOf, remoteAnswers, REPLID, run, settings, sight, term, termOf, world,
} from './testing/world.ts';
import type { Change } from './testing/world.ts';

/** The node `b` next to the serving master `a`, whose own history began at offset 500 of the old one. */
const beside = (own: RedisFacts, mode: 'on' | 'off' | 'require' = 'on', change: Change = {}): State =>
  world('b', 'replica', { own: sight(own), settings: settings('b', { rescueMode: mode }), ...change });

/** A deposed master: it wrote on for 400 bytes after the present master began. */
const deposed = (change: Partial<RedisFacts> = {}): RedisFacts =>
  facts('b', { replid: OLD_REPLID, replid2: null, secondReplOffset: -1, offset: 900, minReplicas: FENCE, ...change });

const tick = { kind: 'tick' } as const;
/** The master goes on answering. */
const serves = remoteAnswers(masterFacts());
const copied = { result: 'rescued', path: '/rescue/1.rdb', bytes: 77, removed: [] } as const;
const noSpace = { result: 'failed', code: 'NO_SPACE' } as const;

describe('a deposed master with data of its own', () => {
  test('is fenced first, then copied; it follows when the copy is there', () => {
    const writable = run(beside(deposed({ minReplicas: 0 })), tick);
    expect(writable.does).toContain('fence_reversibly');
    expect(writable.does).not.toContain('rescue');
    const fenced = run(writable.state, ownAnswers(deposed()));
    expect(only(fenced, 'rescue')).toMatchObject({ masterEpoch: 5 });
    expect(fenced.does).not.toContain('fence_hard');
    const waiting = run(fenced.state, 50, ownAnswers(deposed({ offset: 910 })), 2000, serves);
    expect(waiting.does).not.toContain('fence_hard');
    expect([...waiting.state.reasons]).toContain('rescue_running');
    const done = run(waiting.state, answer(waiting.state, 'rescue', copied));
    expect(done.says).toEqual(expect.arrayContaining(['rescued', 'divergent_data', 'following']));
    expect(only(done, 'fence_hard').target).toEqual(redisOf('a'));
    expect(done.state.rescue).toMatchObject({ path: '/rescue/1.rdb', bytes: 77, divergentBytes: 400 });
  });

  test('what it took after the look that showed it empty is copied, too', () => {
    const shownEmpty = run(beside(deposed({ keys: 0, minReplicas: 0 })), tick);
    expect(shownEmpty.does).toContain('fence_reversibly');
    expect(shownEmpty.does).not.toContain('fence_hard');
    expect(only(run(shownEmpty.state, ownAnswers(deposed({ keys: 2 }))), 'rescue')).toBeDefined();
    expect(only(run(shownEmpty.state, ownAnswers(deposed({ keys: 0 }))), 'fence_hard')).toBeDefined();
  });

  test('its clients are sent away while it is copied', () => {
    const started = run(beside(deposed()), tick, 1000);
    expect(started.does).toContain('kill_stragglers');
  });

  test('a failure is tried once more, then the data is given up, and said to be', () => {
    const first = run(beside(deposed()), tick);
    const failed = run(first.state, answer(first.state, 'rescue', noSpace));
    expect(failed.does).toEqual([]);
    const second = run(failed.state, 2000, serves);
    expect(only(second, 'rescue')).toBeDefined();
    const last = run(second.state, answer(second.state, 'rescue', noSpace));
    expect(only(last, 'fence_hard')).toBeDefined();
    const reports = last.actions.filter((action) => action.kind === 'report');
    expect(reports.find(({ event }) => event === 'rescue_failed')?.fields).toMatchObject({ then: 'discarded' });
    expect(reports.find(({ event }) => event === 'divergent_data')?.fields).toMatchObject({ rescued_to: null });
  });

  test('where a copy is required the node stays out, says why, and tries again', () => {
    let state = beside(deposed(), 'require');
    for (let attempt = 0; attempt < 4; attempt++) {
      const asked = run(state, 500, serves);
      const again = asked.state.inFlight.has('rescue') ? asked : run(asked.state, 500, 500, 500, serves);
      const failed = run(again.state, answer(again.state, 'rescue', noSpace));
      expect(failed.does).not.toContain('fence_hard');
      expect([...failed.state.reasons]).toContain('rescue_failed');
      state = { ...failed.state, lastProofMs: failed.state.nowMs };
    }
    const asked = run(state, 1000, serves, 1000, serves);
    const done = run(asked.state, answer(asked.state, 'rescue', copied));
    expect(only(done, 'fence_hard')).toBeDefined();
    expect([...done.state.reasons]).not.toContain('rescue_failed');
  });

  test('a copy of an earlier process is none of this one', () => {
    const first = run(beside(deposed()), tick);
    const done = run(first.state, answer(first.state, 'rescue', copied));
    const restarted = run(done.state, ownAnswers(deposed({ runId: 'another' })), 200);
    expect(restarted.state.rescuing).toMatchObject({ runId: 'another' });
  });

  test('a copy of what it held before it followed a master is none of what it holds since', () => {
    const first = run(beside(deposed()), tick);
    const done = run(first.state, answer(first.state, 'rescue', copied));
    const streams = facts('b', { replid: OLD_REPLID, offset: 950, link: linkTo(redisOf('a')) });
    const deposedAgain = run(done.state, ownAnswers(streams), ownAnswers(deposed({ offset: 890 })), serves, 200);
    expect(deposedAgain.state.rescuing).toMatchObject({ runId: 'run-b', offset: 890 });
  });
});

describe('no copy is made', () => {
  test.each<[string, State]>([
    ['of what the master has', beside(deposed({ offset: 500 }))],
    ['of keep-alives alone', beside(deposed({ offset: 699 }))],
    ['of nothing', beside(deposed({ keys: 0 }))],
    ['of half a dataset', beside(deposed(), 'on', { own: sight(deposed(), { halfSynced: true }) })],
    ['where the operator wants none', beside(deposed(), 'off')],
  ])('%s', (_what, state) => {
    const played = run(state, tick);
    expect(only(played, 'fence_hard').target).toEqual(redisOf('a'));
    expect(played.does).not.toContain('rescue');
  });

  test('of a frozen replica that has no more than the master: it follows at once', () => {
    const played = run(beside(frozenFacts('b', { replid: OLD_REPLID, replid2: null, offset: 500 })), tick);
    expect(only(played, 'follow')).toBeDefined();
  });

  test('of data that a newcomer brings: that is not ours to touch', () => {
    const stranger = deposed({ replid: 'other' });
    const state = beside(stranger);
    const { term: before } = state.records;
    if (before === null) throw new Error('the world has a term');
    const records = { ...state.records, term: { ...before, value: { ...before.value, nodes: ['a', 'c'] } } };
    const played = run({ ...state, records }, tick);
    expect(played.does).toEqual(['write_member']);
    expect([...played.state.reasons]).toContain('foreign_dataset');
  });
});

describe('a frozen replica that has more than the master', () => {
  const ahead = (change: Partial<RedisFacts> = {}): RedisFacts =>
    frozenFacts('b', { replid: OLD_REPLID, replid2: null, offset: 900, ...change });

  test('becomes a master that takes no write, in steps that are each seen to hold', () => {
    const fencing = run(beside(ahead()), tick);
    expect(fencing.does).toEqual(['fence_reversibly']);
    const done = answer(fencing.state, 'fence_reversibly');
    const detaching = run(fencing.state, ownAnswers(ahead({ minReplicas: FENCE })), done);
    expect(detaching.does).toEqual(['detach']);
    const shifted = deposed({ replid: 'new', replid2: OLD_REPLID, secondReplOffset: 901 });
    const copying = run(detaching.state, ownAnswers(shifted), answer(detaching.state, 'detach'));
    expect(only(copying, 'rescue')).toBeDefined();
  });

  test('is left alone while it streams from a living master: its data is there', () => {
    const streaming = facts('b', { ...ahead(), link: linkTo(redisOf('c')) });
    expect(run(beside(streaming), tick).does).toContain('follow');
  });
});

describe('a replica that had more than the master under its address began with', () => {
  const linked = (link: Parameters<typeof linkTo>[1], offset = 900): RedisFacts =>
    facts('b', { replid: OLD_REPLID, replid2: null, offset, link: linkTo(redisOf('a'), { up: false, ...link }) });

  test.each([{}, { syncInProgress: true }])('copies its data before a resync discards it: link %o', (link) => {
    const fencing = run(beside(linked(link)), tick);
    expect(fencing.does).toEqual(['fence_reversibly']);
    const fenced = { ...linked(link), minReplicas: FENCE };
    expect(run(fencing.state, ownAnswers(fenced), answer(fencing.state, 'fence_reversibly')).does).toEqual(['detach']);
  });

  test.each<[string, RedisFacts, 'on' | 'off']>([
    ['with nothing of its own', linked({}, 500), 'on'],
    ['that its own file makes a replica', linked({ everUp: false }), 'on'],
    ['where the operator wants none', linked({}), 'off'],
  ])('makes none %s', (_what, own, mode) => {
    expect(run(beside(own, mode), tick).does).toEqual([]);
  });
});

describe('a member of the in-sync set that left its master to be copied', () => {
  const detached = facts('b', { replid: 'new', replid2: REPLID, secondReplOffset: 1001, minReplicas: FENCE });
  const history = { replid: REPLID, replid2: OLD_REPLID, secondReplOffset: 501 };
  const rescuing = { runId: 'run-b', offset: 1000, divergentBytes: 500, history };
  const note = { ...rescuing, path: '/rescue/1.rdb', bytes: 77, code: null, attempts: 1, atMs: 0 };
  /** Its master is gone before it followed. */
  const vote = (change: Change, own = detached): unknown => {
    const state = world('b', 'candidate', { own: sight(own), record: { lease: null }, ...change });
    return only(run(state, tick), 'cast_ballot').ballot.refusal;
  };

  test('stands when that master is gone, copied or not', () => {
    expect(vote({ rescuing })).toBe(null);
    expect(vote({ rescue: { ...note, spent: false } })).toBe(null);
    const again = { ...detached, role: 'replica', link: linkTo(redisOf('a'), { up: false, everUp: false }) } as const;
    const frozen = { ...again, link: linkTo({ host: '127.0.0.1', port: 1 }, { up: false, everUp: false }) };
    expect(vote({ rescue: { ...note, spent: false } }, frozen)).toBe(null);
  });

  test.each<[string, Change, RedisFacts]>([
    ['that nobody told to leave', {}, detached],
    ['that was restarted since', { rescuing }, { ...detached, runId: 'another' }],
    ['whose copied data went when it followed', { rescue: { ...note, spent: true } }, detached],
    ['with half a dataset', { rescuing, own: sight(detached, { halfSynced: true }) }, detached],
    ['that took office since', { rescuing: { ...rescuing, history: null } }, detached],
    ['that was not whole before', { rescuing, record: { lease: null, nodes: [] } }, detached],
  ])('does not stand as one %s', (_which, change, own) => {
    expect(vote(change, own)).toMatch(/^(not_in_sync|dataset_incomplete)$/);
  });

  test('is behind whoever followed that master, though what it was to lose is longer and that claim is pending', () => {
    const pending = term({ inSync: ['b', 'c'], pending: { epoch: EPOCH, node: 'a', former: null, inSync: [] } });
    const state = world('b', 'candidate', { own: sight(detached), rescuing, record: { lease: null, term: pending } });
    const own = only(run(state, tick), 'cast_ballot').ballot;
    expect(own).toMatchObject({ ...history, offset: 1000, refusal: null });
    const promoted = { replid: 'of-the-new-master', replid2: REPLID, secondReplOffset: 701 };
    const follower = ballot('c', { ...promoted, offset: 900 });
    const rules = { waitReplicas: 1, lagBytes: 0 };
    const input = { term: pending, ballots: [own, follower], electors: [], elapsedMs: 0, settleMs: 1000, rules };
    expect(electionOutcome(input)).toMatchObject({ result: 'winner', ballot: { name: 'c' } });
    const linkedSince = linkTo(redisOf('c'), { up: false, everUp: true });
    const followed = facts('b', { ...promoted, offset: 900, link: linkedSince });
    expect(identityOf({ ...state, own: sight(followed) }, followed)).toMatchObject(promoted);
  });

  test('is known by what it shows once it took office', () => {
    const stands = world('b', 'candidate', { own: sight(detached), rescuing, record: { lease: null } });
    const office = run(stands, termOf('b', EPOCH + 1), leaseOf('b', EPOCH + 1));
    expect(office.state.role.name).toBe('master');
    expect(office.state.rescuing).toMatchObject({ history: null });
    expect(identityOf(office.state, detached).replid).toBe('new');
  });

  test('is not detached twice, for nothing would know its history then', () => {
    const played = run(beside(deposed({ role: 'replica', link: linkTo(redisOf('c'), { up: false }) })), tick);
    expect(played.does).toContain('detach');
    expect(played.does).not.toContain('freeze');
  });

  test('is about to be copied no more once it streams from a master', () => {
    const streams = facts('b', { link: linkTo(redisOf('a')) });
    expect(run(beside(detached, 'on', { rescuing }), ownAnswers(streams)).state.rescuing).toBe(null);
  });
});

describe('what nobody can compare', () => {
  test('counts as everything: a registered node that shows no history is copied', () => {
    const played = run(beside(deposed({ replid: 'from-aof', offset: 0 })), tick);
    expect(only(played, 'rescue')).toBeDefined();
    expect(played.state.rescuing).toMatchObject({ divergentBytes: null });
  });
});

describe('the new master', () => {
  const over = (remote: RedisFacts, peerUp: boolean): State => {
    const peers = new Map(peerUp
      ? [['b', { instance: 'instance-b', up: true, ended: false, refusals: 0, refusedSinceMs: null }] as const]
      : []);
    const state = world('a', 'master', { remote: sight(remote), remoteTarget: redisOf('b'), peers });
    return { ...state, role: { ...state.role, deposed: redisOf('b') } as State['role'] };
  };

  test('leaves a fenced deposed master to its own agent', () => {
    expect(run(over(deposed(), true), tick).does).toEqual([]);
  });

  test('freezes one whose agent is gone, with its data', () => {
    const played = run(over(deposed(), false), tick);
    expect(only(played, 'remote_fence_hard').target).toEqual({ host: '127.0.0.1', port: 1 });
  });

  test('has one follow that has nothing of its own', () => {
    const equal = deposed({ offset: 500 });
    expect(only(run(over(equal, false), tick), 'remote_fence_hard').target).toEqual(redisOf('a'));
    const frozen = frozenFacts('b', { replid: OLD_REPLID, replid2: null, offset: 500 });
    expect(only(run(over(frozen, false), tick), 'remote_fence_hard').target).toEqual(redisOf('a'));
  });

  test('fences one that is writable, whoever its agent is', () => {
    expect(run(over(deposed({ minReplicas: 0 }), true), tick).does).toContain('remote_fence_hard');
    expect(masterFacts().role).toBe('master');
  });
});

describe('in a whole service', () => {
  function inPeace(change: Parameters<typeof settings>[1] = {}): Village {
    const village = new Village(['a', 'b', 'c'], { bootstrapSettleMs: 100, ...change });
    village.pass(1000);
    village.redis('a').write(1000);
    village.pass(2000);
    expect(village.roles()['a']).toBe('master');
    return village;
  }

  /** `a` hangs; the writes that it had received run when it thaws. */
  function thawedWithWrites(village: Village): void {
    village.redis('a').hang(village.nowMs);
    village.pass(4000);
    village.redis('a').write(5000);
    village.redis('a').thaw();
    village.pass(3000);
  }

  test('a thawed master is copied before it follows', () => {
    const village = inPeace();
    thawedWithWrites(village);
    expect(village.rescues).toEqual([{ node: 'a', offset: 6000 }]);
    expect(village.followed()).toEqual({ a: 'b', b: 'itself', c: 'b' });
    expect(village.agent('a').state.rescue).toMatchObject({ path: '/rescue/a/6000.rdb', divergentBytes: 5000 });
  });

  test('an ordinary death and return needs no copy and no full sync', () => {
    const village = inPeace();
    village.killRedis('a');
    village.pass(1000);
    village.redis('a').restart('kept');
    village.pass(3000);
    expect(village.rescues).toEqual([]);
    expect(village.followed()['a']).toBe('b');
  });

  test('with its agent gone it keeps its data, frozen, until the agent is back', () => {
    const village = inPeace();
    village.redis('a').hang(village.nowMs);
    village.pass(4000);
    village.killAgent('a');
    village.redis('a').write(5000);
    village.redis('a').thaw();
    village.pass(3000);
    expect(village.followed()['a']).toBe('nobody');
    expect(village.redis('a').offset).toBe(6000);
    village.start('a');
    village.pass(9000);
    expect(village.rescues).toEqual([{ node: 'a', offset: 6000 }]);
    expect(village.followed()['a']).toBe('b');
  });

  test('where it is required and cannot be had, the others serve, and the data stays', () => {
    const village = inPeace({ rescueMode: 'require' });
    village.rescueFails = 'NO_SPACE';
    thawedWithWrites(village);
    village.pass(20_000);
    expect(village.writable()).toEqual(['b']);
    expect(village.redis('a').offset).toBe(6000);
    expect([...village.agent('a').state.reasons]).toContain('rescue_failed');
    village.rescueFails = null;
    village.pass(5000);
    expect(village.followed()['a']).toBe('b');
  });
});

test('who cannot be fenced does not follow, and says why', () => {
  const unfenced = run(beside(deposed({ keys: 0, minReplicas: 0 })), tick);
  const refused = answer(unfenced.state, 'fence_reversibly', { result: 'failed', code: 'ERR' });
  const said = run(unfenced.state, refused, ownAnswers(deposed({ keys: 0, minReplicas: 0 })), 10);
  expect(said.does).not.toContain('fence_hard');
  expect([...said.state.reasons]).toContain('redis_command_refused');
});
