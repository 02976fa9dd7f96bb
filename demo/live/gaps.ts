/**
 * Write gaps as a client feels them: from one accepted write to the next, also while the next one is not there yet.
 */
const SLICE_MS = 500;
const SLICES_MAX = 400;
const RATE_OVER_MS = 1000;

export interface Gaps {
  readonly gapNowMs: number;
  readonly gapSinceKeyMs: number | null;
  readonly gapWorstMs: number;
  readonly perSecond: number;
  readonly slices: readonly number[];
}

export class GapMeter {
  private latestMs: number | null = null;
  private worstMs = 0;
  private sinceKeyMs: number | null = null;
  private slices: number[] = [];
  private sliceStartMs = -Infinity;
  private accepted = 0;
  private rate = { fromMs: 0, perSecond: 0 };

  /** A write was accepted. Returns the gap that it ends. */
  note(nowMs: number): number {
    const gapMs = this.gapAt(nowMs);
    this.spread(nowMs, gapMs);
    this.latestMs = nowMs;
    this.accepted += 1;
    return gapMs;
  }

  /** The user did something: its gap is counted from here. */
  startCounting(): void {
    this.sinceKeyMs = 0;
  }

  read(nowMs: number): Gaps {
    const gapNowMs = this.gapAt(nowMs);
    this.spread(nowMs, gapNowMs);
    const overMs = nowMs - this.rate.fromMs;
    if (overMs >= RATE_OVER_MS) {
      this.rate = { fromMs: nowMs, perSecond: Math.round((this.accepted * 1000) / overMs) };
      this.accepted = 0;
    }
    const { worstMs, sinceKeyMs, slices, rate } = this;
    return { gapNowMs, gapWorstMs: worstMs, gapSinceKeyMs: sinceKeyMs, perSecond: rate.perSecond, slices };
  }

  /** Before the first write there is no gap: the service is not there yet. */
  private gapAt(nowMs: number): number {
    return this.latestMs === null ? 0 : nowMs - this.latestMs;
  }

  private spread(nowMs: number, gapMs: number): void {
    if (this.latestMs === null) return;
    if (nowMs - this.sliceStartMs >= SLICE_MS) {
      this.sliceStartMs = nowMs;
      this.slices = [...this.slices.slice(1 - SLICES_MAX), 0];
    }
    this.slices[this.slices.length - 1] = Math.max(this.slices.at(-1) ?? 0, gapMs);
    this.worstMs = Math.max(this.worstMs, gapMs);
    if (this.sinceKeyMs !== null) this.sinceKeyMs = Math.max(this.sinceKeyMs, gapMs);
  }
}
