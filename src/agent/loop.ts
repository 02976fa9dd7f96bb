/**
 * The loop: one mailbox, one input at a time; `step`, then its actions, then what shall be watched.
 *
 * Everything that happens, whether event, answer or timer, is put into the mailbox and looked at in order. Nothing
 * here decides: what an input means is the core's business, what an action does is `perform`'s.
 *
 * The process may be stopped at any point, and go on a minute later without knowing. What was decided before and
 * must not be done after is caught here: the clock is looked at again before each action that has an end, and once
 * more behind it, so that one which slipped through is followed by the turn that takes it back.
 */
import type { Action } from '../core/actions.ts';
import { TOO_LATE } from '../core/actions.ts';
import type { Input } from '../core/inputs.ts';
import { initialState, type Settings, type State } from '../core/state.ts';
import { step } from '../core/step.ts';
import type { Wanted } from '../core/wanted.ts';
import { wanted } from '../core/wanted.ts';
import { untilGridMs } from '../contract/clock.ts';
import type { WallClock } from '../contract/clock.ts';

/** Inputs that wait to be looked at. Reaching it means that something posts in a circle. */
const MAILBOX_MAX = 10_000;
/**
 * Wall time that passed beyond monotonic time, or fell short of it: more than this, and the machine slept, or its clock
 * was set, which may hide a sleep. Less than what lies between F and the end of a session of the shortest T, or a short
 * sleep would outlive the fence unnoticed.
 */
export const SLEEP_JUMP_MS = 100;
/** A wait without a deadline is looked at again all the same: at a multiple of this, when other timers are due too. */
export const TICK_MAX_MS = 1000;

export interface LoopDrivers {
  perform(action: Action): void;
  watch(wanted: Wanted): void;
  /** A broken invariant: this process can trust none of its decisions any more. */
  crash(error: unknown): void;
}

export class Loop {
  private current: State;
  private readonly clock: WallClock;
  private readonly drivers: LoopDrivers;
  private readonly mailbox: Input[] = [];
  private running = false;
  private stopped = false;
  private cancelTick: () => void = () => undefined;
  /** Wall time minus monotonic time at the last look. */
  private wallLeadMs: number;

  constructor(settings: Settings, clock: WallClock, drivers: LoopDrivers) {
    this.current = initialState(settings, clock.now());
    this.clock = clock;
    this.drivers = drivers;
    this.wallLeadMs = clock.wallNow() - clock.now();
  }

  get state(): State {
    return this.current;
  }

  post(input: Input): void {
    if (this.stopped) return;
    this.mailbox.push(input);
    if (this.running) return;
    this.running = true;
    try {
      this.drain();
    } catch (error) {
      this.stop();
      this.drivers.crash(error);
    } finally {
      this.running = false;
    }
  }

  /**
   * For who looks from outside between two turns: what is overdue is decided first. After a pause of this process, or
   * of the machine, a request may be read before the timer.
   */
  catchUp(): void {
    const leadMs = this.clock.wallNow() - this.clock.now();
    const slept = leadMs - this.wallLeadMs > SLEEP_JUMP_MS;
    if (slept || this.clock.now() > this.current.wakeAtMs) this.post({ kind: 'tick' });
  }

  stop(): void {
    this.stopped = true;
    this.mailbox.length = 0;
    this.cancelTick();
  }

  private drain(): void {
    for (let input = this.mailbox.shift(); input !== undefined; input = this.mailbox.shift()) {
      if (this.slept()) this.take({ kind: 'slept', wallMs: this.clock.wallNow() });
      if (this.mailbox.length > MAILBOX_MAX) throw new Error('mailbox overflow');
      this.take(input);
    }
    if (!this.stopped) this.scheduleTick();
  }

  private take(input: Input): void {
    const { state, actions } = step(this.current, input, this.clock.now());
    this.current = state;
    for (const action of actions) this.perform(action);
    // After every step: a target that changes and changes back in one batch is a new connection to the core.
    if (!this.stopped) this.drivers.watch(wanted(state));
  }

  private perform(action: Action): void {
    if (action.notAfterMs === Number.POSITIVE_INFINITY) return this.drivers.perform(action);
    const outcome = { result: 'failed', code: TOO_LATE } as const;
    if (this.isLate(action)) return void this.mailbox.push({ kind: 'action_done', id: action.id, outcome });
    this.drivers.perform(action);
    if (this.isLate(action)) this.mailbox.push({ kind: 'tick' });
  }

  private isLate(action: Action): boolean {
    const slept = this.slept();
    if (slept) this.mailbox.unshift({ kind: 'slept', wallMs: this.clock.wallNow() });
    return slept || this.clock.now() > action.notAfterMs;
  }

  private slept(): boolean {
    const leadMs = this.clock.wallNow() - this.clock.now();
    const jumpedMs = leadMs - this.wallLeadMs;
    this.wallLeadMs = leadMs;
    return Math.abs(jumpedMs) > SLEEP_JUMP_MS;
  }

  private scheduleTick(): void {
    this.cancelTick();
    const nowMs = this.clock.now();
    const delayMs = Math.min(untilGridMs(nowMs, TICK_MAX_MS), Math.max(0, this.current.wakeAtMs - nowMs));
    this.cancelTick = this.clock.after(delayMs, () => this.post({ kind: 'tick' }));
  }
}
