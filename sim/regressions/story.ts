/**
 * Stories: one small plan each, told with named faults, for tests whose name is the sentence that they prove.
 *
 * `r1` is the first master, as the best name among equals. Faults begin after five seconds, when the service is up.
 */
import type { Act } from '../plan/acts.ts';
import type { Fault, Mishap } from '../plan/faults.ts';
import type { Plan } from '../plan/plan.ts';
import { runPlan } from '../command/run.ts';
import type { Outcome } from '../command/run.ts';
import { NEUTRAL_PLAN } from './kept-plans.ts';

/**
 * A fault, or what an operator does, and its place in time:
 * `happens({ kind: 'redis_killed', node: 'r1', data: 'lost' }, 6000, 50)`.
 */
export function happens(mishap: Mishap | Act, atMs: number, forMs: number): Fault {
  return { ...mishap, atMs, forMs };
}

export function story(faults: readonly Fault[], change: Partial<Plan> = {}): Outcome {
  return runPlan({ ...NEUTRAL_PLAN, ...change, faults: [...faults].sort((a, b) => a.atMs - b.atMs) }, true);
}

/** Who became master, in order. */
export function masters({ lines }: Outcome): readonly string[] {
  return lines.flatMap((line) => /^ *[\d.]+ ms {2}(\S+) +promoted /.exec(line)?.slice(1) ?? []);
}
