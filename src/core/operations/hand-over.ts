/**
 * A planned switchover: the master hands over to one replica, and nothing that was acknowledged is lost.
 *
 * 1. The master plans: every refusal comes here, before anything is touched.
 * 2. It fences its Redis reversibly and sees the fence hold. From here nothing is acknowledged, and all replicas stream
 *    on until they have the last byte.
 * 3. It releases the lease. The same transaction marks the order as running, so that it is carried out once, and writes
 *    into the term who hands over to whom.
 * 4. The target claims at once, without a ballot: its claim is a takeover, which promotes only when it holds every byte
 *    that the fenced, living master holds. It asks for those while its claim is under way. The others keep still.
 * 5. The old master's agent sees it promoted, and writes the result with the gap that it measured.
 *
 * Until step 3 undoing it is lifting a fence. After it the lease belongs to nobody: if the target is lost, the old
 * master claims it again at once. That loses nothing either, because it is the same process with all the data, and
 * whoever claimed in between would have made its claim fail. If it is the old master that is lost, the others wait for
 * the target and then elect as ever.
 */
import { emitClaim } from '../claim.ts';
import { deposedBy, isIncumbent, mayTakeOver } from '../contest.ts';
import { runningProcesses } from '../election-now.ts';
import { sameAddress } from '../facts.ts';
import type { RedisFacts } from '../facts.ts';
import { FENCE_MIN_REPLICAS } from '../fencing.ts';
import { answersAsAnother, leaveFormer } from '../guard.ts';
import { attachedReplicas, streams, streamStartsAtMs } from '../in-sync.ts';
import { agentIsGone, isEnabled, ourLease, ownFacts } from '../queries.ts';
import type { Kept, Term } from '../records.ts';
import type { RoleOf } from '../role.ts';
import type { State } from '../state.ts';
import { keepsLease } from '../power.ts';
import { amendRole, enterSteppingDown, returnToOffice } from '../transitions.ts';
import type { Turn } from '../turn.ts';
import { endOrder } from './ending.ts';
import type { Ending } from './ending.ts';
import type { HandOver, OrderRecord } from './records.ts';
import { planSwitchover } from './switchover.ts';

/** How long the fence may take to be seen: longer, and a script keeps Redis from it. */
export const FENCE_WAIT_MS = 1000;

/** Election settles after which everybody stands who can, when neither the target nor the old master claimed. */
const OTHERS_WAIT_SETTLES = 2;

/** The order that this master is to carry out, when it is due. Ends one that came too late. */
function dueOrder(turn: Turn): Kept<OrderRecord> | null {
  const { records: { order }, operations: { moments } } = turn.state;
  if (order?.value.kind !== 'switchover' || order.value.phase !== 'waiting') return null;
  if (moments?.id !== order.value.id || turn.awaits('end_order')) return null;
  if (turn.now >= moments.deadlineAtMs) {
    endOrder(turn, order, { outcome: 'refused', reason: 'order_expired' });
    return null;
  }
  turn.wakeAt(moments.deadlineAtMs);
  if (turn.now >= moments.dueAtMs) return order;
  turn.wakeAt(moments.dueAtMs);
  return null;
}

/** Steps 1 and 2. Returns whether the master begins to hand over. */
export function beginsHandOver(turn: Turn, role: RoleOf<'master'>, term: Term, facts: RedisFacts): boolean {
  const order = dueOrder(turn);
  // A master that is not settled yet, and one that lives on promises, has nothing to hand over.
  if (order === null || term.pending !== null || turn.state.failsafe !== null) return false;
  const { handing: before } = turn.state.operations;
  if (before?.order === order.value.id && before.undone !== null) {
    endOrder(turn, order, before.undone);
    return false;
  }
  const plan = planSwitchover(turn.state, order.value, term, facts);
  if ('refusal' in plan) {
    const isPatient = plan.passing && order.value.scheduledAt !== null;
    if (!isPatient) endOrder(turn, order, { outcome: 'refused', reason: plan.refusal });
    return false;
  }
  // Its takeover would wait in vain for the last byte, with nobody taking writes.
  const startsAtMs = streamStartsAtMs(role, plan.target, attachedReplicas(turn.state, facts).get(plan.target));
  turn.wakeAt(startsAtMs);
  if (turn.now < startsAtMs) return false;
  const ahead = { fencedAtMs: null, promoted: null, undone: null };
  const handing = { order: order.value.id, to: plan.target, sinceMs: turn.now, ...ahead };
  turn.update({ operations: { ...turn.state.operations, handing } });
  turn.report('switchover_begun', { id: order.value.id, to: plan.target, epoch: role.epoch });
  enterSteppingDown(turn, role, { because: 'switchover', alone: false });
  return true;
}

/** Why it is not carried on with, before the lease is given away; null = go on. */
function whyUndo(turn: Turn, role: RoleOf<'stepping_down'>, facts: RedisFacts): Ending | null {
  const { records, operations: { handing, moments } } = turn.state;
  const order = records.order?.value;
  if (handing === null || order?.id !== handing.order) return { outcome: 'cancelled' };
  // It was carried out, and nobody came: who was told to stop meanwhile took the office back in order to leave it.
  if (order.phase !== 'waiting') return { outcome: 'interrupted', reason: 'target_lost' };
  if (moments?.id !== order.id || turn.now >= moments.deadlineAtMs) {
    return { outcome: 'interrupted', reason: 'order_expired' };
  }
  const target = records.members.get(handing.to)?.value;
  if (target === undefined || agentIsGone(turn.state, target.name, target.instance)) {
    return { outcome: 'interrupted', reason: 'target_lost' };
  }
  // A term that was on its way when this began may have taken it out of the set, though it streams again.
  const isInSync = records.term?.value.inSync.includes(handing.to) === true;
  if (!isInSync || !streams(attachedReplicas(turn.state, facts).get(handing.to))) {
    return { outcome: 'interrupted', reason: 'target_lost' };
  }
  const untilMs = role.sinceMs + FENCE_WAIT_MS;
  if (facts.minReplicas === FENCE_MIN_REPLICAS) return null;
  turn.wakeAt(untilMs);
  return turn.now < untilMs ? null : { outcome: 'interrupted', reason: 'cannot_fence_busy' };
}

/** Steps 2 and 3, in role `stepping_down` with the lease still ours. */
export function handOver(turn: Turn, role: RoleOf<'stepping_down'>): void {
  const facts = ownFacts(turn.state);
  // The lease may be gone already: what the next read says decides.
  if (facts === null || turn.awaits('release')) return;
  const ending = whyUndo(turn, role, facts);
  if (ending !== null) return keepsLease(turn, role) ? undo(turn, role, ending) : undefined;
  if (facts.minReplicas !== FENCE_MIN_REPLICAS || turn.awaits('set_min_replicas')) return;
  release(turn, role, facts);
}

function undo(turn: Turn, role: RoleOf<'stepping_down'>, ending: Ending): void {
  const { order } = turn.state.records;
  const { operations } = turn.state;
  const { handing } = operations;
  const undone = handing === null ? ending : { ...ending, target: handing.to };
  if (order !== null && order.value.id === handing?.order) endOrder(turn, order, undone);
  turn.report('switchover_undone', { to: handing?.to ?? null, because: ending.reason ?? ending.outcome });
  turn.update({ operations: { ...operations, handing: handing && { ...handing, undone } } });
  returnToOffice(turn, role, 'switchover_undone');
}

function release(turn: Turn, role: RoleOf<'stepping_down'>, facts: RedisFacts): void {
  const { state } = turn;
  const { order, term } = state.records;
  const { handing } = state.operations;
  if (ourLease(state) === null || !state.synced || order === null || term === null || handing === null) return;
  if (turn.awaits('announce') || turn.awaits('write_term') || turn.awaits('end_order')) return;
  const { name, instance } = state.settings;
  const epoch = term.value.epoch;
  const issued = turn.emit({
    kind: 'release',
    ballot: null,
    ballotExists: state.records.ballots.has(name),
    removeRecord: state.records.masterRecord?.znode.owner === state.session?.id,
    termVersion: term.znode.version,
    term: {
      term: { ...term.value, handOver: { from: { name, runId: facts.runId }, to: handing.to } },
      version: term.znode.version,
    },
    order: {
      order: { ...order.value, target: handing.to, epoch, phase: 'running', instance },
      version: order.znode.version,
    },
  });
  if (!issued) return;
  amendRole(turn, role, { releaseSentAtMs: turn.now });
  const fencedAtMs = handing.fencedAtMs ?? turn.now;
  turn.update({ operations: { ...state.operations, handing: { ...handing, fencedAtMs } } });
  turn.report('lease_released', { because: 'switchover', to: handing.to });
}

/** Step 4, and the way back. Returns whether this candidate has nothing else to do. */
export function takesPartInHandOver(
  turn: Turn,
  role: RoleOf<'candidate'>,
  term: Kept<Term>,
  facts: RedisFacts,
): boolean {
  const { state } = turn;
  const { handOver: planned, pending, inSync } = term.value;
  if (planned === null || pending !== null || !isEnabled(state)) return false;
  const { lease } = state.records;
  // It is fenced, and gives nobody its data again before its successor serves: another process may do so (I5).
  leaveFormer(turn, facts);
  // The target claimed: its term is the next thing to be read.
  if (lease !== null) return lease.value.node === planned.to;
  const { name, electionSettleMs: settleMs } = state.settings;
  const untilMs = role.sinceMs + settleMs;
  if (planned.to === name) {
    if (mayTakeOver(state, role, facts)) {
      claim(turn, { term, facts, inSync, deposed: deposedBy(state, term.value) });
      return true;
    }
    return !isNoMore(state, term.value) && waits(turn, untilMs);
  }
  if (planned.from.name === name && isIncumbent(state, term.value, facts)) {
    if (turn.now < untilMs && !targetIsLost(state, term.value, facts)) {
      // Its Redis is worth a connection in advance: the gap is measured over it, and it is to be followed.
      if (role.expected !== planned.to) amendRole(turn, role, { expected: planned.to });
      return waits(turn, untilMs);
    }
    const attached = attachedReplicas(state, facts);
    claim(turn, { term, facts, inSync: inSync.filter((each) => streams(attached.get(each))), deposed: null });
    return true;
  }
  const stays = othersWait(turn, role, planned, term.value);
  // As long as it streams, the old master is there and fenced: the one to follow is watched, and followed the moment it
  // serves. When the stream ends, what became of the old master decides whether there is anything to wait for.
  const expected = stays && facts.link?.up === true ? planned.to : null;
  if (role.expected !== expected) amendRole(turn, role, { expected });
  return stays;
}

/** Who leaves does not come back to claim: then it is the target, or an election. */
function othersWait(turn: Turn, role: RoleOf<'candidate'>, planned: HandOver, term: Term): boolean {
  const { state } = turn;
  const leaves = leftForGood(state, planned.from.name, term.epoch);
  if (leaves && !runningProcesses(state).has(planned.to)) return false;
  const settles = leaves ? 1 : OTHERS_WAIT_SETTLES;
  return !isNoMore(state, term) && waits(turn, role.sinceMs + settles * state.settings.electionSettleMs);
}

/** Nobody takes over from the old master's Redis, and it does not serve again: its port refuses, or is another's. */
function isNoMore(state: State, { master }: Term): boolean {
  const { remote, remoteTarget } = state;
  if (master === null || !sameAddress(remoteTarget, master.redis)) return false;
  return remote.link === 'refused' || answersAsAnother(state, master);
}

/** It released the lease with a ballot that says that it does not stand. */
function leftForGood({ records }: State, name: string, epoch: number): boolean {
  const ballot = records.ballots.get(name)?.value;
  return ballot?.epoch === epoch && ballot.refusal !== null;
}

function waits(turn: Turn, untilMs: number): boolean {
  if (turn.now >= untilMs) return false;
  turn.wakeAt(untilMs);
  turn.refuse('switchover_running');
  return true;
}

function claim(
  turn: Turn,
  { term, facts, inSync, deposed }: Pick<Parameters<typeof emitClaim>[1], 'term' | 'facts' | 'inSync' | 'deposed'>,
): void {
  const takeover = deposed !== null;
  const isAnother = !turn.awaits('claim');
  emitClaim(turn, {
    term, facts, inSync, deposed, takeover, planned: takeover, removeLease: false, adopt: false,
  });
  // It is fenced already, and only a claim of its own would lift that, against which ours would fail: to fence it once
  // more need not wait for the ensemble.
  if (takeover && isAnother && turn.awaits('claim')) turn.emit({ kind: 'remote_fence_reversibly' });
}

/** It cannot claim any more, or has nothing to claim with. */
function targetIsLost(state: State, { handOver: planned, epoch }: Term, facts: RedisFacts): boolean {
  const to = planned?.to ?? '';
  const target = state.records.members.get(to)?.value;
  if (target === undefined || agentIsGone(state, to, target.instance)) return true;
  // One of an earlier epoch may still stand: whoever gave up then leaves it until its session ends.
  const ballot = state.records.ballots.get(to)?.value;
  const refuses = ballot?.epoch === epoch && ballot.refusal !== null;
  return refuses || !streams(attachedReplicas(state, facts).get(to));
}
