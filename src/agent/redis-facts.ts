/**
 * What the agent asks a Redis, and how the answer becomes facts.
 *
 * One question serves every purpose, so that all facts of an observation are of one moment. Settings are asked for
 * each time too: whoever changes them behind our back is noticed at the next look.
 */
import type { RedisFacts } from '../core/facts.ts';
import type { Address } from '../core/records.ts';
import { parseInfo } from '../redis/info.ts';
import type { Command, Reply, ReplyValue } from '../redis/link.ts';

/** The sections that are needed and no more. */
const SECTIONS = ['server', 'replication', 'persistence', 'keyspace'] as const;

/**
 * `PING` is refused with MISCONF exactly when a write would be, and puts nothing into the dataset: INFO alone would
 * leave out `stop-writes-on-bgsave-error`, and a failed fsync.
 */
const PROBE: Command = ['PING'];

/**
 * One pattern, as Redis 6.2 takes no more per command, for all settings that matter: `min-replicas-*`, `replica-*`,
 * and KeyDB's `active-replica`, which its INFO shows only once it replicates from somebody.
 */
const SETTINGS: Command = ['CONFIG', 'GET', '*replica*'];

/** What follows the sections. */
const TAIL = [SETTINGS, PROBE] as const;

/** What every server understands: Redis 6.2 takes one section per command. */
export const QUESTION: readonly Command[] = [...SECTIONS.map((section): Command => ['INFO', section]), ...TAIL];

/** The same in fewer commands, which are what a question costs: from Redis 7.0 on, and Valkey (which began at 7.2). */
const SHORT_QUESTION: readonly Command[] = [['INFO', ...SECTIONS], ...TAIL];

/** How to ask a server of this version, as its last answer told it. */
export function questionFor(version: string): readonly Command[] {
  return Number(version.split('.', 1)[0]) >= 7 ? SHORT_QUESTION : QUESTION;
}

/** Priority of a server that does not tell: Redis' own default. */
const PRIORITY_DEFAULT = 100;

export type Observation =
  | { readonly kind: 'facts'; readonly facts: RedisFacts; readonly backlogBytes: number | null }
  | { readonly kind: 'blocked'; readonly by: 'loading' | 'busy' | 'denied' };

const BLOCKED_BY: Readonly<Record<string, 'loading' | 'busy' | 'denied'>> = {
  LOADING: 'loading',
  BUSY: 'busy',
  NOAUTH: 'denied',
  NOPERM: 'denied',
  WRONGPASS: 'denied',
};

function settingsOf(reply: Reply | undefined): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  const value: ReplyValue = reply?.ok === true ? reply.value : null;
  if (!Array.isArray(value)) return settings;
  const items = value as readonly ReplyValue[];
  for (let i = 0; i + 1 < items.length; i += 2) settings.set(textOf(items[i]), textOf(items[i + 1]));
  return settings;
}

function textOf(value: ReplyValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(text: string | undefined): number | null {
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

function announcedOf(settings: ReadonlyMap<string, string>): Address | null {
  const host = settings.get('replica-announce-ip') ?? '';
  const port = numberOf(settings.get('replica-announce-port')) ?? 0;
  return host === '' || port === 0 ? null : { host, port };
}

/** Before Redis 7.0 a replica answers PING all the same; what its INFO says then counts. */
function refusesWrites(probe: Reply | undefined, role: 'master' | 'replica', failsToSave: boolean): boolean {
  if (probe?.ok === false && probe.code === 'MISCONF') return true;
  return role === 'replica' && failsToSave;
}

/** Whether two answers are the same to the last word: then they mean the same, and need not be read twice. */
export function sameReplies(a: readonly Reply[], b: readonly Reply[]): boolean {
  return a.length === b.length && a.every((reply, i) => {
    const other = b[i];
    if (other === undefined || !reply.ok || !other.ok) return reply === other;
    return sameValue(reply.value, other.value);
  });
}

function sameValue(a: ReplyValue, b: ReplyValue | undefined): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  const others = b as readonly ReplyValue[];
  return a.length === others.length && (a as readonly ReplyValue[]).every((value, i) => sameValue(value, others[i]));
}

/** Facts from the answer to a question in either form, or what keeps this Redis from giving any. */
export function observe(replies: readonly Reply[]): Observation {
  const sections = replies.slice(0, -TAIL.length);
  const [config, probe] = replies.slice(-TAIL.length);
  const refused = sections.find((reply) => !reply.ok);
  if (refused?.ok === false) return { kind: 'blocked', by: BLOCKED_BY[refused.code] ?? 'denied' };
  const text = sections.map((reply) => (reply.ok ? textOf(reply.value) : '')).join('\r\n');
  const { server, replication, loading, keys, changes, failsToSave } = parseInfo(text);
  if (server === null || replication === null) return { kind: 'blocked', by: 'denied' };
  const settings = settingsOf(config);
  const { link } = replication;
  return {
    kind: 'facts',
    backlogBytes: replication.backlogBytes,
    facts: {
      runId: server.runId,
      version: server.version,
      mode: server.mode,
      activeReplica: replication.activeReplica || settings.get('active-replica') === 'yes',
      loading: loading ?? false,
      uptimeSeconds: server.uptimeSeconds,
      processId: server.processId,
      refusesWrites: refusesWrites(probe, replication.role, failsToSave),
      role: replication.role,
      replid: replication.replid,
      replid2: replication.replid2,
      secondReplOffset: replication.secondReplOffset,
      offset: replication.offset,
      priority: replication.priority ?? numberOf(settings.get('replica-priority')) ?? PRIORITY_DEFAULT,
      keys: keys ?? 0,
      changes: changes ?? 0,
      link: link && {
        host: link.masterHost,
        port: link.masterPort,
        up: link.up,
        syncInProgress: link.syncInProgress,
        everUp: link.up || (link.downSinceSeconds ?? 0) >= 0,
        readOffset: link.readOffset ?? link.replOffset ?? replication.offset,
      },
      replicas: replication.replicas,
      minReplicas: numberOf(settings.get('min-replicas-to-write')),
      fullSyncsClosed: settings.get('repl-diskless-sync-max-replicas') === '0',
      announced: announcedOf(settings),
    },
  };
}
