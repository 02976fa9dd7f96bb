/** Mutants of the election: who may stand, whom it waits for, what a ballot says, what happens to the loser. */
import type { Mutant } from './mutant.ts';

export const ELECTION_MUTANTS: readonly Mutant[] = [
  {
    name: 'ballots are cast while the stream still runs',
    file: 'core/contest.ts',
    find: "if (matters && freezeStep(state, role, facts) !== 'final') return null;",
    replace: '',
    by: ['I2', 'I3', 'I4'],
    focus: 'draining',
  },
  {
    name: 'living members of the in-sync set are not waited for',
    file: 'core/election.ts',
    find: 'if (forNodes.length > 0) return',
    replace: 'if (forNodes.length > 9) return',
    by: ['I3', 'I4'],
    focus: 'elections',
  },
  {
    name: 'whoever is first to claim is promoted, not the most advanced',
    file: 'core/roles/candidate.ts',
    find: 'if (outcome.ballot.name !== state.settings.name) return expect(turn, outcome.ballot.name, elapsedMs);',
    replace: '',
    by: ['I3', 'I4'],
    focus: 'unequal',
  },
  {
    name: 'a node that came back empty is eligible',
    file: 'core/contest.ts',
    find: "return master?.name === state.settings.name && facts.role === 'master' && master.runId === facts.runId;",
    replace: "return master?.name === state.settings.name && facts.role === 'master';",
    by: ['I5', 'I3'],
    focus: 'deaths',
  },
  {
    name: 'a takeover does not wait for the last byte',
    file: 'core/roles/promoting.ts',
    find: 'return facts.replid === remote.replid && facts.offset >= remote.offset;',
    replace: 'return facts.replid === remote.replid;',
    by: ['I3', 'I4', 'I2'],
    focus: 'taken_over_behind',
  },
  {
    name: 'a takeover does not fence the old master',
    file: 'core/roles/promoting.ts',
    find: 'if (remote === null || !remoteIsHealthy(state) || remote.minReplicas !== FENCE_MIN_REPLICAS) return false;',
    replace: 'if (remote === null || !remoteIsHealthy(state)) return false;',
    also: [
      { file: 'core/roles/promoting.ts', find: "if (role.remoteFence !== 'answered') return false;", replace: '' },
    ],
    by: ['I2', 'I4', 'I3'],
    focus: 'taken_over',
  },
];
