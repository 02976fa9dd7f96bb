/**
 * What a configuration that was read again changes: which keys hold from now on, and which need a restart.
 *
 * Live is what the agent looks at in every turn. What it was built with (who it is, where it listens, whom it connects
 * to, how long it promises) stays until it starts again. Values are compared, never shown.
 */
import type { Config } from './config.ts';
import type { KeyName } from './keys.ts';

type Read = (config: Config) => unknown;

const LIVE = {
  log_level: (config) => config.logLevel,
  'node.loading_timeout': ({ node }) => node.loadingTimeoutMs,
  'node.priority': ({ node }) => node.priority,
  'node.never_master': ({ node }) => node.neverMaster,
  'node.no_read': ({ node }) => node.noRead,
  'node.zone': ({ node }) => node.zone,
  down_after_ms: (config) => config.downAfterMs,
  trust_refused: (config) => config.trustRefused,
  bootstrap_settle_ms: (config) => config.bootstrapSettleMs,
  expected_nodes: (config) => config.expectedNodes,
  election_settle_ms: (config) => config.electionSettleMs,
  recovery_grace_ms: (config) => config.recoveryGraceMs,
  durability: ({ shared }) => shared.durability,
  wait_replicas: ({ shared }) => shared.waitReplicas,
  on_ensemble_loss: ({ shared }) => shared.onEnsembleLoss,
  priority_lag_bytes: ({ shared }) => shared.priorityLagBytes,
  complaint_after_ms: (config) => config.complaintAfterMs,
  failover_budget: (config) => config.failoverBudget,
  failover_calm_ms: (config) => config.failoverCalmMs,
  unwritable_after_ms: (config) => config.unwritableAfterMs,
  fence_by_kill: (config) => config.fenceByKill,
  'rescue.mode': ({ rescue }) => rescue.mode,
  forget_after_ms: (config) => config.forgetAfterMs,
  shutdown_timeout_ms: (config) => config.shutdownTimeoutMs,
  on_stop: (config) => config.onStop,
} as const satisfies Partial<Record<KeyName, Read>>;

const AT_START = {
  svc_name: (config) => config.svcName,
  http_port: ({ http }) => http.port,
  http_host: ({ http }) => http.host,
  announce_http_host: ({ http }) => http.announceHost,
  zk_hosts: ({ zk }) => zk.hosts,
  zk_session_timeout_ms: ({ zk }) => zk.sessionTimeoutMs,
  'node.name': ({ node }) => node.name,
  'node.host': ({ node }) => node.host,
  'node.port': ({ node }) => node.port,
  'node.username': ({ node }) => node.username,
  'node.password': ({ node }) => node.password?.reveal() ?? null,
  fence_margin_ms: (config) => config.fenceMarginMs,
  publish_replicas: (config) => config.publishReplicas,
  'rescue.dir': ({ rescue }) => rescue.dir,
  'rescue.keep': ({ rescue }) => rescue.keep,
  'rescue.min_free_bytes': ({ rescue }) => rescue.minFreeBytes,
  'rescue.timeout_ms': ({ rescue }) => rescue.timeoutMs,
  failsafe_promise_ms: (config) => config.failsafePromiseMs,
  'sentinel.port': ({ sentinel }) => sentinel?.port ?? null,
  'sentinel.bind': ({ sentinel }) => sentinel?.bind ?? null,
  'sentinel.master_name': ({ sentinel }) => sentinel?.masterNames ?? null,
  'sentinel.users': ({ sentinel }) => sentinel?.users.map(({ name, password }) => [name, password.reveal()]) ?? null,
  'sentinel.announce_host': ({ sentinel }) => sentinel?.announceHost ?? null,
  'sentinel.announce_port': ({ sentinel }) => sentinel?.announcePort ?? null,
  'sentinel.announce_hostnames': ({ sentinel }) => sentinel?.announceHostnames ?? null,
  'sentinel.services': ({ sentinel }) => sentinel?.services ?? null,
  'sentinel.aliases': ({ sentinel }) => sentinel?.aliases ?? null,
  'sentinel.clients_max': ({ sentinel }) => sentinel?.clientsMax ?? null,
} as const satisfies Partial<Record<KeyName, Read>>;

export interface Changes {
  readonly live: readonly string[];
  readonly restart: readonly string[];
}

function different(table: Readonly<Record<string, Read>>, before: Config, after: Config): readonly string[] {
  const text = (value: unknown): string => JSON.stringify(value);
  return Object.entries(table)
    .filter(([, read]) => text(read(before)) !== text(read(after)))
    .map(([key]) => key);
}

/** Keys whose value is another one: those that hold at once, and those that wait for a restart. */
export function changesOf(before: Config, after: Config): Changes {
  return { live: different(LIVE, before, after), restart: different(AT_START, before, after) };
}

/** What holds once `after` was read: what the agent was built with stays, all else is taken from it. */
export function holding(built: Config, after: Config): Config {
  const { name, host, port, username, password } = built.node;
  return {
    ...after,
    svcName: built.svcName,
    http: built.http,
    zk: built.zk,
    node: { ...after.node, name, host, port, username, password },
    fenceMarginMs: built.fenceMarginMs,
    publishReplicas: built.publishReplicas,
    rescue: { ...built.rescue, mode: after.rescue.mode },
    failsafePromiseMs: built.failsafePromiseMs,
    sentinel: built.sentinel,
  };
}

/** Every key is in one of the two. */
export const RELOAD_KEYS: readonly string[] = [...Object.keys(LIVE), ...Object.keys(AT_START)];
