/**
 * INFO of Redis and Valkey as typed facts. Pure, and never throws: INFO is the word of another program, of several
 * versions, sometimes of one section only.
 *
 * A reader should learn which facts come together: `replication` is complete or null, never half; `server` likewise.
 * What a text does not contain is null, never a guess such as 0: an offset of 0 taken for real would lose an election.
 */

export type ServerKind = 'redis' | 'valkey' | 'keydb';

/** Section Server. */
export interface ServerInfo {
  readonly kind: ServerKind;
  /** Of Redis; of Valkey its own version, not the Redis version it claims compatibility with. */
  readonly version: string;
  /** `standalone`, `cluster` or `sentinel`. */
  readonly mode: string;
  /** New with every start: a changed run_id is a restart. */
  readonly runId: string;
  /** In the PID namespace of the server. */
  readonly processId: number;
  readonly uptimeSeconds: number;
  readonly executable: string | null;
}

/** A replica's own view of its link to its master. */
export interface MasterLink {
  readonly masterHost: string;
  readonly masterPort: number;
  readonly up: boolean;
  readonly syncInProgress: boolean;
  /** Null while up. -1: this incarnation never had a link to this master. */
  readonly downSinceSeconds: number | null;
  /** Received from the master, applied or not; null where not shown (before Redis 7.0). */
  readonly readOffset: number | null;
  /** Applied. */
  readonly replOffset: number | null;
}

/** A master's view of one replica (`slaveN:`). */
export interface ReplicaInfo {
  readonly host: string;
  readonly port: number;
  /** `online`, `wait_bgsave`, `send_bulk` ... */
  readonly state: string;
  /** Last offset acknowledged. */
  readonly offset: number;
  readonly lagSeconds: number;
}

/** Section Replication. */
export interface ReplicationInfo {
  readonly role: 'master' | 'replica';
  readonly replid: string;
  /** Null where there is none (all zeros). */
  readonly replid2: string | null;
  /** -1 where there is no replid2. */
  readonly secondReplOffset: number;
  /** master_repl_offset: of the data, whatever the role. */
  readonly offset: number;
  /** replica-priority, 0 = never; only replicas show it. */
  readonly priority: number | null;
  /** Null on a master. */
  readonly link: MasterLink | null;
  readonly replicas: readonly ReplicaInfo[];
  readonly backlogBytes: number | null;
  /** Replicas that satisfy min-replicas-max-lag; shown only while min-replicas-to-write is on. */
  readonly goodReplicas: number | null;
  /** KeyDB's multi-master mode. */
  readonly activeReplica: boolean;
}

export interface RedisInfo {
  readonly server: ServerInfo | null;
  readonly replication: ReplicationInfo | null;
  /** From section Persistence; null when that is not in the text. */
  readonly loading: boolean | null;
  /** Sum over all databases; null when section Keyspace is not in the text. */
  readonly keys: number | null;
}

type Fields = ReadonlyMap<string, string>;

const NO_REPLID = /^0*$/;

/** Any text at all gives a result; sections that are missing or incomplete are null. */
export function parseInfo(text: string): RedisInfo {
  const fields = toFields(text);
  return {
    server: parseServer(fields),
    replication: parseReplication(fields),
    loading: flag(fields, 'loading'),
    keys: countKeys(fields, text),
  };
}

/** `field:value` lines. The first of a name counts: nothing that comes later in a text can overrule it. */
function toFields(text: string): Fields {
  const fields = new Map<string, string>();
  for (const ended of text.split('\n')) {
    const line = ended.endsWith('\r') ? ended.slice(0, -1) : ended;
    const colon = line.indexOf(':');
    if (colon <= 0 || line.startsWith('#')) continue;
    const name = line.slice(0, colon);
    if (!fields.has(name)) fields.set(name, line.slice(colon + 1));
  }
  return fields;
}

function parseServer(fields: Fields): ServerInfo | null {
  const version = fields.get('valkey_version') ?? fields.get('redis_version');
  const mode = fields.get('redis_mode') ?? fields.get('server_mode');
  const runId = fields.get('run_id');
  const processId = integer(fields, 'process_id');
  const uptimeSeconds = integer(fields, 'uptime_in_seconds');
  if (version === undefined || mode === undefined || !runId || processId === null || uptimeSeconds === null) {
    return null;
  }
  const executable = fields.get('executable') ?? null;
  return { kind: serverKind(fields), version, mode, runId, processId, uptimeSeconds, executable };
}

/** Valkey says its name. KeyDB does not: its program and its own fields betray it. */
function serverKind(fields: Fields): ServerKind {
  if (fields.get('server_name') === 'valkey' || fields.has('valkey_version')) return 'valkey';
  const program = fields.get('executable')?.split('/').at(-1) ?? '';
  const keydb = program.startsWith('keydb') || fields.has('mvcc_depth') || fields.get('role') === 'active-replica';
  return keydb ? 'keydb' : 'redis';
}

function parseReplication(fields: Fields): ReplicationInfo | null {
  const role = parseRole(fields.get('role'));
  const replid = fields.get('master_replid');
  const offset = integer(fields, 'master_repl_offset');
  const secondReplOffset = integer(fields, 'second_repl_offset');
  if (role === null || !replid || offset === null || secondReplOffset === null) return null;
  const link = role === 'replica' ? parseLink(fields) : null;
  if (role === 'replica' && link === null) return null;
  const replid2 = fields.get('master_replid2') ?? '';
  return {
    role, replid, replid2: NO_REPLID.test(replid2) ? null : replid2, secondReplOffset, offset,
    priority: integer(fields, 'slave_priority'),
    link,
    replicas: parseReplicas(fields),
    backlogBytes: integer(fields, 'repl_backlog_size'),
    goodReplicas: integer(fields, 'min_slaves_good_slaves'),
    activeReplica: fields.get('role') === 'active-replica',
  };
}

function parseRole(role: string | undefined): 'master' | 'replica' | null {
  if (role === 'master') return 'master';
  return role === 'slave' || role === 'replica' || role === 'active-replica' ? 'replica' : null;
}

function parseLink(fields: Fields): MasterLink | null {
  const masterHost = fields.get('master_host');
  const masterPort = integer(fields, 'master_port');
  const status = fields.get('master_link_status');
  if (masterHost === undefined || masterPort === null || status === undefined) return null;
  const up = status === 'up';
  return {
    masterHost, masterPort, up,
    syncInProgress: flag(fields, 'master_sync_in_progress') ?? false,
    downSinceSeconds: up ? null : integer(fields, 'master_link_down_since_seconds') ?? -1,
    readOffset: integer(fields, 'slave_read_repl_offset'),
    replOffset: integer(fields, 'slave_repl_offset'),
  };
}

/** Lines that are not complete are left out: a replica without an offset is nothing one could count on. */
function parseReplicas(fields: Fields): readonly ReplicaInfo[] {
  const replicas: ReplicaInfo[] = [];
  for (const [name, value] of fields) {
    // Most fields are something else, which a pattern takes longer to say.
    if (!name.startsWith('slave') || !/^slave\d+$/.test(name)) continue;
    const parts = new Map(value.split(',').map((part) => splitAt(part, '=')));
    const host = parts.get('ip');
    const state = parts.get('state');
    const port = integer(parts, 'port');
    const offset = integer(parts, 'offset');
    const lagSeconds = integer(parts, 'lag');
    if (!host || state === undefined || port === null || offset === null || lagSeconds === null) continue;
    replicas.push({ host, port, state, offset, lagSeconds });
  }
  return replicas;
}

/** An empty Redis shows the heading of section Keyspace and nothing below it. */
function countKeys(fields: Fields, text: string): number | null {
  let keys = /^# Keyspace\r?$/m.test(text) ? 0 : null;
  for (const [name, value] of fields) {
    const count = name.startsWith('db') && /^db\d+$/.test(name) ? /^keys=(\d+)/.exec(value)?.[1] : undefined;
    if (count !== undefined) keys = (keys ?? 0) + Number(count);
  }
  return keys;
}

function integer(fields: Fields, name: string): number | null {
  const text = fields.get(name);
  if (text === undefined || !/^-?\d+$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

function flag(fields: Fields, name: string): boolean | null {
  const value = integer(fields, name);
  return value === null ? null : value !== 0;
}

/** Only the first separator divides: an IPv6 address or a host name may contain what follows. */
function splitAt(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
