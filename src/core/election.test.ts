// Election: which ballot wins, whom one waits for, and what proves a death.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { compareStandings, deathIsProved, electionOutcome, ineligible, keptInSync, ranked } from './election.ts';
import type { ElectionInput } from './election.ts';
import { comparePositions, positionOf } from './lineage.ts';
import type { Ballot } from './records.ts';
import { ballot, EPOCH, OLD_REPLID, REPLID, term } from './testing/world.ts';

const standing = (name: string, change: Partial<Ballot> = {}, position = { entry: 1, offset: 1000 }) => ({
  ballot: ballot(name, change),
  position,
});

function election(change: Partial<ElectionInput>): ElectionInput {
  const electors = ['a', 'b', 'c'].map((name) => ({ name, live: name !== 'a' }));
  const rules = { waitReplicas: null, lagBytes: 0 };
  return { term: term(), ballots: [], electors, elapsedMs: 0, settleMs: 1000, rules, ...change };
}

const winner = (change: Partial<ElectionInput>): string | null => {
  const outcome = electionOutcome(election(change));
  return outcome.result === 'winner' ? outcome.ballot.name : null;
};

describe('with priority_lag_bytes', () => {
  const at = (name: string, offset: number, priority: number) => standing(name, { priority }, { entry: 1, offset });
  const order = (lagBytes: number, ...standings: readonly ReturnType<typeof at>[]): string =>
    ranked(standings, lagBytes).map(({ ballot: { name } }) => name).join('');

  test('the priority decides among those that are near the best', () => {
    expect(order(100, at('a', 1000, 10), at('b', 900, 5), at('c', 899, 1))).toBe('bac');
  });

  test('of 0 the position decides', () => {
    expect(order(0, at('a', 1000, 10), at('b', 999, 5))).toBe('ab');
  });

  test('among equal priorities the position decides', () => {
    expect(order(100, at('a', 950, 5), at('b', 1000, 5))).toBe('ba');
  });

  test('another lineage entry is not near', () => {
    const former = standing('b', { priority: 1 }, { entry: 0, offset: 1000 });
    expect(order(100, at('a', 1000, 10), former)).toBe('ab');
  });
});

describe('the better ballot, first difference decides', () => {
  const best = { offset: 9999, priority: 1 } as const;
  test.each([
    [
      'the designated node before an incumbent',
      standing('z', { standing: 'designated' }),
      standing('a', { standing: 'incumbent', ...best }),
    ],
    [
      'the incumbent before a linked one',
      standing('z', { standing: 'incumbent' }),
      standing('a', { standing: 'linked', ...best }),
    ],
    [
      'a linked one before a frozen one',
      standing('z', { standing: 'linked' }),
      standing('a', best, { entry: 9, offset: 9 }),
    ],
    [
      'the later lineage entry before the higher offset',
      standing('z', {}, { entry: 2, offset: 1 }),
      standing('a', best, { entry: 1, offset: 9999 }),
    ],
    [
      'the higher offset before the better priority',
      standing('z', { priority: 100 }, { entry: 1, offset: 2 }),
      standing('a', { priority: 1 }, { entry: 1, offset: 1 }),
    ],
    ['the smaller priority before the name', standing('z', { priority: 1 }), standing('a', { priority: 2 })],
    ['at last the name', standing('a'), standing('b')],
  ])('%s', (_rule, better, worse) => {
    expect(compareStandings(better, worse)).toBeLessThan(0);
    expect(compareStandings(worse, better)).toBeGreaterThan(0);
  });
});

describe('who may win', () => {
  test.each([
    ['a frozen member of the in-sync set', {}, null],
    ['one that says why it does not stand', { refusal: 'node_disabled' }, 'node_disabled'],
    ['one outside the in-sync set', { name: 'd' }, 'not_in_sync'],
    ['priority 0', { priority: 0 }, 'priority_zero'],
    ['data of another lineage', { replid: 'other', replid2: null }, 'foreign_dataset'],
    ['data that was restarted from RDB', { replid: 'new', replid2: REPLID, secondReplOffset: 900 }, null],
    ['the incumbent outside the in-sync set', { name: 'a', standing: 'incumbent' }, null],
    ['the incumbent with priority 0', { name: 'a', standing: 'incumbent', priority: 0 }, null],
  ] as const)('%s', (_who, change, reason) => {
    expect(ineligible(ballot('b', change), term())).toBe(reason);
  });

  test('while the term designates a node nobody else may win', () => {
    const designating = term({ designated: 'c', inSync: ['b'] });
    expect(ineligible(ballot('b'), designating)).toBe('awaiting_bootstrap');
    expect(ineligible(ballot('c', { standing: 'designated', replid: 'any', priority: 0 }), designating)).toBe(null);
    expect(ineligible(ballot('c', { refusal: 'node_disabled' }), designating)).toBe('node_disabled');
  });
});

describe('waiting', () => {
  test('live members of the in-sync set are waited for, until the settling time is over', () => {
    const ballots = [ballot('b')];
    expect(electionOutcome(election({ ballots }))).toEqual({ result: 'waiting', forNodes: ['c'] });
    expect(electionOutcome(election({ ballots, elapsedMs: 999 })).result).toBe('waiting');
    expect(winner({ ballots, elapsedMs: 1000 })).toBe('b');
  });

  test('a member without a live agent is not waited for', () => {
    const electors = [{ name: 'b', live: true }, { name: 'c', live: false }];
    expect(winner({ ballots: [ballot('b')], electors })).toBe('b');
  });

  test('a live agent outside the in-sync set is not waited for', () => {
    expect(winner({ ballots: [ballot('b')], term: term({ inSync: ['b'] }) })).toBe('b');
  });

  test('the old master is waited for while its agent lives: its data may be whole', () => {
    const electors = ['a', 'b', 'c'].map((name) => ({ name, live: true }));
    const ballots = [ballot('b'), ballot('c')];
    expect(electionOutcome(election({ ballots, electors }))).toEqual({ result: 'waiting', forNodes: ['a'] });
    const refusing = ballot('a', { refusal: 'redis_unreachable' });
    expect(winner({ ballots: [...ballots, refusing], electors })).toBe('b');
  });

  test('only the designated node is waited for', () => {
    const input = election({ ballots: [ballot('b')], term: term({ designated: 'c' }) });
    expect(electionOutcome(input)).toEqual({ result: 'waiting', forNodes: ['c'] });
    expect(electionOutcome({ ...input, elapsedMs: 5000 })).toEqual(
      { result: 'nobody', reason: 'no_promotable_replica' },
    );
  });

  test('a ballot of another epoch is no ballot', () => {
    const ballots = [ballot('b', { epoch: EPOCH - 1 }), ballot('c')];
    expect(electionOutcome(election({ ballots }))).toEqual({ result: 'waiting', forNodes: ['b'] });
    expect(winner({ ballots, elapsedMs: 1000 })).toBe('c');
  });

  test('nobody stands: that is said with a reason', () => {
    const ballots = [ballot('b', { refusal: 'not_in_sync' }), ballot('c', { priority: 0 })];
    expect(electionOutcome(election({ ballots }))).toEqual({ result: 'nobody', reason: 'no_promotable_replica' });
  });
});

test('a winner that does not claim is passed over, one per settling time, then the round begins again', () => {
  const ballots = [ballot('b', { offset: 2000 }), ballot('c', { offset: 1000 })];
  const at = (elapsedMs: number): string | null => winner({ ballots, elapsedMs });
  expect([0, 1000, 1999].map(at)).toEqual(['b', 'b', 'b']);
  expect([2000, 2999].map(at)).toEqual(['c', 'c']);
  expect([3000, 4000, 5000].map(at)).toEqual(['b', 'c', 'b']);
});

test('the next term keeps those of the in-sync set that voted and may stand, but not the winner', () => {
  const ballots = [
    ballot('b'), ballot('c', { refusal: 'not_in_sync' }), ballot('d'), ballot('e', { epoch: EPOCH - 1 }),
  ];
  const of = term({ inSync: ['b', 'c', 'd', 'e', 'f'] });
  expect(keptInSync(of, ballots, 'b')).toEqual(['d']);
  expect(keptInSync(of, ballots, 'd')).toEqual(['b']);
});

describe('a death is proved by a majority of the registered nodes', () => {
  const nodes = ['a', 'b', 'c', 'd', 'e'];
  const proving = (name: string): Ballot => ballot(name, { deathProof: 'run-a' });
  test.each([
    [2, 1, false],
    [3, 1, false],
    [3, 2, true],
    [4, 2, false],
    [4, 3, true],
    [5, 2, false],
    [5, 3, true],
  ])('of %i nodes, %i prove: %s', (count, provers, proved) => {
    const registered = nodes.slice(0, count);
    const ballots = registered.slice(1, 1 + provers).map(proving);
    expect(deathIsProved(term({ nodes: registered }), ballots, 'run-a')).toBe(proved);
  });

  test('ballots of the unregistered, of other epochs and about other processes prove nothing', () => {
    const three = term({ nodes: ['a', 'b', 'c'] });
    expect(deathIsProved(three, [proving('b'), proving('x')], 'run-a')).toBe(false);
    expect(deathIsProved(three, [proving('b'), { ...proving('c'), epoch: EPOCH - 1 }], 'run-a')).toBe(false);
    expect(deathIsProved(three, [proving('b'), { ...proving('c'), deathProof: 'run-old' }], 'run-a')).toBe(false);
    expect(deathIsProved(three, [proving('b'), { ...proving('c'), refusal: 'priority_zero' }], 'run-a')).toBe(true);
  });
});

describe('in every election', () => {
  const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 });
  const anyBallot = (name: string): fc.Arbitrary<Ballot> =>
    fc.record({
      offset: fc.nat(5),
      priority: fc.nat(2),
      standing: fc.constantFrom('frozen', 'linked', 'incumbent', 'designated'),
      refusal: fc.option(fc.constant('node_disabled' as const), { freq: 4 }),
      replid: fc.constantFrom(REPLID, OLD_REPLID, 'other'),
    }).map((change) => ballot(name, change));
  const ballots = names.chain((list) => fc.tuple(...list.map(anyBallot)));
  const of = term({ inSync: ['b', 'c', 'd', 'e'], nodes: ['a', 'b', 'c', 'd', 'e'] });
  test('the order is total: antisymmetric and transitive', () => {
    const three = fc.tuple(anyBallot('a'), anyBallot('b'), anyBallot('c')).map((list) =>
      list.map((each) => ({ ballot: each, position: positionOf(each, of) ?? { entry: -1, offset: 0 } })));
    fc.assert(fc.property(three, (list) => {
      const [x, y, z] = list as [(typeof list)[0], (typeof list)[0], (typeof list)[0]];
      expect(Math.sign(compareStandings(x, y))).toBe(-Math.sign(compareStandings(y, x)));
      const chained = compareStandings(x, y) < 0 && compareStandings(y, z) < 0;
      if (chained) expect(compareStandings(x, z)).toBeLessThan(0);
    }));
  });

  test('everybody computes the same outcome, in whatever order the ballots arrived', () => {
    const shuffled = ballots.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }), fc.nat(5000)));
    fc.assert(fc.property(shuffled, ([list, other, elapsedMs]) => {
      const input = election({ term: of, electors: [], elapsedMs });
      expect(electionOutcome({ ...input, ballots: other })).toEqual(electionOutcome({ ...input, ballots: list }));
    }));
  });

  test('the winner is eligible, and nobody of equal standing has more data', () => {
    fc.assert(fc.property(ballots, (list) => {
      const outcome = electionOutcome(election({ term: of, electors: [], ballots: list }));
      const eligible = list.filter((each) => ineligible(each, of) === null);
      const won = outcome.result === 'winner' ? outcome.ballot : null;
      expect(won === null).toBe(eligible.length === 0);
      if (won === null) return;
      expect(eligible).toContain(won);
      for (const other of eligible) {
        const [more, mine] = [positionOf(other, of), positionOf(won, of)];
        if (other.standing !== won.standing || more === null || mine === null) continue;
        expect(comparePositions(mine, more)).toBeGreaterThanOrEqual(0);
      }
    }));
  });
});
