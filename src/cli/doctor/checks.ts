/**
 * The doctor's judgement: facts in, findings out. Pure, so that every finding has a played scene that proves it.
 */
import { SITUATIONS, situationsOf } from '../situations.ts';
import { masterOf } from '../topology.ts';
import type { DoctorFacts, RedisReport } from './facts.ts';
import type { Finding, FindingCode } from './findings.ts';
import { FINDINGS } from './findings.ts';

/** A share of the session timeout: a heartbeat, every sixth of it, must be back long before the next. */
const ROUND_TRIP_SHARE_MAX = 1 / 20;
/** What the protocol assumes of clock rates, and what a sound machine stays far below. */
const RATE_DEVIATION_MAX = 0.1;
const RATE_DEVIATION_SOUND = 0.01;
const WALL_DEVIATION_MS = 5000;
/** Between what is asked for and granted there is a tick of rounding at most. */
const SESSION_ROUNDING_SHARE = 0.25;
const REDIS_VERSION_MIN = [6, 2] as const;

type Check = (facts: DoctorFacts) => readonly Finding[];

const when = (holds: boolean, code: FindingCode, about = ''): Finding[] => (holds ? [{ code, about }] : []);

const configuration: Check = ({ config, warnings, redis }) => [
  ...warnings.map((about) => ({ code: 'config_warning' as const, about })),
  ...when(redis === null, 'password_unreadable', config.node.name),
];

const timeouts: Check = ({ config, session }) => {
  const grantedMs = session?.timeoutMs ?? config.zk.sessionTimeoutMs;
  const { downAfterMs, unwritableAfterMs, electionSettleMs, failsafePromiseMs, forgetAfterMs } = config;
  const found = (about: string): Finding => ({ code: 'timeouts_contradict', about });
  return [
    ...(downAfterMs > grantedMs
      ? [found(`down_after_ms (${downAfterMs}) is longer than the session timeout granted (${grantedMs})`)] : []),
    ...(unwritableAfterMs < downAfterMs
      ? [found(`unwritable_after_ms (${unwritableAfterMs}) is shorter than down_after_ms (${downAfterMs})`)] : []),
    ...(electionSettleMs > grantedMs
      ? [found(`election_settle_ms (${electionSettleMs}) is longer than the session timeout granted (${grantedMs})`)]
      : []),
    ...(failsafePromiseMs !== null && failsafePromiseMs < grantedMs / 2
      ? [found(`failsafe_promise_ms (${failsafePromiseMs}) is less than half of the session timeout (${grantedMs})`)]
      : []),
    ...(forgetAfterMs < grantedMs
      ? [found(`forget_after_ms (${forgetAfterMs}) is shorter than the session timeout granted (${grantedMs})`)] : []),
  ];
};

const ensemble: Check = ({ config, servers, session }) => {
  const askedMs = config.zk.sessionTimeoutMs;
  if (session === null) {
    return [{ code: 'ensemble_unreachable', about: servers.map(({ host }) => host).join(', ') }];
  }
  const { timeoutMs, roundTripMs } = session;
  const slow = servers.flatMap(({ host, limits }) => {
    const mostMs = limits === null ? 0 : limits.tickTimeMs * limits.syncLimitTicks;
    return mostMs > 2 * timeoutMs ? [`${host}: ${mostMs} ms, session timeout ${timeoutMs} ms`] : [];
  });
  return [
    ...servers.filter(({ accepts }) => !accepts).map(({ host }): Finding => {
      return { code: 'zookeeper_server_down', about: host };
    }),
    ...when(servers.length === 1, 'ensemble_single', servers[0]?.host),
    ...when(Math.abs(timeoutMs - askedMs) > askedMs * SESSION_ROUNDING_SHARE, 'session_timeout_changed',
      `asked for ${askedMs} ms, granted ${timeoutMs} ms`),
    ...when(roundTripMs > timeoutMs * ROUND_TRIP_SHARE_MAX, 'ensemble_slow',
      `a sync took ${Math.round(roundTripMs)} ms, the session timeout is ${timeoutMs} ms`),
    ...slow.map((about): Finding => ({ code: 'slow_ensemble_detection', about })),
  ];
};

const ownAgent: Check = ({ config, agent, service, session }) => {
  const known = when(session !== null && service === null, 'service_unknown', config.svcName);
  if (!agent.answers) return [...known, { code: 'agent_unreachable', about: agent.why }];
  const isOurs = agent.service === config.svcName && agent.name === config.node.name;
  return [...known, ...when(!isOurs, 'agent_other_node', `${agent.name} of ${agent.service}`)];
};

/** A delay that outlasts any absence of an agent. */
const SYNC_FENCE_SECONDS_MIN = 3600;

type Settings = ReadonlyMap<string, string>;

function syncFence({ settings }: { readonly settings: Settings }, where: string): readonly Finding[] {
  const delay = Number(settings.get('repl-diskless-sync-delay'));
  const diskless = settings.get('repl-diskless-sync') !== 'no';
  if (diskless && delay === 0) return [{ code: 'diskless_delay_zero', about: where }];
  return when(!diskless || delay < SYNC_FENCE_SECONDS_MIN, 'sync_fence_missing', where);
}

const redisItself: Check = (facts) => {
  const { config, redis } = facts;
  const where = `${config.node.host}:${config.node.port}`;
  if (redis === null) return [];
  if ('failure' in redis) return [{ code: 'redis_unreachable', about: `${where}: ${redis.failure}` }];
  const { version, mode, refused, settings } = redis;
  return [
    ...when(isOlder(version, REDIS_VERSION_MIN), 'redis_too_old', version),
    ...when(mode === 'cluster', 'redis_cluster_mode', where),
    ...refused.map((about): Finding => ({ code: 'commands_refused', about })),
    ...persistence(redis),
    ...startFence(redis),
    ...syncFence(redis, where),
    ...when(settings.get('replica-read-only') === 'no', 'replica_writable', where),
    ...olderThanMaster(facts),
  ];
};

/** A master's full sync is in the format of its version, which an older replica may not know. */
function olderThanMaster({ redis, reach, service }: DoctorFacts): Finding[] {
  const master = service === null ? null : masterOf(service);
  const theirs = reach.find(({ node }) => node === master)?.redisVersion;
  if (redis === null || 'failure' in redis || theirs === null || theirs === undefined) return [];
  const [major = 0, minor = 0] = theirs.split('.').map(Number);
  return when(isOlder(redis.version, [major, minor]), 'redis_versions_differ', `${redis.version}, master ${theirs}`);
}

function persistence({ settings, restartedBy }: RedisReport): Finding[] {
  const [save, appendonly] = [settings.get('save'), settings.get('appendonly')];
  if (save === undefined || appendonly === undefined) return [];
  if (save !== '' || appendonly === 'yes') return [];
  const about = 'save "" and appendonly no';
  return restartedBy === null
    ? [{ code: 'persistence_off', about }]
    : [{ code: 'persistence_off_restarts', about: `${about}, restarted by ${restartedBy}` }];
}

/** What Redis does at its next start stands in its file; what it does now was set by the agent. */
function startFence({ configLines }: RedisReport): Finding[] {
  if (configLines === null) return [{ code: 'start_fence_unknown', about: 'its configuration file cannot be read' }];
  const valueOf = (name: string): string | undefined => {
    const pattern = new RegExp(`^\\s*${name}\\s+(.*?)\\s*$`, 'i');
    return configLines.map((line) => pattern.exec(line)?.[1]).findLast((value) => value !== undefined);
  };
  const count = Number(valueOf('min-replicas-to-write') ?? valueOf('min-slaves-to-write') ?? '0');
  const lag = Number(valueOf('min-replicas-max-lag') ?? valueOf('min-slaves-max-lag') ?? '10');
  const master = valueOf('replicaof') ?? valueOf('slaveof');
  const included = configLines.some((line) => /^\s*include\s/i.test(line));
  const fenced = (count > 0 && lag > 0) || master !== undefined;
  return [
    ...when(!fenced && !included, 'start_fence_missing'),
    ...when(!fenced && included, 'start_fence_unknown', 'its configuration file includes others'),
    ...when(master !== undefined, 'starts_as_replica_of', master),
  ];
}

const clocks: Check = ({ clocks: measured }) => measured.flatMap(({ node, rateMin, rateMax, wallAheadMs }) => {
  // Only what the round trips cannot explain counts.
  const deviation = Math.max(rateMin - 1, 1 - rateMax, 0);
  const percent = `${node}: by ${(deviation * 100).toFixed(1)} % at least`;
  return [
    ...when(deviation > RATE_DEVIATION_MAX, 'clock_rate', percent),
    ...when(deviation > RATE_DEVIATION_SOUND && deviation <= RATE_DEVIATION_MAX, 'clock_rate_suspect', percent),
    ...when(Math.abs(wallAheadMs) > WALL_DEVIATION_MS, 'wall_clocks_differ',
      `${node}: ${(wallAheadMs / 1000).toFixed(1)} s`),
  ];
});

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.');

const reachability: Check = ({ config, reach, service, agent }) => {
  const others = [...(service?.records?.members ?? [])].filter(([name]) => name !== config.node.name);
  const elsewhere = others.some(([, { value }]) => !isLoopback(value.redis.host));
  const announced = [config.node.host, config.http.announceHost].filter(isLoopback);
  const versions = new Set(reach.flatMap(({ version }) => (version === null ? [] : [version])));
  if (agent.answers) versions.add(agent.version);
  return [
    ...reach.flatMap((each) => [
      ...when(!each.redis, 'node_redis_unreachable', each.node),
      ...when(!each.agent, 'node_agent_unreachable', each.node),
      ...when(each.seesUs === false, 'not_seen_by_node', each.node),
    ]),
    ...when(elsewhere && announced.length > 0, 'loopback_announced', announced[0]),
    ...when(versions.size > 1, 'versions_differ', [...versions].sort().join(', ')),
  ];
};

const theService: Check = ({ config, service }) => {
  if (service === null) return [];
  const reasons = service.views.get(config.node.name)?.reasons ?? [];
  const found = situationsOf(service).filter(({ code }) => SITUATIONS[code].severity !== 'info');
  return [
    ...when(reasons.includes('setting_differs'), 'settings_differ'),
    ...found.map(({ code, about }): Finding => ({ code: 'situation', about: [code, ...about].join(': ') })),
  ];
};

const SEVERITY_ORDER = { error: 0, warning: 1, info: 2 } as const;

const CHECKS: readonly Check[] = [
  configuration, timeouts, ensemble, ownAgent, redisItself, reachability, clocks, theService,
];

/** Every finding, the gravest first. */
export function examine(facts: DoctorFacts): readonly Finding[] {
  return CHECKS.flatMap((check) => check(facts)).toSorted((a, b) => {
    return SEVERITY_ORDER[FINDINGS[a.code].severity] - SEVERITY_ORDER[FINDINGS[b.code].severity];
  });
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}
