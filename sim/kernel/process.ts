/**
 * Processes and the hosts they run on: whatever can crash, freeze, be slow, or have a clock that runs wrong.
 *
 * Everything that reaches a process, a message or a timer of its own, comes through `deliver`. A frozen process keeps
 * what arrives and gets it when it thaws, timers first, as an event loop does after SIGSTOP. It may also be stopped in
 * the middle of what it is doing: `haltBeforeSend` ends or freezes it between two of its messages, which is how a
 * crash between any two actions is reached; `pauseBeforeLook` stops it where it is about to read its clock. What is
 * left of its turn is then worked out at once, but as it will be: its clock says the time of the thaw, and nothing
 * leaves before.
 */
import type { WallClock } from '../../src/contract/clock.ts';
import type { Scheduler } from './scheduler.ts';

/** One machine: its power, and the processes on it. */
export class Host {
  readonly name: string;
  up = true;
  readonly processes = new Set<Process>();

  constructor(name: string) {
    this.name = name;
  }
}

export type Halt = 'kill' | 'freeze';

export class Process {
  readonly name: string;
  readonly host: Host;
  alive = true;
  frozen = false;
  /** Every delivery takes this much longer: a starved process. */
  slowMs = 0;
  /** Called when the process ended, however it did; connections hang on it. */
  readonly onEnd = new Set<(how: 'killed' | 'power') => void>();
  private readonly scheduler: Scheduler;
  private readonly timers: (() => void)[] = [];
  private readonly arrivals: (() => void)[] = [];
  private readonly unsent: (() => void)[] = [];
  private halt: { how: Halt; sends: number; untilMs: number } | null = null;
  private pause: { looks: number; untilMs: number } | null = null;
  /** When what is left of a turn that was stopped in its middle goes on. */
  private resumesMs = Number.NEGATIVE_INFINITY;
  /** How long its machine was suspended, with a clock that stood still. */
  private stoodStillMs = 0;
  private suspendedSinceMs: number | null = null;
  private lastDeliveryMs = 0;
  /** When something left that was allowed before it was stopped, and sent behind it. */
  sentLateMs = Number.NEGATIVE_INFINITY;
  /** When its machine last woke up. */
  wokeMs = Number.NEGATIVE_INFINITY;

  constructor(name: string, host: Host, scheduler: Scheduler) {
    this.name = name;
    this.host = host;
    this.scheduler = scheduler;
    host.processes.add(this);
  }

  /** Something arrives: at once, later when the process is slow, at the thaw when it is frozen, never when dead. */
  deliver(run: () => void): void {
    if (!this.alive) return;
    if (this.frozen) {
      this.arrivals.push(run);
      return;
    }
    const atMs = Math.max(this.lastDeliveryMs, this.scheduler.nowMs + this.slowMs);
    if (atMs <= this.scheduler.nowMs) return run();
    this.lastDeliveryMs = atMs;
    this.scheduler.at(atMs, () => {
      if (this.frozen) this.arrivals.push(run);
      else if (this.alive) run();
    });
  }

  /** What arrives now is taken at once; asked first, since nearly everything is. */
  get takesAtOnce(): boolean {
    return this.alive && !this.frozen && this.slowMs === 0 && this.lastDeliveryMs <= this.scheduler.nowMs;
  }

  /** A timer of the process, in true time; `SkewedClock` gives it in the time of the host. */
  timer(delayMs: number, run: () => void): () => void {
    let cancelled = false;
    let stillMs = this.stoodStillMs;
    let isLate = false;
    let dueMs = this.presentMs + delayMs;
    const fire = (): void => {
      if (cancelled || !this.alive) return;
      if (this.frozen) return void this.timers.push(fire);
      if (this.slowMs > 0 && !isLate) {
        isLate = true;
        dueMs += this.slowMs;
        entry = this.scheduler.at(dueMs, fire);
        return;
      }
      if (stillMs === this.stoodStillMs) return run();
      // A timer counts by the clock that stood still.
      dueMs += this.stoodStillMs - stillMs;
      stillMs = this.stoodStillMs;
      entry = this.scheduler.at(dueMs, fire);
    };
    let entry = this.scheduler.at(dueMs, fire);
    return () => {
      cancelled = true;
      entry.run = null;
    };
  }

  /** What its clock shows, in true time. */
  get presentMs(): number {
    const { nowMs } = this.scheduler;
    return this.frozen ? Math.max(nowMs, this.resumesMs) : nowMs;
  }

  /** How far its clock is behind for having stood still. */
  get behindMs(): number {
    const { stoodStillMs, suspendedSinceMs } = this;
    return suspendedSinceMs === null ? stoodStillMs : stoodStillMs + this.scheduler.nowMs - suspendedSinceMs;
  }

  /** It is about to read its clock. */
  looks(): void {
    const { pause } = this;
    if (pause === null || --pause.looks >= 0) return;
    this.pause = null;
    this.stopInTurn(pause.untilMs);
  }

  private stopBeforeSending(untilMs: number): void {
    this.stopInTurn(untilMs);
    this.unsent.push(() => {
      this.sentLateMs = this.scheduler.nowMs;
    });
  }

  private stopInTurn(untilMs: number): void {
    this.freeze();
    this.resumesMs = untilMs;
  }

  /** A send of this moment is carried out in any case; asked first, since nearly every one is. */
  get sendsAtOnce(): boolean {
    return this.halt === null && this.alive && !this.frozen;
  }

  /** Carries out a send, unless this process is halted just before it. */
  sends(run: () => void): void {
    if (this.halt !== null && --this.halt.sends < 0) {
      const { how, untilMs } = this.halt;
      this.halt = null;
      if (how === 'kill') this.kill();
      else this.stopBeforeSending(untilMs);
    }
    if (!this.alive) return;
    if (this.frozen) this.unsent.push(run);
    else run();
  }

  /**
   * Ends or freezes the process after this many more sends, in the middle of whatever it is doing then; frozen, it
   * goes on at `untilMs` of true time, not before.
   */
  haltBeforeSend(how: Halt, sends: number, untilMs = Number.NEGATIVE_INFINITY): void {
    this.halt = { how, sends, untilMs };
  }

  /** Stops the process where it has read its clock so often, until this moment of true time. */
  pauseBeforeLook(looks: number, untilMs: number): void {
    this.pause = { looks, untilMs };
  }

  /** Takes back a halt or a pause that has not come about. */
  forgetHalt(): void {
    this.halt = null;
    this.pause = null;
  }

  /**
   * The machine sleeps: everything stands still, the clock as well. Not that of a process that was stopped in its turn:
   * what is left of that was worked out by a clock that runs until it goes on.
   */
  suspend(): void {
    if (!this.alive || this.suspendedSinceMs !== null) return;
    this.freeze();
    if (this.resumesMs > this.scheduler.nowMs) return;
    this.suspendedSinceMs = this.scheduler.nowMs;
  }

  kill(how: 'killed' | 'power' = 'killed'): void {
    if (!this.alive) return;
    this.alive = false;
    this.frozen = false;
    this.host.processes.delete(this);
    for (const end of [...this.onEnd]) end(how);
    this.onEnd.clear();
  }

  freeze(): void {
    if (this.alive) this.frozen = true;
  }

  /** Goes on where it was stopped: what it was about to send, its timers, what arrived meanwhile. */
  thaw(): void {
    if (!this.frozen || this.scheduler.nowMs < this.resumesMs) return;
    if (this.suspendedSinceMs !== null) this.wokeMs = this.scheduler.nowMs;
    this.stoodStillMs = this.behindMs;
    this.suspendedSinceMs = null;
    this.frozen = false;
    const backlog = [...this.unsent.splice(0), ...this.timers.splice(0), ...this.arrivals.splice(0)];
    for (const run of backlog) {
      this.scheduler.after(0, () => {
        if (this.frozen) this.arrivals.push(run);
        else if (this.alive) run();
      });
    }
  }
}

/** Two clocks count in different fractions: without it a timer could find that its moment has not quite come. */
const ROUNDING_MS = 1e-6;

/** Time of day at the beginning of a world. */
const WALL_ORIGIN_MS = 1_700_000_000_000;
/** No timer of Node.js is shorter. */
const SHORTEST_TIMER_MS = 1;

/** The clock of one host: it may run up to 10 % wrong, and its wall time may jump. */
export class SkewedClock implements WallClock {
  private readonly process: Process;
  private readonly rate: number;
  private readonly originMs: number;
  /** How far wall time is ahead of monotonic time: at the start of its process all hosts have the same time of day. */
  wallLeadMs: number;

  constructor(process: Process, skew: { readonly rate: number; readonly originMs: number }) {
    this.process = process;
    this.rate = skew.rate;
    this.originMs = skew.originMs;
    this.wallLeadMs = WALL_ORIGIN_MS + (1 - skew.rate) * process.presentMs - skew.originMs;
  }

  now(): number {
    this.process.looks();
    return this.shownMs;
  }

  /** What it shows, for who looks from above: the process itself did not look, and is not stopped for it. */
  get shownMs(): number {
    const { presentMs, behindMs } = this.process;
    return this.originMs + (presentMs - behindMs) * this.rate;
  }

  /** True time of a moment on this clock. */
  toTrueMs(atMs: number): number {
    return (atMs - this.originMs) / this.rate + this.process.behindMs;
  }

  wallNow(): number {
    return this.now() + this.wallLeadMs + this.process.behindMs * this.rate;
  }

  after(delayMs: number, callback: () => void): () => void {
    return this.process.timer(Math.max(SHORTEST_TIMER_MS, delayMs) / this.rate + ROUNDING_MS, callback);
  }
}
