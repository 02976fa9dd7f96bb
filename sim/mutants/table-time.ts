/** Mutants of time and identity: what comes late, what slept, who is who. */
import type { Mutant } from './mutant.ts';

export const TIME_MUTANTS: readonly Mutant[] = [
  {
    name: 'a lease is released whatever term stands by now',
    file: 'agent/perform-zookeeper.ts',
    find: "else if (action.termVersion !== null) ops.push({ op: 'check', path: " +
      "paths.term, version: action.termVersion });",
    replace: '',
    by: ['I2'],
    focus: 'late_release',
  },
  {
    name: 'a deposed master is fenced from afar neither before nor after the promotion',
    file: 'core/roles/promoting.ts',
    find: "if (role.deposed === null || role.remoteFence === 'answered') return true;",
    replace: "if (role.deposed === null || role.remoteFence !== 'asked') return true;",
    also: [{
      file: 'core/roles/master.ts',
      find: "if (!turn.emit({ kind: 'remote_fence_hard', target })) return;",
      replace: "if (turn.awaits('remote_fence_hard') || role.deposed !== null) return;",
    }],
    by: ['I2'],
    focus: 'deposed_goes_on',
  },
  {
    name: 'a replica without proof from the ensemble stays with its master',
    file: 'core/roles/replica.ts',
    find: 'if (linked && leaveUnproven(turn, facts)) return;',
    replace: '',
    by: ['I2', 'I6'],
    focus: 'left_behind',
  },
  {
    name: 'a lease is adopted from a twin that lives',
    file: 'core/results.ts',
    find: 'turn.update({ twin: { instance: outcome.instance, as: outcome.as } });',
    replace: "turn.update({ twin: { instance: outcome.instance, as: 'other' } });",
    by: ['I2'],
    focus: 'twins',
  },
  {
    name: 'an agent does not notice that its machine slept',
    file: 'agent/loop.ts',
    find: 'return Math.abs(jumpedMs) > SLEEP_JUMP_MS;',
    replace: 'return Math.abs(jumpedMs) > 1000 * SLEEP_JUMP_MS;',
    by: ['I2', 'I6'],
    focus: 'slept_through',
  },
  {
    name: 'what was decided before a pause is done after it, however late',
    file: 'agent/loop.ts',
    find: 'return slept || this.clock.now() > action.notAfterMs;',
    replace: 'return false;',
    by: ['I2', 'I6'],
    focus: 'paused_before_lifting',
  },
  {
    name: 'a lease that is in doubt, and then lost, leaves Redis as it is',
    file: 'core/power.ts',
    find: 'turn.update({ unplaced: !alone, claimed: null, looseRelease: false });',
    replace: 'turn.update({ claimed: null, looseRelease: false });',
    also: [
      {
        file: 'core/fencing.ts',
        find: "if (role.name !== 'master' || role.inDoubt || state.unplaced) return FENCE_MIN_REPLICAS;",
        replace: "if (role.name !== 'master' || state.unplaced) return FENCE_MIN_REPLICAS;",
      },
      {
        file: 'core/fencing.ts',
        find: 'return servesAlone(state) || isLeftAlone(state, term.value) ? null : FENCE_MIN_REPLICAS;',
        replace: 'return servesAlone(state) || isEnabled(state) || isLeftAlone(state, term.value) ? null : ' +
          'FENCE_MIN_REPLICAS;',
      },
    ],
    by: ['I2', 'I6'],
    focus: 'slept_through',
  },
  {
    name: 'an announcement does not look at the term',
    file: 'agent/perform-zookeeper.ts',
    find: 'return [...checks, ...make];',
    replace: 'return make;',
    by: ['I2'],
    focus: 'late_announcement',
  },
  {
    name: 'the end of a lease is taken for the end of its master, which nobody fences',
    file: 'core/roles/candidate.ts',
    find: 'deposed: deposedBy(state, term.value),',
    replace: 'deposed: null,',
    by: ['I2'],
    focus: 'deposed_goes_on',
  },
];

/** Those that nobody notices. */
export const OPEN_TIME_MUTANTS: readonly Mutant[] = [
  {
    name: 'a heartbeat does not read the lease',
    file: 'agent/perform-zookeeper.ts',
    find: "if (!answer.ok && answer.code === 'NO_NODE') return done({ result: 'heard', sentAtMs, lease: null });",
    replace: `if (!answer.ok && answer.code === 'NO_NODE') {
      return done({ result: 'heard', sentAtMs, lease: { owner: 0n, czxid: 0n } });
    }`,
    also: [{
      file: 'core/results.ts',
      find: 'if (holdsPower(state) && !released && !ours) return pause',
      replace: 'if (holdsPower(state) && released && !ours) return pause',
    }],
    by: ['I2', 'I6'],
    focus: 'twins',
  },
  {
    name: 'a node is forgotten while the ensemble is silent',
    file: 'core/forget.ts',
    find: 'const silent = !seesRecords(state) || failsafe !== null;',
    replace: 'const silent = failsafe === undefined;',
    also: [{
      file: 'core/forget.ts',
      find: "if (silent || state.nowMs >= fenceAtMs(state)) return 'zookeeper_unreachable';",
      replace: "if (silent || state.nowMs >= 10 * fenceAtMs(state)) return 'zookeeper_unreachable';",
    }],
    by: ['I2', 'I4', 'I6'],
    focus: 'forgetful',
  },
];
