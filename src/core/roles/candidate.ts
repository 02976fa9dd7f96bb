/**
 * Candidate: the lease is gone, or its holder's Redis was seen to die. Freeze, vote, rank, claim.
 *
 * Freezing and voting begin at the first suspicion, in parallel with the master's own release, because both are
 * harmless if the suspicion was wrong: the ballot is withdrawn and the replica follows again, with a partial resync.
 * The claim waits for the lease to be gone, or for a majority of the registered nodes to have proved its holder dead.
 */
import type { ReasonCode } from '../../contract/reasons.ts';
import { backoffMs, isFall, putsOff, rankedMs } from '../backoff.ts';
import { emitClaim, foreignRecord, ownBallot } from '../claim.ts';
import {
  deposedBy, freezeStep, holdsBack, mayTakeOver, pendingEntry, stillTrue, wantedBallot, DRAIN_STILL_MS,
} from '../contest.ts';
import { electionOf, runningProcesses } from '../election-now.ts';
import { waitReplicasOf } from '../durable.ts';
import { deathIsProved, keptInSync } from '../election.ts';
import type { RedisFacts } from '../facts.ts';
import { awaitsOwnTerm, guardUnread, keepsMasterWritable, leaveFormer, leaveUnproven } from '../guard.ts';
import { takesPartInHandOver } from '../operations/hand-over.ts';
import { isPaused } from '../operations/pause.ts';
import { keepsOut } from '../promises.ts';
import { isEnabled, isFrozen, othersLease, ourLease, ownFacts, provesDeath, verifiedMaster } from '../queries.ts';
import { standsByOrder } from '../ordered-failover.ts';
import type { Ballot, Kept, Term } from '../records.ts';
import { recoveryOutcome } from '../recovery.ts';
import type { RecoveryOutcome } from '../recovery.ts';
import { isDurable, isUnreadable } from '../service-settings.ts';
import type { RoleOf } from '../role.ts';
import { amendRole, enterReplica, enterStarting } from '../transitions.ts';
import type { Turn } from '../turn.ts';

/** How long a candidate that saw both connections end waits for its proof before it votes without. */
export const PROOF_WAIT_MS = 60;

/** How long a winner waits for the record of the former lease to go by itself. */
export const RECORD_LINGERS_MS = 100;

export function decideCandidate(turn: Turn, role: RoleOf<'candidate'>): void {
  const { state } = turn;
  const facts = ownFacts(state);
  const term = state.records.term;
  if (facts === null) return;
  if (ourLease(state) !== null) return awaitsOwnTerm(turn, facts);
  if (state.stopping !== null) return void turn.emit({ kind: 'exit', keepsLease: false });
  if (term === null) return enterStarting(turn, 'no_term');
  if (term.value.epoch !== role.epoch) return enterReplica(turn, 'succeeded');
  if (foreignRecord(state) !== null && othersLease(state) === null) return enterReplica(turn, 'foreign_master_record');
  if (leaveUnproven(turn, facts) || falseAlarm(turn, term.value)) return;
  // Freed by a word that went with its session, it may be bound again: it is no safer from a restarted master then.
  if (keepsOut(turn)) return guardUnread(turn, facts, term.value);
  if (standsByOrder(turn, role, term, facts) || takesPartInHandOver(turn, role, term, facts)) return;
  contend(turn, role, term, facts);
}

/** The master serves after all: take the ballot back first, then follow again. */
function falseAlarm(turn: Turn, term: Term): boolean {
  const { state } = turn;
  const lease = othersLease(state);
  if (lease === null || !verifiedMaster(state, lease.value)) return false;
  if (ownBallot(state, term) !== null) turn.emit({ kind: 'withdraw_ballot' });
  else enterReplica(turn, 'master_alive');
  return true;
}

function contend(turn: Turn, role: RoleOf<'candidate'>, term: Kept<Term>, facts: RedisFacts): void {
  const { state } = turn;
  const wanted = wantedBallot(state, role, term.value, facts);
  if (state.heldBack !== null && holdsBack(state, term.value)) turn.wakeAt(state.heldBack.untilMs);
  if (wanted === null) return reachFinalPosition(turn, role, facts);
  // Whoever may not stand leaves the old address all the same: another process may come back there.
  const stays = wanted.standing !== 'frozen' || wanted.refusal === 'node_disabled';
  if (wanted.refusal !== null && !stays) reachFinalPosition(turn, role, facts);
  if (!isEnabled(state) && keepsMasterWritable(state, facts)) turn.emit({ kind: 'freeze' });
  // Designated, it need not freeze to stand; whoever comes back under that address is none to copy from (I5).
  if (wanted.standing === 'designated') leaveFormer(turn, facts);
  const cast = ownBallot(state, term.value);
  if (cast === null || !stillTrue(cast, wanted)) {
    if (awaitsProof(turn, role, cast)) return;
    const exists = state.records.ballots.has(state.settings.name);
    if (turn.emit({ kind: 'cast_ballot', ballot: wanted, exists })) reportBallot(turn, wanted);
    return;
  }
  rank(turn, role, term, { facts, cast });
}

function reachFinalPosition(turn: Turn, role: RoleOf<'candidate'>, facts: RedisFacts): void {
  const step = freezeStep(turn.state, role, facts);
  if (step === 'drain') return turn.wakeAt(turn.now + DRAIN_STILL_MS);
  if (step === 'freeze' && !isFrozen(facts) && turn.emit({ kind: 'freeze' })) {
    turn.report('frozen', { because: 'election', epoch: role.epoch, offset: facts.offset });
  }
}

/**
 * When the holder's agent went together with its Redis, the proof is some 10 ms away: one ballot that carries it is
 * faster than two.
 */
function awaitsProof(turn: Turn, role: RoleOf<'candidate'>, cast: Ballot | null): boolean {
  const { state } = turn;
  const lease = othersLease(state)?.value;
  if (cast !== null || lease === undefined || !state.settings.trustRefused || provesDeath(state, lease)) return false;
  const peer = state.peers.get(lease.node);
  if (peer?.ended !== true || turn.now - role.sinceMs >= PROOF_WAIT_MS) return false;
  turn.wakeAt(turn.now + 1);
  return true;
}

function reportBallot(turn: Turn, ballot: Ballot): void {
  const { standing, offset, refusal, deathProof, epoch } = ballot;
  turn.report('ballot_cast', { epoch, standing, offset, refusal, proves_death: deathProof !== null });
}

function rank(
  turn: Turn,
  role: RoleOf<'candidate'>,
  term: Kept<Term>,
  own: { facts: RedisFacts; cast: Ballot },
): void {
  const { state } = turn;
  // Which rules this election follows, nobody can read: whoever can may claim.
  if (isUnreadable(state, 'settings')) return;
  const { lease } = state.records;
  const ballots = [...state.records.ballots.values()].map((kept) => kept.value);
  if (lease !== null && !deathIsProved(term.value, ballots, lease.value.runId)) {
    if (role.leaseGoneSinceMs !== null) amendRole(turn, role, { leaseGoneSinceMs: null });
    return turn.refuse('awaiting_session_end');
  }
  const sinceMs = role.leaseGoneSinceMs ?? turn.now;
  if (role.leaseGoneSinceMs === null) amendRole(turn, role, { leaseGoneSinceMs: sinceMs });
  const { electionSettleMs: settleMs } = state.settings;
  const putOffMs = backoffMs(term.value, state.settings.failoverBudget);
  const elapsedMs = rankedMs(turn.now - sinceMs, putOffMs, settleMs);
  turn.wakeAt(sinceMs + (Math.floor((turn.now - sinceMs) / settleMs) + 1) * settleMs);
  const { outcome: contested } = electionOf(state, term.value, elapsedMs);
  if (contested.result === 'waiting') return turn.refuse('awaiting_ballots');
  const outcome = contested.result === 'winner' ? contested : recovered(turn, term.value, {
    ballots, elapsedMs: turn.now - sinceMs, reason: contested.reason,
  });
  if (outcome.result === 'nobody') return explainNobody(turn, own.cast, outcome.reason);
  if (putsOff(turn, { ...role, leaseGoneSinceMs: sinceMs }, term.value, outcome.ballot)) return;
  // The old master itself, with its data whole, takes no office from anybody; the others stay frozen and wait.
  if (isPaused(state) && outcome.ballot.standing !== 'incumbent') return;
  if (outcome.ballot.name !== state.settings.name) return expect(turn, outcome.ballot.name, elapsedMs);
  // The record of the lease that just went is going too: the next read will say so. One that stays is removed.
  const lingers = lease === null && state.records.masterRecord !== null;
  if (lingers && elapsedMs < RECORD_LINGERS_MS) return turn.wakeAt(sinceMs + RECORD_LINGERS_MS);
  claim(turn, role, term, { ...own, ballots });
}

/** With nobody who may stand, what the disks kept may be all that there is. */
function recovered(
  turn: Turn,
  term: Term,
  election: { ballots: readonly Ballot[]; elapsedMs: number; reason: ReasonCode },
): RecoveryOutcome {
  const { ballots, elapsedMs, reason } = election;
  if (reason !== 'no_promotable_replica') return { result: 'nobody', reason };
  const { recoveryGraceMs: graceMs } = turn.state.settings;
  const { nodes } = turn.state.records;
  const { state } = turn;
  const running = runningProcesses(state);
  const input = { term, ballots, nodes, running, elapsedMs, graceMs, waitReplicas: waitReplicasOf(state) };
  if (elapsedMs < graceMs) turn.wakeAt(turn.now + graceMs - elapsedMs);
  return recoveryOutcome(input);
}

/** What concerns the whole service is said by everybody; why this node does not stand, by itself. */
function explainNobody(turn: Turn, cast: Ballot, reason: ReasonCode): void {
  if (cast.refusal !== null) turn.refuse(cast.refusal);
  if (cast.refusal === null || reason !== 'no_promotable_replica') turn.refuse(reason);
}

/** Who won claims within milliseconds, or keeps everybody waiting until it is passed over. */
function expect(turn: Turn, winner: string, elapsedMs: number): void {
  const { role, settings } = turn.state;
  if (elapsedMs >= settings.electionSettleMs) turn.refuse('awaiting_winner');
  if (role.name === 'candidate' && role.expected !== winner) amendRole(turn, role, { expected: winner });
}

function claim(
  turn: Turn,
  role: RoleOf<'candidate'>,
  term: Kept<Term>,
  own: { facts: RedisFacts; cast: Ballot; ballots: readonly Ballot[] },
): void {
  const { state } = turn;
  const { lease } = state.records;
  if (lease !== null) turn.report('death_proved', { master: lease.value.node, epoch: lease.value.epoch });
  const takeover = own.cast.standing === 'linked' && mayTakeOver(state, role, own.facts);
  // A linked one was asked to prove nothing, because it takes over the last byte.
  if (own.cast.standing === 'linked' && !takeover && isDurable(state)) return;
  emitClaim(turn, {
    term,
    facts: own.facts,
    inSync: keptInSync(term.value, own.ballots, state.settings.name),
    deposed: deposedBy(state, term.value),
    takeover,
    removeLease: lease !== null,
    fell: isFall(own.cast),
    pendingEntry: pendingEntry(state, term.value, own.facts),
    adopt: false,
  });
}
