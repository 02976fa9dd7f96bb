/**
 * What must be true of every state between two steps. Checked on entry and exit of `step`, in production too.
 *
 * These are statements about one agent; what holds across agents (one master per epoch, no two writable masters) is
 * checked by the tests that see all of them.
 */
import { assert } from './assert.ts';
import type { State } from './state.ts';

export function checkInvariants(state: State): void {
  const { role, records, session } = state;
  assert(Number.isFinite(state.nowMs), 'time is a finite number');
  assert(state.lastProofMs <= state.nowMs, 'no proof comes from the future');
  const term = records.term?.value ?? null;
  if (term !== null) {
    assert(!term.inSync.includes(term.master?.name ?? ''), 'a master is not in its own in-sync set');
    assert(term.pending === null || term.pending.epoch === term.epoch, 'only the present epoch can be pending');
  }
  switch (role.name) {
    case 'starting':
    case 'replica':
      return;
    case 'candidate':
      assert(role.epoch >= 0, 'an election succeeds an epoch');
      return;
    case 'promoting':
      assert(session !== null, 'power needs a session');
      assert(!role.takeover || role.deposed !== null, 'a takeover has somebody to take over from');
      return;
    case 'master':
      assert(session !== null || state.failsafe !== null, 'power needs a session, or promises');
      assert(state.rememberedEpoch >= role.epoch, 'an epoch that was held is remembered');
      return;
    case 'stepping_down':
      assert(!role.alone || role.because !== 'yield', 'who yields knows a successor');
      return;
  }
}
