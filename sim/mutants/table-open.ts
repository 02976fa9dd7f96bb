/**
 * Mutants that nobody notices yet. Some are harmless because a second line holds where this one breaks, some need a
 * trap that the models lack; docs/simulator.md says which. `--open` runs them: one that is noticed moves to the table.
 */
import type { Mutant } from './mutant.ts';
import { OPEN_TIME_MUTANTS } from './table-time.ts';

export const OPEN_MUTANTS: readonly Mutant[] = [
  {
    name: 'the in-sync set grows before the dead-man is raised',
    file: 'core/in-sync.ts',
    find: 'const mayGrow = !shrinks && facts.minReplicas !== null && facts.minReplicas >= 1;',
    replace: 'const mayGrow = !shrinks;',
    by: ['I2', 'I3'],
    focus: 'left_behind',
  },
  {
    name: 'a ballot stands while its node follows somebody else',
    file: 'core/roles/replica.ts',
    find: "if (ownBallot(state, term) !== null) turn.emit({ kind: 'withdraw_ballot' });\n  else if",
    replace: 'if',
    by: ['I3', 'I4'],
    focus: 'histories',
  },
  {
    name: 'a claim under way may count a ballot that was taken back',
    file: 'core/roles/replica.ts',
    find: "else if (isDurable(state) && state.lastProofMs <= state.ballotSeenMs) turn.emit({ kind: 'heartbeat' });",
    replace: '',
    by: ['I4'],
    focus: 'durable',
  },
  {
    name: 'a lease holder writes the term whatever version stands there',
    file: 'agent/perform-zookeeper.ts',
    find: 'const term = put(paths.term, encodeRecord(action.term), action.version);',
    replace: `const term: MultiOp = action.version === null
        ? put(paths.term, encodeRecord(action.term), null)
        : { op: 'setData', path: paths.term, data: encodeRecord(action.term) };`,
    by: ['I1'],
    focus: 'halts',
  },
  {
    name: 'a promise does not keep its giver from claiming',
    file: 'core/promises.ts',
    find: 'return state.nowMs < boundUntilMs(state);',
    replace: 'return state.nowMs < boundUntilMs(state) && state.role.name === \'master\';',
    by: ['I2', 'I6'],
    focus: 'outage_ends',
  },
  {
    name: 'a promise counts for longer than it binds',
    file: 'core/failsafe.ts',
    find: 'export const PROMISE_COUNTED = 0.8;',
    replace: 'export const PROMISE_COUNTED = 3;',
    by: ['I2', 'I6'],
    focus: 'outage_ends',
  },
  {
    name: 'an agent beside a restarted Redis takes it for the one that it knew',
    file: 'core/own-redis.ts',
    find: 'turn.update({ unplaced: true, mustRelink: false, startsWritable });',
    replace: 'turn.update({ startsWritable });',
    by: ['I2', 'I6', 'I5', 'I7'],
    focus: 'small',
  },
  {
    name: 'a master goes on with another process than its lease names',
    file: 'core/power.ts',
    find: 'if (lease !== undefined && state.own.facts !== null && state.own.facts.runId !== lease.runId) {',
    replace: 'if (lease !== undefined && state.own.facts?.runId === \'\') {',
    by: ['I5', 'I7', 'I2', 'I3', 'I6'],
    focus: 'deaths',
  },
  ...OPEN_TIME_MUTANTS,
];
