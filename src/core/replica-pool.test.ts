// The entry in the pool of replicas: it stands while this node is one that may be read from, and never for longer.

import { expect, test } from 'vitest';

import { poolEntryOf } from './replica-pool.ts';
import type { Role } from './role.ts';
import type { State } from './state.ts';
import {
  EPOCH, frozenFacts, kept, lease, linkTo, masterRecord, member, readsLease, redisOf, replicaFacts, run, sessionOf,
  settings, sight, START_MS, term, world,
} from './testing/world.ts';
import type { Change } from './testing/world.ts';

const published = (change: Change = {}, role: Role['name'] = 'replica'): State =>
  world('b', role, { settings: settings('b', { publishReplicas: true }), ...change });

test('stands for a replica in sync, and names the version of the term that says so', () => {
  const entry = { entry: 'stands', record: masterRecord('b'), termVersion: 7 };
  expect(poolEntryOf(published())).toEqual(entry);
});

test('is left alone where nobody asked for it', () => {
  expect(poolEntryOf(world('b', 'replica'))).toEqual({ entry: 'left' });
});

test.each<[string, State]>([
  ['of a replica out of sync', published({ record: { term: term({ inSync: ['c'] }) } })],
  ['of one whose link is down', published({
    own: sight(replicaFacts('b', { link: linkTo(redisOf('a'), { up: false }) })),
  })],
  ['of one that follows a former master', published({
    record: { lease: kept(lease('c', { epoch: EPOCH + 1 }), { owner: sessionOf('c') }) },
  })],
  ['of one that hangs', published({ own: sight(replicaFacts('b'), { silentSinceMs: START_MS - 1 }) })],
  ['of a disabled one', published({ enabled: false })],
  ['of one that stops', published({ stopping: { sinceMs: START_MS } })],
  ['while there is no master', published({ record: { lease: null } })],
  ['while a new one is not promoted yet', published({
    record: { term: term({ pending: { epoch: EPOCH, node: 'a', former: null, inSync: [] } }) },
  })],
  ['of a candidate', published({ own: sight(frozenFacts('b')) }, 'candidate')],
  ['of the master', { ...world('a', 'master'), settings: settings('a', { publishReplicas: true }) }],
])('must not stand: %s', (_case, state) => {
  expect(poolEntryOf(state)).toEqual({ entry: 'none' });
});

test.each<[string, State]>([
  ['nobody hears us', published({ session: { id: sessionOf('b'), timeoutMs: 6000, connected: false } })],
  ['the records are being read again', published({ synced: false })],
  ['another session has our name', published({ session: { id: 99n, timeoutMs: 6000, connected: true } })],
  ['our name is not taken yet', published({ record: { members: [member('a')] } })],
])('is not ours to change while %s', (_case, state) => {
  expect(poolEntryOf(state)).toEqual({ entry: 'left' });
});

test('goes in the turn in which the master is gone', () => {
  expect(poolEntryOf(run(published(), readsLease(null)).state)).toEqual({ entry: 'none' });
});
