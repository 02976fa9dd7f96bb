/**
 * Everything that the doctor can find: a closed list of codes, each with its severity, what it means and what to do.
 * `docs/cli.md` lists the same; a test compares. The list only grows.
 *
 * `error`: a promise of the product does not hold, or will not when it counts. `warning`: it holds, and something
 * makes it weaker than it could be. `info`: worth knowing.
 */
import type { Severity } from '../situations.ts';

export interface FindingKind {
  readonly severity: Severity;
  readonly what: string;
  readonly fix: string;
}

export const FINDINGS = {
  config_warning: {
    severity: 'warning',
    what: 'The configuration is valid and odd.',
    fix: 'See the detail; docs/configuration.md describes every key.',
  },
  password_unreadable: {
    severity: 'info',
    what: 'This user may not read the password of Redis, so Redis was not looked at.',
    fix: 'Run it as the user of the agent, or as root.',
  },
  timeouts_contradict: {
    severity: 'warning',
    what: 'Two times contradict each other.',
    fix: 'See the detail.',
  },
  ensemble_unreachable: {
    severity: 'error',
    what: 'No server of the ensemble gave a session.',
    fix: 'Check zk_hosts, the ensemble and the network.',
  },
  zookeeper_server_down: {
    severity: 'warning',
    what: 'A server of zk_hosts does not accept connections.',
    fix: 'Start it, or correct zk_hosts: the ensemble bears the loss of one server less.',
  },
  ensemble_single: {
    severity: 'info',
    what: 'zk_hosts names one server: when it is away there is no failover.',
    fix: 'Run three or five servers, and name them all.',
  },
  ensemble_slow: {
    severity: 'warning',
    what: 'The ensemble answers slowly, measured against the session timeout.',
    fix: 'Give it its own disk for the transaction log, or raise zk_session_timeout_ms.',
  },
  session_timeout_changed: {
    severity: 'warning',
    what: 'The ensemble does not grant the session timeout that the configuration asks for.',
    fix: 'Every deadline follows what is granted: change tickTime (2 to 20 ticks are granted) or the configuration.',
  },
  slow_ensemble_detection: {
    severity: 'warning',
    what: 'A deposed leader of the ensemble may go on answering for longer than twice the session timeout.',
    fix: 'Lower syncLimit x tickTime below it.',
  },
  agent_unreachable: {
    severity: 'error',
    what: 'The agent of this node does not answer at its own address.',
    fix: 'Start it: systemctl status dictator.',
  },
  agent_other_node: {
    severity: 'error',
    what: 'At the address of this agent another node or service answers.',
    fix: 'Give every agent its own http_port.',
  },
  service_unknown: {
    severity: 'warning',
    what: 'The ensemble has no records of this service.',
    fix: 'Start its agents; correct svc_name if it should exist.',
  },
  redis_unreachable: {
    severity: 'error',
    what: 'The Redis of this node does not answer as the configuration describes it.',
    fix: 'Start it, or correct node.host, node.port, node.username and the password.',
  },
  redis_too_old: {
    severity: 'error',
    what: 'Redis is older than 6.2.',
    fix: 'Upgrade it.',
  },
  redis_cluster_mode: {
    severity: 'error',
    what: 'Redis runs in cluster mode, which the agent does not touch.',
    fix: 'Set cluster-enabled no.',
  },
  commands_refused: {
    severity: 'error',
    what: 'Redis refuses a command that the agent needs.',
    fix: 'Give the ACL user the commands named in docs/operations.md.',
  },
  persistence_off_restarts: {
    severity: 'error',
    what: 'Redis keeps nothing on disk and is restarted automatically: it comes back empty.',
    fix: 'Turn on appendonly or save, or turn off the automatic restart.',
  },
  persistence_off: {
    severity: 'warning',
    what: 'Redis keeps nothing on disk: after a loss of power everywhere nothing is left.',
    fix: 'Turn on appendonly or save, unless losing the data is acceptable.',
  },
  start_fence_missing: {
    severity: 'warning',
    what: 'Redis starts writable: a restarted former master may take writes before its agent can fence it.',
    fix: 'Put min-replicas-to-write 1 into redis.conf; the agent lifts it.',
  },
  start_fence_unknown: {
    severity: 'info',
    what: 'Whether Redis starts fenced cannot be read here.',
    fix: 'Look for min-replicas-to-write 1 in its configuration file.',
  },
  diskless_delay_zero: {
    severity: 'warning',
    what: 'repl-diskless-sync-delay is 0: an empty restarted master can overwrite a replica before its agent sees it.',
    fix: 'Put repl-diskless-sync-delay 86400 into redis.conf; the agent of a confirmed master opens full syncs.',
  },
  sync_fence_missing: {
    severity: 'info',
    what: 'Redis starts without the sync fence: restarted empty, it can overwrite replicas whose agents are stopped.',
    fix: 'Put repl-diskless-sync-delay 86400 into redis.conf (Redis 7.0 or newer); the agent opens full syncs.',
  },
  replica_writable: {
    severity: 'error',
    what: 'replica-read-only is no: writes to a replica are lost and make it differ.',
    fix: 'CONFIG SET replica-read-only yes, and the same in redis.conf.',
  },
  starts_as_replica_of: {
    severity: 'info',
    what: 'redis.conf makes this Redis a replica of a fixed master at every start.',
    fix: 'Remove replicaof: the agent says whom it follows.',
  },
  clock_rate: {
    severity: 'error',
    what: 'Two clocks run at rates that differ by more than is assumed (10 %).',
    fix: 'Check the clock source of that machine; suspended or overcommitted virtual machines show this as well.',
  },
  clock_rate_suspect: {
    severity: 'warning',
    what: 'Two clocks run at rates that differ by more than 1 %.',
    fix: 'Check the clock source of that machine.',
  },
  wall_clocks_differ: {
    severity: 'info',
    what: 'The wall clocks of two machines differ by more than 5 s.',
    fix: 'Let NTP set them: no decision depends on it, but logs and times shown do.',
  },
  node_redis_unreachable: {
    severity: 'error',
    what: 'The Redis of another node does not accept connections from here.',
    fix: 'Open its port between the nodes; this node could not replicate from it.',
  },
  node_agent_unreachable: {
    severity: 'error',
    what: 'The agent of another node does not answer here.',
    fix: 'Open its HTTP port between the nodes; it is asked while ZooKeeper is silent, and proves deaths.',
  },
  not_seen_by_node: {
    severity: 'error',
    what: 'Another agent holds no stream to the agent of this node.',
    fix: 'Open http_port of this node for the other nodes; check announce_http_host.',
  },
  loopback_announced: {
    severity: 'error',
    what: 'This node announces a loopback address while others live elsewhere.',
    fix: 'Set node.host, or announce_http_host, to the address that the other hosts reach.',
  },
  versions_differ: {
    severity: 'info',
    what: 'The agents of this service are not of one version.',
    fix: 'Finish the upgrade.',
  },
  redis_versions_differ: {
    severity: 'warning',
    what: 'This Redis is older than the master: it may not read what the master sends.',
    fix: 'Upgrade replicas first, the master last.',
  },
  settings_differ: {
    severity: 'warning',
    what: 'The configuration of this node differs from the settings of the service, which are obeyed.',
    fix: 'Make durability, wait_replicas, on_ensemble_loss and priority_lag_bytes the same on all nodes.',
  },
  situation: {
    severity: 'warning',
    what: 'The service is not as it should be.',
    fix: 'Run: dictator explain',
  },
} as const satisfies Record<string, FindingKind>;

export type FindingCode = keyof typeof FINDINGS;

export interface Finding {
  readonly code: FindingCode;
  /** What exactly: names, numbers. */
  readonly about: string;
}
