// Who waits, for a promise to end, for a pause, for its own term or lease, looks after the data of its Redis meanwhile.

import { expect, test } from 'vitest';

import {
  kept, lease, linkTo, masterFacts, readsLease, redisOf, replicaFacts, run, runIdOf, sessionOf, sight, START_MS, T_MS,
  term, world,
} from './testing/world.ts';

const broken = { up: false, syncInProgress: false } as const;
const silent = sight(masterFacts(), { silentSinceMs: START_MS - 100 });
const streaming = (link: Parameters<typeof linkTo>[1] = {}) =>
  replicaFacts('b', { announced: redisOf('b'), link: linkTo(redisOf('a'), link) });

const promise = { to: 'a', epoch: 5, redis: redisOf('a'), sinceMs: START_MS, untilMs: START_MS + T_MS };
const designating = term({ master: null, inSync: [], lineage: [], designated: 'b' });
test.each(['candidate', 'replica'] as const)('a bound %s under a term that only designates', (role) => {
  const own = sight(streaming(broken), { unlinkedSinceMs: START_MS });
  const record = { lease: null, masterRecord: null, term: designating };
  const state = world('b', role, { own, remote: silent, remoteTarget: null, promise, record });
  expect(run(state, 20).does).toContain('freeze');
});

test('a designated candidate that waits for the end of a pause', () => {
  const own = sight(streaming(broken), { unlinkedSinceMs: START_MS });
  const record = { lease: null, masterRecord: null, term: designating };
  const base = world('b', 'candidate', { own, remote: silent, remoteTarget: null, record });
  const state = {
    ...base,
    operations: { ...base.operations, pause: { czxid: 1n, version: 0, endsAtMs: START_MS + 60_000 } },
  };
  const played = run(state, 20, 2000);
  expect(played.does).not.toContain('claim');
  expect(played.does).toContain('freeze');
});

const claimed = {
  epoch: 6, deposed: redisOf('a'), takeover: true, fenced: false, adopt: false, former: term(), atMs: START_MS,
};
const mine = kept(lease('b', { epoch: 6 }), { owner: sessionOf('b') });
test('a candidate that read its lease, and lost the ensemble before it read the term: leaves without proof', () => {
  const record = { lease: null, masterRecord: null };
  const state = world('b', 'candidate', { own: sight(streaming()), record, claimed });
  const played = run(state, readsLease(mine), { kind: 'session_disconnected' }, T_MS, 10);
  expect(played.state.role.name).toBe('candidate');
  expect(played.does).toContain('freeze');
});
test('a candidate that read its lease, and lost the ensemble before it read the term: leaves a broken stream', () => {
  const own = sight(streaming(broken), { unlinkedSinceMs: START_MS });
  const state = world('b', 'candidate', { own, remote: silent, record: { lease: null, masterRecord: null }, claimed });
  // The order in which a reconnected agent reads: not synced yet.
  const played = run({ ...state, synced: false }, readsLease(mine), { kind: 'session_disconnected' }, 20);
  expect(played.does).toContain('freeze');
});

const earlier = kept(lease('b', { epoch: 6, instance: 'b-earlier' }), { owner: 77n });
const ofB = term({
  epoch: 6, master: { name: 'b', runId: runIdOf('b'), redis: redisOf('b') }, inSync: ['c'],
  pending: { epoch: 6, node: 'b', former: term().master, inSync: ['b', 'c'] },
});
const reclaiming = (link: Parameters<typeof linkTo>[1]) => world('b', 'replica', {
  own: sight(streaming(link), { unlinkedSinceMs: link?.up === false ? START_MS : null }), remote: silent,
  record: { lease: earlier, masterRecord: null, term: ofB }, twin: { instance: 'b-earlier', as: 'refused' },
});
test('a restarted agent that cannot release its earlier lease leaves the deposed master without proof', () => {
  const played = run(reclaiming({}), { kind: 'session_disconnected' }, T_MS, 10);
  expect(played.state.role.name).toBe('replica');
  expect(played.does).toContain('freeze');
});
test('a restarted agent that cannot release its earlier lease leaves a broken stream', () => {
  const played = run(reclaiming(broken), { kind: 'session_disconnected' }, 20);
  expect(played.does).toContain('freeze');
});
