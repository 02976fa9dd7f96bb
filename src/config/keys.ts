/**
 * Every key of the configuration: one table that loading, help and `docs/configuration.md` share.
 *
 * The names made by `later` are reserved, so that a file written for a later version gets a clear answer instead of
 * "unknown key".
 * Values are given as they would stand in the file; `null` means "none, or derived as `defaultText` says".
 */
import type { Key, Kind, ReservedKey } from './key.ts';
import { SENTINEL_KEYS } from './keys-sentinel.ts';

export type { Key } from './key.ts';

const NOT_YET = 'Remove the key.';

const later = (kind: Kind, value: unknown, meaning: string): ReservedKey => ({
  reserved: true,
  kind,
  default: value,
  meaning,
  fix: NOT_YET,
});

const laterSecret = (meaning: string): ReservedKey => ({
  ...later('any', null, meaning),
  secret: true,
});

export const KEYS = {
  svc_name: {
    kind: 'text',
    default: 'local',
    meaning: 'name of the service; one component of a ZooKeeper path',
    fix: 'Use a name without "/" and control characters, such as "cache".',
  },
  log_level: {
    kind: 'text',
    default: 'INFO',
    meaning: 'least level that is logged: `DEBUG`, `INFO`, `WARN` or `FATAL`, in any case',
    fix: 'Use DEBUG, INFO, WARN or FATAL.',
  },
  http_port: {
    kind: 'integer',
    default: 8000,
    meaning: 'port of the HTTP listener',
    fix: 'Use a port from 1 to 65535.',
  },
  http_host: {
    kind: 'text',
    default: null,
    defaultText: 'all addresses',
    meaning: 'address to listen on',
    fix: 'Use a host name or an address, without a port; leave the key out for all addresses.',
  },
  announce_http_host: {
    kind: 'text',
    default: null,
    defaultText: '`node.host`',
    meaning: 'address at which the other agents reach this one',
    fix: 'Use a host name or an address, without a port.',
  },
  zk_hosts: {
    kind: 'list',
    default: ['localhost:2181'],
    meaning: 'ZooKeeper servers, each `host` or `host:port`, IPv6 in brackets; 2181 where no port is given',
    fix: 'Use a list such as ["zk1", "zk2:2181", "[2001:db8::1]:2181"].',
  },
  zk_session_timeout_ms: {
    kind: 'integer',
    default: 5000,
    meaning: 'session timeout to ask for; the ensemble grants at least two of its ticks',
    fix: 'Use milliseconds from 100 to 600000.',
  },
  'node.name': {
    kind: 'text',
    default: 'local',
    meaning: 'stable identity of the node, unique in the service; one component of a ZooKeeper path',
    fix: 'Use a name without "/" and control characters, such as "redis1".',
  },
  'node.host': {
    kind: 'text',
    default: 'localhost',
    meaning: 'address of Redis, as published to clients and to the other nodes',
    fix: 'Use a host name or an address, without a port (that is node.port).',
  },
  'node.port': {
    kind: 'integer',
    default: 6379,
    meaning: 'port of Redis',
    fix: 'Use a port from 1 to 65535.',
  },
  'node.loading_timeout': {
    kind: 'integer',
    default: 30,
    meaning: 'seconds that Redis may take to load its dataset',
    fix: 'Use seconds from 0 to 604800.',
  },
  'node.username': {
    kind: 'text',
    default: null,
    defaultText: 'none',
    meaning: 'ACL user of Redis; also set as `masteruser`',
    fix: 'Use the name of an ACL user; leave the key out for the default user.',
  },
  'node.password': {
    kind: 'text',
    default: null,
    defaultText: 'none',
    meaning: 'password of Redis; also set as `masterauth`',
    fix: 'Use the password as text; leave the key out where there is none.',
    secret: true,
  },
  'node.password_file': {
    kind: 'text',
    default: null,
    defaultText: 'none',
    meaning: 'file that holds the password, one line; instead of `node.password`',
    fix: 'Use the path of a file that this user can read and that holds the password in one line.',
  },
  'node.priority': {
    kind: 'integer',
    default: null,
    defaultText: '`replica-priority` of Redis',
    meaning: 'less is better, among equally fresh nodes; 0: never promoted',
    fix: 'Use an integer from 0 to 1000000.',
  },
  'node.never_master': {
    kind: 'boolean',
    default: false,
    meaning: 'never promoted by itself, whatever its priority: a copy for backups, or in a far place',
    fix: 'Use true or false.',
  },
  'node.no_read': {
    kind: 'boolean',
    default: false,
    meaning: 'tells clients and balancers not to read from this node',
    fix: 'Use true or false.',
  },
  'node.zone': {
    kind: 'text',
    default: null,
    defaultText: 'none',
    meaning: 'where the node stands (rack, room, site); what it is good for, the service\'s `zones` says',
    fix: 'Use a name of up to 64 letters, digits, dots, dashes and underscores.',
  },
  down_after_ms: {
    kind: 'integer',
    default: 2000,
    meaning: 'Redis that leaves a command unanswered for so long is down',
    fix: 'Use milliseconds from 50 to 600000.',
  },
  fence_margin_ms: {
    kind: 'integer',
    default: null,
    defaultText: 'the smaller of 500 and T/8',
    meaning: 'how long before its own deadline (2/3 T) a silent lease holder begins to fence',
    fix: 'Use milliseconds from 10 to a third of zk_session_timeout_ms, or leave the key out.',
  },
  trust_refused: {
    kind: 'boolean',
    default: true,
    meaning: 'whether refused connections count towards a proof of death; `false` where a firewall can forge them',
    fix: 'Use true or false.',
  },
  bootstrap_settle_ms: {
    kind: 'integer',
    default: 3000,
    meaning: 'how long the first start of an empty service waits for more nodes',
    fix: 'Use milliseconds from 0 to 3600000.',
  },
  expected_nodes: {
    kind: 'integer_or_list',
    default: null,
    defaultText: 'none',
    meaning: 'number of nodes, or list of their names, whose presence ends that wait at once',
    fix: 'Use a number from 1 to 1000, or a list of node names such as ["redis1", "redis2", "redis3"].',
  },
  election_settle_ms: {
    kind: 'integer',
    default: 1000,
    meaning: 'how long an election waits for the ballots of live members of the in-sync set',
    fix: 'Use milliseconds from 0 to 600000.',
  },
  recovery_grace_ms: {
    kind: 'integer',
    default: 60000,
    meaning: 'how long the last master is waited for after every node lost power',
    fix: 'Use milliseconds from 0 to 86400000.',
  },
  durability: {
    kind: 'text',
    default: 'async',
    meaning: '`async`, or `durable`: a failover that cannot prove to keep what `WAIT` confirmed does not happen',
    fix: 'Use "async" or "durable", the same on all nodes.',
  },
  wait_replicas: {
    kind: 'integer',
    default: 1,
    meaning: 'with `durable`: the number that clients give to `WAIT`',
    fix: 'Use an integer from 1 to 63, the same on all nodes.',
  },
  on_ensemble_loss: {
    kind: 'text',
    default: 'fence',
    meaning: '`fence`, or `continue`, when the ensemble is away and a node is silent, too',
    fix: 'Use "fence" or "continue", the same on all nodes.',
  },
  priority_lag_bytes: {
    kind: 'integer',
    default: 0,
    meaning: 'among nodes that are behind by no more than this the priority decides; with `durable` always 0',
    fix: 'Use bytes from 0 to 1000000000, the same on all nodes.',
  },
  complaint_after_ms: {
    kind: 'integer',
    default: 5000,
    meaning: 'a replica that cannot reach a living master for so long says so; if most do, the master hands over',
    fix: 'Use milliseconds from 1000 to 3600000.',
  },
  failover_budget: {
    kind: 'integer',
    default: 3,
    meaning: 'failovers without a pause while masters fall one after the other; then 1, 2, 4 ... up to 30 s each',
    fix: 'Use a number from 1 to 1000.',
  },
  failover_calm_ms: {
    kind: 'integer',
    default: 30000,
    meaning: 'a master that has served for so long ends such a series',
    fix: 'Use milliseconds from 1000 to 3600000.',
  },
  unwritable_after_ms: {
    kind: 'integer',
    default: 5000,
    meaning: 'a master whose Redis refuses every write for so long (disk full, `MISCONF`) hands over to a better one',
    fix: 'Use milliseconds from 500 to 3600000.',
  },
  fence_by_kill: {
    kind: 'boolean',
    default: false,
    meaning: 'kill a stopped Redis (SIGSTOP) whose lease is lost, where the agent shares its host and may',
    fix: 'Use true or false.',
  },
  publish_replicas: {
    kind: 'boolean',
    default: false,
    meaning: 'while this node is a replica in sync, list it below `/services/redis-replicas/<svc_name>`',
    fix: 'Use true or false.',
  },
  'rescue.mode': {
    kind: 'text',
    default: 'on',
    meaning: 'copy divergent data before it is discarded: `on`, `off`, or `require`: no copy, no following',
    fix: 'Use "on", "off" or "require".',
  },
  'rescue.dir': {
    kind: 'text',
    default: '/var/lib/dictator',
    meaning: 'where rescue copies are kept, in a folder per service and node',
    fix: 'Use the absolute path of a directory that the agent may write.',
  },
  'rescue.keep': {
    kind: 'integer',
    default: 3,
    meaning: 'rescue copies kept per node; the oldest goes when a new one is complete',
    fix: 'Use a number from 1 to 1000.',
  },
  'rescue.min_free_bytes': {
    kind: 'integer',
    default: 268435456,
    meaning: 'bytes that a rescue copy must leave free on the file system of `rescue.dir`',
    fix: 'Use bytes from 0 to 1000000000000000.',
  },
  'rescue.timeout_ms': {
    kind: 'integer',
    default: 600000,
    meaning: 'a rescue copy that takes longer is given up',
    fix: 'Use milliseconds from 1000 to 86400000.',
  },
  failsafe_promise_ms: {
    kind: 'integer',
    default: null,
    defaultText: 'T',
    meaning: 'how long the nodes promise to keep out of elections while the ensemble is silent',
    fix: 'Use milliseconds from half of zk_session_timeout_ms to 600000, or leave the key out.',
  },
  forget_after_ms: {
    kind: 'integer',
    default: 86_400_000,
    meaning: 'a node that follows nobody and has no agent is no longer counted after this',
    fix: 'Use milliseconds from 1000 to 31536000000.',
  },
  shutdown_timeout_ms: {
    kind: 'integer',
    default: 10000,
    meaning: 'an agent that is told to stop has ended by then; for half of it a successor is waited for',
    fix: 'Use milliseconds from 1000 to 600000.',
  },
  on_stop: {
    kind: 'text',
    default: 'switchover',
    meaning: 'a master whose agent is told to stop: `switchover` hands over, `keep` leaves it for the next agent',
    fix: 'Use "switchover" or "keep".',
  },
  ...SENTINEL_KEYS,
  zk_chroot: later('text', null, 'prefix of every path in ZooKeeper'),
  zk_auth: laterSecret('authentication towards ZooKeeper'),
  zk_tls: laterSecret('TLS towards ZooKeeper'),
  'node.tls': laterSecret('TLS towards Redis'),
  'api.tokens': laterSecret('tokens of the HTTP API'),
  'api.tls': laterSecret('TLS of the HTTP API'),
  hooks: laterSecret('programs run on events'),
  nodes: laterSecret('several nodes in one agent'),
} as const satisfies Record<string, Key>;

export type KeyName = keyof typeof KEYS;

export const KEY_NAMES = Object.keys(KEYS) as readonly KeyName[];

/** The table as plain rows: without the literal types, which make optional members vanish. */
export const keyOf = (name: KeyName): Key => KEYS[name];

export const isKeyName = (name: string): name is KeyName => Object.hasOwn(KEYS, name);

/** Names that are objects in the file: `node`, `rescue`, `sentinel`, `api`. */
export const GROUPS: ReadonlySet<string> = new Set(
  KEY_NAMES.flatMap((name) => (name.includes('.') ? [name.slice(0, name.indexOf('.'))] : [])),
);

/** `node.port` is `DICTATOR_NODE_PORT` in the environment. */
export const envNameOf = (name: KeyName): string => `DICTATOR_${name.toUpperCase().replaceAll('.', '_')}`;
