// First start: who becomes the first master of a service without a term.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { decideFirstStart } from './first-start.ts';
import type { FirstStartInput } from './first-start.ts';
import type { Member, MemberDataset } from './records.ts';
import { Village } from './testing/village.ts';
import { member, redisOf, run, settings, world } from './testing/world.ts';

function holding(name: string, change: Partial<MemberDataset> = {}): Member {
  const dataset: MemberDataset = {
    role: 'master',
    replid: `replid-${name}`,
    replid2: null,
    hasKeys: false,
    priority: 100,
    masterHost: null,
    masterPort: null,
    ...change,
  };
  return member(name, { dataset });
}

const following = (name: string, master: string, change: Partial<MemberDataset> = {}): Member => {
  const { host: masterHost, port: masterPort } = redisOf(master);
  return holding(name, { role: 'replica', masterHost, masterPort, replid: `replid-${master}`, ...change });
};

const start = (members: readonly Member[], change: Partial<FirstStartInput> = {}) =>
  decideFirstStart({
    members, expectedNodes: null, settleMs: 1000, elapsedMs: 1000, awaited: [], disabled: [], ...change,
  });

const WAIT = { result: 'wait', reason: 'awaiting_bootstrap' };
const CONFLICT = { result: 'wait', reason: 'conflicting_datasets' };
const master = (name: string) => ({ result: 'master', name });

describe('rule 1: settle first', () => {
  const both = [holding('a'), holding('b')];
  test.each([
    ['nothing is decided before the settling time', both, { elapsedMs: 999 }, WAIT],
    ['all that are expected by name are here: at once', both, { elapsedMs: 0, expectedNodes: ['a', 'b'] }, master('a')],
    ['as many as are expected are here: at once', both, { elapsedMs: 0, expectedNodes: 2 }, master('a')],
    ['one that is expected by name is missing', both, { elapsedMs: 0, expectedNodes: ['a', 'c'] }, WAIT],
    ['fewer than expected are here', both, { elapsedMs: 0, expectedNodes: 3 }, WAIT],
    [
      'an agent that has not seen its Redis is not here',
      [holding('a'), member('b')],
      { elapsedMs: 0, expectedNodes: 2 },
      WAIT,
    ],
    ['after the settling time the expected ones are not waited for', both, { expectedNodes: ['a', 'c'] }, master('a')],
    ['nobody at all is here', [], { expectedNodes: ['a'] }, WAIT],
  ])('%s', (_what, members, change, outcome) => {
    expect(start(members, change)).toEqual(outcome);
  });
});

describe('rule 2: unrelated datasets are an operator\'s decision', () => {
  test.each([
    ['two masters with unrelated data', [holding('a', { hasKeys: true }), holding('b', { hasKeys: true })]],
    [
      'a replica whose data is unrelated to the only master',
      [holding('a', { hasKeys: true }), following('b', 'x', { hasKeys: true })],
    ],
    ['two masters of one history: which went on?', [
      holding('a', { hasKeys: true, replid: 'x' }), holding('b', { hasKeys: true, replid: 'y', replid2: 'x' })]],
  ])('%s', (_what, members) => {
    expect(start(members)).toEqual(CONFLICT);
  });

  test('nor does an empty server begin while a master whose data was seen is silent, or away', () => {
    expect(start([holding('a'), member('b')], { awaited: ['b'] })).toEqual(WAIT);
    expect(start([holding('a')], { awaited: ['b'] })).toEqual(WAIT);
    expect(start([holding('a'), holding('b', { hasKeys: true })], { awaited: ['b'] })).toEqual(master('b'));
  });

  test('nor does the agent of one of them decide by going away', () => {
    const awaited = ['a', 'b'];
    expect(start([holding('a', { hasKeys: true })], { awaited })).toEqual(CONFLICT);
    expect(start([holding('a', { hasKeys: true }), holding('b')], { awaited })).toEqual(master('a'));
  });
});

describe('rule 3: one dataset is adopted', () => {
  test.each([
    [
      'a master and its replicas',
      [holding('c', { hasKeys: true }), following('a', 'c', { hasKeys: true }), following('b', 'c')],
      master('c'),
    ],
    [
      'one server with data beside empty ones',
      [holding('a'), holding('b', { hasKeys: true, priority: 0 })],
      master('b'),
    ],
    [
      'its master is not here yet',
      [following('a', 'c', { hasKeys: true }), following('b', 'c', { hasKeys: true })],
      WAIT,
    ],
    [
      'a master of the past is here, and a replica of the one that succeeded it',
      [
        holding('a', { hasKeys: true, replid: 'replid-before' }),
        following('b', 'c', { hasKeys: true, replid2: 'replid-before' }),
      ],
      WAIT,
    ],
    [
      'the master restarted, and its replicas have not copied it anew',
      [
        holding('c', { hasKeys: true, replid2: 'replid-before' }),
        following('a', 'c', { hasKeys: true, replid: 'replid-before' }),
      ],
      master('c'),
    ],
  ])('%s', (_what, members, outcome) => {
    expect(start(members)).toEqual(outcome);
  });
});

describe('rule 4: no data at all', () => {
  test.each([
    [
      'the master that others replicate from',
      [holding('a', { priority: 1 }), holding('c'), following('b', 'c')],
      master('c'),
    ],
    ['else the best priority', [holding('a'), holding('b', { priority: 5 })], master('b')],
    ['else the name', [holding('b'), holding('a')], master('a')],
    ['priority 0 never', [holding('a', { priority: 0 }), holding('b')], master('b')],
    ['only priority 0', [holding('a', { priority: 0 })], { result: 'wait', reason: 'no_promotable_replica' }],
  ])('%s', (_what, members, outcome) => {
    expect(start(members)).toEqual(outcome);
  });
});

describe('a node that an operator took out', () => {
  const reasonsOf = (village: Village, name: string) => [...village.agent(name).state.reasons];
  function started(disabled: readonly string[], write: string | null = null): Village {
    const village = new Village(['a', 'b', 'c'], { bootstrapSettleMs: 1000 });
    for (const name of disabled) village.order(name, { order: 'disable' });
    if (write !== null) village.redis(write).write(1000);
    village.pass(30_000);
    return village;
  }

  test('is passed over among empty ones, and says why it does not stand', () => {
    const village = started(['a']);
    expect(village.writable()).toEqual(['b']);
    expect(reasonsOf(village, 'a')).toContain('node_disabled');
    expect(village.ensemble.records.term?.value.inSync).toEqual(['c']);
  });

  test('is waited for where it has the data, and everybody says so, until it is enabled', () => {
    const village = started(['a'], 'a');
    expect(village.epochs).toEqual([]);
    expect(reasonsOf(village, 'a')).toEqual(['node_disabled']);
    expect(reasonsOf(village, 'b')).toEqual(['awaiting_winner']);
    village.order('a', { order: 'enable' });
    village.pass(5000);
    expect(village.writable()).toEqual(['a']);
  });

  test('and is the only one there, or they all are: nobody begins, and it is said', () => {
    const village = started(['a', 'b', 'c']);
    expect(village.epochs).toEqual([]);
    for (const name of ['a', 'b', 'c']) {
      expect(reasonsOf(village, name)).toEqual(['node_disabled', 'no_promotable_replica']);
    }
  });
});

describe('whatever is found', () => {
  const anyMember = (name: string): fc.Arbitrary<Member> =>
    fc.record({
      role: fc.constantFrom('master', 'replica'),
      replid: fc.constantFrom('x', 'y', 'z'),
      replid2: fc.constantFrom(null, 'x', 'y'),
      hasKeys: fc.boolean(),
      priority: fc.nat(2),
    }).map((change) => (change.role === 'replica' ? following(name, 'a', change) : holding(name, change)));
  const members = fc.tuple(anyMember('a'), anyMember('b'), anyMember('c'));

  test('everybody decides the same, in whatever order the members were read', () => {
    fc.assert(fc.property(members, fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), (all, order) => {
      expect(start(order.map((i) => all[i]!))).toEqual(start(all));
    }));
  });

  test('an empty server is never chosen while another holds data (I5)', () => {
    fc.assert(fc.property(members, (all) => {
      const outcome = start(all);
      const chosen = all.find(({ name }) => outcome.result === 'master' && outcome.name === name);
      if (chosen === undefined || all.every(({ dataset }) => dataset?.hasKeys !== true)) return;
      expect(chosen.dataset?.hasKeys).toBe(true);
    }));
  });
});

test('a chosen node that does not claim is awaited, and the others say so', () => {
  const members = [holding('a', { hasKeys: true }), member('b')];
  const begins = world('b', 'starting', { record: { term: null, lease: null, masterRecord: null, members } });
  const { bootstrapSettleMs, electionSettleMs } = settings('b');
  const state = { ...begins, role: { name: 'starting', sinceMs: begins.nowMs } } as const;
  const settled = run(state, bootstrapSettleMs + electionSettleMs - 1);
  expect([...settled.state.reasons]).not.toContain('awaiting_winner');
  expect([...run(settled.state, 1).state.reasons]).toContain('awaiting_winner');
});
