/**
 * Virtual time: a heap of moments at which something happens. One thread, no waiting: time is what the next event says.
 *
 * Events of one moment run in the order in which they were asked for, so a run is a pure function of its seed.
 */
export interface Scheduled {
  readonly atMs: number;
  readonly order: number;
  /** Null once it ran or was cancelled: cancelling leaves the entry in the heap, where it costs nothing. */
  run: (() => void) | null;
}

/** Events of one run: reaching it means that something posts in a circle without letting time pass. */
const EVENTS_MAX = 2_000_000;

function comesBefore(a: Scheduled, b: Scheduled): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

export class Scheduler {
  /** True time: no process of the simulated world can see it. Milliseconds since the start of the run. */
  nowMs = 0;
  /** Events that ran. */
  ran = 0;
  private readonly heap: Scheduled[] = [];
  /** What is due at this very moment, in order; a third of all events. What the heap holds for it was asked earlier. */
  private readonly due: Scheduled[] = [];
  private dueNext = 0;
  private orders = 0;

  at(atMs: number, run: () => void): Scheduled {
    const entry: Scheduled = { atMs: Math.max(atMs, this.nowMs), order: this.orders++, run };
    if (entry.atMs === this.nowMs) this.due.push(entry);
    else this.rise(entry);
    return entry;
  }

  after(delayMs: number, run: () => void): Scheduled {
    return this.at(this.nowMs + delayMs, run);
  }

  /** Nothing else is due at this very moment. */
  get isLastNow(): boolean {
    const first = this.heap[0];
    return this.due.length === 0 && (first === undefined || first.atMs > this.nowMs);
  }

  /** Runs everything up to and including this moment. */
  runUntil(untilMs: number): void {
    for (let next = this.next(untilMs); next !== null; next = this.next(untilMs)) {
      const { run } = next;
      if (run === null) continue;
      next.run = null;
      this.nowMs = next.atMs;
      if (++this.ran > EVENTS_MAX) throw new Error('the simulated world never comes to rest');
      run();
    }
    this.nowMs = untilMs;
  }

  /** Takes out what comes next, if it comes by then. */
  private next(untilMs: number): Scheduled | null {
    const first = this.heap[0];
    const due = this.due[this.dueNext];
    if (due !== undefined && (first === undefined || comesBefore(due, first))) {
      this.dueNext += 1;
      if (this.dueNext === this.due.length) this.dueNext = this.due.length = 0;
      return due;
    }
    if (first === undefined || first.atMs > untilMs) return null;
    this.removeFirst();
    return first;
  }

  private rise(entry: Scheduled): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || !comesBefore(entry, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = entry;
  }

  private removeFirst(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const a = heap[left];
      const b = heap[left + 1];
      if (a === undefined) break;
      const down = b !== undefined && comesBefore(b, a) ? left + 1 : left;
      const child = down === left ? a : b;
      if (child === undefined || !comesBefore(child, last)) break;
      heap[at] = child;
      at = down;
    }
    heap[at] = last;
  }
}
