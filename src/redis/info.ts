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
  /** Changes since the last save; null where not shown. */
  readonly changes: number | null;
  /** The last save, or the last write to the append-only file, failed. */
  readonly failsToSave: boolean;
  /** Sum over all databases; null when section Keyspace is not in the text. */
  readonly keys: number | null;
}

type Fields = ReadonlyMap<string, string>;

/** A text taken apart in one pass: agents read one every few milliseconds while they settle who is master. */
interface Lines {
  readonly fields: Fields;
  /** Values of `slaveN:`. */
  readonly replicas: readonly string[];
  /** Values of `dbN:`. */
  readonly databases: readonly string[];
  /** An empty Redis shows the heading of section Keyspace and nothing below it. */
  readonly hasKeyspace: boolean;
}

const NO_REPLID = /^0*$/;

/** Any text at all gives a result; sections that are missing or incomplete are null. */
export function parseInfo(text: string): RedisInfo {
  const lines = toLines(text);
  const { fields } = lines;
  return {
    server: parseServer(fields),
    replication: parseReplication(lines),
    loading: flag(fields, 'loading'),
    changes: integer(fields, 'rdb_changes_since_last_save'),
    failsToSave: isFailure(fields, 'rdb_last_bgsave_status') || isFailure(fields, 'aof_last_write_status'),
    keys: countKeys(lines),
  };
}

const HEADING = '#'.charCodeAt(0);
const RETURN = '\r'.charCodeAt(0);

/** `field:value` lines. The first of a name counts: nothing that comes later in a text can overrule it. */
function toLines(text: string): Lines {
  const fields = new Map<string, string>();
  const replicas: string[] = [];
  const databases: string[] = [];
  let hasKeyspace = false;
  for (let start = 0, next = 0; start < text.length; start = next) {
    const newline = text.indexOf('\n', start);
    next = newline < 0 ? text.length : newline + 1;
    const ended = newline < 0 ? text.length : newline;
    const end = ended > start && text.charCodeAt(ended - 1) === RETURN ? ended - 1 : ended;
    if (text.charCodeAt(start) === HEADING) {
      hasKeyspace ||= text.slice(start, end) === '# Keyspace';
      continue;
    }
    const colon = text.indexOf(':', start);
    if (colon <= start || colon >= end) continue;
    const name = text.slice(start, colon);
    if (fields.has(name)) continue;
    const value = text.slice(colon + 1, end);
    fields.set(name, value);
    if (isNumbered(name, 'slave')) replicas.push(value);
    else if (isNumbered(name, 'db')) databases.push(value);
  }
  return { fields, replicas, databases, hasKeyspace };
}

/** `slave0`, `slave1` ... */
function isNumbered(name: string, what: string): boolean {
  return name.startsWith(what) && isDigits(name, what.length);
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

function parseReplication({ fields, replicas }: Lines): ReplicationInfo | null {
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
    replicas: replicas.flatMap(parseReplica),
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

/** A line that is not complete is left out: a replica without an offset is nothing one could count on. */
function parseReplica(line: string): readonly ReplicaInfo[] {
  let host = '';
  let state: string | null = null;
  let port: number | null = null;
  let offset: number | null = null;
  let lagSeconds: number | null = null;
  for (const part of line.split(',')) {
    const equals = part.indexOf('=');
    const value = equals < 0 ? '' : part.slice(equals + 1);
    switch (equals < 0 ? part : part.slice(0, equals)) {
      case 'ip': host = value; break;
      case 'state': state = value; break;
      case 'port': port = integerOf(value); break;
      case 'offset': offset = integerOf(value); break;
      case 'lag': lagSeconds = integerOf(value); break;
      default:
    }
  }
  if (host === '' || state === null || port === null || offset === null || lagSeconds === null) return [];
  return [{ host, port, state, offset, lagSeconds }];
}

function countKeys({ databases, hasKeyspace }: Lines): number | null {
  let keys = hasKeyspace ? 0 : null;
  for (const value of databases) {
    const count = /^keys=(\d+)/.exec(value)?.[1];
    if (count !== undefined) keys = (keys ?? 0) + Number(count);
  }
  return keys;
}

function isFailure(fields: Fields, name: string): boolean {
  return fields.get(name)?.startsWith('err') === true;
}

function integer(fields: Fields, name: string): number | null {
  const text = fields.get(name);
  return text === undefined ? null : integerOf(text);
}

function integerOf(text: string): number | null {
  if (!isDigits(text, text.startsWith('-') ? 1 : 0)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

const ZERO = '0'.charCodeAt(0);
const NINE = '9'.charCodeAt(0);

/** Whether it is digits from here on, and at least one. */
function isDigits(text: string, from: number): boolean {
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < ZERO || code > NINE) return false;
  }
  return text.length > from;
}

function flag(fields: Fields, name: string): boolean | null {
  const value = integer(fields, name);
  return value === null ? null : value !== 0;
}
