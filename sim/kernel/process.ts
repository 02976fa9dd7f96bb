/**
 * Processes and the hosts they run on: whatever can crash, freeze, be slow, or have a clock that runs wrong.
 *
 * Everything that reaches a process, a message or a timer of its own, comes through `deliver`. A frozen process keeps
 * what arrives and gets it when it thaws, timers first, as an event loop does after SIGSTOP. It may also be stopped in
 * the middle of what it is doing: `haltBeforeSend` ends or freezes it between two of its messages, which is how a
 * crash between any two actions is reached.
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
  private halt: { how: Halt; sends: number } | null = null;
  private lastDeliveryMs = 0;

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

  /** A timer of the process, in true time; `SkewedClock` gives it in the time of the host. */
  timer(delayMs: number, run: () => void): () => void {
    let cancelled = false;
    const fire = (): void => {
      if (!cancelled && this.alive) run();
    };
    const entry = this.scheduler.after(delayMs + this.slowMs, () => {
      if (!this.frozen) fire();
      else if (!cancelled) this.timers.push(fire);
    });
    return () => {
      cancelled = true;
      entry.run = null;
    };
  }

  /** Carries out a send, unless this process is halted just before it. */
  sends(run: () => void): void {
    if (this.halt !== null && --this.halt.sends < 0) {
      const { how } = this.halt;
      this.halt = null;
      if (how === 'kill') this.kill();
      else this.freeze();
    }
    if (!this.alive) return;
    if (this.frozen) this.unsent.push(run);
    else run();
  }

  /** Ends or freezes the process after this many more sends, in the middle of whatever it is doing then. */
  haltBeforeSend(how: Halt, sends: number): void {
    this.halt = { how, sends };
  }

  /** Takes back a halt that has not come about. */
  forgetHalt(): void {
    this.halt = null;
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
    if (!this.frozen) return;
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

/** No timer of Node.js is shorter. */
const SHORTEST_TIMER_MS = 1;

/** The clock of one host: it may run up to 10 % wrong, and its wall time may jump. */
export class SkewedClock implements WallClock {
  private readonly scheduler: Scheduler;
  private readonly process: Process;
  private readonly rate: number;
  private readonly originMs: number;
  /** How far wall time is ahead of monotonic time. */
  wallLeadMs = 1_700_000_000_000;

  constructor(scheduler: Scheduler, process: Process, skew: { readonly rate: number; readonly originMs: number }) {
    this.scheduler = scheduler;
    this.process = process;
    this.rate = skew.rate;
    this.originMs = skew.originMs;
  }

  now(): number {
    return this.originMs + this.scheduler.nowMs * this.rate;
  }

  /** True time of a moment on this clock. */
  toTrueMs(atMs: number): number {
    return (atMs - this.originMs) / this.rate;
  }

  wallNow(): number {
    return this.now() + this.wallLeadMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    return this.process.timer(Math.max(SHORTEST_TIMER_MS, delayMs) / this.rate + ROUNDING_MS, callback);
  }
}
