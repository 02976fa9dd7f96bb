/** One plan, run once or twice, with whatever goes wrong turned into a finding. */
import type { Violation } from '../checkers/checker.ts';
import type { Plan } from '../plan/plan.ts';
import type { Coverage } from '../world/coverage.ts';
import { World } from '../world/world.ts';

/** `crash`: the simulated world itself broke; `chance`: two runs of one plan were not the same run. */
export type FindingKind = Violation['invariant'] | 'crash' | 'chance';

export interface Finding {
  readonly invariant: FindingKind;
  readonly atMs: number;
  readonly text: string;
}

export interface Outcome {
  readonly findings: readonly Finding[];
  readonly digest: string;
  readonly events: number;
  readonly lines: readonly string[];
  readonly coverage: Coverage;
}

/** How often a run that is to end with its first violation is looked at, in simulated time. */
const LOOK_MS = 250;

class Enough extends Error {}

/** `enough`: it ends with the first violation; what comes after it is of no interest. */
export function runPlan(plan: Plan, readable = false, enough = false): Outcome {
  const world = new World(plan, readable);
  const look = (): void => {
    if (world.violations.length > 0) throw new Enough();
    world.scheduler.after(LOOK_MS, look);
  };
  if (enough) look();
  try {
    const { violations, digest, events, lines, coverage } = world.run();
    return { findings: violations, digest, events, lines, coverage };
  } catch (error) {
    const { nowMs: atMs, ran: events } = world.scheduler;
    const { digest, lines } = world.trace;
    const { coverage, violations } = world;
    if (error instanceof Enough) return { findings: violations, digest, events, lines, coverage };
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { findings: [{ invariant: 'crash', atMs, text }], digest, events, lines, coverage };
  }
}

/** Runs it once more and adds a finding when that was another run. */
export function checkedTwice(plan: Plan, first: Outcome): Outcome {
  const second = runPlan(plan);
  if (second.digest === first.digest && second.events === first.events) return first;
  const text = `digest ${first.digest}, then ${second.digest}; ${first.events} events, then ${second.events}`;
  return { ...first, findings: [...first.findings, { invariant: 'chance', atMs: 0, text }] };
}
