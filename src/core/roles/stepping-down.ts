/**
 * Stepping down: give up the lease in order. Fence, release, wait for a successor, follow it.
 *
 * The fence comes first and is seen to hold before the lease goes, so that the last acknowledged write is one that
 * the successor can still read from this Redis (its takeover waits for equality). With nobody to take over nothing is
 * fenced: a service without failover is better than no service.
 */
import type { ReasonCode } from '../../contract/reasons.ts';
import { emitClaim, foreignRecord } from '../claim.ts';
import type { RedisFacts } from '../facts.ts';
import { FENCE_MIN_REPLICAS, wantedMinReplicas } from '../fencing.ts';
import { handOver } from '../operations/hand-over.ts';
import { handsTo, successorWaitMs } from '../operations/leaving.ts';
import { giveUpLease, keepsLease, yieldDeadRedis } from '../power.ts';
import { isTakenBack, ourLease, ownFacts, seesRecords } from '../queries.ts';
import type { Term } from '../records.ts';
import type { RoleOf } from '../role.ts';
import type { State } from '../state.ts';
import { successorWithData } from '../succession.ts';
import { amendRole, enterReplica, returnToOffice } from '../transitions.ts';
import type { Turn } from '../turn.ts';

/** Election settles in which a successor claims, or the one that handed over takes its office back. */
const HELD_BACK_SETTLES = 2;

export function decideSteppingDown(turn: Turn, role: RoleOf<'stepping_down'>): void {
  if (role.released) return awaitSuccessor(turn, role);
  if (leaseIsGone(turn.state)) return released(turn, role);
  if (yieldDeadRedis(turn)) return;
  if (role.because === 'switchover') return handOver(turn, role);
  if (isTakenBack(turn.state)) {
    if (keepsLease(turn, role)) returnToOffice(turn, role, 'enabled_again');
    return;
  }
  if (isPutOff(turn, role)) {
    // It gave up nothing: by the next election it may take writes again.
    turn.update({ unwritableEpoch: null });
    return returnToOffice(turn, role, 'zookeeper_unreachable');
  }
  const facts = ownFacts(turn.state);
  if (role.alone) {
    turn.refuse('no_successor');
    if (servesOn(turn, facts)) giveUpLease(turn, askedTo(role));
    return;
  }
  if (facts?.minReplicas !== FENCE_MIN_REPLICAS || turn.awaits('set_min_replicas')) return;
  if (role.because === 'unwritable') return giveUpLease(turn, 'redis_refuses_writes');
  if (role.because === 'complaint') return giveUpLease(turn, 'replicas_cut_off');
  if (role.because !== 'yield') return giveUpLease(turn, askedTo(role), handsTo(turn.state, facts));
  const term = yieldedTerm(turn.state);
  if (term === null) return enterReplica(turn, 'nobody_to_yield_to');
  giveUpLease(turn, null, term);
}

/**
 * Nobody can be given the office while the ensemble is silent. Whoever steps down for the service's good, and has given
 * nothing away, serves it better by going on: fenced it would ask for no promise, through all of the outage (I6).
 */
function isPutOff(turn: Turn, { because, releaseSentAtMs }: RoleOf<'stepping_down'>): boolean {
  const byItself = because === 'complaint' || because === 'unwritable' || because === 'yield';
  return byItself && releaseSentAtMs === null && !seesRecords(turn.state);
}

/**
 * Its Redis is seen to take writes without replicas. A lift that is still under way would land behind the fence of a
 * successor that came all the same.
 */
function servesOn(turn: Turn, facts: RedisFacts | null): boolean {
  if (facts === null || facts.minReplicas === FENCE_MIN_REPLICAS || turn.awaits('set_min_replicas')) return false;
  return facts.role !== 'master' || facts.minReplicas === wantedMinReplicas(turn.state);
}

/** What an operator asked for that this node gives up for. */
function askedTo({ because }: RoleOf<'stepping_down'>): ReasonCode {
  return because === 'stop' ? 'agent_stopping' : 'node_disabled';
}

/** The term that names the node with the data as the only one to claim next, and registers it. */
function yieldedTerm(state: State): { term: Term; version: number } | null {
  const successor = successorWithData(state);
  const kept = state.records.term;
  if (successor === null || kept === null) return null;
  const nodes = [...new Set([...kept.value.nodes, successor.name])].sort();
  const term = { ...kept.value, designated: successor.name, nodes, inSync: [], pending: null };
  return { term, version: kept.znode.version };
}

/** As read on a live connection: before that, nothing is known of it. */
function leaseIsGone(state: State): boolean {
  return seesRecords(state) && ourLease(state) === null;
}

function released(turn: Turn, role: RoleOf<'stepping_down'>): void {
  amendRole(turn, role, { released: true, sinceMs: turn.now });
  turn.update({ unplaced: !role.alone, claimed: null, looseRelease: false });
  if (role.because === 'complaint') holdBack(turn, role.epoch);
  if (role.alone && turn.state.stopping !== null) turn.emit({ kind: 'exit', keepsLease: false });
  else if (role.alone || turn.state.stopping === null) enterReplica(turn, 'released');
}

/** As the same process with its data whole we would win the election that we called, so we sit it out. */
function holdBack(turn: Turn, epoch: number): void {
  turn.update({ heldBack: { epoch, untilMs: turn.now + HELD_BACK_SETTLES * turn.state.settings.electionSettleMs } });
}

/**
 * Asked to stop: stay until a successor is announced, or the time is up. Then nobody is coming, and Redis must not
 * stay fenced for ever; but lifting the fence needs the lease, or a late successor and this Redis could both take
 * writes. So it is claimed once more, to be released again with Redis writable.
 */
function awaitSuccessor(turn: Turn, role: RoleOf<'stepping_down'>): void {
  const { state } = turn;
  const mine = ourLease(state);
  if (mine !== null) {
    // The process that was fenced for a successor is the one that serves again; another one has no place yet.
    if (ownFacts(state)?.runId === mine.value.runId) turn.update({ unplaced: false });
    amendRole(turn, role, { alone: true, releaseSentAtMs: null, released: false, epoch: mine.value.epoch });
    return;
  }
  const untilMs = role.sinceMs + successorWaitMs(state);
  turn.wakeAt(untilMs);
  if (foreignRecord(state) !== null) return enterReplica(turn, 'succeeded');
  // One that claimed may yet give back what it got, and whoever ends now would do so in the middle of its promotion.
  if (state.records.lease !== null) {
    if (state.records.masterRecord !== null || turn.now >= untilMs) enterReplica(turn, 'succeeded');
    return;
  }
  const facts = ownFacts(state);
  const { term } = state.records;
  if (turn.now < untilMs) return;
  const restarted = facts?.runId !== term?.value.master?.runId;
  // Another process may have come back with less than the others have, or with nothing (I5).
  if (facts === null || term === null || restarted) return enterReplica(turn, 'nobody_came');
  // From here Redis takes writes that nobody follows: whoever was in sync may not be promoted with less.
  const plan = { inSync: [], deposed: null, takeover: false, removeLease: false, adopt: false };
  emitClaim(turn, { term, facts, ...plan });
}
