/**
 * The mutants. Each is a mistake that one could make in good faith, or that others made; `make simulate-mutants` plants
 * them one at a time. To add one: the sentence, the text it replaces, who should notice, and the ground on which to
 * look first (`all` is the plans that `make simulate` draws).
 */
import type { Mutant } from './mutant.ts';
import { DATA_MUTANTS } from './table-data.ts';
import { ELECTION_MUTANTS } from './table-election.ts';
import { LEASE_MUTANTS } from './table-lease.ts';
import { OPEN_MUTANTS } from './table-open.ts';
import { OPERATION_MUTANTS } from './table-operations.ts';
import { REPLICA_MUTANTS } from './table-replicas.ts';
import { TIME_MUTANTS } from './table-time.ts';

export const MUTANTS: readonly Mutant[] = [
  ...LEASE_MUTANTS, ...TIME_MUTANTS, ...ELECTION_MUTANTS, ...REPLICA_MUTANTS, ...DATA_MUTANTS,
  ...OPERATION_MUTANTS,
];

/** Those, and behind them the ones that nobody notices yet. */
export const ALL_MUTANTS: readonly Mutant[] = [...MUTANTS, ...OPEN_MUTANTS];
