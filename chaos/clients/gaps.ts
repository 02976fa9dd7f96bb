/**
 * Gaps: times in which no server acknowledged a write, while clients tried without pause.
 */

export interface Gap {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Shorter ones are the pauses of writers and of a busy machine. */
const SHORTEST_MS = 15;

export class GapMeter {
  private lastMs: number | null = null;
  private gaps: Gap[] = [];

  acknowledged({ ackedMs }: { readonly ackedMs: number }): void {
    if (this.lastMs !== null && ackedMs - this.lastMs >= SHORTEST_MS) {
      this.gaps.push({ fromMs: this.lastMs, toMs: ackedMs });
    }
    this.lastMs = Math.max(this.lastMs ?? ackedMs, ackedMs);
  }

  pause(): void {
    this.lastMs = null;
  }

  take(): readonly Gap[] {
    const taken = this.gaps;
    this.gaps = [];
    return taken;
  }
}
