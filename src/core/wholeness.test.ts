// Wholeness: when a process of Redis holds everything that its node ever acknowledged, and when a ballot may say so.

import { describe, expect, test } from 'vitest';

import type { RedisFacts } from './facts.ts';
import type { Input } from './inputs.ts';
import type { SettingsRecord } from './records.ts';
import type { State } from './state.ts';
import {
  frozenFacts,
  kept,
  linkTo,
  masterFacts,
  nodeRecord,
  ownAnswers,
  reads,
  redisOf,
  remoteAnswers,
  replicaFacts,
  run,
  SHARED,
  sight,
  START_MS,
  term,
  world,
} from './testing/world.ts';
import { holdingOf, isWhole } from './wholeness.ts';

const DURABLE: SettingsRecord = { version: 1, ...SHARED, durability: 'durable' };

/** The replica's process was started anew: the registry speaks of another one. */
const restarted = (change: Partial<RedisFacts> = {}): RedisFacts => replicaFacts('b', { runId: 'new-b', ...change });
const beside = (facts: RedisFacts): State =>
  world('b', 'replica', { own: sight(facts), record: { settings: DURABLE } });
const whole = (state: State): boolean => state.own.facts !== null && isWhole(state, state.own.facts, term());
const masterAt = (offset: number) => remoteAnswers(masterFacts({ offset }));

describe('a process that was started anew', () => {
  const before = beside(restarted({ offset: 600 }));
  const at = (offset: number) => ownAnswers(restarted({ offset }));

  test('is not whole when its link comes up, nor at the offset of a question from before', () => {
    expect(whole(run(before, at(600)).state)).toBe(false);
    expect(whole(run(before, at(600), masterAt(600), at(600), at(600)).state)).toBe(false);
  });

  test('is not whole while it is behind the offset that the master had by then', () => {
    expect(whole(run(before, at(600), masterAt(900), masterAt(1000), at(999)).state)).toBe(false);
  });

  test('is whole once it reached it', () => {
    const after = run(before, at(600), masterAt(900), masterAt(1000), at(999), at(1000));
    expect(whole(after.state)).toBe(true);
    expect(after.state.wholeRunId).toBe('new-b');
  });

  test('begins anew when its link went down, and with every other process of the master', () => {
    const down = ownAnswers(restarted({ offset: 700, link: linkTo(redisOf('a'), { up: false }) }));
    expect(run(before, at(600), masterAt(900), masterAt(1000), down).state.catchUp).toBe(null);
    const other = remoteAnswers(masterFacts({ runId: 'other', offset: 1 }));
    expect(run(before, at(600), other).state.catchUp).toBe(null);
  });

  test('is not whole at the offset of another history', () => {
    const strange = ownAnswers(restarted({ offset: 5000, replid: 'x' }));
    expect(whole(run(before, at(600), masterAt(900), masterAt(1000), strange).state)).toBe(false);
  });
});

describe('evidence of a process that nobody watched', () => {
  const facts = frozenFacts('b');
  const state = (nodes: readonly ReturnType<typeof nodeRecord>[]): State =>
    world('b', 'candidate', { own: sight(facts), record: { settings: DURABLE, nodes } });
  test.each([
    ['the registry saw this process whole', true, [nodeRecord('b')]],
    ['the registry saw another process', false, [nodeRecord('b', { runId: 'former' })]],
    ['the registry saw it, but not whole', false, [nodeRecord('b', { whole: false })]],
    ['the registry knows nothing of it', false, []],
  ])('%s: %s', (_what, is, nodes) => {
    expect(isWhole(state(nodes), facts, term())).toBe(is);
  });

  test('the master of the term is whole, unless it only claimed', () => {
    const own = frozenFacts('a');
    const master = world('a', 'candidate', { own: sight(own), record: { nodes: [] } });
    expect(isWhole(master, own, term())).toBe(true);
    expect(isWhole(master, own, term({ pending: { epoch: 5, node: 'a', former: null, inSync: [] } }))).toBe(false);
  });

  test('a master that was restarted under its lease does not record what it brought back', () => {
    const restart = world('a', 'master', { own: sight(masterFacts({ runId: 'new-a' })) });
    const told = run(restart, 0);
    expect(told.does).toContain('release');
    expect(told.does).not.toContain('write_node');
    expect(whole(told.state)).toBe(false);
  });

  test('half of a dataset is never whole', () => {
    const half = { ...state([nodeRecord('b')]), own: sight(facts, { halfSynced: true }) };
    expect(isWhole(half, facts, term())).toBe(false);
    expect(holdingOf(half, facts, term())).toBe('nothing');
  });
});

describe('a process that stood still while its node was started elsewhere', () => {
  const own = sight(frozenFacts('b'));
  const wasWhole = world('b', 'candidate', { own, wholeRunId: 'run-b', record: { settings: DURABLE, nodes: [] } });
  const recorded = (runId: string): Input =>
    reads({ record: 'nodes', name: 'b', kept: kept(nodeRecord('b', { runId, whole: false })) });

  test('is whole no longer, not even when the registry names it again', () => {
    expect(whole(wasWhole)).toBe(true);
    expect(whole(run(wasWhole, recorded('elsewhere')).state)).toBe(false);
    expect(whole(run(wasWhole, recorded('elsewhere'), recorded('run-b')).state)).toBe(false);
  });

  test('stays whole where the registry names it, or the record is another node\'s', () => {
    expect(whole(run(wasWhole, recorded('run-b')).state)).toBe(true);
    const ofC = reads({ record: 'nodes', name: 'c', kept: kept(nodeRecord('c')) });
    expect(whole(run(wasWhole, ofC).state)).toBe(true);
  });

  test('catches up anew, with the offsets that the master has by now', () => {
    const before = beside(restarted({ offset: 600 }));
    const at = (offset: number) => ownAnswers(restarted({ offset }));
    const halfWay = run(before, at(600), masterAt(900), masterAt(1000)).state;
    expect(halfWay.catchUp?.mark).toBe(1000);
    expect(run(halfWay, recorded('elsewhere')).state.catchUp).toBe(null);
    expect(whole(run(halfWay, recorded('elsewhere'), at(1000)).state)).toBe(false);
    expect(whole(run(halfWay, recorded('run-b'), at(1000)).state)).toBe(false);
    expect(whole(run(halfWay, recorded('new-b'), at(1000)).state)).toBe(true);
  });
});

describe('what a ballot says', () => {
  const linkDown = linkTo({ host: '127.0.0.1', port: 1 }, { up: false, everUp: false });
  test.each<[string, RedisFacts]>([
    ['whole', frozenFacts('b')],
    ['stream', replicaFacts('b')],
    ['stream', masterFacts({ runId: 'run-b' })],
    ['whole', masterFacts({ runId: 'run-b', minReplicas: 1_000_000 })],
    ['stream', frozenFacts('b', { runId: 'new-b' })],
    ['disk', frozenFacts('b', { runId: 'new-b', link: linkDown })],
    ['nothing', frozenFacts('b', { runId: 'new-b', link: linkDown, keys: 0 })],
  ])('%s', (holds, facts) => {
    expect(holdingOf(world('b', 'candidate', { own: sight(facts) }), facts, term())).toBe(holds);
  });

  test('in durable mode a node of priority 0 stops its stream too, so that it counts', () => {
    const own = sight(replicaFacts('b', { priority: 0, link: linkTo(redisOf('a'), { up: false }) }));
    const change = { own, record: { settings: DURABLE, lease: null } };
    expect(run(world('b', 'candidate', change), 0).does).toContain('freeze');
    const later = run(world('b', 'candidate', { ...change, own: sight(frozenFacts('b', { priority: 0 })) }), 0);
    const [cast] = later.actions.filter((action) => action.kind === 'cast_ballot');
    expect(cast?.ballot).toMatchObject({ refusal: 'priority_zero', holds: 'whole' });
  });
});

describe('in durable mode a replica follows', () => {
  const free = sight(frozenFacts('b'));

  test('nobody before it is registered', () => {
    const record = { settings: DURABLE, term: term({ nodes: ['a', 'c'], inSync: ['c'] }) };
    const played = run(world('b', 'replica', { own: free, record }), 0);
    expect(played.does).not.toContain('follow');
    expect(played.state.reasons).toContain('awaiting_registration');
  });

  test('only a lease that stood after its ballot was gone', () => {
    const change = { own: free, record: { settings: DURABLE }, ballotSeenMs: START_MS };
    const played = run(world('b', 'replica', change), 0);
    expect(played.does).toContain('heartbeat');
    expect(played.does).not.toContain('follow');
    const confirmed = run(world('b', 'replica', { ...change, ballotSeenMs: START_MS - 1 }), 0);
    expect(confirmed.does).toContain('follow');
  });

  test('a claim that it never carried out is not adopted by a fresh agent, but put to the vote', () => {
    const twin = { instance: 'instance-a', as: 'refused' } as const;
    const base = world('a', 'replica', { twin, own: sight(frozenFacts('a')), record: { settings: DURABLE } });
    const lease = base.records.lease && { ...base.records.lease, znode: { ...base.records.lease.znode, owner: 77n } };
    const fresh = { ...base, settings: { ...base.settings, instance: 'other' }, records: { ...base.records, lease } };
    const does = run(fresh, 0).does;
    expect(does).toContain('release');
    expect(does).not.toContain('claim');
  });
});
