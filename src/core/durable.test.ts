// Durable mode: what WAIT confirmed survives every automatic failover, and where that cannot be proved there is none.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ballotsNeeded, keepsConfirmed, mayForget, newcomers } from './durable.ts';
import { positionOf } from './lineage.ts';
import type { Ballot, MemberDataset, Term } from './records.ts';
import { Village } from './testing/village.ts';
import { ballot, masterFacts, member, REPLID, runIdOf, SHARED, settings, term, world } from './testing/world.ts';

const DURABLE = { ...SHARED, durability: 'durable' } as const;

function inPeace(names: readonly string[] = ['a', 'b', 'c'], waitReplicas = 1): Village {
  const village = new Village(names, { bootstrapSettleMs: 100, shared: { ...DURABLE, waitReplicas } });
  village.pass(1000);
  village.redis('a').write(1000);
  village.pass(2500);
  expect(village.roles()['a']).toBe('master');
  expect(village.ensemble.records.term?.value.inSync).toEqual(names.slice(1));
  return village;
}

/** Nothing reaches this replica any more, though its link looks as it did. */
function stall(village: Village, name: string): void {
  village.redis(name).replicate = () => undefined;
}

const reasons = (village: Village, name: string): readonly string[] => [...village.agent(name).state.reasons];

describe('the count', () => {
  const proves = (candidate: Ballot, ballots: readonly Ballot[], of: Term = term(), waitReplicas = 1): boolean => {
    const position = positionOf(candidate, of) ?? { entry: -1, offset: 0 };
    return keepsConfirmed({ ballot: candidate, position }, of, { ballots: [candidate, ...ballots], waitReplicas });
  };
  const b = ballot('b');

  test.each<[string, boolean, readonly Ballot[]]>([
    ['its own and another one that it is not behind of', true, [ballot('c', { offset: 900 })]],
    ['its own alone', false, []],
    ['one that it is behind of', false, [ballot('c', { offset: 1001 })]],
    ['one that refuses, but is whole and no further', true, [ballot('c', { refusal: 'priority_zero' })]],
    ['one whose process lost what it had acknowledged', false, [ballot('c', { holds: 'stream' })]],
    ['one that came back from disk', false, [ballot('c', { holds: 'disk' })]],
    ['one that still streams', false, [ballot('c', { standing: 'linked' })]],
    ['one of a node that is not registered', false, [ballot('d')]],
    ['one for another epoch', false, [ballot('c', { epoch: 4 })]],
    ['one of another history', false, [ballot('c', { replid: 'x', replid2: null })]],
  ])('%s: %s', (_what, kept, others) => {
    expect(proves(b, others)).toBe(kept);
  });

  test('a candidate that is not whole itself needs so many others', () => {
    const restarted = ballot('b', { holds: 'stream' });
    expect(proves(restarted, [ballot('c')])).toBe(false);
    expect(proves(restarted, [ballot('c')], term(), 2)).toBe(true);
  });

  test('the very process that was master needs no proof, a restarted one does', () => {
    const incumbent = ballot('a', { standing: 'incumbent' });
    expect(proves(incumbent, [])).toBe(true);
    expect(proves({ ...incumbent, runId: 'another', standing: 'frozen', holds: 'disk' }, [])).toBe(false);
  });

  test('nodes that WAIT needs are never more than there are', () => {
    expect(ballotsNeeded(term({ nodes: ['a'] }), 3)).toBe(0);
  });
});

/**
 * The theorem itself: whichever w + 1 nodes held a write, and whichever nodes vote with their memory whole, the winner
 * has it. Offsets are what each node acknowledged; a node that lost its memory is somewhere below.
 */
test('whoever is promoted by the count holds every write that w + 1 nodes held', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const world5 = fc.record({
    acknowledged: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 5, maxLength: 5 }),
    lost: fc.subarray(names),
    silent: fc.subarray(names),
    waitReplicas: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(fc.property(world5, ({ acknowledged, lost, silent, waitReplicas }) => {
    const of = term({ nodes: names, inSync: names.slice(1) });
    const confirmed = acknowledged.toSorted((x, y) => y - x)[waitReplicas] ?? 0;
    const ballots = names.flatMap((name, i) => {
      const held = acknowledged[i] ?? 0;
      if (silent.includes(name)) return [];
      const whole = !lost.includes(name);
      const offset = whole ? held : Math.floor(held / 2);
      return [ballot(name, { replid: REPLID, offset, holds: whole ? 'whole' : 'disk' })];
    });
    for (const candidate of ballots) {
      const position = positionOf(candidate, of) ?? { entry: -1, offset: 0 };
      if (!keepsConfirmed({ ballot: candidate, position }, of, { ballots, waitReplicas })) continue;
      if (ballotsNeeded(of, waitReplicas) > 0) expect(candidate.offset).toBeGreaterThanOrEqual(confirmed);
    }
  }));
});

describe('a failover', () => {
  test('happens while n - w nodes prove what they hold', () => {
    const village = inPeace();
    village.killRedis('a');
    village.pass(2000);
    expect(village.writable()).toEqual(['b']);
  });

  test('of three with one missing does not happen, and happens once that one votes', () => {
    const village = inPeace();
    village.cutOff('c');
    village.killRedis('a');
    village.pass(2500);
    expect(village.writable()).toEqual([]);
    expect(reasons(village, 'b')).toContain('durability_unproved');
    village.cutOff('c', false);
    village.pass(2000);
    expect(village.writable()).toHaveLength(1);
  });

  test('with WAIT 2 is proved by one of three', () => {
    const village = inPeace(['a', 'b', 'c'], 2);
    village.cutOff('c');
    village.killRedis('a');
    village.pass(2500);
    expect(village.writable()).toEqual(['b']);
  });

  test('a restarted replica does not count until it holds again what the master had', () => {
    const village = inPeace();
    village.redis('b').restart('kept');
    stall(village, 'b');
    village.pass(200);
    village.killRedis('a');
    village.pass(3000);
    expect(village.writable()).toEqual([]);
    expect(reasons(village, 'c')).toContain('durability_unproved');
  });

  test('a restarted replica that caught up counts again', () => {
    const village = inPeace();
    village.redis('b').restart('kept');
    village.pass(6000);
    expect(village.ensemble.records.nodes.get('b')?.value).toMatchObject({ whole: true, runId: 'run-b-2' });
    village.killRedis('a');
    village.pass(2000);
    expect(village.writable()).toHaveLength(1);
  });

  test('a restarted agent knows from the registry that the Redis beside it is whole', () => {
    const village = inPeace();
    for (const name of ['b', 'c']) {
      village.killAgent(name);
      village.start(name);
    }
    village.killRedis('a');
    village.pass(9000);
    expect(village.writable()).toHaveLength(1);
  });

  test('does not lose what only a replica confirmed that left its master and was disabled', () => {
    const village = inPeace();
    stall(village, 'c');
    village.redis('a').write(200);
    village.pass(100);
    village.cutOff('b');
    village.pass(5000);
    expect(village.followed()['b']).toBe('nobody');
    village.cutOff('b', false);
    village.order('b', { order: 'disable' });
    village.pass(100);
    village.killRedis('a');
    village.pass(4000);
    expect(village.redis('b').offset).toBeGreaterThan(village.redis('c').offset);
    expect(village.writable()).toEqual([]);
    expect(reasons(village, 'c')).toContain('durability_unproved');
  });

  test('by takeover needs no count: the living master gives its last byte', () => {
    const village = inPeace();
    village.cutOff('c');
    village.killAgent('a');
    village.pass(8000);
    expect(village.writable()).toEqual(['b']);
  });

  test('where nothing can be proved an operator decides', () => {
    const village = inPeace();
    village.killAgent('c');
    village.killRedis('a');
    village.pass(9000);
    expect(village.writable()).toEqual([]);
    village.order('b', { order: 'bootstrap', master: 'b' });
    village.pass(3000);
    expect(village.writable()).toEqual(['b']);
  });

  test('is not made from what disks kept', () => {
    const village = inPeace();
    for (const name of ['a', 'b', 'c']) village.killRedis(name);
    village.pass(500);
    for (const name of ['a', 'b', 'c']) village.redis(name).restart('kept');
    village.pass(9000);
    expect(village.writable()).toEqual([]);
    for (const name of ['a', 'b', 'c']) expect(reasons(village, name)).toContain('durability_unproved');
  });
});

describe('registration', () => {
  test('comes before a node follows, so that nobody confirms who is not counted', () => {
    const village = inPeace();
    for (const name of ['b', 'c']) {
      const follows = village.journal.findIndex(({ by, action }) => by === name && action.kind === 'follow');
      const fenced = village.journal.findIndex(({ by, action }) => by === name && action.kind === 'fence_hard');
      const registered = village.journal.findIndex(
        ({ action }) => action.kind === 'write_term' && action.term.nodes.includes(name),
      );
      expect(registered).toBeGreaterThan(-1);
      for (const index of [follows, fenced]) if (index >= 0) expect(index).toBeGreaterThan(registered);
    }
  });

  const dataset = (change: Partial<MemberDataset>): MemberDataset => ({
    role: 'master',
    replid: 'other',
    replid2: null,
    hasKeys: true,
    priority: 100,
    masterHost: null,
    masterPort: null,
    ...change,
  });
  test.each<[string, MemberDataset | null, readonly string[]]>([
    ['an empty server', dataset({ hasKeys: false }), ['d']],
    ['one of our lineage', dataset({ replid2: REPLID }), ['d']],
    ['one with data of its own', dataset({}), []],
    ['one that nobody has seen yet', null, []],
  ])('takes in %s', (_what, found, names) => {
    const members = ['a', 'b', 'c'].map((name) => member(name));
    const record = {
      settings: { version: 1, ...DURABLE },
      members: [...members, member('d', { dataset: found, runId: runIdOf('d') })],
    };
    const state = world('a', 'master', { settings: settings('a', { shared: DURABLE }), record });
    expect(newcomers(state, term(), masterFacts())).toEqual(names);
  });

  test('is given up only where the others hold what the forgotten node may have held', () => {
    const state = world('a', 'master', { record: { settings: { version: 1, ...DURABLE } } });
    expect(mayForget(state, term({ inSync: ['b'] }), 'c')).toBe(true);
    expect(mayForget(state, term({ inSync: ['c'] }), 'c')).toBe(false);
    expect(mayForget(world('a', 'master'), term({ inSync: [] }), 'c')).toBe(true);
  });
});
