// The claim: what a new epoch is, and whose master record is foreign.

import { describe, expect, test } from 'vitest';

import type { ClaimPlan } from './claim.ts';
import { claimedTerm, foreignRecord, isOwnEarlierRecord, nextEpoch, ownBallot } from './claim.ts';
import {
  ballot, EPOCH, facts, frozenFacts, kept, lease, masterRecord, member, readsLease, redisOf, roleIs, run, runIdOf,
  sessionOf, sight, term, world,
} from './testing/world.ts';
import type { RecordsChange } from './testing/world.ts';

const plan = (of = term(), inSync: readonly string[] = []): ClaimPlan => ({
  term: kept(of),
  facts: facts('b'),
  inSync,
  deposed: { name: 'a', runId: runIdOf('a'), redis: redisOf('a') },
  takeover: false,
  removeLease: false,
  adopt: false,
});

describe('the next epoch is above everything that anybody remembers (I1)', () => {
  test.each([
    ['the term', world('b', 'candidate'), EPOCH + 1],
    ['this agent', world('b', 'candidate', { rememberedEpoch: 40 }), 41],
    [
      'another member',
      world('b', 'starting', { record: { term: null, members: [member('c', { rememberedEpoch: 12 })] } }),
      13,
    ],
    ['nobody at all', world('b', 'starting', { rememberedEpoch: 0, record: { term: null } }), 1],
  ])('%s', (_who, state, epoch) => {
    expect(nextEpoch(state)).toBe(epoch);
  });
});

describe('the term that a claim writes', () => {
  const state = world('b', 'candidate');

  test('names its master and the pending entry, registers it, and takes it out of its own in-sync set', () => {
    const claimed = claimedTerm(state, plan(term({ nodes: ['a', 'c'] }), ['b', 'c']), 6);
    expect(claimed).toMatchObject({
      epoch: 6,
      master: { name: 'b', runId: runIdOf('b'), redis: redisOf('b') },
      nodes: ['a', 'b', 'c'],
      inSync: ['c'],
      pending: { epoch: 6, node: 'b', former: { name: 'a', runId: runIdOf('a'), redis: redisOf('a') } },
    });
  });

  test('keeps the lineage', () => {
    expect(claimedTerm(state, plan(), 6).lineage).toEqual(term().lineage);
  });

  test('begins a lineage of its own where an operator designated the node', () => {
    expect(
      claimedTerm(state, plan(term({ designated: 'b', master: null })), 6),
    ).toMatchObject({ lineage: [], designated: null });
  });

  test('of a first start knows nobody else', () => {
    const first = claimedTerm(state, { ...plan(), term: null }, 1);
    expect(first).toMatchObject({ nodes: ['b'], inSync: [], lineage: [], settingsVersion: 1 });
  });
});

describe('a foreign master record', () => {
  const record = (owner: bigint, change: RecordsChange = {}): RecordsChange => ({
    masterRecord: kept(masterRecord('x'), { owner }),
    ...change,
  });
  test.each([
    ['there is none', { masterRecord: null }, false],
    ['the lease holder\'s', record(sessionOf('a')), false],
    ['our own', record(sessionOf('b')), false],
    [
      'of the lease that just went',
      record(sessionOf('a'), { lease: null, members: [member('b'), member('c')] }),
      false,
    ],
    ['of a living agent of ours that holds no lease', record(sessionOf('c')), false],
    ['of a session that never held a lease', record(77n), true],
    [
      'of such a session beside a lease of ours',
      record(77n, { lease: kept(lease('b'), { owner: sessionOf('b') }) }),
      true,
    ],
  ])('%s', (_whose, change, foreign) => {
    expect(foreignRecord(world('b', 'replica', { record: change })) !== null).toBe(foreign);
  });

  test('not that of a lease before the last, whose end an agent that stood still learns of first', () => {
    const next = readsLease(kept(lease('a', { epoch: EPOCH + 1 }), { owner: 91n }));
    const without = { own: sight(frozenFacts('b')), record: { members: [member('b'), member('c')] } };
    const played = run(world('b', 'replica', without), next, readsLease(null));
    expect(played.state.records.masterRecord?.znode.owner).toBe(sessionOf('a'));
    expect(foreignRecord(played.state)).toBe(null);
    expect(roleIs(played.state, 'candidate').epoch).toBe(EPOCH);
  });

  test('one with our own name and address is of our own earlier session', () => {
    const state = world('b', 'replica');
    expect(isOwnEarlierRecord(state, masterRecord('b'))).toBe(true);
    expect(isOwnEarlierRecord(state, masterRecord('a'))).toBe(false);
    expect(isOwnEarlierRecord(state, { ...masterRecord('b'), port: '1' })).toBe(false);
  });
});

test('our ballot counts for the term it speaks of', () => {
  const state = world('b', 'candidate', { record: { ballots: [ballot('b')] } });
  expect(ownBallot(state, term())).toEqual(ballot('b'));
  expect(ownBallot(state, term({ epoch: EPOCH + 1 }))).toBe(null);
});
