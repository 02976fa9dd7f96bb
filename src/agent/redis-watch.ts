/**
 * Watching one Redis: keeps one connection to it, asks it how it is, and carries commands to it in order.
 *
 * Questions and commands share the connection, so an observation can never be older than a command that was answered
 * before it. The connection is opened in advance and never closed because of silence: a fence that was sent to a
 * stopped server waits in its socket and is the first thing it runs when it thaws. One to another host is given up only
 * when that server answers on a second one, and not on this (`second-line.ts`).
 *
 * One question is outstanding at a time. When it stays unanswered that is reported, but the question keeps waiting:
 * its late answer is how a thawed server is noticed.
 */
import type { Clock } from '../contract/clock.ts';
import type { SightEvent } from '../core/facts.ts';
import type { Address } from '../core/records.ts';
import { firstError, NO_DEADLINE_MS } from '../redis/link.ts';
import type { CloseKind, Command, RedisConnector, RedisLink, RedisTarget, Reply, SendOutcome } from '../redis/link.ts';
import { untilGridMs } from '../contract/clock.ts';
import { observe, QUESTION, questionFor, sameReplies } from './redis-facts.ts';
import type { Observation } from './redis-facts.ts';
import { SecondLine } from './second-line.ts';

/** Bound on every command; a fence that is not answered by then stays queued in the socket. */
export const COMMAND_DEADLINE_MS = 1000;
const CONNECT_TIMEOUT_MS = 1000;
/** Pause after which whatever had arrived before it has been read. */
const READ_FIRST_MS = 5;
/** A port that refuses is tried again after this: a returning server must be fenced within 30 ms. */
export const REDIAL_REFUSED_MS = 10;
/**
 * Between the last answer and a question that stays unanswered nobody knows when the silence began. Of that time this
 * much is counted as silence, so that a verdict is at most this early, and late by what the pause between questions
 * is longer.
 */
const SILENCE_DOUBT_MS = 100;
/** From this pause on, a question may come up to half of it early or late. */
const RARE_POLL_MS = 200;
/** A connection that fails otherwise, or a remote port that keeps refusing. */
export const REDIAL_PAUSE_MS = 250;
const REDIAL_AT_ONCE_MS = 1;
/** Refusals of a remote port after which the dials get fewer. */
const EAGER_REFUSALS = 10;

export type CommandResult =
  | { readonly ok: true; readonly sentAtMs: number }
  | { readonly ok: false; readonly code: string };

export interface RedisWatchOptions {
  readonly clock: Clock;
  readonly connector: RedisConnector;
  readonly purpose: string;
  readonly credentials: Pick<RedisTarget, 'username' | 'password'>;
  /** Unanswered for this long, a question is reported as `silent`. */
  readonly silentAfterMs: number;
  /** Our own Redis is dialled every 10 ms for as long as it takes; a remote one only at first. */
  readonly eager: boolean;
  readonly onSight: (event: SightEvent) => void;
  /** A question is still open when the next one is due; then, that it was answered or its connection is gone. */
  readonly onOverdue?: (overdue: boolean) => void;
}

export class RedisWatch {
  private readonly options: RedisWatchOptions;
  private target: Address | null = null;
  private link: RedisLink | null = null;
  private open = false;
  private refusals = 0;
  private failures = 0;
  private pollMs = Number.POSITIVE_INFINITY;
  private asking = false;
  private lastAnswerMs = Number.NEGATIVE_INFINITY;
  /** Nobody was silent on a connection that was not there yet. */
  private openedAtMs = Number.NEGATIVE_INFINITY;
  private askedAtMs = Number.NEGATIVE_INFINITY;
  /** If it stays unanswered: since when. */
  private silentSinceMs = Number.NEGATIVE_INFINITY;
  /** That was reported. */
  private silent = false;
  /** In the form that this server understands. */
  private question: readonly Command[] = QUESTION;
  /** The latest answer: a server that is asked every few milliseconds mostly says the same again. */
  private heard: { readonly replies: readonly Reply[]; readonly means: Observation } | null = null;
  private cancelLook: () => void = () => undefined;
  private cancelDial: () => void = () => undefined;
  /** No path to our own Redis is ever cut. */
  private readonly second: SecondLine | null;
  /** From the last observation; `configure` needs it. */
  backlogBytes: number | null = null;
  /** Unanswered for this long, a question is reported as `silent`; holds from the next look on. */
  silentAfterMs: number;

  constructor(options: RedisWatchOptions) {
    this.options = options;
    this.silentAfterMs = options.silentAfterMs;
    const { clock, connector, purpose } = options;
    const onAnswered = (): void => this.abandon();
    this.second = options.eager ? null : new SecondLine({ clock, connector, purpose, onAnswered });
  }

  /** Watches this Redis from now on, and no other. */
  watch(target: Address | null): void {
    if (target?.host === this.target?.host && target?.port === this.target?.port) return;
    this.hangUp();
    this.target = target;
    this.refusals = 0;
    if (target !== null) this.dial();
  }

  /** Pause between an answer and the next question; a shorter one takes effect at once. */
  pollEvery(pollMs: number): void {
    if (pollMs === this.pollMs) return;
    this.pollMs = pollMs;
    if (this.open) this.scheduleLook();
  }

  /** Carries out commands; the observation that follows them is reported before `done` is called. */
  run(commands: readonly Command[], done: (result: CommandResult) => void): void {
    const sentAtMs = this.options.clock.now();
    this.send(commands, (outcome) => {
      if (outcome.kind !== 'answered') return done({ ok: false, code: outcome.kind.toUpperCase() });
      const error = firstError(outcome.replies);
      done(error === null ? { ok: true, sentAtMs } : { ok: false, code: error.code });
    });
  }

  /** The same for what each of them is answered; null where nothing is. */
  ask(commands: readonly Command[], done: (replies: readonly Reply[] | null) => void): void {
    this.send(commands, (outcome) => done(outcome.kind === 'answered' ? outcome.replies : null));
  }

  stop(): void {
    this.watch(null);
  }

  private send(commands: readonly Command[], done: (outcome: SendOutcome) => void): void {
    if (this.link === null || !this.open) {
      this.options.clock.after(0, () => done({ kind: 'closed' }));
      return;
    }
    this.link.send([...commands, ...this.question], COMMAND_DEADLINE_MS, (outcome) => {
      if (outcome.kind !== 'answered') return done(outcome);
      this.report(outcome.replies.slice(commands.length));
      done({ kind: 'answered', replies: outcome.replies.slice(0, commands.length) });
    });
  }

  private hangUp(): void {
    this.cancelLook();
    this.cancelDial();
    this.second?.end();
    const { link } = this;
    this.link = null;
    this.open = false;
    this.asking = false;
    this.options.onOverdue?.(false);
    link?.close();
  }

  /** A fence of an earlier epoch that still waits in this connection must not arrive behind what the next brings. */
  private abandon(): void {
    this.link?.abort();
    this.ended({ seen: 'failed', code: 'lost' }, REDIAL_AT_ONCE_MS);
  }

  private dial(): void {
    const { target } = this;
    if (target === null) return;
    const { connector, credentials, purpose } = this.options;
    const ifCurrent = (react: () => void): void => {
      if (this.link === link) react();
    };
    const link: RedisLink = connector.connect(
      { ...target, ...credentials },
      { purpose, connectTimeoutMs: CONNECT_TIMEOUT_MS },
      {
        onOpen: () => ifCurrent(() => this.opened()),
        onRefused: () => ifCurrent(() => this.refused()),
        onFailed: ({ code }) => ifCurrent(() => this.failed(code)),
        onClosed: (how) => ifCurrent(() => this.closed(how)),
      },
    );
    this.link = link;
  }

  private opened(): void {
    this.open = true;
    this.question = QUESTION;
    this.openedAtMs = this.options.clock.now();
    this.refusals = 0;
    this.failures = 0;
    this.options.onSight({ seen: 'opened' });
    this.inquire();
  }

  private refused(): void {
    this.refusals += 1;
    const eager = this.options.eager || this.refusals < EAGER_REFUSALS;
    this.ended({ seen: 'refused' }, eager ? REDIAL_REFUSED_MS : REDIAL_PAUSE_MS);
  }

  /**
   * A dying server may close its connections before its listener: the next dial is reset, the one after refused. A dial
   * of our own Redis that ran out of time has waited already, or this process was stopped meanwhile and has to fence.
   */
  private failed(code: string): void {
    const dying = code === 'other' && ++this.failures < EAGER_REFUSALS;
    const waited = this.options.eager && code === 'timeout';
    this.ended({ seen: 'failed', code }, dying || waited ? REDIAL_AT_ONCE_MS : REDIAL_PAUSE_MS);
  }

  private closed(how: CloseKind): void {
    const byOther = how === 'fin' || how === 'reset';
    this.ended(byOther ? { seen: 'closed' } : { seen: 'failed', code: how }, byOther ? 0 : REDIAL_PAUSE_MS);
  }

  private ended(event: SightEvent, redialMs: number): void {
    this.hangUp();
    this.cancelDial = this.options.clock.after(redialMs, () => this.dial());
    this.options.onSight(event);
  }

  /**
   * Plans the next look. An answered question is followed by the next one; an open one is found silent, or not yet.
   * In peace a look never finds one open: silence has no timer of its own, since one that is cancelled each time
   * wakes an idle process all the same.
   */
  private scheduleLook(): void {
    this.cancelLook();
    if (this.pollMs === Number.POSITIVE_INFINITY || (this.asking && this.silent)) return;
    this.cancelLook = this.options.clock.after(this.untilLookMs(), () => this.look());
  }

  /** Rare questions are asked at common moments, so that an idle agent wakes up once for several of them. */
  private untilLookMs(): number {
    const nowMs = this.options.clock.now();
    const rare = this.pollMs >= RARE_POLL_MS;
    if (this.asking) return Math.min(this.untilSilentMs(), rare ? untilGridMs(nowMs, this.pollMs) : Infinity);
    return rare ? untilGridMs(nowMs, this.pollMs) : Math.max(0, this.lastAnswerMs + this.pollMs - nowMs);
  }

  private untilSilentMs(): number {
    return Math.max(0, this.askedAtMs + this.silentAfterMs - this.options.clock.now());
  }

  private look(): void {
    if (!this.asking) return this.inquire();
    this.options.onOverdue?.(true);
    if (this.untilSilentMs() > 0) return this.scheduleLook();
    // When this process itself was held up, timers run before sockets are read: the answer may lie there already.
    this.cancelLook = this.options.clock.after(READ_FIRST_MS, () => {
      this.silent = true;
      if (this.target !== null) this.second?.begin({ ...this.target, ...this.options.credentials });
      this.options.onSight({ seen: 'silent', sinceMs: this.silentSinceMs });
    });
  }

  private inquire(): void {
    if (this.link === null || !this.open || this.asking) return;
    const { link } = this;
    this.asking = true;
    this.silent = false;
    this.askedAtMs = this.options.clock.now();
    this.silentSinceMs = Math.max(this.lastAnswerMs, this.openedAtMs, this.askedAtMs - SILENCE_DOUBT_MS);
    link.send(this.question, NO_DEADLINE_MS, (outcome) => {
      if (this.link === link) this.answered(outcome);
    });
    this.scheduleLook();
  }

  private answered(outcome: SendOutcome): void {
    this.asking = false;
    this.options.onOverdue?.(false);
    if (outcome.kind !== 'answered') return this.cancelLook();
    this.report(outcome.replies);
    this.scheduleLook();
  }

  private report(replies: readonly Reply[]): void {
    this.second?.end();
    this.lastAnswerMs = this.options.clock.now();
    const seen = this.understand(replies);
    if (seen.kind === 'blocked') return this.options.onSight({ seen: 'blocked', by: seen.by });
    this.backlogBytes = seen.backlogBytes;
    this.question = questionFor(seen.facts.version);
    this.options.onSight({ seen: 'answered', facts: seen.facts });
  }

  private understand(replies: readonly Reply[]): Observation {
    if (this.heard === null || !sameReplies(this.heard.replies, replies)) {
      this.heard = { replies, means: observe(replies) };
    }
    return this.heard.means;
  }
}
