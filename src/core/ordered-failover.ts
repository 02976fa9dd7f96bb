/**
 * A failover that an operator orders: this node shall become master, whatever the rules of an election say.
 *
 * The problem: after enough has failed nobody may stand any more: the in-sync set is gone, durable mode lacks its
 * proof, or the failover is put off. All of that is right for an automaton and wrong for somebody who knows that the
 * other disks are ash. So the last survivor can always be ordered to stand: an operation that names it, which its own
 * agent carries out (operations/own-orders.ts). It claims as everybody does, in one transaction checked against the
 * term, so the election is as it was if it dies on the way; and it is refused, with the reason, while there is a
 * master, while a better candidate is there, or while writes may be lost and nobody acknowledged that. What can pass by
 * itself (a session that ends, ballots that are cast) is waited for, in bounds.
 */
import type { ReasonCode } from '../contract/reasons.ts';
import { emitClaim, foreignRecord } from './claim.ts';
import { deposedBy, freezeStep, mayTakeOver, pendingEntry, DRAIN_STILL_MS } from './contest.ts';
import { electionOf } from './election-now.ts';
import { ineligible, keptInSync, positionOfBallot } from './election.ts';
import type { RedisFacts } from './facts.ts';
import type { Position } from './lineage.ts';
import { comparePositions } from './lineage.ts';
import { obstacle } from './obstacles.ts';
import { isPaused } from './operations/pause.ts';
import { holdsPower } from './power.ts';
import { promiseLimitMs } from './promises.ts';
import { isEnabled, isForeign, isFrozen, ownFacts, seesRecords, timeoutMs, verifiedMaster } from './queries.ts';
import type { Ballot, Kept, Term } from './records.ts';
import { identityOf } from './rescue.ts';
import { isDurable, isUnreadable } from './service-settings.ts';
import type { RoleOf } from './role.ts';
import type { State } from './state.ts';
import type { Turn } from './turn.ts';
import { holdingOf } from './wholeness.ts';

/** Beyond the session timeout: what an order waits for ballots and for the end of a session. */
export const ORDER_PATIENCE_MS = 5000;

/** Not now; `final` = waiting changes nothing. */
interface Refusal {
  readonly reason: ReasonCode;
  readonly final: boolean;
}

const never = (reason: ReasonCode): Refusal => ({ reason, final: true });
const notYet = (reason: ReasonCode): Refusal => ({ reason, final: false });

/** Refusals of nodes that an order cannot count on either. */
const OUT_OF_THE_QUESTION: readonly ReasonCode[] = [
  'node_disabled', 'priority_zero', 'foreign_dataset', 'dataset_incomplete',
  'redis_unreachable', 'redis_hung', 'redis_loading',
];

function ofSurroundings(state: State): Refusal | null {
  const { records, own, settings } = state;
  const forbidden = obstacle(state);
  if (forbidden !== null) return never(forbidden);
  if (!seesRecords(state)) return notYet('zookeeper_unreachable');
  if (isUnreadable(state, 'term') || isUnreadable(state, 'settings')) return never('record_unreadable');
  if (records.lease !== null) {
    return verifiedMaster(state, records.lease.value) ? never('master_exists') : notYet('awaiting_session_end');
  }
  if (foreignRecord(state) !== null) return never('foreign_master_record');
  const term = records.term?.value;
  if (term === undefined) return never('awaiting_bootstrap');
  if (!isEnabled(state)) return never('node_disabled');
  const facts = ownFacts(state);
  if (facts === null) return notYet(own.blocked === 'loading' ? 'redis_loading' : 'redis_unreachable');
  if (own.halfSynced) return never('dataset_incomplete');
  return isForeign(facts, term, settings.name) ? never('foreign_dataset') : null;
}

/** Somebody who could stand, now or by an order of its own, and holds more. */
function isBetter(ballot: Ballot, term: Term, ours: { position: Position | null; facts: RedisFacts }): boolean {
  if (ours.position === null && ours.facts.keys === 0 && isCopy(ballot)) return true;
  if (ballot.refusal !== null && OUT_OF_THE_QUESTION.includes(ballot.refusal)) return false;
  const theirs = positionOfBallot(ballot, term);
  if (theirs === null) return false;
  return ours.position === null || comparePositions(theirs, ours.position) > 0;
}

/**
 * Before who has nothing at all comes whatever there is (I5): what a disk brought back has no position that could be
 * compared, and a priority of 0 is a setting, which the data is not.
 */
function isCopy({ refusal, holds }: Ballot): boolean {
  const isOut = refusal !== null && refusal !== 'priority_zero' && OUT_OF_THE_QUESTION.includes(refusal);
  return holds !== 'nothing' && !isOut;
}

/**
 * Who has nothing waits also for those whom a promise, or the start of their agent, keeps from voting: they may have
 * everything (I5).
 */
function hearsOthersUntilMs(state: State, facts: RedisFacts): number {
  const { role, orderedFailover, nowMs, settings: { electionSettleMs: settleMs } } = state;
  const goneSinceMs = (role.name === 'candidate' ? role.leaseGoneSinceMs : null) ?? nowMs;
  if (facts.keys > 0) return goneSinceMs + settleMs;
  return Math.max(goneSinceMs, orderedFailover?.sinceMs ?? nowMs) + promiseLimitMs(state) + settleMs;
}

function ofElection(state: State, acknowledgeLoss: boolean): Refusal | null {
  const { role, settings, records, nowMs } = state;
  const term = records.term?.value;
  const facts = ownFacts(state);
  if (role.name !== 'candidate' || term === undefined || facts === null) return notYet('awaiting_ballots');
  const elapsedMs = Math.min(nowMs - (role.leaseGoneSinceMs ?? nowMs), settings.electionSettleMs);
  const { outcome, ballots } = electionOf(state, term, elapsedMs);
  // Also whoever may not stand is heard: it may hold more than we do.
  const voted = new Set(ballots.filter(({ epoch }) => epoch === term.epoch).map(({ name }) => name));
  const silent = [...records.members.keys()].some((name) => name !== settings.name && !voted.has(name));
  if (silent && nowMs < hearsOthersUntilMs(state, facts)) return notYet('awaiting_ballots');
  if (outcome.result === 'waiting') return notYet('awaiting_ballots');
  if (outcome.result === 'winner' && outcome.ballot.name === settings.name) return null;
  // While the service is paused the winner claims nothing, so whoever holds as much may be ordered in its place.
  if (outcome.result === 'winner' && !isPaused(state)) return never('better_candidate');
  const others = ballots.filter(({ name, epoch }) => name !== settings.name && epoch === term.epoch);
  const mine = ballots.find(({ name, epoch }) => name === settings.name && epoch === term.epoch);
  const named = { name: settings.name, runId: facts.runId, holds: holdingOf(state, facts, term) };
  const ours = { position: positionOfBallot({ ...identityOf(state, facts), ...named }, term), facts };
  if (others.some((ballot) => isBetter(ballot, term, ours))) return never('better_candidate');
  const mayStand = mine !== undefined && ineligible(mine, term) === null && !isDurable(state);
  return acknowledgeLoss || (isPaused(state) && mayStand) ? null : never('loss_not_acknowledged');
}

/** Why the order cannot be carried out now, or null. */
export function orderedRefusal(state: State): Refusal | null {
  const order = state.orderedFailover;
  if (order === null) return null;
  return ofSurroundings(state) ?? ofElection(state, order.acknowledgeLoss);
}

/**
 * An order is taken: whoever holds the lease already has nothing to be ordered. `acknowledgeLoss`: this node shall be
 * master also if it may lack writes that were acknowledged.
 */
export function takeFailoverOrder(turn: Turn, acknowledgeLoss: boolean): void {
  turn.report('failover_ordered', { acknowledge_loss: acknowledgeLoss });
  if (holdsPower(turn.state)) noteRefusal(turn, 'master_exists');
  else turn.update({ orderedFailover: { acknowledgeLoss, sinceMs: turn.now } });
}

/** Ends the wait for an order that is carried out, refused for good, or has waited long enough. */
export function settleFailoverOrder(turn: Turn): void {
  const { orderedFailover: order } = turn.state;
  if (order === null) return;
  const untilMs = order.sinceMs + timeoutMs(turn.state) + ORDER_PATIENCE_MS;
  turn.wakeAt(Math.max(untilMs, turn.now + 1));
  const isDone = holdsPower(turn.state);
  // Its lease may stand already: what became of it says the next read.
  if (!isDone && turn.awaits('claim')) return;
  const refused = isDone ? null : orderedRefusal(turn.state);
  if (!isDone && refused?.final !== true && turn.now < untilMs) return;
  turn.update({ orderedFailover: null });
  noteRefusal(turn, isDone ? null : (refused?.reason ?? 'awaiting_ballots'));
}

/** What the operation ends with, unless its node is master by then. */
function noteRefusal(turn: Turn, refusal: ReasonCode | null): void {
  turn.update({ operations: { ...turn.state.operations, failoverRefused: refusal } });
}

/** Stands because it was ordered to. Returns whether it does, in place of the contest. */
export function standsByOrder(turn: Turn, role: RoleOf<'candidate'>, term: Kept<Term>, facts: RedisFacts): boolean {
  const { state } = turn;
  if (state.orderedFailover === null || orderedRefusal(state) !== null) return false;
  const takeover = mayTakeOver(state, role, facts);
  if (!takeover && !isFinal(turn, role, facts)) return true;
  const ballots = [...state.records.ballots.values()].map(({ value }) => value);
  emitClaim(turn, {
    term,
    facts,
    inSync: keptInSync(term.value, ballots, state.settings.name),
    deposed: deposedBy(state, term.value),
    takeover,
    removeLease: false,
    ordered: true,
    pendingEntry: pendingEntry(state, term.value, facts),
    adopt: false,
  });
  return true;
}

function isFinal(turn: Turn, role: RoleOf<'candidate'>, facts: RedisFacts): boolean {
  const step = freezeStep(turn.state, role, facts);
  if (step === 'drain') turn.wakeAt(turn.now + DRAIN_STILL_MS);
  if (step === 'freeze' && !isFrozen(facts)) turn.emit({ kind: 'freeze' });
  return step === 'final';
}
