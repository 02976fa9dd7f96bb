/** Mutants of planned operations: orders, hand-over and its undoing, results, pause. */
import type { Mutant } from './mutant.ts';

export const OPERATION_MUTANTS: readonly Mutant[] = [
  {
    name: 'a pause is believed past its end',
    file: 'core/operations/pause.ts',
    find: 'return pause !== null && nowMs < pause.endsAtMs;',
    replace: 'return pause !== null && nowMs > 0;',
    by: ['I10'],
    focus: 'paused',
  },
  {
    name: 'a paused service elects as ever',
    file: 'core/roles/candidate.ts',
    find: "if (isPaused(state) && outcome.ballot.standing !== 'incumbent') return;",
    replace: "if (isPaused(state) && outcome.ballot.name === '') return;",
    by: ['I10'],
    focus: 'paused',
  },
  {
    name: 'an order that was carried out is carried out again by the next master',
    file: 'agent/perform-zookeeper.ts',
    find: 'if (order !== undefined) ops.push(put(paths.order, encodeRecord(order.order), order.version));',
    replace: "if (order !== undefined) ops.push({ op: 'check', path: paths.order, version: order.version });",
    by: ['I10'],
    focus: 'scheduled',
  },
  {
    name: 'an order whose answer is late is stored once more',
    file: 'agent/perform-zookeeper.ts',
    find: "return [put(path, encodeRecord(order), null), known];",
    replace: 'return known.path === path ? [known] : [put(path, encodeRecord(order), null)];',
    also: [{
      file: 'core/results.ts',
      find: "noteStored(turn, kind, 'yes');",
      replace: "if (kind !== 'store_order') noteStored(turn, kind, 'yes');",
    }],
    by: ['I10'],
    focus: 'late_answers',
  },
  {
    name: 'the orders of two operators are both carried out',
    file: 'core/operations/request.ts',
    find: "if (order !== null) return 'operation_running';",
    replace: '',
    also: [{
      file: 'core/operations/asking.ts',
      find: "turn.emit({ kind: 'store_order', order: orderOf(state.records, request), resultsVersion });",
      replace: `const stands = state.records.order;
  const order = orderOf(state.records, request);
  if (stands === null) turn.emit({ kind: 'store_order', order, resultsVersion });
  else turn.emit({ kind: 'write_order', order, version: stands.znode.version });`,
    }],
    by: ['I10'],
    focus: 'two_operators',
  },
  {
    name: 'clients are disconnected before REPLICAOF, and their master is not fenced until then',
    file: 'core/operations/hand-over.ts',
    find: "if (facts.minReplicas !== FENCE_MIN_REPLICAS || turn.awaits('set_min_replicas')) return;",
    replace: "if (turn.emit({ kind: 'kill_stragglers' })) return;",
    also: [
      {
        file: 'core/fencing.ts',
        find: 'if (!servesAlone(state) || isSuccessorsFence(state, facts)) return FENCE_MIN_REPLICAS;',
        replace: `if (state.role.because !== 'switchover'
        && (!servesAlone(state) || isSuccessorsFence(state, facts))) return FENCE_MIN_REPLICAS;`,
      },
      {
        file: 'core/roles/promoting.ts',
        find: '!remoteIsHealthy(state) || remote.minReplicas !== FENCE_MIN_REPLICAS) return false;',
        replace: '!remoteIsHealthy(state)) return false;',
      },
      { file: 'core/roles/promoting.ts', find: "if (role.remoteFence !== 'answered') return false;", replace: '' },
    ],
    by: ['I10', 'I2'],
    focus: 'switched_over',
  },
  {
    name: 'the office is handed over before the target holds every byte',
    file: 'core/operations/hand-over.ts',
    find: 'term, facts, inSync, deposed, takeover, planned: takeover, removeLease: false, adopt: false,',
    replace: 'term, facts, inSync, deposed, takeover: false, planned: takeover, removeLease: false, adopt: false,',
    by: ['I10'],
    focus: 'lagging',
  },
  {
    name: 'the lease is handed over before the fence is seen to hold, to a target that does not fence',
    file: 'core/operations/hand-over.ts',
    find: "if (facts.minReplicas !== FENCE_MIN_REPLICAS || turn.awaits('set_min_replicas')) return;",
    replace: '',
    also: [
      {
        file: 'core/roles/promoting.ts',
        find: '!remoteIsHealthy(state) || remote.minReplicas !== FENCE_MIN_REPLICAS) return false;',
        replace: '!remoteIsHealthy(state)) return false;',
      },
      {
        file: 'core/roles/promoting.ts',
        find: 'return facts.replid === remote.replid && facts.offset >= remote.offset;',
        replace: 'return facts.replid === remote.replid;',
      },
    ],
    by: ['I10'],
    focus: 'lagging',
  },
  {
    name: 'a switchover that is given up leaves its master out of office',
    file: 'core/operations/hand-over.ts',
    find: "returnToOffice(turn, role, 'switchover_undone');",
    replace: 'turn.wakeAt(role.sinceMs + FENCE_WAIT_MS);',
    also: [{ file: 'core/operations/hand-over.ts', find: ', returnToOffice }', replace: ' }' }],
    by: ['I10', 'I7'],
    focus: 'undone',
  },
  {
    name: 'an order counts from when it is read, however long it has stood',
    file: 'core/operations/moments.ts',
    find: 'return everSynced && proofBeforeMs > sleptAtMs ? Math.min(nowMs, proofBeforeMs) : LONG_AGO;',
    replace: 'return nowMs;',
    by: ['I10'],
    focus: 'copied_anew',
  },
  {
    name: 'what another process began is gone on with',
    file: 'core/operations/own-orders.ts',
    find: "order?.value.phase === 'running' && order.value.instance === state.settings.instance;",
    replace: "order?.value.phase === 'running';",
    by: ['I10'],
    focus: 'copied_anew',
  },
  {
    name: 'a copy is called done when it begins',
    file: 'core/operations/own-orders.ts',
    find: 'if (streams && term?.value.inSync.includes(state.settings.name) === true) {',
    replace: 'if (facts !== null && (!streams || term !== null)) {',
    by: ['I10'],
    focus: 'copied_anew',
  },
  {
    name: 'whoever is master when a switchover is over says that it was done',
    file: 'core/operations/conclude.ts',
    find: 'if (order.value.target !== settings.name) {',
    replace: "if (order.value.target === '') {",
    by: ['I10'],
    focus: 'cut_short',
  },
];
