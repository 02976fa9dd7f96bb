/**
 * One turn of the core: the state being worked out and the actions decided so far.
 *
 * A turn lives only inside one call of `step`. It never mutates a state that somebody else holds: `update` replaces
 * the whole, so the state given to `step` stays what it was. Everything a turn collects (actions, reasons, the next
 * deadline) is level-triggered: each turn works out all of it again from the facts, so that a lost or repeated input
 * changes nothing in the end.
 */
import type { EventName } from '../contract/events.ts';
import type { ReasonCode } from '../contract/reasons.ts';
import type { Action, ActionBody, ActionKind, Fields } from './actions.ts';
import { UNANSWERED } from './actions.ts';
import { notAfterMs } from './fencing.ts';
import { RECORD_FORMAT } from './records.ts';
import { copyOf } from './state-copy.ts';
import type { InFlight, State } from './state.ts';

/** Pause before a failed action is tried again, so that a persistent refusal does not become a busy loop. */
export const RETRY_PAUSE_MS = 100;
/** A fence is retried faster: nothing is more urgent. */
export const FENCE_RETRY_PAUSE_MS = 10;
/** After a hint or a change, observations follow each other without pause for this long. */
export const ALERT_MS = 300;

const isUnanswered = (kind: ActionKind): boolean => (UNANSWERED as readonly string[]).includes(kind);

/** Whether anything would be different: what is decided anew in each turn mostly is what was decided before. */
export function changes<T extends object>(before: T, change: Partial<T>): boolean {
  for (const key in change) {
    if (!Object.is(change[key], before[key])) return true;
  }
  return false;
}

/** A sum may say that a deadline has come where a difference says that it has not quite. */
const ROUNDING_MS = 1;

export class Turn {
  state: State;
  private readonly given: State;
  readonly actions: Action[] = [];
  readonly reasons = new Set<ReasonCode>();
  private wakeAtMs = Number.POSITIVE_INFINITY;

  constructor(state: State) {
    this.state = state;
    this.given = state;
  }

  get now(): number {
    return this.state.nowMs;
  }

  update(change: Partial<State>): void {
    if (changes(this.state, change)) this.state = Object.assign(copyOf(this.state), change);
  }

  /** Whether an action of this kind is on its way. */
  awaits(kind: ActionKind): boolean {
    return this.state.inFlight.has(kind);
  }

  /**
   * Decides an action. One of each kind is in flight at a time; asking again meanwhile is normal and does nothing,
   * because decisions are made anew in every turn. Returns whether it was issued now.
   */
  emit(body: ActionBody): boolean {
    const { state } = this;
    if (this.awaits(body.kind) || this.rewritesNewer(body.kind)) return false;
    const retryAtMs = state.retryAtMs.get(body.kind) ?? Number.NEGATIVE_INFINITY;
    if (retryAtMs > this.now) {
      this.wakeAt(retryAtMs);
      return false;
    }
    const id = state.nextActionId;
    const epoch = 'epoch' in state.role ? state.role.epoch : (state.records.term?.value.epoch ?? 0);
    // This way round actions of one kind are of one class; the other way each would be of its own.
    this.actions.push(Object.assign({ id, epoch, notAfterMs: notAfterMs(state, body.kind) }, body));
    this.update({ nextActionId: id + 1 });
    // What lifts a fence may have to be followed by the next one at once.
    if (body.kind === 'set_min_replicas' || body.kind === 'promote') this.forgetPause('fence_reversibly');
    if (!isUnanswered(body.kind)) this.await(body.kind, { id, epoch, sinceMs: this.now });
    return true;
  }

  private forgetPause(kind: ActionKind): void {
    if (!this.state.retryAtMs.has(kind)) return;
    const retryAtMs = new Map(this.state.retryAtMs);
    retryAtMs.delete(kind);
    this.update({ retryAtMs });
  }

  private await(kind: ActionKind, flight: InFlight): void {
    this.update({ inFlight: new Map(this.state.inFlight).set(kind, flight) });
  }

  /** A term of a newer format is read, but whoever cannot know all of it must not write it. */
  private rewritesNewer(kind: ActionKind): boolean {
    if (kind !== 'claim' && kind !== 'write_term') return false;
    if ((this.state.records.term?.znode.format ?? 0) <= RECORD_FORMAT) return false;
    this.refuse('record_newer');
    return true;
  }

  report(event: EventName, fields: Fields = {}): void {
    this.emit({ kind: 'report', event, fields });
  }

  /** Names a reason that holds now and keeps us from acting (I9). */
  refuse(reason: ReasonCode): void {
    this.reasons.add(reason);
  }

  /**
   * Every wait names its deadline where it waits; the earliest becomes the next tick. One that has passed was looked at
   * in this very turn: it is no reason for another, or who waits for an outage to end would turn without a pause.
   */
  wakeAt(atMs: number): void {
    if (atMs <= this.now - ROUNDING_MS) return;
    this.wakeAtMs = Math.min(this.wakeAtMs, atMs);
  }

  /** The state at the end of the turn. */
  finish(): State {
    const wakeAtMs = Math.max(this.wakeAtMs, this.now);
    // A copy that this turn made is nobody else's yet: the last field of all needs no further one.
    if (this.state === this.given) this.update({ wakeAtMs });
    else (this.state as { wakeAtMs: number }).wakeAtMs = wakeAtMs;
    return this.state;
  }
}
