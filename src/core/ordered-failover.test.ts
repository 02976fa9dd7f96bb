// An order to become master, as its node's agent finds it begun: the last survivor can always be promoted, and nobody
// is by mistake.

import { describe, expect, test } from 'vitest';

import type { OperationResult } from '../contract/operations.ts';
import { UNSEEN } from './facts.ts';
import type { Input } from './inputs.ts';
import type { OrderRecord } from './operations/records.ts';
import { ORDER_PATIENCE_MS } from './ordered-failover.ts';
import type { Ballot } from './records.ts';
import type { State } from './state.ts';
import {
  answer, ballot, dead, EPOCH, facts, frozenFacts, instanceOf, kept, lease, linkTo, member, OLD_REPLID,
  only, ownAnswers, reads, readsBallot, readsLease, readsTerm, redisOf, run, sessionOf, sight, T_MS, term, world,
} from './testing/world.ts';
import type { Change, RecordsChange } from './testing/world.ts';
import { Village } from './testing/village.ts';

/** The order that this node be master is read, begun by its own agent: taken in then, decided in the next turn. */
function order(acknowledgeLoss: boolean, node = 'b', id = 'order-1'): Input {
  const of: OrderRecord = {
    id,
    kind: 'failover',
    target: node,
    from: null,
    epoch: EPOCH,
    asker: 'test',
    askedAt: 5_000_000,
    scheduledAt: null,
    deadline: 5_010_000,
    withinMs: 10_000,
    force: acknowledgeLoss,
    phase: 'running',
    instance: instanceOf(node),
  };
  return reads({ record: 'order', kept: kept(of, { version: 4 }) });
}

const outOfSync = (name: string, change: Partial<Ballot> = {}) => ballot(name, { refusal: 'not_in_sync', ...change });

/** `b` is alone with `c`, neither of them in sync; `a`, which was, is gone with its session. */
function survivor(record: RecordsChange = {}, change: Change = {}): State {
  return world('b', 'candidate', {
    own: sight(frozenFacts('b')),
    record: {
      lease: null,
      masterRecord: null,
      term: term({ inSync: [] }),
      members: [member('b'), member('c')],
      ballots: [outOfSync('b'), outOfSync('c', { offset: 900 })],
      ...record,
    },
    ...change,
  });
}

const ended = (played: ReturnType<typeof run>): OperationResult | undefined => {
  const { orderVersion, results } = only(played, 'end_order');
  expect(orderVersion).toBe(4);
  expect(results).toHaveLength(1);
  return results[0];
};
const refused = (reason: string) => ({ id: 'order-1', kind: 'failover', outcome: 'refused', reason });

describe('the last survivor', () => {
  test('is promoted by an order that accepts a loss', () => {
    const played = run(survivor(), order(true), 0);
    const claim = only(played, 'claim');
    expect(claim.term).toMatchObject({ epoch: EPOCH + 1, master: { name: 'b' }, inSync: [], designated: null });
    expect(claim.termVersion).toBe(7);
    expect(claim.term.lineage).toEqual(term().lineage);
    expect(played.does).not.toContain('end_order');
    const mine = kept(lease('b', { epoch: EPOCH + 1 }), { owner: sessionOf('b') });
    const { records } = played.state;
    const claimed = { ...played.state, records: { ...records, term: kept(claim.term, { version: 8 }) } };
    const won = run(claimed, readsLease(mine), answer(claimed, 'claim'), ...dead);
    expect(won.state.role.name).toBe('promoting');
    expect(won.does).not.toContain('end_order');
    const promoted = run(won.state, answer(won.state, 'promote'), ownAnswers(facts('b')));
    expect(promoted.state.role.name).toBe('master');
    expect(ended(promoted)).toMatchObject({ target: 'b', outcome: 'done', reason: null, master: 'b' });
  });

  test('is not promoted without it', () => {
    const played = run(survivor(), order(false), 0);
    expect(played.does).not.toContain('claim');
    expect(ended(played)).toMatchObject(refused('loss_not_acknowledged'));
  });

  test('reaches its final position first', () => {
    const linked = frozenFacts('b', { link: linkTo(redisOf('a'), { up: false }) });
    const played = run(survivor({}, { own: sight(linked) }), order(true), 0);
    expect(played.does).toContain('freeze');
    expect(played.does).not.toContain('claim');
  });

  test('goes on from where its data ends, so that nobody takes later data for an earlier part of it', () => {
    const old = frozenFacts('b', { replid: OLD_REPLID, replid2: null, secondReplOffset: -1, offset: 300 });
    const ballots = [outOfSync('b', { replid: OLD_REPLID, replid2: null, offset: 300 })];
    const played = run(survivor({ ballots, members: [member('b')] }, { own: sight(old) }), order(true), 0);
    expect(only(played, 'claim').term.lineage).toEqual(term().lineage.slice(0, 1));
    const fromAof = frozenFacts('b', { replid: 'fresh', replid2: null, offset: 0 });
    const unknown = run(survivor({ ballots: [], members: [member('b')] }, { own: sight(fromAof) }), order(true), 0);
    expect(only(unknown, 'claim').term.lineage).toEqual([]);
  });

  test('does not wait for a pause after a series of falls, which the order ends', () => {
    const inSync = { term: term({ inSync: ['b'], falls: 9 }), ballots: [ballot('b'), outOfSync('c', { offset: 900 })] };
    const waits = run(survivor(inSync), 1100);
    expect(waits.state.reasons).toContain('failover_backoff');
    expect(only(run(waits.state, order(false), 0), 'claim').term.falls).toBe(0);
  });
});

describe('an order is refused', () => {
  test.each<[string, State, string]>([
    [
      'while another holds more',
      survivor({ ballots: [outOfSync('b'), outOfSync('c', { offset: 1200 })] }),
      'better_candidate',
    ],
    [
      'while another may stand by itself',
      survivor({ term: term({ inSync: ['c'] }), ballots: [outOfSync('b'), ballot('c', { offset: 900 })] }),
      'better_candidate',
    ],
    [
      'by a node without the data, while one that never stands by itself has them',
      survivor(
        { ballots: [outOfSync('b'), outOfSync('c', { refusal: 'priority_zero' })] },
        { own: sight(frozenFacts('b', { replid: 'x', replid2: null, keys: 0 })) },
      ),
      'better_candidate',
    ],
    [
      'by a node without the data, while another one brought some from its disk',
      survivor(
        { ballots: [outOfSync('b'), outOfSync('c', { holds: 'disk', replid: 'y', replid2: null })] },
        { own: sight(frozenFacts('b', { replid: 'x', replid2: null, keys: 0 })) },
      ),
      'better_candidate',
    ],
    ['while there is a master', world('b', 'replica'), 'master_exists'],
    ['by whoever gives its office up', world('a', 'stepping_down'), 'master_exists'],
    ['where there never was a master', survivor({ term: null }), 'awaiting_bootstrap'],
    ['by a node that is disabled', survivor({}, { enabled: false }), 'node_disabled'],
    ['by half a dataset', survivor({}, { own: sight(frozenFacts('b'), { halfSynced: true }) }), 'dataset_incomplete'],
    [
      'by data of another service',
      survivor({ term: term({ nodes: ['a', 'c'] }) }, { own: sight(frozenFacts('b', { replid: 'x', replid2: null })) }),
      'foreign_dataset',
    ],
  ])('%s', (_what, state, refusal) => {
    const played = run(state, order(true, state.settings.name), 0);
    expect(played.does).not.toContain('claim');
    expect(ended(played)).toMatchObject({ ...refused(refusal), target: state.settings.name });
    expect(played.state.orderedFailover).toBe(null);
  });

  test.each<[string, Ballot]>([
    ['a node that is disabled', outOfSync('c', { offset: 9000, refusal: 'node_disabled' })],
    ['a node that is never to be master', outOfSync('c', { offset: 9000, refusal: 'priority_zero' })],
    ['half a dataset', outOfSync('c', { offset: 9000, refusal: 'dataset_incomplete' })],
    ['a Redis that is gone', outOfSync('c', { offset: 9000, refusal: 'redis_unreachable' })],
    ['a ballot of another epoch', outOfSync('c', { offset: 9000, epoch: EPOCH - 1 })],
    ['other data', outOfSync('c', { offset: 9000, replid: 'x', replid2: null })],
  ])('but not for the sake of %s', (_what, other) => {
    const played = run(survivor({ ballots: [outOfSync('b'), other] }), 0, 1100, order(true), 0);
    expect(played.does).toContain('claim');
  });
});

test('an order to who is master by now changes nothing, and is done', () => {
  const played = run(world('a', 'master'), order(true, 'a'), 0);
  expect(played.does).not.toContain('claim');
  expect(ended(played)).toMatchObject({ target: 'a', outcome: 'done', master: 'a' });
  expect(played.state.orderedFailover).toBe(null);
});

describe('an order waits, in bounds', () => {
  test('for the ballots of those who are there, for no longer than an election settles', () => {
    const silent = survivor({ ballots: [outOfSync('b')] });
    const waits = run(silent, order(true), 0);
    expect(waits.does).not.toContain('claim');
    expect(waits.does).not.toContain('end_order');
    expect(run(waits.state, 1100).does).toContain('claim');
  });

  test('with nothing to lose of its own, also for those whom a promise keeps from voting', () => {
    const own = sight(frozenFacts('b', { keys: 0 }));
    const waits = run(survivor({ ballots: [outOfSync('b')] }, { own }), order(true), 1100, T_MS - 200);
    expect(waits.does).not.toContain('claim');
    const later = { ...waits.state, lastProofMs: waits.state.nowMs };
    expect(run(later, readsBallot(outOfSync('c', { offset: 9000 })), 1000).does).not.toContain('claim');
    expect(run(later, 200, waits.state.settings.electionSettleMs).does).toContain('claim');
  });

  test('for the session of a dead master to end, and then says what it waited for', () => {
    const fallen = sight(facts('a'), { link: 'failed' });
    const state = survivor({ lease: kept(lease('a'), { owner: sessionOf('a') }) }, { remote: fallen });
    const waits = run(state, order(true), 0);
    expect(waits.does).not.toContain('end_order');
    const nowMs = waits.state.nowMs + T_MS + ORDER_PATIENCE_MS;
    const later = { ...waits.state, nowMs, lastProofMs: nowMs };
    expect(ended(run(later, 0))).toMatchObject(refused('awaiting_session_end'));
    const gone = run(waits.state, readsLease(null), 1100);
    expect(gone.does).toContain('claim');
  });

  test('for the ensemble, and not for ever', () => {
    const waits = run(survivor(), order(true), { kind: 'session_disconnected' });
    expect(waits.state.orderedFailover).toMatchObject({ acknowledgeLoss: true });
    const given = run(waits.state, T_MS + ORDER_PATIENCE_MS);
    expect(given.state.orderedFailover).toBe(null);
    const session: Input = { kind: 'session_connected', sessionId: sessionOf('b'), timeoutMs: T_MS };
    const back = run(given.state, session, { kind: 'records_synced' });
    for (const played of [waits, given, back]) expect(played.does).not.toContain('claim');
    for (const played of [waits, given]) expect(played.does).not.toContain('end_order');
    expect(ended(back)).toMatchObject(refused('zookeeper_unreachable'));
  });
});

describe('a service that lost everybody who was in sync', () => {
  /** `b` was cut off, went out of the set, and then the master and the only other one died for good. */
  function onlyB(): Village {
    const village = new Village(['a', 'b', 'c'], { bootstrapSettleMs: 100 });
    village.pass(1000);
    village.redis('a').write(1000);
    village.pass(4000);
    village.redis('a').unreachableFor.add('b');
    village.pass(3000);
    village.redis('a').write(500);
    village.pass(1000);
    for (const name of ['a', 'c']) {
      village.killRedis(name);
      village.killAgent(name);
    }
    village.pass(10_000);
    expect(village.writable()).toEqual([]);
    expect(village.agent('b').state.reasons).toContain('not_in_sync');
    return village;
  }

  function ask(village: Village, force: boolean): void {
    const askedAt = village.nowMs + village.wallLeadMs;
    const rest = { target: 'b', from: null, asker: 'test', scheduledAt: null } as const;
    village.order('b', { order: 'operation', request: { id: `${force}`, kind: 'failover', askedAt, force, ...rest } });
  }

  const result = (village: Village): OperationResult | undefined =>
    village.ensemble.records.results?.value.list.at(-1);

  test('goes on with what the last survivor has, once an operator says so, and the others follow it', () => {
    const village = onlyB();
    ask(village, false);
    village.pass(1000);
    expect(village.writable()).toEqual([]);
    expect(result(village)).toMatchObject({ ...refused('loss_not_acknowledged'), id: 'false' });
    ask(village, true);
    village.pass(1000);
    expect(village.writable()).toEqual(['b']);
    expect(result(village)).toMatchObject({ id: 'true', outcome: 'done', master: 'b' });
    village.redis('b').write(100);
    village.redis('a').restart('kept');
    village.redis('c').restart('lost');
    village.start('a');
    village.start('c');
    village.pass(5000);
    expect(village.writable()).toEqual(['b']);
    expect(village.followed()).toEqual({ a: 'b', b: 'itself', c: 'b' });
    expect(village.ensemble.records.term?.value.inSync).toEqual(['a', 'c']);
  });

  test('keeps its election as it was when the survivor dies on the way: whoever was in sync may come back', () => {
    const village = onlyB();
    village.interrupt = (by, action) => by === 'b' && action.kind === 'claim';
    ask(village, true);
    village.pass(1000);
    expect(village.roles()['b']).toBe('dead');
    expect(village.ensemble.records.term?.value).toMatchObject({ epoch: 1, inSync: ['c'], designated: null });
    village.interrupt = () => false;
    village.redis('c').restart('kept');
    village.start('c');
    village.pass(10_000);
    expect(village.writable()).toEqual(['c']);
    expect(village.redis('c').keys).toBe(2);
    village.pass(11_000);
    expect(village.ensemble.records.order).toBe(null);
    expect(result(village)).toMatchObject({ kind: 'failover', target: 'b', outcome: 'interrupted' });
    expect(village.writable()).toEqual(['c']);
  });
});

describe('an order whose time is nearly over', () => {
  /** The session of `a`, which is gone, still stands. */
  const ordered = (passMs: number) => run(
    survivor({ lease: kept(lease(), { owner: sessionOf('a') }) }, { remote: UNSEEN }), order(true), 0, passMs,
  ).state;

  test('is not called refused while its claim is under way, nor when its answer is lost', () => {
    const claimed = run(ordered(T_MS + ORDER_PATIENCE_MS - 30), readsLease(null), 0);
    const claim = only(claimed, 'claim');
    const later = run(claimed.state, 40, 0);
    expect(later.does).not.toContain('end_order');
    const mine = kept(lease('b', { epoch: EPOCH + 1 }), { owner: 98n });
    const found = run(
      later.state, { kind: 'session_disconnected' },
      answer(later.state, 'claim', { result: 'failed', code: 'CONNECTION_LOSS' }), 100,
      { kind: 'session_connected', sessionId: 98n, timeoutMs: T_MS },
      readsLease(mine), readsTerm(claim.term), { kind: 'records_synced' }, 0,
    );
    expect(found.state.role.name).toBe('promoting');
    expect(found.does).not.toContain('end_order');
  });

  test.each<[string, Input]>([
    ['nothing stands', reads({ record: 'order', kept: null })],
    ['the next one is for another node', order(true, 'c', 'order-2')],
  ])('is not carried out any more when somebody else has ended it: %s', (_what, read) => {
    expect(run(ordered(3000), read, readsLease(null), 0).does).not.toContain('claim');
  });
});
