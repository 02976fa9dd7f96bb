// Loss of power everywhere: whoever comes back, in whatever order, with whatever its disk kept.

import { describe, expect, test } from 'vitest';

import { recoveryOutcome } from './recovery.ts';
import type { RecoveryInput } from './recovery.ts';
import type { Ballot } from './records.ts';
import { Village } from './testing/village.ts';
import {
  ballot, linkTo, nodeRecord, only, ownAnswers, readsLease, redisOf, REPLID, replicaFacts, run, sight, term, world,
} from './testing/world.ts';

/** Restarted from an RDB: its position is shown. */
const fromRdb = (name: string, change: Partial<Ballot> = {}): Ballot =>
  ballot(name, {
    runId: `new-${name}`,
    replid: `fresh-${name}`,
    replid2: REPLID,
    secondReplOffset: 1001,
    offset: 1000,
    holds: 'disk',
    refusal: 'not_in_sync',
    ...change,
  });
/** Restarted from an AOF: nothing is recognisable, whatever it holds. */
const fromAof = (name: string, change: Partial<Ballot> = {}): Ballot =>
  fromRdb(name, { replid2: null, secondReplOffset: -1, offset: 0, ...change });
const empty = (name: string, change: Partial<Ballot> = {}): Ballot => fromAof(name, { holds: 'nothing', ...change });

function recovery(ballots: readonly Ballot[], change: Partial<RecoveryInput> = {}): string {
  const nodes = new Map(['a', 'b', 'c'].map((name) => [name, { value: nodeRecord(name) }]));
  const fixed = { term: term(), nodes, running: new Map<string, string>(), elapsedMs: 1000, graceMs: 5000 };
  const input = { ...fixed, ballots, waitReplicas: null, ...change };
  const outcome = recoveryOutcome(input);
  return outcome.result === 'winner' ? outcome.ballot.name : outcome.reason;
}

/** The agent of b is there, and manages this process. */
const running = (runId: string): Pick<RecoveryInput, 'running'> => ({ running: new Map([['b', runId]]) });

const over = { elapsedMs: 5000 };
const recorded = (offsets: Readonly<Record<string, number>>): Pick<RecoveryInput, 'nodes'> => ({
  nodes: new Map(Object.entries(offsets).map(([name, offset]) => [name, { value: nodeRecord(name, { offset }) }])),
});

describe('who is promoted from what disks kept', () => {
  test.each<[string, string, readonly Ballot[], Partial<RecoveryInput>]>([
    ['the last master is back with data', 'a', [fromAof('a')], {}],
    ['the last master from an AOF, whatever others show', 'a', [fromAof('a'), fromRdb('b', { offset: 9000 })], {}],
    [
      'more of the very same history than the last master, and all are back',
      'b', [fromRdb('a', { offset: 700 }), fromRdb('b'), empty('c')], {},
    ],
    [
      'more than the last master: who is away may have more still',
      'awaiting_recovery', [fromRdb('a', { offset: 700 }), fromRdb('b')], {},
    ],
    ['no more than the last master has', 'a', [fromRdb('a'), fromRdb('b')], {}],
    ['the last master even if it is never promoted otherwise', 'a', [fromRdb('a', { refusal: 'priority_zero' })], {}],
    ['the last master is away', 'awaiting_recovery', [fromRdb('b'), fromRdb('c')], {}],
    ['the last master is back empty, and somebody is away', 'awaiting_recovery', [empty('a'), fromRdb('b')], {}],
    ['all are back, the last master empty', 'b', [empty('a'), fromRdb('b'), empty('c')], {}],
    ['the grace is over: the best exact position', 'c', [fromRdb('b', { offset: 800 }), fromRdb('c')], over],
    ['the grace is over: the best record, never the offset', 'c', [fromAof('b', { offset: 5000 }), fromAof('c')], {
      ...over, ...recorded({ b: 800, c: 900 }),
    }],
    ['an RDB that is behind what the other had on record', 'c', [fromRdb('b', { offset: 800 }), fromAof('c')], {
      ...over, ...recorded({ b: 990, c: 990 }),
    }],
    ['at equal positions the priority', 'c', [fromAof('b'), fromAof('c', { priority: 1 })], over],
    ['never one of priority 0', 'b', [fromAof('b'), fromRdb('c', { refusal: 'priority_zero', priority: 0 })], over],
    ['never one that was not in sync', 'nothing_recoverable', [fromRdb('c')], {
      ...over, term: term({ inSync: ['b'] }),
    }],
    ['never a disabled one', 'nothing_recoverable', [fromRdb('b', { refusal: 'node_disabled' })], over],
    ['never an empty one while another may have data', 'nothing_recoverable', [empty('a'), empty('b')], over],
    ['all are back and all are empty', 'a', [empty('a'), empty('b'), empty('c')], {}],
    ['a member kept its memory', 'no_promotable_replica', [fromRdb('a'), ballot('b', { priority: 0 })], {}],
    ['one with its memory only refuses', 'no_promotable_replica', [
      ballot('a', { holds: 'stream', refusal: 'redis_refuses_writes' }), fromRdb('b'),
    ], over],
    ['a member copied an old file while nobody looked after it', 'a', [
      fromAof('a'), ballot('b', { replid: 'fresh-a', replid2: null, holds: 'whole', refusal: 'not_in_sync' }),
    ], {}],
    ['a member may only hang', 'awaiting_recovery', [fromRdb('a')], running('run-b')],
    ['a member may only hang, and its record was lost', 'awaiting_recovery', [fromRdb('a')], {
      ...running('run-b'), nodes: new Map(),
    }],
    ['a member hangs for ever', 'a', [fromRdb('a')], { ...running('run-b'), ...over }],
    ['a member is of another process than was in sync', 'a', [fromRdb('a')], running('new-b')],
    ['its Redis is gone again', 'awaiting_recovery', [empty('a', { refusal: 'redis_unreachable' })], {}],
    ['an operator designated one', 'no_promotable_replica', [fromRdb('a')], { term: term({ designated: 'b' }) }],
  ])('%s: %s', (_what, chosen, ballots, change) => {
    expect(recovery(ballots, change)).toBe(chosen);
    expect(recovery(ballots.toReversed(), change)).toBe(chosen);
  });

  test('durable mode promotes nobody from disk, unless no proof is needed at all', () => {
    const all = [fromRdb('a'), fromRdb('b'), fromRdb('c')];
    expect(recovery(all, { waitReplicas: 1 })).toBe('durability_unproved');
    expect(recovery(all, { waitReplicas: 3 })).toBe('a');
  });
});

const ORDERS = [
  ['a', 'b', 'c'], ['a', 'c', 'b'], ['b', 'a', 'c'], ['b', 'c', 'a'], ['c', 'a', 'b'], ['c', 'b', 'a'],
] as const;

/** A service in peace whose every process ends at once. */
function blackout(): Village {
  const village = new Village(['a', 'b', 'c'], { bootstrapSettleMs: 100 }).pass(1000);
  village.redis('a').write(1000);
  village.pass(2500);
  for (const name of ['a', 'b', 'c']) {
    village.killAgent(name);
    village.killRedis(name);
  }
  return village.pass(7000);
}

function comesBack(village: Village, name: string, data: 'kept' | 'lost'): void {
  village.redis(name).restart(data);
  village.start(name);
}

describe('a service that lost power', () => {
  test.each(ORDERS)('is back with its data, in the order %s, %s, %s', (...order) => {
    const village = blackout();
    for (const name of order) {
      comesBack(village, name, 'kept');
      village.pass(700);
    }
    village.pass(5000);
    expect(village.writable()).toEqual(['a']);
    for (const name of ['b', 'c']) expect(village.followed()[name]).toBe('a');
    for (const name of ['a', 'b', 'c']) expect(village.redis(name).keys).toBe(1);
  });

  test.each(ORDERS)('takes what is left when the last master came back empty, in the order %s, %s, %s', (...order) => {
    const village = blackout();
    for (const name of order) {
      comesBack(village, name, name === 'c' ? 'kept' : 'lost');
      village.pass(700);
    }
    village.pass(8000);
    expect(village.writable()).toEqual(['c']);
    for (const name of ['a', 'b', 'c']) expect(village.redis(name).keys).toBe(1);
  });

  test('waits for the last master, then goes on without it, which follows when it comes', () => {
    const village = blackout();
    comesBack(village, 'b', 'kept');
    comesBack(village, 'c', 'kept');
    // First what their agents may have promised runs out.
    village.pass(8000);
    expect(village.writable()).toEqual([]);
    expect([...village.agent('b').state.reasons]).toContain('awaiting_recovery');
    village.pass(3000);
    expect(village.writable()).toEqual(['b']);
    comesBack(village, 'a', 'kept');
    village.pass(3000);
    expect(village.followed()['a']).toBe('b');
  });

  test('and had nothing on any disk begins anew', () => {
    const village = blackout();
    for (const name of ['b', 'c']) comesBack(village, name, 'lost');
    village.pass(11_000);
    expect(village.writable()).toEqual([]);
    expect([...village.agent('b').state.reasons]).toContain('nothing_recoverable');
    comesBack(village, 'a', 'lost');
    village.pass(5000);
    expect(village.writable()).toEqual(['a']);
  });
});

test('a node that copies everything says that it holds nothing only when it can get nothing more', () => {
  const none = { runId: 'new-c', keys: 0, offset: 0, replid: 'fresh-c' } as const;
  const link = linkTo(redisOf('a'), { up: false, everUp: false, syncInProgress: true });
  const copying = replicaFacts('c', { ...none, link });
  const record = { term: term({ inSync: ['b'] }) };
  const played = run(world('c', 'replica', { record, own: sight(copying) }), readsLease(null));
  expect(played.does).toContain('freeze');
  expect(played.does).not.toContain('cast_ballot');
  const frozen = linkTo({ host: '127.0.0.1', port: 1 }, { up: false, everUp: false });
  const final = run(played.state, ownAnswers(replicaFacts('c', { ...none, link: frozen })));
  expect(only(final, 'cast_ballot').ballot).toMatchObject({ holds: 'nothing', refusal: 'not_in_sync' });
});
