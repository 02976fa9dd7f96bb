/**
 * Lets the requests of many clients through without starving the rest of the process: so many of one client before
 * others come first, and so many of all of them in one turn of the event loop.
 *
 * The agent keeps a lease on the same loop. Whoever asks without pause waits here, and is not read from meanwhile.
 */
export interface Passenger {
  /** Carries out at most `max` requests. Gives how many it did, and whether more are waiting. */
  work(max: number): { readonly done: number; readonly more: boolean };
}

export interface TurnstileBounds {
  readonly requestsPerTurn: number;
  readonly requestsPerTurnOfAll: number;
  readonly turnMs: number;
}

export class Turnstile {
  private readonly bounds: TurnstileBounds;
  private readonly now: () => number;
  /** In the order in which they came; whoever was let through and has more goes to the end. */
  private readonly waiting = new Set<Passenger>();
  private spent = 0;
  private spentMs = 0;
  private turn: NodeJS.Immediate | null = null;

  /** `now`: monotonic milliseconds. */
  constructor(bounds: TurnstileBounds, now: () => number) {
    this.bounds = bounds;
    this.now = now;
  }

  /** Whether it waits for its turn. */
  holds(passenger: Passenger): boolean {
    return this.waiting.has(passenger);
  }

  /** Has requests: lets it through at once while this turn has room. */
  enter(passenger: Passenger): void {
    if (this.waiting.has(passenger)) return;
    if (this.waiting.size > 0 || this.isSpent()) this.waiting.add(passenger);
    else this.serve(passenger);
    if (this.waiting.size > 0 || this.spent > 0) this.turn ??= setImmediate(() => this.nextTurn());
  }

  leave(passenger: Passenger): void {
    this.waiting.delete(passenger);
  }

  stop(): void {
    this.waiting.clear();
    if (this.turn !== null) clearImmediate(this.turn);
    this.turn = null;
  }

  private nextTurn(): void {
    this.turn = null;
    this.spent = 0;
    this.spentMs = 0;
    for (const passenger of this.waiting) {
      if (this.isSpent()) break;
      this.waiting.delete(passenger);
      this.serve(passenger);
    }
    if (this.waiting.size > 0 || this.spent > 0) this.turn ??= setImmediate(() => this.nextTurn());
  }

  private isSpent(): boolean {
    return this.spent >= this.bounds.requestsPerTurnOfAll || this.spentMs >= this.bounds.turnMs;
  }

  private serve(passenger: Passenger): void {
    const { requestsPerTurn, requestsPerTurnOfAll } = this.bounds;
    const sinceMs = this.now();
    const { done, more } = passenger.work(Math.min(requestsPerTurn, requestsPerTurnOfAll - this.spent));
    this.spent += Math.max(1, done);
    this.spentMs += this.now() - sinceMs;
    if (more) this.waiting.add(passenger);
  }
}
