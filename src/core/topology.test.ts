import { expect, test } from 'vitest';
import type { Topology } from '../contract/topology.ts';
import { topologyOf } from './topology.ts';
import { member, NAMES, nodeRecord, redisOf, runIdOf, world } from './testing/world.ts';

const named = (topology: Topology): (string | null)[] => topology.replicas.map(({ name }) => name);

test('every agent sees the same master, and the others as its replicas', () => {
  for (const self of NAMES) {
    const topology = topologyOf(world(self, self === 'a' ? 'master' : 'replica'));
    expect(topology.master, self).toEqual({ name: 'a', runId: runIdOf('a'), ...redisOf('a') });
    expect(named(topology), self).toEqual(['b', 'c']);
    expect([topology.liveAgents, topology.nodes.length, topology.epoch]).toEqual([3, 3, 5]);
  }
});

test('a master that is fenced, in doubt, or giving up is none to send clients to', () => {
  const serving = world('a', 'master');
  const { role, own } = serving;
  expect(role.name).toBe('master');
  if (role.name !== 'master' || own.facts === null) return;
  const late = { ...serving, nowMs: serving.lastProofMs + 3500 };
  const doubtful = { ...serving, role: { ...role, inDoubt: true } };
  const fenced = { ...serving, own: { ...own, facts: { ...own.facts, minReplicas: 1_000_000 } } };
  for (const state of [late, doubtful, fenced]) expect(topologyOf(state).master).toBeNull();
  expect(topologyOf(serving).master?.name).toBe('a');
});

test('an agent without proof of the ensemble for a session knows of no master', () => {
  const state = world('b', 'replica');
  const late = { ...state, nowMs: state.lastProofMs + 6000 };
  expect(topologyOf(late)).toMatchObject({ seesEnsemble: false, master: null });
  expect(topologyOf({ ...state, synced: false })).toMatchObject({ seesEnsemble: false, master: null });
});

test('between claim and announcement there is an elected one and no master', () => {
  const state = world('b', 'replica');
  const before = { ...state, records: { ...state.records, masterRecord: null } };
  expect(topologyOf(before)).toMatchObject({ master: null, elected: 'a', lastMaster: { name: 'a' } });
});

test('its own agent, which saw it promoted, does not wait for the announcement to be written', () => {
  const state = world('a', 'master');
  const before = { ...state, records: { ...state.records, masterRecord: null } };
  expect(topologyOf(before).master?.name).toBe('a');
  expect(topologyOf({ ...before, records: { ...before.records, lease: null } }).master).toBeNull();
  expect(topologyOf({ ...before, synced: false }).master).toBeNull();
});

test('only agents that say where they answer are Sentinels', () => {
  const state = world('a', 'master');
  expect(topologyOf(state).agents).toEqual([]);
  const kept = state.records.members.get('b');
  expect(kept).toBeDefined();
  if (kept === undefined) return;
  const sentinel = { host: '10.0.0.b', port: 26379 };
  const members = new Map([...state.records.members, ['b', { ...kept, value: { ...kept.value, sentinel } }]]);
  expect(topologyOf({ ...state, records: { ...state.records, members } }).agents).toEqual([{ name: 'b', ...sentinel }]);
});

test('a replica takes reads unless an operator keeps them away, or takes it out', () => {
  const members = NAMES.map((name) => member(name, { noRead: name === 'b' }));
  const nodes = NAMES.map((name) => nodeRecord(name, { disabled: name === 'c' }));
  type Seen = ReturnType<typeof world>;
  const reads = (state: Seen): unknown[] => topologyOf(state).replicas.map(({ takesReads }) => takesReads);
  expect(reads(world('a', 'master'))).toEqual([true, true]);
  expect(reads(world('a', 'master', { record: { members } }))).toEqual([false, true]);
  expect(reads(world('a', 'master', { record: { nodes } }))).toEqual([true, false]);
});
