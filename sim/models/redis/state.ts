/**
 * Everything that one running Redis holds in memory, and the small changes to it that several parts make.
 *
 * A crash is the loss of this object. What decides whether a write is acknowledged is all in `refusal`: the order of
 * the checks is that of Redis 7.0.
 */
import type { ErrorReply } from '../../../src/redis/link.ts';
import type { Endpoint, Network } from '../../kernel/network.ts';
import type { Process } from '../../kernel/process.ts';
import type { Random } from '../../kernel/random.ts';
import type { Scheduler } from '../../kernel/scheduler.ts';
import type { Trace } from '../../kernel/trace.ts';
import type { Connection, Readable, Waiter } from './connection.ts';
import { Data } from './dataset.ts';
import type { Disk } from './disk.ts';
import { BUSY, LOADING, MISCONF_AOF, MISCONF_RDB, NO_REPLICAS, READONLY } from './errors.ts';
import type { RedisOptions } from './options.ts';
import { Settings } from './settings.ts';
import { Backlog } from './stream.ts';
import type { Op } from './stream.ts';

const PROCESS_ID_MIN = 300;
const PROCESS_IDS = 4_000_000;

export interface Surroundings {
  readonly process: Process;
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly trace: Trace;
  readonly disk: Disk;
  /** Told of what cannot be undone. */
  readonly onPromoted?: () => void;
  /** A command made it take writes that it refused before. */
  readonly onOpened?: () => void;
  readonly onReplaced?: (what: Replacement) => void;
  readonly onUnread?: (what: Unread) => void;
}

/** Who makes a server spreads parts into it, and V8 gives each such object a class of its own: all look here always. */
function plain(around: Surroundings): Required<Surroundings> {
  const { process, network, scheduler, random, trace, disk } = around;
  return {
    process, network, scheduler, random, trace, disk,
    onPromoted: around.onPromoted ?? NOBODY,
    onOpened: around.onOpened ?? NOBODY,
    onReplaced: around.onReplaced ?? NOBODY,
    onUnread: around.onUnread ?? NOBODY,
  };
}

const NOBODY = (): void => undefined;

/** Bytes of the stream that were received and will never be read; when the master had ended the link, if it had. */
export interface Unread {
  readonly bytes: number;
  readonly endedMs: number | null;
}

/** A full sync begins to load: the former dataset is gone from here on. */
export interface Replacement {
  readonly had: Data;
  readonly gets: Data;
  /** The process that sent it: another one may be under its address by now. */
  readonly fromRunId: string;
}

/** The one child that may work on a snapshot of the dataset. */
export interface Child {
  readonly kind: 'save' | 'sync';
  readonly cancel: () => void;
}

export interface Script {
  /** From here on it answers BUSY; before, nothing at all. */
  readonly busyFromMs: number;
  readonly untilMs: number;
  readonly wrote: boolean;
}

/** What the event loop does for the parts. */
export interface Loop {
  /** The next turn reads it. */
  ready(readable: Readable): void;
  /** Closes a connection; what was not written to it is not written any more. */
  free(connection: Connection): void;
}

export class RedisState {
  readonly around: Required<Surroundings>;
  readonly options: RedisOptions;
  readonly settings: Settings;
  readonly runId: string;
  readonly processId: number;
  readonly startedAtMs: number;
  /** Offset of whole seconds of this host against true time: lags are counted in those. */
  private readonly secondPhaseMs: number;

  replid: string;
  replid2: string | null = null;
  secondOffset = -1;
  offset = 0;
  data = Data.EMPTY;
  /** Changes since the last save. */
  changes = 0;
  backlog: Backlog | null = null;
  /** Whole second since which no replica is attached. */
  noReplicasSince: number;
  /** Of the stream: what was added in this turn, for the replicas. */
  produced: Op[] = [];
  selectNext = true;

  target: Endpoint | null = null;
  loading = false;
  pause: { readonly kind: 'write' | 'all'; readonly untilMs: number } | null = null;
  script: Script | null = null;
  stalledUntilMs = 0;
  rdbFailed = false;
  aofFailed = false;
  child: Child | null = null;
  goodReplicas = 0;
  getAckWanted = false;

  readonly connections = new Set<Connection>();
  readonly replicas = new Set<Connection>();
  readonly waiters = new Set<Waiter>();
  /** Connections that have something to write at the end of the turn. */
  readonly writing = new Set<Connection>();
  /** What INFO shows of replication changed. */
  shownStale = true;

  /** The link to the master is up. */
  linkUp = false;
  private readonly loop: Loop;

  constructor(around: Surroundings, options: RedisOptions, loop: Loop) {
    this.around = plain(around);
    this.options = options;
    this.settings = new Settings(options);
    this.loop = loop;
    this.runId = `run-${this.newId()}`;
    this.processId = PROCESS_ID_MIN + around.random.below(PROCESS_IDS);
    this.replid = this.newId();
    this.startedAtMs = around.scheduler.nowMs;
    this.secondPhaseMs = around.random.below(1000);
    this.noReplicasSince = this.second;
  }

  newId(): string {
    const part = (): string => this.around.random.below(2 ** 32).toString(16).padStart(8, '0');
    return part() + part();
  }

  get nowMs(): number {
    return this.around.scheduler.nowMs;
  }

  get second(): number {
    return Math.floor((this.around.scheduler.nowMs + this.secondPhaseMs) / 1000);
  }

  get persistsRdb(): boolean {
    return this.options.persistence === 'rdb' || this.options.persistence === 'both';
  }

  get persistsAof(): boolean {
    return this.options.persistence === 'aof' || this.options.persistence === 'both';
  }

  /** The next turn reads it. */
  wake(readable: Readable): void {
    if (!readable.ready) this.loop.ready(readable);
  }

  free(connection: Connection): void {
    this.loop.free(connection);
  }

  say(text: () => string): void {
    this.around.trace.say(this.around.process.name, text);
  }

  note(kind: string, value = 0): void {
    this.around.trace.note(kind, this.around.process.name, value);
  }

  touch(): void {
    this.shownStale = true;
  }

  /** A history of our own that continues the one before: replicas of that one can follow. */
  shiftReplid(): void {
    this.replid2 = this.replid;
    this.secondOffset = this.offset + 1;
    this.replid = this.newId();
    this.touch();
  }

  /** A history without a past. */
  replaceReplid(): void {
    this.replid = this.newId();
    this.forgetPast();
  }

  forgetPast(): void {
    this.replid2 = null;
    this.secondOffset = -1;
    this.touch();
  }

  createBacklog(): void {
    this.backlog ??= new Backlog(this.settings.backlogBytes, this.offset);
    this.backlog.sizeBytes = this.settings.backlogBytes;
  }

  /** Whether `min-replicas-to-write` is satisfied. A max-lag of 0 satisfies everything. */
  get enoughReplicas(): boolean {
    const { minReplicas, maxLagSeconds } = this.settings;
    return this.target !== null || minReplicas === 0 || maxLagSeconds === 0 || this.goodReplicas >= minReplicas;
  }

  /** Redis counts only when it has reason to: once a second, and when a replica comes or goes. */
  refreshGoodReplicas(): void {
    const { minReplicas, maxLagSeconds } = this.settings;
    if (minReplicas === 0 || maxLagSeconds === 0) return;
    const { second } = this;
    let good = 0;
    for (const { replica } of this.replicas) {
      if (replica?.state === 'online' && second - replica.ackSecond <= maxLagSeconds) good += 1;
    }
    this.goodReplicas = good;
    this.touch();
  }

  /** Whether it answers BUSY now. */
  get busy(): boolean {
    return this.script !== null && this.nowMs >= this.script.busyFromMs && this.nowMs < this.script.untilMs;
  }

  misconf(): ErrorReply | null {
    if (this.target !== null) return null;
    if (this.rdbFailed) return MISCONF_RDB;
    return this.aofFailed ? MISCONF_AOF : null;
  }

  /** Why a write is refused, or null. A pause does not refuse: it holds back. */
  refusal(): ErrorReply | null {
    const misconf = this.misconf();
    if (misconf !== null) return misconf;
    if (!this.enoughReplicas) return NO_REPLICAS;
    if (this.target !== null) return READONLY;
    if (this.loading) return LOADING;
    return this.busy ? BUSY : null;
  }
}
