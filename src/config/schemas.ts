/**
 * What each implemented key must look like: checks one value by itself and turns it into the form the agent uses.
 * What two keys must be to each other is in `cross-checks.ts`.
 */
import { isIP, isIPv6 } from 'node:net';
import { isAbsolute } from 'node:path';
import * as v from 'valibot';
import { FAILSAFE_PROMISE_MAX_MS } from '../contract/failsafe.ts';
import type { HostPort, LogLevel } from './config.ts';
import { readJson } from './json.ts';
import type { KEYS, KeyName } from './keys.ts';
import { Secret } from './secret.ts';

const ZK_PORT_DEFAULT = 2181;

/** Bounds of lists: an ensemble has a handful of servers, a service of this kind tens of nodes. */
const ZK_HOSTS_MAX = 64;
const EXPECTED_NODES_MAX = 1000;

/** Bytes of a ZooKeeper path component that every file system, label and metric can hold, too. */
export const COMPONENT_LENGTH_MAX = 255;

/** RFC 1035: a host name has at most 253 characters. */
const HOST_LENGTH_MAX = 253;

const TEXT_LENGTH_MAX = 4096;

const integer = (least: number, most: number): v.GenericSchema<unknown, number> => {
  const reason = `must be an integer from ${least} to ${most}`;
  return v.pipe(v.number(reason), v.integer(reason), v.minValue(least, reason), v.maxValue(most, reason));
};

const text = v.pipe(
  v.string('must be text'),
  v.nonEmpty('is empty'),
  v.maxLength(TEXT_LENGTH_MAX, `is longer than ${TEXT_LENGTH_MAX} characters`),
);

// What ZooKeeper's PathUtils refuses. It looks at UTF-16 units, so whatever needs a surrogate pair is refused, too.
const FORBIDDEN_IN_PATH = /[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/;

/** One component of a ZooKeeper path that is also safe as part of ours. */
const component = v.pipe(
  v.string('must be text'),
  v.nonEmpty('is empty'),
  v.maxLength(COMPONENT_LENGTH_MAX, `is longer than ${COMPONENT_LENGTH_MAX} characters`),
  v.check((name) => !name.includes('/'), 'contains "/", which would be another level of the ZooKeeper path'),
  v.check((name) => !FORBIDDEN_IN_PATH.test(name), 'contains a character that ZooKeeper forbids in a path'),
  v.check((name) => name !== '.' && name !== '..', 'is a relative path'),
  v.check((name) => name !== 'zookeeper', 'is a name that ZooKeeper keeps for itself'),
  v.check((name) => name === name.trim(), 'begins or ends with a blank'),
);

const HOST_NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/;

const isHost = (host: string): boolean =>
  host.length <= HOST_LENGTH_MAX && (isIP(host) !== 0 || HOST_NAME.test(host));

const host = v.pipe(
  v.string('must be text'),
  v.nonEmpty('is empty'),
  v.check((name) => isHost(name) || !/:\d+$/.test(name), 'contains a port'),
  v.check((name) => isHost(name) || /:\d+$/.test(name), 'is neither a host name nor an address'),
);

const port = integer(1, 65535);

const BRACKETED = /^\[(?<host>[^\]]*)\](?::(?<port>\d+))?$/;
const PLAIN = /^(?<host>[^:]*)(?::(?<port>\d+))?$/;

/** `host`, `host:port`, `[IPv6]`, `[IPv6]:port`, or an IPv6 address alone; undefined for anything else. */
function parseHostPort(value: string): HostPort | undefined {
  if (isIPv6(value)) return { host: value, port: ZK_PORT_DEFAULT };
  const bracketed = BRACKETED.exec(value)?.groups;
  const groups = bracketed ?? PLAIN.exec(value)?.groups;
  const found = groups?.['host'];
  if (found === undefined || !(bracketed === undefined ? isHost(found) : isIPv6(found))) return undefined;
  const parsedPort = v.safeParse(port, Number(groups?.['port'] ?? ZK_PORT_DEFAULT));
  return parsedPort.success ? { host: found, port: parsedPort.output } : undefined;
}

const zkHost = v.pipe(
  v.string('must be text'),
  v.rawTransform<string, HostPort>(({ dataset, addIssue, NEVER }) => {
    const parsed = parseHostPort(dataset.value);
    if (parsed !== undefined) return parsed;
    addIssue({ message: 'is not "host" or "host:port" with a port from 1 to 65535' });
    return NEVER;
  }),
);

const zkHosts = v.pipe(
  v.array(zkHost, 'must be a list'),
  v.minLength(1, 'is empty'),
  v.maxLength(ZK_HOSTS_MAX, `has more than ${ZK_HOSTS_MAX} entries`),
);

const LOG_LEVELS: readonly string[] = ['DEBUG', 'INFO', 'WARN', 'FATAL'] satisfies readonly LogLevel[];

const logLevel = v.pipe(
  v.string('must be text'),
  v.transform((level) => level.toUpperCase()),
  v.custom<LogLevel>((level) => typeof level === 'string' && LOG_LEVELS.includes(level), 'is not a level'),
);

const countOfNodes = integer(1, EXPECTED_NODES_MAX);
const namesOfNodes = v.pipe(
  v.array(component),
  v.minLength(1, 'is empty'),
  v.maxLength(EXPECTED_NODES_MAX, `has more than ${EXPECTED_NODES_MAX} entries`),
  v.check((names) => new Set(names).size === names.length, 'names a node twice'),
);

/** Not `v.union`: its one issue would hide which entry of a list is wrong. */
const expectedNodes = v.lazy((value): v.GenericSchema<unknown, number | string[]> =>
  Array.isArray(value) ? namesOfNodes : countOfNodes,
);

const password = v.pipe(
  text,
  v.transform((value) => new Secret(value)),
);

/** Bounds the loss that priority may cost: beyond it nobody means "equally fresh" any more. */
const PRIORITY_LAG_BYTES_MAX = 1_000_000_000;
/** One less than the nodes that a service can have. */
const WAIT_REPLICAS_MAX = 63;

/** A word that fits into a table, a label and a query. */
const zone = v.pipe(v.string('must be text'), v.regex(/^[\w.-]{1,64}$/, 'is no name of a zone'));

const rescueMode = v.picklist(['on', 'off', 'require'], 'must be "on", "off" or "require"');
const absolutePath = v.pipe(
  text,
  v.check((path) => isAbsolute(path), 'is not an absolute path'),
  v.check((path) => !path.includes('\0'), 'contains a NUL character'),
);

/** Blanks divide the words of an event, and names are bulk strings that clients compare. */
const masterName = v.pipe(
  v.string('must be text'),
  v.nonEmpty('is empty'),
  v.maxLength(COMPONENT_LENGTH_MAX, `is longer than ${COMPONENT_LENGTH_MAX} characters`),
  v.regex(/^[^\s\p{C}]+$/u, 'contains a blank or a control character'),
);
const MASTER_NAMES_MAX = 16;
const masterNames = v.pipe(
  v.unknown(),
  v.transform((value) => (typeof value === 'string' ? [value] : value)),
  v.array(masterName, 'must be a name or a list of names'),
  v.minLength(1, 'is empty'),
  v.maxLength(MASTER_NAMES_MAX, `has more than ${MASTER_NAMES_MAX} entries`),
  v.check((names) => new Set(names).size === names.length, 'names a master twice'),
);

const PATTERNS_MAX = 64;
const servicePatterns = v.pipe(
  v.array(masterName, 'must be a list'),
  v.minLength(1, 'is empty'),
  v.maxLength(PATTERNS_MAX, `has more than ${PATTERNS_MAX} entries`),
);

const BIND_MAX = 16;
const bindAddresses = v.pipe(
  v.array(host, 'must be a list'),
  v.minLength(1, 'is empty'),
  v.maxLength(BIND_MAX, `has more than ${BIND_MAX} entries`),
);

const USERS_MAX = 100;
const USERS_WRONG = 'must be a list of objects with name and password';
const sentinelUser = v.strictObject({ name: masterName, password }, USERS_WRONG);

/** The whole is a secret: an issue names no entry, which would show it. */
const sentinelUsers = v.pipe(
  v.unknown(),
  v.rawTransform<unknown, readonly { readonly name: string; readonly password: Secret }[]>(
    ({ dataset, addIssue, NEVER }) => {
      const parsed = v.safeParse(v.array(sentinelUser), fromJsonText(dataset.value));
      const users = parsed.success ? parsed.output : [];
      const distinct = new Set(users.map(({ name }) => name)).size === users.length;
      if (users.length > 0 && users.length <= USERS_MAX && distinct) return users;
      addIssue({ message: distinct ? USERS_WRONG : 'names a user twice' });
      return NEVER;
    },
  ),
);

/** From the environment it comes as text. */
function fromJsonText(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const json = readJson(value);
  return json.ok ? json.value : undefined;
}

/** Not `v.union`: its issue would not say what is allowed. */
const portOrOff = v.lazy((value): v.GenericSchema<unknown, number | 'off'> =>
  value === 'off' ? v.literal('off') : integer(1, 65535),
);

type NameImplemented = { [K in KeyName]: (typeof KEYS)[K] extends { reserved: true } ? never : K }[KeyName];

export const SCHEMAS = {
  svc_name: component,
  log_level: logLevel,
  http_port: port,
  http_host: host,
  announce_http_host: host,
  zk_hosts: zkHosts,
  zk_session_timeout_ms: integer(100, 600_000),
  'node.name': component,
  'node.host': host,
  'node.port': port,
  'node.loading_timeout': integer(0, 604_800),
  'node.username': text,
  'node.password': password,
  'node.password_file': text,
  'node.priority': integer(0, 1_000_000),
  'node.never_master': v.boolean('must be true or false'),
  'node.no_read': v.boolean('must be true or false'),
  'node.zone': zone,
  down_after_ms: integer(50, 600_000),
  fence_margin_ms: integer(10, 600_000),
  trust_refused: v.boolean('must be true or false'),
  bootstrap_settle_ms: integer(0, 3_600_000),
  expected_nodes: expectedNodes,
  election_settle_ms: integer(0, 600_000),
  recovery_grace_ms: integer(0, 86_400_000),
  durability: v.picklist(['async', 'durable'], 'must be "async" or "durable"'),
  wait_replicas: integer(1, WAIT_REPLICAS_MAX),
  on_ensemble_loss: v.picklist(['fence', 'continue'], 'must be "fence" or "continue"'),
  priority_lag_bytes: integer(0, PRIORITY_LAG_BYTES_MAX),
  complaint_after_ms: integer(1000, 3_600_000),
  failover_budget: integer(1, 1000),
  failover_calm_ms: integer(1000, 3_600_000),
  unwritable_after_ms: integer(500, 3_600_000),
  fence_by_kill: v.boolean('must be true or false'),
  publish_replicas: v.boolean('must be true or false'),
  'rescue.mode': rescueMode,
  'rescue.dir': absolutePath,
  'rescue.keep': integer(1, 1000),
  'rescue.min_free_bytes': integer(0, 1_000_000_000_000_000),
  'rescue.timeout_ms': integer(1000, 86_400_000),
  failsafe_promise_ms: integer(50, FAILSAFE_PROMISE_MAX_MS),
  forget_after_ms: integer(1000, 31_536_000_000),
  shutdown_timeout_ms: integer(1000, 600_000),
  on_stop: v.picklist(['switchover', 'keep'], 'must be "switchover" or "keep"'),
  'sentinel.port': portOrOff,
  'sentinel.bind': bindAddresses,
  'sentinel.master_name': masterNames,
  'sentinel.password': password,
  'sentinel.password_file': text,
  'sentinel.users': sentinelUsers,
  'sentinel.announce_host': host,
  'sentinel.announce_port': port,
  'sentinel.announce_hostnames': v.boolean('must be true or false'),
  'sentinel.services': servicePatterns,
  'sentinel.aliases': v.boolean('must be true or false'),
  'sentinel.clients_max': integer(1, 10_000),
} as const satisfies Record<NameImplemented, v.GenericSchema<unknown, unknown>>;

export type ImplementedKey = keyof typeof SCHEMAS;

type Nullable<K extends ImplementedKey> = (typeof KEYS)[K]['default'] extends null ? null : never;

/** Every implemented key with its checked value; null where the key has no value of its own. */
export type Values = { readonly [K in ImplementedKey]: v.InferOutput<(typeof SCHEMAS)[K]> | Nullable<K> };

export const isImplemented = (name: KeyName): name is ImplementedKey => Object.hasOwn(SCHEMAS, name);

export interface ValueFault {
  /** Index into a list, where one entry is at fault. */
  readonly index: number | undefined;
  readonly value: unknown;
  readonly reason: string;
}

export type Checked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly faults: readonly ValueFault[] };

/** Checks one value; all faults of a list at once, of a single value the first. */
export function check(name: ImplementedKey, value: unknown): Checked {
  const schema: v.GenericSchema<unknown, unknown> = SCHEMAS[name];
  const parsed = v.safeParse(schema, value, { abortPipeEarly: true });
  if (parsed.success) return { ok: true, value: parsed.output };
  return {
    ok: false,
    faults: parsed.issues.map((issue) => {
      const entry = issue.path?.[0];
      const index = typeof entry?.key === 'number' ? entry.key : undefined;
      return { index, value: index === undefined ? value : entry?.value, reason: issue.message };
    }),
  };
}
