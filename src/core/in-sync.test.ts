// The in-sync set: who joins, who leaves, in which order with the dead-man.

import { describe, expect, test } from 'vitest';

import type { ReplicaFacts } from './facts.ts';
import {
  attachedReplicas, ATTACH_GRACE_MS, hasUnregistered, MAX_LAG_SECONDS, seeReplicas, wantedTerm,
} from './in-sync.ts';
import type { State } from './state.ts';
import {
  attached, EPOCH, frozenFacts, masterFacts, member, nodeRecord, only, OLD_REPLID, ownAnswers, REPLID, roleIs, run,
  readsTerm, sight, START_MS, term, world,
} from './testing/world.ts';
import type { Change } from './testing/world.ts';

const master = (replicas: readonly ReplicaFacts[], change: Change = {}): State =>
  world('a', 'master', { own: sight(masterFacts({ replicas })), ...change });

const wantedBy = (state: State) =>
  wantedTerm(state, roleIs(state, 'master'), state.records.term!.value, seeReplicas(state, state.own.facts!));

const inSyncOf = (state: State): readonly string[] | null => wantedBy(state)?.inSync ?? null;

describe('growing', () => {
  const nobody = { record: { term: term({ inSync: [] }) } };
  const noDeadMan = (replicas: readonly ReplicaFacts[]) => masterFacts({ replicas, minReplicas: 0 });

  test('first the dead-man is raised, then seen raised, then the larger set is committed', () => {
    const both = [attached('b'), attached('c')];
    const first = run(master([], { ...nobody, own: sight(noDeadMan(both)) }), 0);
    expect(first.does).toEqual(['set_min_replicas']);
    expect(only(first, 'set_min_replicas').minReplicas).toBe(1);
    const second = run(first.state, ownAnswers(masterFacts({ replicas: both })));
    expect(only(second, 'write_term').term.inSync).toEqual(['b', 'c']);
  });

  test('a replica counts once it acknowledged what the master had when it was first seen online', () => {
    const start = master([], { ...nobody, own: sight(noDeadMan([attached('b', { offset: 0 })])) });
    const seen = run(start, 0);
    expect(seen.does).toEqual([]);
    const sinceMs = seen.state.nowMs;
    expect(roleIs(seen.state, 'master').attaching).toEqual(new Map([['b', { offset: 1000, sinceMs }]]));
    const later = (offset: number) => ownAnswers({ ...noDeadMan([attached('b', { offset })]), offset: 5000 });
    expect(run(seen.state, later(999)).does).toEqual([]);
    expect(run(seen.state, later(1000)).does).toEqual(['set_min_replicas']);
  });

  test('offset 0 is no acknowledgement until time tells: the stream may not have begun', () => {
    const zero = (lagSeconds: number) => ({ ...noDeadMan([attached('b', { offset: 0, lagSeconds })]), offset: 0 });
    const seen = run(master([], { ...nobody, own: sight(zero(0)) }), 0);
    expect(seen.does).toEqual([]);
    expect(run(seen.state, 2900, ownAnswers(zero(1))).does).not.toContain('set_min_replicas');
    expect(run(seen.state, 3000, ownAnswers(zero(2))).does).not.toContain('set_min_replicas');
    expect(run(seen.state, 3000, ownAnswers(zero(1))).does).toContain('set_min_replicas');
  });

  test.each<[string, ReplicaFacts]>([
    ['still in its full sync', attached('b', { state: 'send_bulk' })],
    ['lagging', attached('b', { lagSeconds: MAX_LAG_SECONDS + 1 })],
    ['of no member', { ...attached('b'), host: '10.9.9.9' }],
    ['ourselves', attached('a')],
  ])('a replica that is %s does not join', (_what, replica) => {
    expect(inSyncOf(run(master([replica], nobody), 0).state)).toBe(null);
  });

  test('a disabled node does not join', () => {
    const record = { term: term({ inSync: [] }), nodes: [nodeRecord('a'), nodeRecord('b', { disabled: true })] };
    expect(inSyncOf(run(master([attached('b')], { record }), 0).state)).toBe(null);
  });

  test('who joins is registered', () => {
    const record = { term: term({ inSync: [], nodes: ['a'] }) };
    const state = run(master([attached('b')], { record }), 0).state;
    expect(
      wantedBy(state)?.nodes,
    ).toEqual(['a', 'b']);
  });
});

describe('shrinking', () => {
  test.each<[string, readonly ReplicaFacts[], readonly string[] | null]>([
    ['everybody streams: nothing changes', [attached('b'), attached('c')], null],
    ['one is gone', [attached('b')], ['b']],
    ['one lags', [attached('b'), attached('c', { lagSeconds: MAX_LAG_SECONDS + 1 })], ['b']],
    ['one syncs again', [attached('b', { state: 'wait_bgsave' }), attached('c')], ['c']],
    ['all are gone', [], []],
  ])('%s', (_what, replicas, inSync) => {
    expect(inSyncOf(master(replicas))).toEqual(inSync);
  });

  test('a disabled node leaves even while it streams', () => {
    const record = { nodes: [nodeRecord('b', { disabled: true })] };
    expect(inSyncOf(master([attached('b'), attached('c')], { record }))).toEqual(['c']);
  });

  test('a set never grows in the write in which it shrinks', () => {
    const record = { term: term({ inSync: ['b'] }) };
    const state = run(master([attached('c')], { record }), 0).state;
    expect(inSyncOf(state)).toEqual([]);
  });

  test('whom its Redis showed before this office began does not join by that', () => {
    const role = { ...roleIs(world('a', 'master'), 'master'), sinceMs: START_MS + 1 };
    const record = { term: term({ inSync: [] }) };
    const before = run(master([attached('b')], { role, record }), 1).state;
    expect(roleIs(before, 'master').joining).toEqual([]);
    const seen = run(before, ownAnswers(masterFacts({ replicas: [attached('b')] }))).state;
    expect(roleIs(seen, 'master').joining).toEqual(['b']);
  });

  test('a new master waits for those whom its claim kept, but not for ever', () => {
    const role = { ...roleIs(world('a', 'master'), 'master'), sinceMs: START_MS };
    const young = master([attached('b')], { role });
    expect(run(young, ATTACH_GRACE_MS - 1).does).toEqual([]);
    expect(only(run(young, ATTACH_GRACE_MS), 'write_term').term.inSync).toEqual(['b']);
  });

  test('during that time a disabled node leaves all the same', () => {
    const role = { ...roleIs(world('a', 'master'), 'master'), sinceMs: START_MS };
    expect(inSyncOf(master([], { role, record: { nodes: [nodeRecord('b', { disabled: true })] } }))).toEqual(['c']);
  });
});

describe('the first write after a promotion', () => {
  const pending = term({
    pending: { epoch: EPOCH, node: 'a', former: null, inSync: [] },
    lineage: [{ epoch: 4, replid: OLD_REPLID, offset: 100 }],
  });

  test('names the new lineage entry where replid2 ended, and clears the pending claim', () => {
    const played = run(master([attached('b'), attached('c')], { record: { term: pending } }), 0);
    const { term: written, version } = only(played, 'write_term');
    expect(written).toMatchObject({ pending: null, epoch: EPOCH });
    expect(written.lineage.at(-1)).toEqual({ epoch: EPOCH, replid: REPLID, offset: 500 });
    expect(version).toBe(7);
  });

  test('is not repeated once it was read back', () => {
    const played = run(master([attached('b'), attached('c')], { record: { term: pending } }), 0);
    const { term: written } = only(played, 'write_term');
    expect(run(played.state, readsTerm(written)).does).toEqual([]);
  });
});

test('attached replicas are known by the address of their member', () => {
  const state = master([attached('b'), attached('c')], { record: { members: [member('a'), member('b')] } });
  expect([...attachedReplicas(state, state.own.facts!).keys()]).toEqual(['b']);
  expect(hasUnregistered(state, state.own.facts!)).toBe(true);
  expect([...run(state, 0).state.reasons]).toContain('unregistered_replica');
});

describe('what an operator told a node', () => {
  const frozen = { own: sight(frozenFacts('b', { offset: 900 })), alertUntilMs: START_MS };
  const recorded = nodeRecord('b', { disabled: true });

  test('is recorded while its link is down, and nothing else is: a new master looks at the record', () => {
    const disabled = world('b', 'replica', { ...frozen, enabled: false, record: { nodes: [recorded] } });
    expect(run(disabled, 0).does).not.toContain('write_node');
    const enabled = run(disabled, { kind: 'order', order: { order: 'enable' } });
    expect(only(enabled, 'write_node').node).toEqual({ ...recorded, disabled: false });
  });
});
