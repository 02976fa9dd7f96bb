/** Runs one mutant until somebody notices: the plan that shows it, or nothing within the bound. */
import type { Mutant } from '../../mutants/mutant.ts';
import { focusedPlan } from '../../mutants/focus.ts';
import { runPlan } from '../run.ts';
import type { Finding } from '../run.ts';
import { buildMutant } from './build.ts';

export interface Hunted {
  readonly number: number;
  /** What was violated, or null: nobody noticed. */
  readonly finding: Finding | null;
  /** Seeds that were run, the last of which showed it. */
  readonly seeds: number;
  /** What others noticed on the way, though not who was expected to. */
  readonly others: readonly string[];
  readonly tookMs: number;
}

export async function hunt(mutant: Mutant, number: number, seedsMax: number): Promise<Hunted> {
  const startedMs = performance.now();
  const mutated = await buildMutant(mutant, number);
  const others = new Set<string>();
  const hunted = (finding: Finding | null, seeds: number): Hunted => (
    { number, finding, seeds, others: [...others], tookMs: performance.now() - startedMs }
  );
  for (let seed = 1; seed <= seedsMax; seed++) {
    const plan = focusedPlan(mutant.focus, seed);
    const { findings } = mutated.runPlan(plan, false, true);
    for (const finding of findings) others.add(finding.invariant);
    const expected = findings.find(({ invariant }) => mutant.by.some((each) => each === invariant));
    if (expected === undefined) continue;
    // What the code without the bug does as well proves nothing about the bug.
    const without = runPlan(plan).findings;
    if (without.every(({ invariant }) => invariant !== expected.invariant)) return hunted(expected, seed);
  }
  return hunted(null, seedsMax);
}
