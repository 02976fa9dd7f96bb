/** Each named situation, played: the facts that make it hold, and that nothing else is named with it by mistake. */
import { describe, expect, test } from 'vitest';
import { PLAYED_NOW_MS } from '../../test/support/cli-io.ts';
import {
  playedBallot, playedFacts, playedMember, playedNode, playedRecords, playedTerm, playedViews, stamped,
} from '../../test/support/played-service.ts';
import type { ServiceFacts } from './facts.ts';
import { SITUATIONS, situationsOf } from './situations.ts';
import type { SituationCode } from './situations.ts';

const ALL = ['redis1', 'redis2', 'redis3'];
const nodesWith = (name: string, change: Parameters<typeof playedNode>[1], agoMs = 12_000) =>
  new Map(ALL.map((each) => [each, stamped(playedNode(each, each === name ? change : {}), agoMs)]));
const membersWith = (change: Parameters<typeof playedMember>[1]) =>
  new Map(ALL.map((each) => [each, stamped(playedMember(each, change), 1000)]));
const linkDown = { reachable: true, role: 'replica', runId: 'x', offset: 1, linkUp: false };
const noLease = { lease: null, masterRecord: null };
const ballots = new Map([['redis2', stamped(playedBallot('redis2'), 20)]]);
const foreign = stamped({ host: '10.0.0.9', port: '6379', name: 'old' }, 1000, 99n);

const pauseUntil = (inMs: number) => {
  const forMs = 600_000;
  return stamped({ owner: 'ann', reason: 'new kernel', since: 0, until: PLAYED_NOW_MS + inMs, forMs }, 1000);
};
const order = stamped({
  id: 'a', kind: 'switchover' as const, target: 'redis2', from: null, epoch: null, asker: 'ann', askedAt: 0,
  scheduledAt: null, deadline: 0, withinMs: 0, force: false, phase: 'waiting' as const, instance: null,
}, 1000);

const SCENES: readonly (readonly [SituationCode, Partial<ServiceFacts>, string])[] = [
  ['ensemble_unreachable', { ensemble: 'silent', records: null }, ''],
  ['service_unformed', {
    records: playedRecords({ term: null, ...noLease }), views: playedViews({ redis1: null }),
  }, ''],
  ['two_masters', {
    views: playedViews({ redis2: { role: 'master', redis: { ...linkDown, role: 'master' } } }),
  }, 'redis1, epoch 7'],
  ['views_disagree', { views: playedViews({ redis3: { epoch: 6 } }) }, 'redis1: epoch 7'],
  ['foreign_master_record', { records: playedRecords({ masterRecord: foreign }) }, 'it names old, 10.0.0.9:6379'],
  ['master_unreachable', {
    silent: ['redis1'],
    views: playedViews({ redis1: null, redis2: { redis: linkDown }, redis3: { redis: linkDown } }),
  }, 'redis1'],
  ['master_agent_silent', { silent: ['redis1'], views: playedViews({ redis1: null }) }, 'redis1'],
  ['master_redis_down', {
    views: playedViews({ redis1: { redis: { ...linkDown, reachable: false } } }),
  }, 'redis1'],
  ['master_fenced', { views: playedViews({ redis1: { fence: 'reversible' } }) }, 'redis1: reversible'],
  ['self_isolated', { views: playedViews({ redis3: { session: { connected: false, timeoutMs: 5000 } } }) }, 'redis3'],
  ['failsafe_active', {
    views: playedViews({ redis1: { failsafe: { sinceAgoMs: 5, endsInMs: 900, by: 'promises' } } }),
  }, 'redis1, by promises'],
  ['election_running', {
    records: playedRecords({ ...noLease, ballots }), views: playedViews({ redis1: null }),
  }, 'redis2 stands'],
  ['no_master', { records: playedRecords(noLease), views: playedViews({ redis1: null }) }, 'the last one was redis1'],
  ['no_promotable_replica', { records: playedRecords({ members: membersWith({ priority: 0 }) }) }, 'priority_zero'],
  ['failover_put_off', { views: playedViews({ redis2: { failover: { falls: 4, resumesInMs: 1500 } } }) }, '4 fail'],
  ['replica_missing', { records: playedRecords({ live: ['redis1', 'redis2'] }) }, 'redis3'],
  ['replica_not_in_sync', {
    records: playedRecords({ term: stamped(playedTerm({ inSync: ['redis2'] }), 1) }),
  }, 'redis3'],
  ['replica_disabled', { records: playedRecords({ nodes: nodesWith('redis3', { disabled: true }) }) }, 'redis3'],
  ['service_paused', { records: playedRecords({ pause: pauseUntil(120_000) }) }, 'by ann, for 2 more min: new kernel'],
  ['operation_standing', { records: playedRecords({ order }) }, 'switchover to redis2, waiting, by ann'],
  ['operation_standing', {
    records: playedRecords({ order: { ...order, value: { ...order.value, kind: 'reinitialize' } } }),
  }, 'reinitialize of redis2, waiting, by ann'],
  ['rescue_running', { views: playedViews({ redis3: { rescue: { running: true } } }) }, 'redis3'],
  ['clock_suspect', { records: playedRecords({ nodes: nodesWith('redis3', {}, -60_000) }) }, '60 s from now'],
  ['clock_suspect', {
    views: playedViews({ redis1: { lease: { heardAgoMs: 9000, fenceInMs: -6000 } } }),
  }, 'redis1 heard of its lease 9000 ms ago and takes writes'],
  ['record_unreadable', { records: playedRecords({ unreadable: ['/dictator/cache/nodes/x'] }) }, 'cache/nodes/x'],
];

test('a pause past its end is none', () => {
  expect(situationsOf(playedFacts({ records: playedRecords({ pause: pauseUntil(-1) }) }))).toEqual([]);
});

test('who is ready but held back by an operator is no election', () => {
  const headless = { ...noLease, ballots };
  const views = playedViews({ redis1: null, redis2: { role: 'candidate', master: null } });
  const found = (change: Parameters<typeof playedRecords>[0]) =>
    situationsOf(playedFacts({ records: playedRecords({ ...headless, ...change }), views })).map(({ code }) => code);
  expect(found({ pause: pauseUntil(120_000) })).toEqual(['no_master', 'service_paused']);
  expect(found({ nodes: nodesWith('redis2', { disabled: true }) })).toEqual(['no_master', 'replica_disabled']);
});

test('a healthy service has no situation to name', () => {
  expect(situationsOf(playedFacts())).toEqual([]);
});

test('every situation of the list has a scene', () => {
  expect(new Set(SCENES.map(([code]) => code))).toEqual(new Set(Object.keys(SITUATIONS)));
});

describe('the scene of', () => {
  test.each(SCENES)('%s', (code, change, about) => {
    const found = situationsOf(playedFacts(change));
    expect(found.map((each) => each.code)).toEqual([code]);
    expect(found[0]?.about.join('; ')).toContain(about);
  });
});

test('the gravest situation comes first', () => {
  const records = playedRecords({ live: ['redis1'], nodes: nodesWith('redis3', { disabled: true }) });
  const codes = situationsOf(playedFacts({ records })).map(({ code }) => code);
  expect(codes).toEqual(['no_promotable_replica', 'replica_missing', 'replica_disabled']);
});
