/**
 * A candidate's part in an election: reach a final position, publish it, and claim when it wins.
 *
 * Drain, then freeze. A replica whose master died still has received bytes in its kernel; `REPLICAOF` throws them
 * away (2,316 of 3,000 writes in one measurement). So it first applies what it holds: until Redis says that the link
 * is down, or the read offset stands still, but never so long that the link could reconnect to a master that was
 * restarted empty, whose full sync would wipe it.
 */
import type { ReasonCode } from '../contract/reasons.ts';
import { isNamedMaster, positionOfBallot } from './election.ts';
import type { RedisFacts } from './facts.ts';
import { sameAddress } from './facts.ts';
import { answersAsAnother } from './guard.ts';
import { positionOf } from './lineage.ts';
import type { LineageEntry } from './lineage.ts';
import { isEnabled, isForeign, isFrozen, isGone, isLinkedTo, provesDeath, remoteIsHealthy } from './queries.ts';
import type { Ballot, Term, TermMaster } from './records.ts';
import { identityOf, leftForCopy } from './rescue.ts';
import { isDurable } from './service-settings.ts';
import type { RoleOf } from './role.ts';
import type { State } from './state.ts';
import { hasBetterSuccessor } from './succession.ts';
import { holdingOf, isWhole } from './wholeness.ts';
import { zoneVerdict } from './zones.ts';

/** The read offset stood still for this long: the kernel has nothing more. */
export const DRAIN_STILL_MS = 20;
/** Draining ends after this, whatever still arrives: a master that still sends is not dead. */
export const DRAIN_MAX_MS = 200;

type Candidate = RoleOf<'candidate'>;

/** The same Redis process that the term names as master, still master: it has everything there is. */
export function isIncumbent(state: State, { master }: Term, facts: RedisFacts): boolean {
  return master?.name === state.settings.name && facts.role === 'master' && master.runId === facts.runId;
}

/** The old master's Redis lives, and we stream from it: its last write can be had. */
export function mayTakeOver(state: State, role: Candidate, facts: RedisFacts): boolean {
  const { remote, remoteTarget, records } = state;
  if (!role.mayLink || records.lease !== null || remoteTarget === null || !remoteIsHealthy(state)) return false;
  // Another process under its address has other data: what was confirmed by the recorded one may be missing there.
  if (remote.facts?.runId !== records.term?.value.master?.runId) return false;
  return remote.facts?.role === 'master' && isLinkedTo(facts, remoteTarget) && facts.link?.up === true;
}

/** What a candidate's Redis must do before its position is final. */
export function freezeStep(state: State, role: Candidate, facts: RedisFacts): 'drain' | 'freeze' | 'final' {
  if (facts.role === 'master' || isFrozen(facts)) return 'final';
  const { records, own } = state;
  const master = records.term?.value.master ?? null;
  // Not one that claimed meanwhile and gave it back: we dialled it, but stream from the one before.
  const restarted = master !== null && answersAsAnother(state, master);
  // Counted up to the last answer: an offset that nobody shows does not stand still, and a freeze that waits in the
  // socket of a stopped server would run before what its master had sent. Nor does the time count in which it stood
  // still itself: the first answer after a pause may come before it has read anything.
  const shownMs = own.answeredAtMs - Math.max(own.readOffsetSinceMs, role.sinceMs);
  const ranMs = own.ranMs - Math.max(own.readOffsetRanMs, role.redisRanMs);
  const still = facts.link?.up !== true || Math.min(shownMs, ranMs) >= DRAIN_STILL_MS;
  return still || restarted || own.ranMs - role.redisRanMs >= DRAIN_MAX_MS ? 'freeze' : 'drain';
}

/** Just handed over because others serve better: they have their time to claim before we stand again. */
export function holdsBack({ heldBack, nowMs }: State, term: Term): boolean {
  return heldBack?.epoch === term.epoch && nowMs < heldBack.untilMs;
}

function refusal(state: State, term: Term, facts: RedisFacts, standing: Ballot['standing']): ReasonCode | null {
  const { name } = state.settings;
  if (!isEnabled(state)) return 'node_disabled';
  if (standing === 'incumbent' && gaveUpFor(state, term)) return 'redis_refuses_writes';
  if (holdsBack(state, term)) return 'replicas_cut_off';
  if (standing === 'designated' || standing === 'incumbent') return null;
  if (isNamedMaster({ name, runId: facts.runId }, term)) return refusalOfNamed(state, term, facts);
  if (priorityOf(state, facts) === 0) return 'priority_zero';
  if (zoneVerdict(state, name, term) === 'excluded') return 'zone_excluded';
  if (isForeign(facts, term, name)) return 'foreign_dataset';
  if (state.own.halfSynced) return 'dataset_incomplete';
  const left = leftForCopy(state, facts) !== null && isWhole(state, facts, term);
  const wasLinked = facts.link?.everUp === true || left;
  if (!wasLinked || !term.inSync.includes(name)) return 'not_in_sync';
  // It was, and has followed another process since: a restarted master, while nobody looked after it.
  if (positionOf(identityOf(state, facts), term) === null) return 'not_in_sync';
  return null;
}

/** Who began a lineage has no place in it: there is none yet. */
function refusalOfNamed(state: State, term: Term, facts: RedisFacts): ReasonCode | null {
  if (state.own.halfSynced) return 'dataset_incomplete';
  return positionOf(facts, term) === null && term.lineage.length > 0 ? 'foreign_dataset' : null;
}

/** It gave up this very epoch for the sake of a successor that takes writes, and such a one is there still. */
function gaveUpFor(state: State, term: Term): boolean {
  return state.unwritableEpoch === term.epoch && hasBetterSuccessor(state);
}

/** Behind every priority that can be configured; the second behind the first. */
const OTHER_ZONE_PRIORITY = 10_000_000;
const UNWRITABLE_PRIORITY = 1_000_000_000;

/** Among equals, the zone comes first, and whoever refuses every write last; but 0 stays "never". */
function ballotPriority(state: State, term: Term, facts: RedisFacts): number {
  const priority = priorityOf(state, facts);
  if (priority === 0) return 0;
  const elsewhere = zoneVerdict(state, state.settings.name, term) === 'fits' ? 0 : OTHER_ZONE_PRIORITY;
  return priority + elsewhere + (facts.refusesWrites ? UNWRITABLE_PRIORITY : 0);
}

export function priorityOf(state: State, facts: RedisFacts): number {
  const { neverMaster, priority } = state.settings;
  return neverMaster ? 0 : (priority ?? facts.priority);
}

function standingOf(state: State, role: Candidate, term: Term, facts: RedisFacts): Ballot['standing'] {
  if (term.designated === state.settings.name) return 'designated';
  if (isIncumbent(state, term, facts)) return 'incumbent';
  return mayTakeOver(state, role, facts) ? 'linked' : 'frozen';
}

/**
 * In durable mode those who may not stand are counted, too; a node that is to be left alone stays as it is. And where
 * all hold nothing an empty one may serve: whoever copies from a master may hold everything in a moment (I5).
 */
function positionMatters(state: State, refused: ReasonCode | null, holds: Ballot['holds']): boolean {
  if (refused === null) return true;
  const counts = isDurable(state) || holds === 'nothing';
  return counts && refused !== 'node_disabled' && refused !== 'foreign_dataset';
}

/** The ballot that this node can truthfully cast now, or null while its position still moves. */
export function wantedBallot(state: State, role: Candidate, term: Term, facts: RedisFacts): Ballot | null {
  const standing = standingOf(state, role, term, facts);
  const why = refusal(state, term, facts, standing);
  const holds = holdingOf(state, facts, term);
  const matters = standing === 'frozen' && positionMatters(state, why, holds);
  if (matters && freezeStep(state, role, facts) !== 'final') return null;
  const lease = state.records.lease?.value ?? null;
  return {
    name: state.settings.name,
    epoch: term.epoch,
    runId: facts.runId,
    ...identityOf(state, facts),
    priority: ballotPriority(state, term, facts),
    standing,
    holds,
    refusal: why,
    deathProof: lease !== null && provesDeath(state, lease) ? lease.runId : null,
  };
}

/**
 * What a claim that is pending added to the lineage, as whoever was promoted by it, or followed that one, knows. Its
 * master fell before it wrote that down, and with one more claim pending nothing could tell what came of both.
 */
export function pendingEntry(state: State, term: Term, facts: RedisFacts): LineageEntry | null {
  const { pending, lineage } = term;
  if (pending === null) return null;
  const data = identityOf(state, facts);
  const { name } = state.settings;
  const holds = holdingOf(state, facts, term);
  const position = positionOfBallot({ ...data, name, runId: facts.runId, holds }, term);
  if (position?.entry !== lineage.length) return null;
  return { epoch: pending.epoch, replid: data.replid, offset: data.secondReplOffset - 1 };
}

/** Whether a cast ballot still says what is true. A moving offset is not worth a write: it is only a lower bound. */
export function stillTrue(cast: Ballot, wanted: Ballot): boolean {
  const finalOffset = wanted.standing === 'frozen' && wanted.refusal === null;
  const keys = Object.keys(wanted) as (keyof Ballot)[];
  return keys.every((key) => cast[key] === wanted[key] || (key === 'offset' && !finalOffset));
}

/** The master that a successful claim deposes, or null when that is this node. */
export function deposedBy(state: State, term: Term): TermMaster | null {
  // Of our own claim nobody but the records knows whether it came to fence: once more does no harm.
  const isOurs = term.pending?.node === state.settings.name;
  const deposed = (isPromoted(state, term) && !isOurs ? null : term.pending?.former) ?? term.master;
  return deposed === null || sameAddress(deposed.redis, state.settings.redis) ? null : deposed;
}

/**
 * Whether the master that the term names was promoted. Whoever claimed last may have died before it fenced the one that
 * it was to succeed: its Redis is gone, or is a replica still, and that one is to be fenced yet. Where neither is seen,
 * the term is believed.
 */
function isPromoted({ remote, remoteTarget }: State, { master }: Term): boolean {
  if (master === null || !sameAddress(remoteTarget, master.redis) || remote.facts?.runId !== master.runId) return true;
  const isSeen = remote.link === 'open' && remote.current;
  return !isGone(remote) && !(isSeen && remote.facts.role === 'replica');
}
