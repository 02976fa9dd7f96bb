/** What a ground is on which mutants are looked for, and the words in which its script is written. */
import type { Random } from '../kernel/random.ts';
import type { Fault, Mishap } from '../plan/faults.ts';
import type { NodePlan, Plan } from '../plan/plan.ts';

export type Maker = (random: Random) => Mishap;

export interface Ground {
  /** Faults drawn from these, in bursts; none: the script is all. */
  readonly makers: readonly Maker[];
  readonly faults: readonly [number, number];
  /** What happens besides, beginning at this moment. */
  readonly script?: (random: Random, atMs: number, sessionTimeoutMs: number) => readonly Fault[];
  readonly change?: Partial<Plan>;
  /** What every Redis keeps on its disk; else drawn for each. */
  readonly persistence?: NodePlan['persistence'];
}

export const at = (mishap: Mishap, atMs: number, forMs: number): Fault => ({ ...mishap, atMs, forMs });

export const partition = (hosts: readonly string[]): Mishap => (
  { kind: 'partition', hosts, oneWay: false, how: 'drop' }
);
