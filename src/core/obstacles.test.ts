// What forbids an agent to touch anything at all.

import { expect, test } from 'vitest';

import { isLoopback, obstacle } from './obstacles.ts';
import type { State } from './state.ts';
import { kept, member, replicaFacts, runIdOf, settings, sight, world } from './testing/world.ts';
import type { Change } from './testing/world.ts';

const seeing = (change: Parameters<typeof replicaFacts>[1], rest: Change = {}): State =>
  world('b', 'replica', { own: sight(replicaFacts('b', change)), ...rest });

const twin = (as: 'same' | 'other' | 'refused' | 'silent'): State => {
  const state = world('b', 'starting', { twin: { instance: 'other', as } });
  const theirs = kept(member('b', { instance: 'other' }), { owner: 99n });
  return { ...state, records: { ...state.records, members: new Map(state.records.members).set('b', theirs) } };
};

const loopback = { host: '127.0.0.1', port: 6379 };

test.each<[string, State, string | null]>([
  ['nothing', world('b', 'replica'), null],
  ['a Redis that was not seen yet', world('b', 'replica', { own: sight(null) }), null],
  ['cluster mode', seeing({ mode: 'cluster' }), 'cluster_mode'],
  ['an active replica', seeing({ activeReplica: true }), 'active_replica'],
  ['Redis 6.0', seeing({ version: '6.0.16' }), 'redis_too_old'],
  ['Redis 5', seeing({ version: '5.0.3' }), 'redis_too_old'],
  ['Redis 6.2', seeing({ version: '6.2.0' }), null],
  ['Valkey 8', seeing({ version: '8.1.3' }), null],
  ['the Redis of another node', seeing({ runId: runIdOf('c') }), 'duplicate_run_id'],
  ['a loopback address among others', seeing({}, { settings: settings('b', { redis: loopback }) }), 'loopback_host'],
  ['a living twin', twin('same'), 'duplicate_node_name'],
  ['a twin that is gone', twin('refused'), null],
])('%s: %s', (_what, state, reason) => {
  expect(obstacle(state)).toBe(reason);
});

test('a whole service on loopback is no obstacle', () => {
  const members = ['a', 'b', 'c'].map((name, i) => member(name, { redis: { host: '127.0.0.1', port: 6000 + i } }));
  expect(obstacle(seeing({}, { settings: settings('b', { redis: loopback }), record: { members } }))).toBe(null);
});

test.each(
  [['127.0.0.1', true], ['127.9.9.9', true], ['localhost', true], ['::1', true], ['10.0.0.1', false], ['redis', false]],
)(
  '%s is loopback: %s',
  (host, is) => {
    expect(isLoopback(host)).toBe(is);
  },
);
