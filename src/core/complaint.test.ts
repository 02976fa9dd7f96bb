// Complaints: what is one, who is believed, and when a master that is well hands over because of them.

import { describe, expect, test } from 'vitest';

import { complainsOf, isDeserted, LINK_STILL_MS, SYNC_BEGINS_MS } from './complaint.ts';
import type { RedisFacts } from './facts.ts';
import type { Member } from './records.ts';
import type { State } from './state.ts';
import {
  answer, attached, EPOCH, frozenFacts, httpOf, linkTo, masterFacts, member, only, ownAnswers, ownSees, redisOf,
  remoteSees, replicaFacts, roleIs, run, sight, START_MS, term, world,
} from './testing/world.ts';
import type { Change } from './testing/world.ts';
import { Village } from './testing/village.ts';

const AFTER_MS = 5000;
/** Proof of the ensemble is kept fresh: the tests are about another clock. */
const fresh = (state: State, ms: number): State => {
  let now = state;
  for (let passed = 0; passed < ms; passed += 500) now = { ...run(now, 500).state, lastProofMs: now.nowMs };
  return now;
};

const syncing = replicaFacts('b', { link: linkTo(redisOf('a'), { up: false, syncInProgress: true }) });
const down = replicaFacts('b', { link: linkTo(redisOf('a'), { up: false }) });
const gone = sight(masterFacts(), { link: 'failed', failure: 'timeout' });
const replica = (own: RedisFacts, change: Change = {}): State => world('b', 'replica', { own: sight(own), ...change });

describe('a replica complains', () => {
  test.each<[string, State]>([
    ['whose link is down while the master can be asked', replica(down)],
    ['whose link is down while the master cannot be reached', replica(down, { remote: gone })],
    ['that was frozen and cannot see the master to follow it', replica(frozenFacts('b'), { remote: gone })],
    [
      'that votes about a death which nobody else sees',
      world('b', 'candidate', { own: sight(frozenFacts('b')), remote: gone }),
    ],
  ])('%s, after its patience and not before', (_what, state) => {
    const patient = fresh(state, AFTER_MS - 500);
    expect(complainsOf(patient)).toBe(null);
    const complains = run({ ...patient, lastProofMs: patient.nowMs }, 1000);
    expect(complainsOf(complains.state)).toBe(EPOCH);
    expect(complains.says).toContain('complaint_raised');
    expect(complains.state.reasons).toContain('cannot_replicate');
    expect(only(complains, 'write_member').member.complainsOf).toBe(EPOCH);
  });

  test('whose link seems up, though nothing came over it for longer than a master keeps silent', () => {
    const state = replica(replicaFacts('b'), { remote: gone });
    expect(complainsOf(fresh(state, LINK_STILL_MS))).toBe(null);
    expect(complainsOf(fresh(state, LINK_STILL_MS + AFTER_MS + 500))).toBe(EPOCH);
  });

  test('that the master turns away at every attempt: what looks like the beginning of a full sync is none', () => {
    let state = replica(down);
    for (let attempt = 0; attempt < 8; attempt++) {
      state = fresh(run(state, ownAnswers(syncing)).state, 500);
      state = fresh(run(state, ownAnswers(down)).state, 500);
    }
    expect(complainsOf(state)).toBe(EPOCH);
    const begins = run(state, ownAnswers(syncing)).state;
    expect(complainsOf(fresh(begins, SYNC_BEGINS_MS - 500))).toBe(EPOCH);
    expect(complainsOf(fresh(begins, SYNC_BEGINS_MS + 500))).toBe(null);
  });

  test('and takes it back when its link is up', () => {
    const complains = fresh(replica(down), AFTER_MS + 500);
    const linked = run(complains, ownAnswers(replicaFacts('b')));
    expect(complainsOf(linked.state)).toBe(null);
    expect(linked.says).toContain('complaint_ended');
  });
});

describe('no complaint is', () => {
  const inTurn = sight(masterFacts({ replicas: [attached('b', { state: 'wait_bgsave' })] }));
  test.each<[string, State]>([
    ['a link that is up', replica(replicaFacts('b'))],
    ['a full sync', replica(syncing)],
    ['the wait for one', replica(down, { remote: inTurn })],
    ['the wait to be told to follow', replica(frozenFacts('b'))],
    ['a Redis that loads', world('b', 'replica', { own: sight(down, { blocked: 'loading' }) })],
    ['a Redis that does not answer', world('b', 'replica', { own: sight(down, { silentSinceMs: START_MS }) })],
    ['a Redis that is gone', world('b', 'replica', { own: sight(down, { link: 'refused' }) })],
    ['a node that an operator disabled', replica(down, { enabled: false })],
    ['a node that nobody registered', replica(down, { record: { term: term({ nodes: ['a', 'c'] }) } })],
    [
      'a master that is still being made',
      replica(down, { record: { term: term({ pending: { epoch: EPOCH, node: 'a', former: null, inSync: [] } }) } }),
    ],
    ['a service without a master', replica(down, { record: { lease: null, masterRecord: null } })],
  ])('%s', (_what, state) => {
    expect(complainsOf(fresh(state, AFTER_MS + 1000))).toBe(null);
  });

  test('what an agent without proof from the ensemble sees', () => {
    expect(complainsOf(run(replica(down), 1000, AFTER_MS).state)).toBe(null);
  });

  test('what was so before another came to office', () => {
    const waits = fresh(replica(down), AFTER_MS - 500);
    const { cutOff } = waits;
    const another = run({ ...waits, cutOff: { ...cutOff!, epoch: EPOCH - 1 }, lastProofMs: waits.nowMs }, 1000);
    expect(complainsOf(another.state)).toBe(null);
  });
});

const complains = { complainsOf: EPOCH };

/** Five nodes: `a` is master, `b` is in sync, the others are what the test says. */
function deserted(change: { members?: Partial<Record<string, Partial<Member>>>; replicas?: RedisFacts['replicas'] }) {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const those: typeof change.members = change.members ?? { c: complains, d: complains, e: complains };
  const own = masterFacts({ replicas: change.replicas ?? [attached('b')] });
  const members = names.map((name) => member(name, those[name] ?? {}));
  return world('a', 'master', {
    own: sight(own), record: { members, term: term({ nodes: names, inSync: ['b'] }) },
  });
}
const isLeft = (state: State): boolean => isDeserted(state, state.records.term!.value, state.own.facts!);

describe('a master is deserted', () => {
  test('by a majority of its registered replicas', () => {
    expect(isLeft(deserted({}))).toBe(true);
    expect(isLeft(deserted({ members: { c: complains, d: complains } }))).toBe(false);
  });

  test.each<[string, RedisFacts['replicas'], boolean]>([
    ['one that it sees streaming is not believed', [attached('b'), attached('c')], false],
    ['nor one in a full sync', [attached('b'), attached('c', { state: 'send_bulk' })], false],
    ['one that has been silent for long is', [attached('b'), attached('c', { lagSeconds: 9 })], true],
  ])('%s', (_what, replicas, left) => {
    expect(isLeft(deserted({ replicas }))).toBe(left);
  });

  test('a complaint of another epoch counts for nothing', () => {
    const former = { complainsOf: EPOCH - 1 };
    expect(isLeft(deserted({ members: { c: former, d: complains, e: complains } }))).toBe(false);
  });
});

describe('a deserted master', () => {
  test('hands over to a replica that streams', () => {
    const played = run(deserted({}), 0);
    expect(roleIs(played.state, 'stepping_down')).toMatchObject({ because: 'complaint', alone: false });
    expect(played.does).toContain('fence_reversibly');
    expect(played.does).not.toContain('release');
  });

  test.each<[string, State]>([
    ['without anybody in sync', { ...deserted({}), ...withTerm({ inSync: [] }) }],
    ['whose replica in sync does not stream now', deserted({ replicas: [attached('b', { lagSeconds: 9 })] })],
    [
      'whose replica in sync complains itself',
      deserted({ members: { b: complains, c: complains, d: complains, e: complains } }),
    ],
  ])('%s stays, and says why', (_what, state) => {
    const played = run(state, 0);
    expect(played.state.role.name).toBe('master');
    expect(played.state.reasons).toContain('replicas_cut_off');
  });

  test('that came to office lately stays for a while: two who are reached equally badly must not take turns', () => {
    const state = deserted({});
    const lately = { ...state, role: { ...roleIs(state, 'master'), sinceMs: START_MS - 1000 } };
    expect(run(lately, 0).state.role.name).toBe('master');
    expect(run({ ...lately, lastProofMs: START_MS + 29_000, nowMs: START_MS + 29_000 }, 0).state.role.name)
      .toBe('stepping_down');
  });

  test('goes on when the ensemble falls silent before the office was given away, and asks for promises', () => {
    const fenced = ownAnswers({ ...deserted({}).own.facts!, minReplicas: 1_000_000 });
    const stepping = run({ ...deserted({}), agents: new Map([['b', { http: httpOf('b'), redis: redisOf('b') }]]) }, 0);
    const isFenced = answer(stepping.state, 'fence_reversibly');
    const back = run(stepping.state, { kind: 'session_disconnected' }, isFenced, fenced);
    expect(back.state.role.name).toBe('master');
    expect(back.does).toContain('set_min_replicas');
    expect(run(back.state, 1000, 1000, 500).does).toContain('ask_promises');
    const sent = run(stepping.state, fenced);
    expect(sent.does).toContain('release');
    expect(run(sent.state, { kind: 'session_disconnected' }, 500).state.role.name).toBe('stepping_down');
  });

  test('does not begin to hand over while the ensemble is silent', () => {
    const silent = run(deserted({}), { kind: 'session_disconnected' }, 500);
    expect(silent.state.role.name).toBe('master');
    expect(silent.state.reasons).toContain('replicas_cut_off');
  });

  test('in doubt about its lease does not hand over: it fences', () => {
    expect(run(deserted({}), 3600).state.role.name).toBe('master');
  });

  function withTerm(change: Parameters<typeof term>[0]): Pick<State, 'records'> {
    const { records } = deserted({});
    return { records: { ...records, term: { ...records.term!, value: { ...records.term!.value, ...change } } } };
  }
});

describe('a service of four', () => {
  function splitOff(...cut: readonly string[]): Village {
    const village = new Village(['a', 'b', 'c', 'd'], { bootstrapSettleMs: 100, failoverCalmMs: 1000 });
    village.pass(1000);
    village.redis('a').write(1000);
    village.pass(4000);
    expect(village.ensemble.records.term?.value.inSync).toEqual(['b', 'c', 'd']);
    for (const name of cut) village.redis('a').unreachableFor.add(name);
    return village;
  }

  test('two of three replicas lose the master: the third takes over, nothing is lost, and all are served', () => {
    const village = splitOff('c', 'd');
    village.pass(4000);
    village.redis('a').write(500);
    village.pass(5000);
    expect(village.roles()).toMatchObject({ a: 'replica', b: 'master' });
    expect(village.redis('b').keys).toBe(2);
    expect(village.writable()).toEqual(['b']);
    village.pass(3000);
    expect(village.ensemble.records.term?.value.inSync).toEqual(['a', 'c', 'd']);
    expect(village.redis('d').keys).toBe(2);
    const takeovers = village.journal.filter(({ by, action }) =>
      by === 'b' && action.kind === 'report' && action.event === 'epoch_claimed' && action.fields['takeover'] === true);
    expect(takeovers).toHaveLength(1);
  });

  test('one of three replicas alone changes nothing, and complains for as long as it lasts: two writes', () => {
    const village = splitOff('d');
    village.pass(20_000);
    expect(village.roles()).toMatchObject({ a: 'master' });
    expect(village.ensemble.records.members.get('d')?.value.complainsOf).toBe(1);
    village.redis('a').unreachableFor.clear();
    village.pass(3000);
    expect(village.ensemble.records.members.get('d')?.value.complainsOf).toBe(null);
    const writes = village.journal.filter(({ by, action }) => by === 'd' && action.kind === 'write_member');
    const said = writes.slice(-2).map(({ action }) => action.kind === 'write_member' && action.member.complainsOf);
    expect(said).toEqual([1, null]);
  });

  test('all three lose it: nobody is in sync any more, so the master stays and says why', () => {
    const village = splitOff('b', 'c', 'd');
    village.pass(20_000);
    expect(village.roles()).toMatchObject({ a: 'master' });
    expect(village.writable()).toEqual(['a']);
    expect(village.agent('a').state.reasons).toContain('replicas_cut_off');
  });

  test('a successor that dies before it claims does not end the service: the old master takes its office back', () => {
    const village = splitOff('c', 'd');
    village.interrupt = (by, action) => by === 'b' && action.kind === 'claim';
    village.pass(25_000);
    expect(village.writable()).toEqual(['a']);
    expect(village.roles()).toMatchObject({ a: 'master', b: 'dead' });
  });
});

test('an old record without the field is no complaint', () => {
  expect(member('b').complainsOf).toBe(null);
  const { state } = run(world('a', 'master'), ownSees({ seen: 'opened' }), remoteSees({ seen: 'closed' }));
  expect(state.cutOff).toBe(null);
});
