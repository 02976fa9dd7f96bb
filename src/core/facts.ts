/**
 * What the agent has seen of the servers around it: its own Redis, the master's Redis, the other agents.
 *
 * Facts are observations with the moment they were made, never conclusions. A closed connection is kept as a closed
 * connection; that it means "dead" is decided elsewhere, from several facts together.
 */
import type { Address } from './records.ts';

export interface ReplicaFacts {
  readonly host: string;
  readonly port: number;
  /** `online`, `wait_bgsave`, `send_bulk`, as Redis writes it. */
  readonly state: string;
  /** Last acknowledged offset; 0 until the first acknowledgement, up to 1 s after the link came up. */
  readonly offset: number;
  readonly lagSeconds: number;
}

/** The replication link of a Redis that is a replica. */
export interface LinkFacts {
  readonly host: string;
  readonly port: number;
  readonly up: boolean;
  readonly syncInProgress: boolean;
  /** This process had a link to some master at least once; false = what it holds is from before its start. */
  readonly everUp: boolean;
  /** Offset read from the socket, which may be ahead of what was applied. */
  readonly readOffset: number;
}

/** One answered `INFO`. */
export interface RedisFacts {
  readonly runId: string;
  readonly version: string;
  readonly mode: string;
  readonly activeReplica: boolean;
  readonly loading: boolean;
  readonly uptimeSeconds: number;
  /** As the server says; in its own PID namespace. */
  readonly processId: number;
  /** It would refuse every write for a reason of its own, whoever is master: its disk, in practice (`MISCONF`). */
  readonly refusesWrites: boolean;
  readonly role: 'master' | 'replica';
  readonly replid: string;
  readonly replid2: string | null;
  readonly secondReplOffset: number;
  readonly offset: number;
  readonly priority: number;
  readonly keys: number;
  /** Changes since the last save: 0 on a server that never took a write. */
  readonly changes: number;
  readonly link: LinkFacts | null;
  readonly replicas: readonly ReplicaFacts[];
  /** `min-replicas-to-write` as Redis has it now; null before the first `CONFIG GET`. */
  readonly minReplicas: number | null;
  /** The sync fence is set (`repl-diskless-sync-max-replicas 0`, as every server starts): it may hold up full syncs. */
  readonly fullSyncsClosed: boolean;
  /** Address under which it announces itself to its master (`replica-announce-*`); null when it does not. */
  readonly announced: Address | null;
}

/** How a connection stands. `ended` = was established, then FIN or RST; `refused` = the port refused since. */
export type LinkState = 'unknown' | 'open' | 'ended' | 'refused' | 'failed';

/** One Redis seen over one connection. */
export interface RedisSight {
  readonly link: LinkState;
  /** Detail of a failed connection, for the reason code. */
  readonly failure: string | null;
  readonly facts: RedisFacts | null;
  /** The facts are of the present connection, and so of the present process. */
  readonly current: boolean;
  /** Moment of the last answer of any kind (BUSY and LOADING are answers), monotonic. */
  readonly answeredAtMs: number;
  /** Since when questions go unanswered, or null. */
  readonly silentSinceMs: number | null;
  /** Alive but not serving: code of the error reply, or null. */
  readonly blocked: 'loading' | 'busy' | 'denied' | null;
  /** Since when the dataset is loading, or null. */
  readonly loadingSinceMs: number | null;
  /** Moment of the first refusal after the connection ended, or null. */
  readonly refusedSinceMs: number | null;
  /** Refusals in a row since it was last open. */
  readonly refusals: number;
  /** It ended by FIN or RST while it was answering. */
  readonly endedAfterHealth: boolean;
  /** A full sync began to replace the dataset and was not seen to end with a link: it may be half of something. */
  readonly halfSynced: boolean;
  /** Since when it would have refused every write, counted from the last answer that did not say so; or null. */
  readonly refusesSinceMs: number | null;
  /**
   * How the kernel of this host says that its process is, while it does not answer; null = running, or not known. A
   * process that is believed was proved to be that server.
   */
  readonly process: { readonly is: 'stopped' | 'dead'; readonly sinceMs: number } | null;
  /** Whether its process was proved; null = not asked yet. */
  readonly processProved: boolean | null;
  /** Since when the replication read offset has not moved. */
  readonly readOffsetSinceMs: number;
  /** For how long it was seen to run, ms: a process that is stopped, or busy with something else, reads no socket. */
  readonly ranMs: number;
  /** `ranMs` when the replication read offset moved last. */
  readonly readOffsetRanMs: number;
  /** The first answer in a row of this process that showed no link that is up; null while the last one shows one. */
  readonly unlinkedSinceMs: number | null;
}

export const UNSEEN: RedisSight = {
  link: 'unknown',
  failure: null,
  facts: null,
  current: false,
  answeredAtMs: Number.NEGATIVE_INFINITY,
  silentSinceMs: null,
  blocked: null,
  loadingSinceMs: null,
  refusedSinceMs: null,
  refusals: 0,
  endedAfterHealth: false,
  halfSynced: false,
  refusesSinceMs: null,
  process: null,
  processProved: null,
  readOffsetSinceMs: Number.NEGATIVE_INFINITY,
  ranMs: 0,
  readOffsetRanMs: 0,
  unlinkedSinceMs: null,
};

/** Of the time between two answers so much is taken as time in which the process ran. */
const RAN_STEP_MS = 10;

/** What can be seen of one Redis, by its own agent or by another. */
export type SightEvent =
  | { readonly seen: 'opened' }
  | { readonly seen: 'refused' }
  | { readonly seen: 'failed'; readonly code: string }
  | { readonly seen: 'closed' }
  | { readonly seen: 'answered'; readonly facts: RedisFacts }
  | { readonly seen: 'blocked'; readonly by: 'loading' | 'busy' | 'denied' }
  | { readonly seen: 'silent'; readonly sinceMs: number }
  /** Seen in `/proc` while a question was unanswered; our own Redis only. */
  | { readonly seen: 'process'; readonly is: 'running' | 'stopped' | 'dead' | 'unknown' }
  | { readonly seen: 'process_proof'; readonly ok: boolean };

/**
 * A copy with changes, field by field, as the whole state is copied (`state-copy.ts`): V8 gives the copy of a copy made
 * by `...` a class of its own, and whoever looks at objects of many classes looks slowly. Every decision looks here.
 */
function amended(sight: RedisSight, change: Partial<RedisSight>): RedisSight {
  const copy: RedisSight = {
    link: sight.link,
    failure: sight.failure,
    facts: sight.facts,
    current: sight.current,
    answeredAtMs: sight.answeredAtMs,
    silentSinceMs: sight.silentSinceMs,
    blocked: sight.blocked,
    loadingSinceMs: sight.loadingSinceMs,
    refusedSinceMs: sight.refusedSinceMs,
    refusals: sight.refusals,
    endedAfterHealth: sight.endedAfterHealth,
    halfSynced: sight.halfSynced,
    refusesSinceMs: sight.refusesSinceMs,
    process: sight.process,
    processProved: sight.processProved,
    readOffsetSinceMs: sight.readOffsetSinceMs,
    ranMs: sight.ranMs,
    readOffsetRanMs: sight.readOffsetRanMs,
    unlinkedSinceMs: sight.unlinkedSinceMs,
  };
  return Object.assign(copy, change);
}

/** The sight after one more event at `nowMs`. */
export function withSight(sight: RedisSight, event: SightEvent, nowMs: number): RedisSight {
  switch (event.seen) {
    case 'opened':
      return amended(sight, {
        link: 'open',
        process: null,
        current: false,
        failure: null,
        silentSinceMs: null,
        refusedSinceMs: null,
        refusals: 0,
        endedAfterHealth: false,
      });
    case 'closed':
      return amended(sight, {
        link: 'ended',
        endedAfterHealth: sight.link === 'open' && sight.silentSinceMs === null,
      });
    case 'refused':
      return amended(sight, {
        link: 'refused',
        refusals: sight.refusals + 1,
        refusedSinceMs: sight.refusedSinceMs ?? nowMs,
      });
    case 'failed':
      return amended(sight, { link: 'failed', failure: event.code, refusals: 0, refusedSinceMs: null });
    case 'silent':
      return amended(sight, { silentSinceMs: sight.silentSinceMs ?? event.sinceMs });
    case 'process':
      return amended(sight, { process: withProcess(sight.process, event.is, nowMs) });
    case 'process_proof':
      return amended(sight, { processProved: event.ok });
    case 'blocked':
      return amended(sight, {
        process: null,
        answeredAtMs: nowMs,
        silentSinceMs: null,
        blocked: event.by,
        loadingSinceMs: event.by === 'loading' ? (sight.loadingSinceMs ?? nowMs) : sight.loadingSinceMs,
      });
    case 'answered':
      return withAnswer(sight, event.facts, nowMs);
  }
}

function withProcess(
  before: RedisSight['process'],
  is: 'running' | 'stopped' | 'dead' | 'unknown',
  nowMs: number,
): RedisSight['process'] {
  if (is === 'running' || is === 'unknown') return null;
  return before?.is === is ? before : { is, sinceMs: nowMs };
}

/** Its fields are in the order of all sights, so that it is of their class. */
function withAnswer(sight: RedisSight, facts: RedisFacts, nowMs: number): RedisSight {
  const before = sight.facts?.link?.readOffset;
  const former = sight.facts?.runId === facts.runId ? sight.facts : null;
  const moved = before === undefined || before !== facts.link?.readOffset;
  const ranMs = sight.ranMs + Math.min(nowMs - sight.answeredAtMs, RAN_STEP_MS);
  return {
    link: sight.link,
    failure: sight.failure,
    facts,
    current: true,
    answeredAtMs: nowMs,
    silentSinceMs: null,
    blocked: facts.loading ? 'loading' : null,
    loadingSinceMs: facts.loading ? (sight.loadingSinceMs ?? nowMs) : null,
    refusedSinceMs: sight.refusedSinceMs,
    refusals: sight.refusals,
    endedAfterHealth: sight.endedAfterHealth,
    halfSynced: facts.link?.up === false && mayBeHalf(facts, former, sight.halfSynced),
    refusesSinceMs: refusedSince(sight, facts, nowMs),
    process: null,
    processProved: sight.processProved,
    readOffsetSinceMs: moved ? nowMs : sight.readOffsetSinceMs,
    ranMs,
    readOffsetRanMs: moved ? ranMs : sight.readOffsetRanMs,
    unlinkedSinceMs: facts.link?.up === true ? null : ((former && sight.unlinkedSinceMs) ?? nowMs),
  };
}

/** Of a replica without a link, whose facts were these at the last look, if it was the same process. */
function mayBeHalf(facts: RedisFacts, former: RedisFacts | null, wasHalf: boolean): boolean {
  if (facts.link?.syncInProgress === true && facts.loading) return true;
  if (former === null) return false;
  // Without a link its position changes only when a full sync ends: it is whole, though its master may be gone.
  if (!facts.loading && (facts.replid !== former.replid || facts.offset !== former.offset)) return false;
  // Without a link nothing expires and nothing is written: fewer keys than before were flushed for a full sync.
  return wasHalf || (former.role === 'replica' && facts.keys < former.keys);
}

/** It may have begun right after the last answer, and whoever waits for it to end counts from there. */
function refusedSince(sight: RedisSight, facts: RedisFacts, nowMs: number): number | null {
  if (!facts.refusesWrites) return null;
  if (sight.facts?.runId !== facts.runId) return nowMs;
  return sight.refusesSinceMs ?? sight.answeredAtMs;
}

/** Another agent, seen over the stream that we dialled. */
export interface PeerSight {
  /** Instance id that the stream's greeting named. */
  readonly instance: string;
  readonly up: boolean;
  /** The established stream ended by FIN or RST (never set by a timeout: silence proves nothing). */
  readonly ended: boolean;
  readonly refusals: number;
  readonly refusedSinceMs: number | null;
}

export type PeerEvent =
  | { readonly peer: 'up'; readonly instance: string }
  | { readonly peer: 'ended'; readonly proving: boolean }
  | { readonly peer: 'refused' }
  | { readonly peer: 'failed' };

export function withPeer(sight: PeerSight | undefined, event: PeerEvent, nowMs: number): PeerSight | undefined {
  switch (event.peer) {
    case 'up':
      return { instance: event.instance, up: true, ended: false, refusals: 0, refusedSinceMs: null };
    case 'ended':
      return sight && { ...sight, up: false, ended: event.proving, refusals: 0, refusedSinceMs: null };
    case 'refused':
      return sight && { ...sight, refusals: sight.refusals + 1, refusedSinceMs: sight.refusedSinceMs ?? nowMs };
    case 'failed':
      return sight && { ...sight, refusals: 0, refusedSinceMs: null };
  }
}

export function sameAddress(a: Address | null | undefined, b: Address | null | undefined): boolean {
  return !!a && !!b && a.host === b.host && a.port === b.port;
}
