/** Mutants of replication: whom to follow, who counts as in sync, what may be discarded. */
import type { Mutant } from './mutant.ts';

export const REPLICA_MUTANTS: readonly Mutant[] = [
  {
    name: 'any process under the address of the master is followed',
    file: 'core/queries.ts',
    find: 'remote.facts.runId === lease.runId',
    replace: 'remote.facts.runId.length > 0',
    also: [{
      file: 'core/guard.ts',
      find: "if (facts.link?.up !== false) return false;",
      replace: 'if (facts.link?.up !== null) return false;',
    }],
    by: ['I5'],
    focus: 'deaths',
  },
  {
    name: 'the member record is written at every look',
    file: 'core/reconcile.ts',
    find: "if (!isSame(kept.value, member)) turn.emit({ kind: 'write_member', member, how: 'set' });",
    replace: "turn.emit({ kind: 'write_member', member, how: 'set' });",
    by: ['I8'],
    focus: 'elections',
  },
];
