/**
 * Replica: follow the master of the term, and notice when it is gone.
 *
 * A replica never follows an address because somebody wrote it down. It follows a Redis that it has seen, over a
 * connection of its own, to be a master in the very process that the lease names: a restarted, empty server under the
 * same address would wipe it within 52 ms (measured).
 */
import { emitClaim, foreignRecord, ownBallot } from '../claim.ts';
import { deposedBy, pendingEntry } from '../contest.ts';
import { mayFollow } from '../durable.ts';
import { proofEndsAtMs } from '../fencing.ts';
import { reinitializes } from '../operations/own-orders.ts';
import { keepsOut } from '../promises.ts';
import { followForeign } from '../foreign.ts';
import {
  answersAsAnother, awaitsOwnTerm, guardFullSync, guardWaiting, keepsMasterWritable, leaveFormer, leaveUnproven,
  leaveWhileWaiting,
} from '../guard.ts';
import type { RedisFacts } from '../facts.ts';
import {
  hasAnsweredSinceBreak, isEnabled, isForeign, isFrozen, isGone, isHeard, isLinkedTo, othersLease, ourLease, ownFacts,
} from '../queries.ts';
import type { Kept, Lease, Term } from '../records.ts';
import { mayDiscard, reportDiscarded } from '../rescue.ts';
import { isDurable } from '../service-settings.ts';
import type { State } from '../state.ts';
import { waitsForFullSync } from '../staging.ts';
import { expectStragglers } from '../stragglers.ts';
import { enterCandidate, enterStarting } from '../transitions.ts';
import type { Turn } from '../turn.ts';

/** The master's process is gone, or another process answers in its place: reason enough to prepare an election. */
export function suspectsDeath(state: State, lease: Lease): boolean {
  const { remote } = state;
  if (isGone(remote)) return remote.facts?.runId === lease.runId;
  return answersAsAnother(state, lease);
}

export function decideReplica(turn: Turn): void {
  const { state } = turn;
  const facts = ownFacts(state);
  const term = state.records.term;
  if (facts === null) return;
  if (ourLease(state) !== null) return awaitsOwnTerm(turn, facts);
  if (state.stopping !== null) return void turn.emit({ kind: 'exit', keepsLease: false });
  if (foreignRecord(state) !== null) return followForeign(turn, facts);
  if (term === null) return enterStarting(turn, 'no_term');
  const lease = othersLease(state);
  const { epoch } = term.value;
  if (lease === null && keepsOut(turn)) return guardWaiting(turn, facts, term.value);
  if (lease === null) return enterCandidate(turn, epoch, epoch !== state.takeoverFailedEpoch, 'lease_gone');
  if (lease.value.node === state.settings.name) {
    leaveWhileWaiting(turn, facts);
    return reclaim(turn, facts, lease);
  }
  if (!isEnabled(state)) turn.refuse('node_disabled');
  else if (suspectsDeath(state, lease.value) && !keepsOut(turn)) {
    return enterCandidate(turn, epoch, true, 'master_gone');
  }
  follow(turn, facts, lease.value, term.value);
}

/**
 * A lease of this node that an earlier process of its agent holds. Adopted only when that process is provably gone:
 * a copied configuration looks exactly like a restart.
 */
function reclaim(turn: Turn, facts: RedisFacts, lease: Kept<Lease>): void {
  const { state } = turn;
  const { instance, http, runId } = lease.value;
  if (instance === state.settings.instance) return;
  if (state.twin?.instance !== instance || state.twin.as === 'silent') {
    turn.emit({ kind: 'identify', address: http, instance });
    return;
  }
  const { term, masterRecord } = state.records;
  if (state.twin.as === 'same' || term === null) return;
  if (runId === facts.runId && facts.role === 'master') {
    const { inSync } = term.value;
    return emitClaim(turn, {
      term,
      facts,
      inSync,
      deposed: deposedBy(state, term.value),
      takeover: false,
      removeLease: true,
      adopt: true,
    });
  }
  // Nobody is behind that lease: it is released for an election.
  const removeRecord = masterRecord?.znode.owner === lease.znode.owner;
  const { version } = term.znode;
  const undone = runId === facts.runId ? unpromoted(state, term.value, facts) : null;
  turn.emit({
    kind: 'release', ballot: null, ballotExists: false, removeRecord, termVersion: version,
    term: undone === null ? null : { term: undone, version },
  });
}

/**
 * A claim whose agent died before it promoted is undone: the master that it was to fence, and whose last byte it was to
 * have, stands in the term again. Null where this process was promoted, or nobody was deposed.
 */
function unpromoted(state: State, term: Term, facts: RedisFacts): Term | null {
  const { name } = state.settings;
  const { pending } = term;
  if (pending?.node !== name || pending.former === null || pending.former.name === name) return null;
  if (pendingEntry(state, term, facts) !== null) return null;
  return { ...term, master: pending.former, inSync: pending.inSync, pending: null };
}

function follow(turn: Turn, facts: RedisFacts, lease: Lease, term: Term): void {
  const { state } = turn;
  const linked = isLinkedTo(facts, lease.redis);
  if (isForeign(facts, term, state.settings.name)) {
    turn.refuse('foreign_dataset');
    // One that only starts as a replica is left to finish its handshake; this one had what the master has not.
    if (linked && facts.link?.everUp === true) leaveFormer(turn, facts);
    return;
  }
  if (linked && leaveUnproven(turn, facts)) return;
  if (reinitializes(turn, facts, lease, term)) return;
  if (linked && !state.mustRelink) {
    if (!losesOwnData(turn, facts, lease)) guardFullSync(turn, facts, lease);
    return;
  }
  if (mayStartFollowing(turn, facts, lease, term)) return startFollowing(turn, facts, lease);
  // Detached it has left, too. A freeze behind that would have it detached again, and nothing knows such a history.
  if (turn.awaits('detach')) return;
  leaveWhileWaiting(turn, facts);
}

/** Whether all that following waits for is there. If not, it is asked for, or its reason is named. */
function mayStartFollowing(turn: Turn, facts: RedisFacts, lease: Lease, term: Term): boolean {
  const { state } = turn;
  if (!isHeard(state, lease) || state.nowMs >= proofEndsAtMs(state)) return false;
  // What the guard would ask for at once; without it, following and leaving would take turns.
  if (!hasAnsweredSinceBreak(state)) return false;
  if (!isEnabled(state) && facts.role === 'replica' && !isFrozen(facts)) {
    if (!isLinkedTo(facts, lease.redis) && keepsMasterWritable(state, facts)) turn.emit({ kind: 'freeze' });
    return false;
  }
  if (ownBallot(state, term) !== null) turn.emit({ kind: 'withdraw_ballot' });
  else if (isLinkedTo(facts, lease.redis)) turn.emit({ kind: 'freeze' });
  else if (!mayFollow(state, term)) turn.refuse('awaiting_registration');
  // A claim may be on its way that counted our ballot: the lease must have stood after the ballot was gone.
  else if (isDurable(state) && state.lastProofMs <= state.ballotSeenMs) turn.emit({ kind: 'heartbeat' });
  else return mayDiscard(turn, facts) && !waitsForFullSync(turn, facts, lease);
  return false;
}

/**
 * The master under the address that it followed all along is another process by now, or was promoted after this one had
 * more: what a resync would discard is copied first, as when the address is a new one (I5).
 */
function losesOwnData(turn: Turn, facts: RedisFacts, lease: Lease): boolean {
  const { state } = turn;
  const { link } = facts;
  if (!isEnabled(state) || link?.up !== false || !link.everUp || !isHeard(state, lease)) return false;
  return !mayDiscard(turn, facts);
}

function startFollowing(turn: Turn, facts: RedisFacts, lease: Lease): void {
  const kind = facts.role === 'master' ? 'fence_hard' : 'follow';
  if (!turn.emit({ kind, target: lease.redis })) return;
  if (kind === 'fence_hard') expectStragglers(turn);
  turn.update({ unplaced: false });
  reportDiscarded(turn, facts);
  turn.report('following', { master: lease.node, epoch: lease.epoch });
}
