/**
 * Virtual time: a heap of moments at which something happens. One thread, no waiting: time is what the next event says.
 *
 * Events of one moment run in the order in which they were asked for, so a run is a pure function of its seed.
 */
export interface Scheduled {
  /** Null once it ran or was cancelled: cancelling leaves the entry in the heap, where it costs nothing. */
  run: (() => void) | null;
}

/** Events of one run: reaching it means that something posts in a circle without letting time pass. */
const EVENTS_MAX = 2_000_000;
/** Room in the heap at first; it is doubled when that is full. */
const ROOM = 1024;

export class Scheduler {
  /** True time: no process of the simulated world can see it. Milliseconds since the start of the run. */
  nowMs = 0;
  /** Events that ran. */
  ran = 0;
  /**
   * A binary heap in three columns: moments are compared far more often than entries are run, and numbers that stand
   * side by side are compared without looking any entry up.
   */
  private readonly entries: Scheduled[] = [];
  private moments = new Float64Array(ROOM);
  /** Which was asked for first, where moments are equal. */
  private orders = new Float64Array(ROOM);
  private asked = 0;
  /**
   * What is due at this very moment, in order; a third of all events. What the heap holds for it was asked earlier.
   * Emptied by its counts: an array that is made empty gives its room away, and takes it anew a moment later.
   */
  private readonly due: Scheduled[] = [];
  private dueFrom = 0;
  private dueTo = 0;

  at(atMs: number, run: () => void): Scheduled {
    const entry: Scheduled = { run };
    if (atMs <= this.nowMs) this.due[this.dueTo++] = entry;
    else this.add(atMs, entry);
    return entry;
  }

  after(delayMs: number, run: () => void): Scheduled {
    return this.at(this.nowMs + delayMs, run);
  }

  /** Nothing else is due at this very moment. */
  get isLastNow(): boolean {
    return this.dueFrom === this.dueTo && !this.hasBy(this.nowMs);
  }

  /** Runs everything up to and including this moment. */
  runUntil(untilMs: number): void {
    for (let run = this.next(untilMs); run !== undefined; run = this.next(untilMs)) {
      if (run === null) continue;
      if (++this.ran > EVENTS_MAX) throw new Error('the simulated world never comes to rest');
      run();
    }
    this.nowMs = untilMs;
  }

  /** Whether the heap holds something for then or earlier. */
  private hasBy(atMs: number): boolean {
    const first = this.moments[0];
    return this.entries.length > 0 && first !== undefined && first <= atMs;
  }

  /** Takes out what comes next, if it comes by then: undefined where nothing does, null where it was cancelled. */
  private next(untilMs: number): (() => void) | null | undefined {
    if (this.dueFrom < this.dueTo && !this.hasBy(this.nowMs)) return this.takeDue();
    if (!this.hasBy(untilMs)) return undefined;
    const atMs = this.moments[0] ?? untilMs;
    const run = this.takeFirst();
    if (run !== null) this.nowMs = atMs;
    return run;
  }

  private takeDue(): (() => void) | null {
    const entry = this.due[this.dueFrom++];
    if (this.dueFrom === this.dueTo) this.dueFrom = this.dueTo = 0;
    return runOnce(entry);
  }

  private add(atMs: number, entry: Scheduled): void {
    if (this.entries.length === this.moments.length) this.makeRoom();
    const order = this.asked++;
    const { entries, moments, orders } = this;
    let at = entries.length;
    entries.push(entry);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const upMs = moments[up] ?? 0;
      // Of equal moments the one that stands here was asked for earlier.
      if (upMs <= atMs) break;
      this.move(up, at);
      at = up;
    }
    entries[at] = entry;
    moments[at] = atMs;
    orders[at] = order;
  }

  /** Takes out the first, and lets the last sink to where it belongs. */
  private takeFirst(): (() => void) | null {
    const { entries, moments, orders } = this;
    const [first] = entries;
    const count = entries.length - 1;
    const last = entries.pop();
    if (last === undefined || count === 0) return runOnce(first);
    const lastMs = moments[count] ?? 0;
    const lastOrder = orders[count] ?? 0;
    let at = 0;
    for (let child = 1; child < count; child = 2 * at + 1) {
      if (child + 1 < count && this.comesBefore(child + 1, child)) child += 1;
      const childMs = moments[child] ?? 0;
      if (childMs > lastMs || (childMs === lastMs && (orders[child] ?? 0) > lastOrder)) break;
      this.move(child, at);
      at = child;
    }
    entries[at] = last;
    moments[at] = lastMs;
    orders[at] = lastOrder;
    return runOnce(first);
  }

  private comesBefore(a: number, b: number): boolean {
    const { moments, orders } = this;
    const aMs = moments[a] ?? 0;
    const bMs = moments[b] ?? 0;
    return aMs < bMs || (aMs === bMs && (orders[a] ?? 0) < (orders[b] ?? 0));
  }

  private move(from: number, to: number): void {
    const { entries, moments, orders } = this;
    const entry = entries[from];
    if (entry === undefined) throw new Error('the heap has a gap');
    entries[to] = entry;
    moments[to] = moments[from] ?? 0;
    orders[to] = orders[from] ?? 0;
  }

  private makeRoom(): void {
    const [moments, orders] = [this.moments, this.orders];
    this.moments = new Float64Array(2 * moments.length);
    this.orders = new Float64Array(2 * orders.length);
    this.moments.set(moments);
    this.orders.set(orders);
  }
}

function runOnce(entry: Scheduled | undefined): (() => void) | null {
  if (entry === undefined) return null;
  const { run } = entry;
  entry.run = null;
  return run;
}
