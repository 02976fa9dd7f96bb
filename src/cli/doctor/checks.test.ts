/** Each finding of the doctor, played: the facts that make it, and that a sound node has none. */
import { describe, expect, test } from 'vitest';
import {
  playedFacts, playedMember, playedRecords, playedViews, stamped,
} from '../../../test/support/played-service.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/config.ts';
import { examine } from './checks.ts';
import { rateBetween } from './clocks.ts';
import type { ClockFacts, DoctorFacts, ReachFacts, RedisReport } from './facts.ts';
import { FINDINGS } from './findings.ts';
import type { FindingCode } from './findings.ts';

function configWith(change: Partial<Config> = {}): Config {
  const env = {
    DICTATOR_SVC_NAME: 'cache', DICTATOR_NODE_NAME: 'redis2', DICTATOR_NODE_HOST: '10.0.0.2',
    DICTATOR_ZK_HOSTS: 'zk1,zk2,zk3',
  };
  const loaded = loadConfig({ env, readFile: () => ({ ok: false, reason: '' }) });
  if (!loaded.ok) throw new Error('the configuration of the test is faulty');
  return { ...loaded.config, ...change };
}

const SETTINGS = {
  save: '3600 1',
  appendonly: 'no',
  'repl-diskless-sync': 'yes',
  'repl-diskless-sync-delay': '86400',
  'replica-read-only': 'yes',
};

type Words = Readonly<Record<string, string>>;

const redisWith = (change: Partial<RedisReport> = {}, settings: Words = {}): RedisReport => ({
  version: '7.0.15',
  mode: 'standalone',
  role: 'replica',
  settings: new Map(Object.entries({ ...SETTINGS, ...settings })),
  refused: [],
  configLines: ['port 6379', 'min-replicas-to-write 1'],
  restartedBy: null,
  ...change,
});

const reachWith = (change: Partial<ReachFacts> = {}): readonly ReachFacts[] => [
  { node: 'redis1', redis: true, agent: true, seesUs: true, version: '1.0.0', redisVersion: '7.0.15', ...change },
];

const clocksWith = (change: Partial<ClockFacts>): readonly ClockFacts[] => [
  { node: 'redis1', rateMin: 0.999, rateMax: 1.001, wallAheadMs: 3, ...change },
];

const server = (host: string, change = {}) => ({ host, accepts: true, limits: null, ...change });
const SERVERS = [server('zk1:2181'), server('zk2:2181'), server('zk3:2181')];

function factsWith(change: Partial<DoctorFacts> = {}): DoctorFacts {
  return {
    config: configWith(),
    warnings: [],
    servers: SERVERS,
    session: { timeoutMs: 5000, roundTripMs: 2 },
    agent: { answers: true, service: 'cache', name: 'redis2', version: '1.0.0' },
    redis: redisWith(),
    service: playedFacts(),
    reach: reachWith(),
    clocks: clocksWith({}),
    ...change,
  };
}

const local = { ...configWith(), node: { ...configWith().node, host: '127.0.0.1' } };

const SCENES: readonly (readonly [FindingCode, Partial<DoctorFacts>, string])[] = [
  ['config_warning', { warnings: ['odd'] }, 'odd'],
  ['password_unreadable', { redis: null }, 'redis2'],
  ['timeouts_contradict', { config: configWith({ downAfterMs: 5100, unwritableAfterMs: 6000 }) }, '_ms (5100)'],
  ['timeouts_contradict', { config: configWith({ unwritableAfterMs: 500 }) }, 'unwritable_after_ms (500)'],
  ['timeouts_contradict', { config: configWith({ electionSettleMs: 6000 }) }, 'election_settle_ms (6000)'],
  ['timeouts_contradict', { config: configWith({ failsafePromiseMs: 2000 }) }, 'failsafe_promise_ms (2000)'],
  ['timeouts_contradict', { config: configWith({ forgetAfterMs: 2000 }) }, 'forget_after_ms (2000)'],
  ['ensemble_unreachable', { session: null, service: null }, 'zk1:2181, zk2:2181'],
  ['zookeeper_server_down', { servers: [server('zk1', { accepts: false }), server('zk2')] }, 'zk1'],
  ['ensemble_single', { servers: [server('zk1')] }, 'zk1'],
  ['ensemble_slow', { session: { timeoutMs: 5000, roundTripMs: 300 } }, '300 ms'],
  ['session_timeout_changed', { session: { timeoutMs: 10_000, roundTripMs: 1 } }, 'granted 10000'],
  ['slow_ensemble_detection', {
    servers: [server('zk1', { limits: { tickTimeMs: 2000, syncLimitTicks: 6 } }), server('zk2')],
  }, 'zk1: 12000 ms'],
  ['agent_unreachable', { agent: { answers: false, why: 'http://127.0.0.1:8000: refused' } }, 'refused'],
  ['agent_other_node', { agent: { answers: true, service: 'cache', name: 'x', version: '1.0.0' } }, 'x of cache'],
  ['service_unknown', { service: null }, 'cache'],
  ['redis_unreachable', { redis: { failure: 'refused' } }, '10.0.0.2:6379: refused'],
  ['redis_too_old', { redis: redisWith({ version: '6.0.9' }), reach: reachWith({ redisVersion: null }) }, '6.0.9'],
  ['redis_cluster_mode', { redis: redisWith({ mode: 'cluster' }) }, '10.0.0.2'],
  ['commands_refused', { redis: redisWith({ refused: ['CONFIG GET'] }) }, 'CONFIG GET'],
  ['persistence_off', { redis: redisWith({}, { save: '' }) }, 'save ""'],
  ['persistence_off_restarts', { redis: redisWith({ restartedBy: 'redis.service' }, { save: '' }) }, 'redis.service'],
  ['start_fence_missing', { redis: redisWith({ configLines: ['port 6379', '# min-replicas-to-write 1'] }) }, ''],
  ['start_fence_missing', {
    redis: redisWith({ configLines: ['min-replicas-to-write 1', 'min-replicas-max-lag 0'] }),
  }, ''],
  ['start_fence_unknown', { redis: redisWith({ configLines: null }) }, 'cannot be read'],
  ['start_fence_unknown', { redis: redisWith({ configLines: ['include /x.conf'] }) }, 'includes others'],
  ['starts_as_replica_of', { redis: redisWith({ configLines: ['replicaof 10.0.0.1 6379'] }) }, '10.0.0.1 6379'],
  ['diskless_delay_zero', { redis: redisWith({}, { 'repl-diskless-sync-delay': '0' }) }, '10.0.0.2'],
  ['sync_fence_missing', { redis: redisWith({}, { 'repl-diskless-sync-delay': '5' }) }, '10.0.0.2'],
  ['sync_fence_missing', { redis: redisWith({}, { 'repl-diskless-sync': 'no' }) }, '10.0.0.2'],
  ['replica_writable', { redis: redisWith({}, { 'replica-read-only': 'no' }) }, '10.0.0.2'],
  ['clock_rate', { clocks: clocksWith({ rateMin: 1.2, rateMax: 1.3 }) }, 'redis1: by 20.0 % at least'],
  ['clock_rate_suspect', { clocks: clocksWith({ rateMin: 0.9, rateMax: 0.95 }) }, 'by 5.0 %'],
  ['wall_clocks_differ', { clocks: clocksWith({ wallAheadMs: -60_000 }) }, 'redis1: -60.0 s'],
  ['node_redis_unreachable', { reach: reachWith({ redis: false }) }, 'redis1'],
  ['node_agent_unreachable', { reach: reachWith({ agent: false, version: null }) }, 'redis1'],
  ['not_seen_by_node', { reach: reachWith({ seesUs: false }) }, 'redis1'],
  ['loopback_announced', { config: local }, '127.0.0.1'],
  ['versions_differ', { reach: reachWith({ version: '0.9.0' }) }, '0.9.0, 1.0.0'],
  ['redis_versions_differ', { reach: reachWith({ redisVersion: '8.0.1' }) }, '7.0.15, master 8.0.1'],
  ['settings_differ', {
    service: playedFacts({ views: playedViews({ redis2: { reasons: ['setting_differs'] } }) }),
  }, ''],
  ['situation', { service: playedFacts({ records: playedRecords({ live: ['redis1', 'redis2'] }) }) }, 'replica_miss'],
];

test('a sound node has nothing to correct', () => {
  expect(examine(factsWith())).toEqual([]);
});

test('every finding has a scene', () => {
  expect(new Set(SCENES.map(([code]) => code))).toEqual(new Set(Object.keys(FINDINGS)));
});

describe('the scene of', () => {
  test.each(SCENES)('%s', (code, change, about) => {
    const found = examine(factsWith(change));
    expect(found.map((each) => each.code)).toEqual([code]);
    expect(found[0]?.about).toContain(about);
  });
});

test('a node alone on its host may announce loopback while all others do', () => {
  const members = new Map(['redis1', 'redis2'].map((name) => {
    return [name, stamped(playedMember(name, { redis: { host: '127.0.0.1', port: 1 } }), 1)];
  }));
  const service = playedFacts({ records: playedRecords({ members }) });
  expect(examine(factsWith({ config: local, service }))).toEqual([]);
});

test('a difference of clocks that the round trips explain is none', () => {
  const { rateMin, rateMax } = rateBetween(
    { uptimeMs: 5000, sentMs: 100, gotMs: 300 },
    { uptimeMs: 6700, sentMs: 1600, gotMs: 1800 },
  );
  expect([rateMin < 1.01, rateMax > 1]).toEqual([true, true]);
  expect(examine(factsWith({ clocks: clocksWith({ rateMin, rateMax }) }))).toEqual([]);
});
