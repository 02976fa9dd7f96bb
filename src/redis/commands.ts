/**
 * What the agent sends to a Redis to gain, give and take power, as data: each function says what the sequence is for
 * and which rule of docs/guarantees.md ("Fencing" unless named otherwise) asks for it in this order.
 *
 * All are pure; all are sent by one `RedisLink.send`, hence in one write. Judge the outcome by `firstError` over all
 * replies: the last command may succeed where the one that mattered was refused (NOPERM).
 */
import type { Command } from './link.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * An address at which nobody listens, and nobody ever will by accident: port 1 is not of the ephemeral range, from
 * which a connection to oneself could arise.
 */
export const CLOSED_ADDRESS: Address = { host: '127.0.0.1', port: 1 };

/** More replicas than any service has: no write is accepted. */
const UNREACHABLE_REPLICAS = 1_000_000;

/** The smallest lag bound that never refuses a write in peace (acknowledgements come once a second). */
const MAX_LAG_SECONDS = 2;

const BACKLOG_BYTES_MIN = 64 * 1024 * 1024;

/**
 * The fence, for own, remote and rejoin alike: from here the server is a replica, and whoever was connected is not.
 *
 * The kills matter as much as the change of role: replies leave Redis at the end of its event-loop turn, so a write
 * that was executed in the same turn is not acknowledged any more once its connection is gone. MULTI keeps other
 * clients' commands out from between. SKIPME is left at its default (yes): the reply must reach us.
 * Without a target: the closed address, never NO ONE, which would make a master of it.
 */
export function fenceSequence(target: Address | null): readonly Command[] {
  return [['MULTI'], follow(target ?? CLOSED_ADDRESS)[0], ...killStragglers(), ['EXEC']];
}

/**
 * Disconnects clients again that reached a deposed master after its fence (or had been missed by it).
 * Pub/sub clients are a type of their own, and would hang on to a master that publishes nothing any more.
 */
export function killStragglers(): readonly [Command, Command] {
  return [['CLIENT', 'KILL', 'TYPE', 'normal'], ['CLIENT', 'KILL', 'TYPE', 'pubsub']];
}

/**
 * The reversible first step, while the verdict is open: refuses every write at once (NOREPLICAS), survives REPLICAOF,
 * and is undone by `deadMan` without a resync. Nor does such a server hand out its data any more (`fullSyncs`).
 */
export function reversibleFence(version: string): readonly Command[] {
  return [...minReplicas(UNREACHABLE_REPLICAS, version), ...(takesManyPairs(version) ? [fullSyncs('closed')] : [])];
}

/**
 * The sync fence: with a `repl-diskless-sync-delay` of hours in its configuration file, a server begins a full sync
 * only when as many replicas wait as `repl-diskless-sync-max-replicas` says, and with 0, as every server starts, it
 * lets them wait. So a restarted server, empty perhaps, overwrites nobody before its agent calls it master. Where the
 * delay is short, `closed` closes nothing. Redis 7.0 or newer; partial resyncs are not held up.
 */
export function fullSyncs(as: 'open' | 'closed'): Command {
  return ['CONFIG', 'SET', 'repl-diskless-sync-max-replicas', as === 'open' ? '1' : '0'];
}

/**
 * The dead-man: a master without `replicas` that acknowledged lately stops accepting writes by itself. 0 turns it
 * off, which widens power: only after the term with the shrunken in-sync set was committed.
 */
export function deadMan(replicas: number, version: string): readonly Command[] {
  return minReplicas(replicas, version);
}

/**
 * Both settings always together, since a max-lag of 0 (an operator's, or left behind) voids every fence. Redis 6.2
 * takes one pair per command: max-lag first then, so that the number never takes effect without it.
 */
function minReplicas(replicas: number, version: string): readonly Command[] {
  const lag = ['min-replicas-max-lag', String(MAX_LAG_SECONDS)];
  const count = ['min-replicas-to-write', String(replicas)];
  if (takesManyPairs(version)) return [['CONFIG', 'SET', ...lag, ...count]];
  return [['CONFIG', 'SET', ...lag], ['CONFIG', 'SET', ...count]];
}

/**
 * A replica leaves its master and keeps its data, replication id and offset as they are: nothing more arrives while
 * ballots are counted (Election 2). Never NO ONE, which would shift the replication id.
 */
export function freeze(): readonly [Command] {
  return follow(CLOSED_ADDRESS);
}

export function follow({ host, port }: Address): readonly [Command] {
  return [['REPLICAOF', host, String(port)]];
}

/** Election 7. Its reply is not the proof: `ROLE` or INFO is. */
export function promote(): readonly [Command] {
  return [['REPLICAOF', 'NO', 'ONE']];
}

/** A frozen replica becomes a master that takes no write: the fence is set again first, and both arrive together. */
export function detach(version: string): readonly Command[] {
  return [['MULTI'], ...reversibleFence(version), ...promote(), ['EXEC']];
}

export interface RuntimeSettings {
  /** The address under which others reach this Redis, for the masters it follows to show. */
  readonly announce: Address | null;
  /** To authenticate with at a master; null leaves what the operator configured. */
  readonly credentials: { readonly username?: string | undefined; readonly password: string } | null;
  /** repl_backlog_size as INFO shows it; null = not known, then it is left alone. */
  readonly backlogBytes: number | null;
}

/**
 * Settings of the running server; nothing is written into its configuration file. One pair per command, so that a
 * refused one does not take the others with it.
 * - repl-backlog-ttl 0: otherwise a master without replicas drops its backlog after an hour and takes a new
 *   replication id, and its lineage is lost (Election).
 * - repl-backlog-size: with Redis' 1 MB a short break already forces a full sync. Never made smaller.
 */
export function configure({ announce, credentials, backlogBytes }: RuntimeSettings): readonly Command[] {
  const commands: Command[] = [['CONFIG', 'SET', 'repl-backlog-ttl', '0']];
  if (backlogBytes !== null && backlogBytes < BACKLOG_BYTES_MIN) {
    commands.push(['CONFIG', 'SET', 'repl-backlog-size', String(BACKLOG_BYTES_MIN)]);
  }
  if (announce !== null) {
    commands.push(['CONFIG', 'SET', 'replica-announce-ip', announce.host]);
    commands.push(['CONFIG', 'SET', 'replica-announce-port', String(announce.port)]);
  }
  if (credentials !== null) {
    commands.push(['CONFIG', 'SET', 'masteruser', credentials.username ?? '']);
    commands.push(['CONFIG', 'SET', 'masterauth', credentials.password]);
  }
  return commands;
}

/** Redis 7.0 and Valkey (which began at 7.2) set several parameters by one CONFIG SET. */
function takesManyPairs(version: string): boolean {
  const major = Number(version.split('.', 1)[0]);
  return major >= 7;
}
