/**
 * What is left of a failing plan when everything is taken away that it can fail without.
 *
 * First faults, in halves and then one by one, until none can be missed; then their durations; then the time in which
 * nothing happens any more. What counts as failing is the caller's business, which is how it stays the same failure.
 */
import type { Fault } from '../plan/faults.ts';
import { SHORTEST_MS as SHORTEST_OF } from '../plan/plan.ts';
import type { Plan } from '../plan/plan.ts';

/** Runs that one plan is worth. */
export const RUNS_MAX = 200;
const SHORTEST_MS = 10;
/** From the end of the last fault to the healing of all, and how long peace is looked at. */
const HEAL_AFTER_MS = 100;

export interface Shrunk {
  readonly plan: Plan;
  readonly runs: number;
}

class Shrinker {
  plan: Plan;
  runs = 0;
  private readonly fails: (plan: Plan) => boolean;

  constructor(plan: Plan, fails: (plan: Plan) => boolean) {
    this.plan = plan;
    this.fails = fails;
  }

  /** Keeps the change when the plan still fails with it. */
  try(change: Partial<Plan>): boolean {
    if (this.runs >= RUNS_MAX) return false;
    this.runs += 1;
    const plan = { ...this.plan, ...change };
    if (!this.fails(plan)) return false;
    this.plan = plan;
    return true;
  }

  dropFaults(): void {
    for (let size = Math.ceil(this.plan.faults.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      this.dropChunks(size);
    }
    // What was needed beside others may be needed no more without them.
    for (let before = -1; before !== this.plan.faults.length;) {
      before = this.plan.faults.length;
      this.dropChunks(1);
    }
  }

  /** From the end: what comes last is needed least. */
  private dropChunks(size: number): void {
    for (let at = this.plan.faults.length - size; at > -size; at -= size) {
      const from = Math.max(0, at);
      const faults = this.plan.faults.filter((_, i) => i < from || i >= at + size);
      if (faults.length < this.plan.faults.length) this.try({ faults });
    }
  }

  shortenFaults(): void {
    for (let i = 0; i < this.plan.faults.length; i++) while (this.halve(i));
  }

  private halve(i: number): boolean {
    const fault = this.plan.faults[i];
    if (fault === undefined) return false;
    const shortestMs = SHORTEST_OF[fault.kind] ?? SHORTEST_MS;
    if (fault.forMs <= shortestMs) return false;
    const shorter: Fault = { ...fault, forMs: Math.max(shortestMs, Math.round(fault.forMs / 2)) };
    return this.try({ faults: this.plan.faults.with(i, shorter) });
  }

  endEarlier(): void {
    const lastMs = Math.max(this.plan.settledMs, ...this.plan.faults.map(({ atMs, forMs }) => atMs + forMs));
    const healAtMs = Math.ceil(lastMs) + HEAL_AFTER_MS;
    if (healAtMs < this.plan.healAtMs) this.try({ healAtMs, endMs: this.plan.endMs - (this.plan.healAtMs - healAtMs) });
  }
}

/** The smallest plan found that `fails` still says yes to; the given one is taken to fail. */
export function shrink(plan: Plan, fails: (plan: Plan) => boolean): Shrunk {
  const shrinker = new Shrinker(plan, fails);
  shrinker.dropFaults();
  shrinker.endEarlier();
  shrinker.shortenFaults();
  shrinker.endEarlier();
  return { plan: shrinker.plan, runs: shrinker.runs };
}
