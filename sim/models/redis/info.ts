/**
 * INFO, in the words of Redis 7.0. The texts are kept until something in them changes: agents ask often, and a world
 * at peace says the same each time.
 */
import type { Reply } from '../../../src/redis/link.ts';
import type { MasterLink } from './master-link.ts';
import type { RedisState } from './state.ts';

const NOTHING: Reply = { ok: true, value: '' };
const NO_REPLID = '0'.repeat(40);
const ALL = ['server', 'replication', 'persistence', 'keyspace'] as const;

export class Info {
  private readonly state: RedisState;
  private readonly link: MasterLink;
  private server: Reply = { ok: true, value: '' };
  private serverSecond = -1;
  private replication: Reply = { ok: true, value: '' };
  private replicationSecond = -1;
  private persistence: Reply = { ok: true, value: '' };
  private persistenceKey = Number.NaN;
  private keyspace: Reply = { ok: true, value: '' };
  private keyspaceKeys = -1;
  /** The answer that was given last, to whom, and from which parts. */
  private latest: { readonly names: readonly string[]; readonly parts: readonly Reply[]; readonly reply: Reply } = {
    names: [], parts: [], reply: NOTHING,
  };

  constructor(state: RedisState, link: MasterLink) {
    this.state = state;
    this.link = link;
  }

  /** All of them where none is named. */
  sections(names: readonly string[]): Reply {
    const wanted: readonly string[] = names.length === 0 ? ALL : names;
    if (this.saysTheSame(wanted)) return this.latest.reply;
    const parts = wanted.map((name) => this.section(name));
    const texts = parts.map((part) => (part.ok && typeof part.value === 'string' ? part.value : ''));
    const reply: Reply = { ok: true, value: texts.join('\r\n') };
    this.latest = { names: wanted, parts, reply };
    return reply;
  }

  private saysTheSame(wanted: readonly string[]): boolean {
    const { names, parts } = this.latest;
    if (names.length !== wanted.length) return false;
    for (let i = 0; i < names.length; i++) {
      const name = names[i] ?? '';
      if (name !== wanted[i] || this.section(name) !== parts[i]) return false;
    }
    return true;
  }

  private section(name: string): Reply {
    switch (name) {
      case 'server': return this.serverSection();
      case 'replication': return this.replicationSection();
      case 'persistence': return this.persistenceSection();
      case 'keyspace': return this.keyspaceSection();
      default: return NOTHING;
    }
  }

  private serverSection(): Reply {
    const { nowMs, startedAtMs, options, runId, processId } = this.state;
    const second = Math.floor((nowMs - startedAtMs) / 1000);
    if (second === this.serverSecond) return this.server;
    this.serverSecond = second;
    const value = `# Server\r\nredis_version:${options.version}\r\nredis_mode:standalone\r\n`
      + `process_id:${processId}\r\nrun_id:${runId}\r\nuptime_in_seconds:${second}\r\n`;
    this.server = { ok: true, value };
    return this.server;
  }

  private replicationSection(): Reply {
    const { state } = this;
    const { second } = state;
    if (!state.shownStale && second === this.replicationSecond) return this.replication;
    state.shownStale = false;
    this.replicationSecond = second;
    const role = state.target === null ? 'master' : 'slave';
    const value = `# Replication\r\nrole:${role}\r\n${this.linkLines()}${this.replicaLines(second)}`
      + `master_replid:${state.replid}\r\nmaster_replid2:${state.replid2 ?? NO_REPLID}\r\n`
      + `master_repl_offset:${state.offset}\r\nsecond_repl_offset:${state.secondOffset}\r\n`
      + `repl_backlog_active:${state.backlog === null ? 0 : 1}\r\n`
      + `repl_backlog_size:${state.settings.backlogBytes}\r\n`;
    this.replication = { ok: true, value };
    return this.replication;
  }

  private linkLines(): string {
    const { state, link } = this;
    if (state.target === null) return '';
    const up = link.phase === 'connected';
    const down = `master_link_down_since_seconds:${link.downSince === 0 ? -1 : state.second - link.downSince}\r\n`;
    const offset = link.shownOffset;
    return `master_host:${state.target.host}\r\nmaster_port:${state.target.port}\r\n`
      + `master_link_status:${up ? 'up' : 'down'}\r\nmaster_sync_in_progress:${link.syncing ? 1 : 0}\r\n`
      + `slave_read_repl_offset:${offset}\r\nslave_repl_offset:${offset}\r\n${up ? '' : down}`
      + `slave_priority:${state.settings.priority}\r\nslave_read_only:1\r\nreplica_announced:1\r\n`;
  }

  private replicaLines(second: number): string {
    const { state } = this;
    let lines = `connected_slaves:${state.replicas.size}\r\n`;
    if (state.settings.minReplicas > 0 && state.settings.maxLagSeconds > 0) {
      lines += `min_slaves_good_slaves:${state.goodReplicas}\r\n`;
    }
    let at = 0;
    for (const { replica } of state.replicas) {
      if (replica === null) continue;
      const lag = replica.state === 'online' ? second - replica.ackSecond : 0;
      lines += `slave${at++}:ip=${replica.host},port=${replica.port},state=${replica.state},`
        + `offset=${replica.ackOffset},lag=${lag}\r\n`;
    }
    return lines;
  }

  private persistenceSection(): Reply {
    const { loading, changes, rdbFailed, aofFailed, child, persistsAof } = this.state;
    const saving = child?.kind === 'save';
    const flags = Number(loading) + 2 * Number(rdbFailed) + 4 * Number(aofFailed) + 8 * Number(saving);
    const key = changes * 16 + flags;
    if (key === this.persistenceKey) return this.persistence;
    this.persistenceKey = key;
    const value = `# Persistence\r\nloading:${Number(loading)}\r\nasync_loading:0\r\n`
      + `rdb_changes_since_last_save:${changes}\r\nrdb_bgsave_in_progress:${Number(saving)}\r\n`
      + `rdb_last_bgsave_status:${rdbFailed ? 'err' : 'ok'}\r\naof_enabled:${Number(persistsAof)}\r\n`
      + `aof_last_write_status:${aofFailed ? 'err' : 'ok'}\r\n`;
    this.persistence = { ok: true, value };
    return this.persistence;
  }

  private keyspaceSection(): Reply {
    const keys = this.link.keysShown;
    if (keys === this.keyspaceKeys) return this.keyspace;
    this.keyspaceKeys = keys;
    const value = keys === 0 ? '# Keyspace\r\n' : `# Keyspace\r\ndb0:keys=${keys},expires=0,avg_ttl=0\r\n`;
    this.keyspace = { ok: true, value };
    return this.keyspace;
  }
}
