/**
 * Election: which of the ballots wins, or whom do we still wait for?
 *
 * The problem: replication is asynchronous, so after a master's death its replicas hold different prefixes of its
 * writes, and choosing the wrong one loses acknowledged writes for nothing. The wrong answers: the lowest sequence
 * number (ignores data), offsets read while they still move (compares two moments), offsets of different histories
 * (compares nothing). Ours: every candidate first stops its own stream, so that positions are final, and publishes
 * them; then everybody computes the same winner with this one pure function. It needs no vote and no leader, because
 * the claim that follows is a compare-and-set on the term: if two agents saw different ballots, one of them loses.
 */
import type { ReasonCode } from '../contract/reasons.ts';
import { keepsConfirmed } from './durable.ts';
import type { DataIdentity, Position } from './lineage.ts';
import { comparePositions, positionOf } from './lineage.ts';
import type { Ballot, Term } from './records.ts';

/** A member of the service as the election sees it. */
export interface Elector {
  readonly name: string;
  /** It has a live session, and nobody proved its agent gone. */
  readonly live: boolean;
}

export interface ElectionInput {
  readonly term: Term;
  readonly ballots: readonly Ballot[];
  readonly electors: readonly Elector[];
  /** Time since the lease went, or its holder was proved dead. */
  readonly elapsedMs: number;
  readonly settleMs: number;
  readonly rules: ElectionRules;
}

/** What the service's settings ask of an election. */
export interface ElectionRules {
  /** Durable mode: the `w` of `WAIT w`; else null. */
  readonly waitReplicas: number | null;
  /** Behind the best by no more than this is as good, and the priority decides. */
  readonly lagBytes: number;
}

export type ElectionOutcome =
  | { readonly result: 'winner'; readonly ballot: Ballot }
  | { readonly result: 'waiting'; readonly forNodes: readonly string[] }
  | { readonly result: 'nobody'; readonly reason: ReasonCode };

/** A ballot that may win, with its place in the lineage. */
export interface Standing {
  readonly ballot: Ballot;
  readonly position: Position;
}

/** Nothing is behind this: a dataset without a place in the lineage that may stand all the same. */
const NO_POSITION: Position = { entry: -1, offset: 0 };

/**
 * The very process that the term names as master, but frozen: fenced for hanging, or never promoted after its claim.
 * No in-sync set names it, though it may be the only one with the data: it stands with its position, like a member.
 * So does the one that hands over, until its successor is a verified master.
 */
export function isNamedMaster(process: { readonly name: string; readonly runId: string }, term: Term): boolean {
  const is = (named: { readonly name: string; readonly runId: string } | null): boolean =>
    named?.name === process.name && named.runId === process.runId;
  return is(term.master) || is(term.handOver?.from ?? null);
}

/** Whose dataset it is, and where that comes from. */
type BehindBallot = Pick<Ballot, 'name' | 'runId' | 'holds'>;

/**
 * Where the dataset behind a ballot ends. What a disk brought back was written before the claim that is pending: its
 * new id is that of a restart, not of the promotion, though both continue the last entry of the lineage.
 */
export function positionOfBallot(data: DataIdentity & BehindBallot, term: Term): Position | null {
  const isOld = data.holds === 'disk' && !isNamedMaster(data, term);
  return positionOf(data, isOld ? { lineage: term.lineage, pending: null } : term);
}

/** Why a ballot of this term may not win, or null. */
export function ineligible(ballot: Ballot, term: Term): ReasonCode | null {
  if (ballot.refusal !== null) return ballot.refusal;
  if (term.designated !== null) return term.designated === ballot.name ? null : 'awaiting_bootstrap';
  if (ballot.standing === 'incumbent') return null;
  const named = isNamedMaster(ballot, term);
  if (!named && !term.inSync.includes(ballot.name)) return 'not_in_sync';
  if (!named && ballot.priority === 0) return 'priority_zero';
  // Who claimed first of all, or by an operator's word, begins the lineage: there is nothing yet that it could be of.
  if (named && term.lineage.length === 0) return null;
  return positionOfBallot(ballot, term) === null ? 'foreign_dataset' : null;
}

const STANDING_ORDER = { designated: 0, incumbent: 1, linked: 2, frozen: 3 } as const;

/**
 * The better ballot first. Rules, first difference decides:
 * 1. the node that the term designates;
 * 2. the incumbent: the same process with its data whole loses nothing;
 * 3. a candidate that still streams from the old master: it can take over without loss;
 * 4. the position: later lineage entry, then higher offset (I3);
 * 5. the priority: smaller is better, as Sentinel reads `replica-priority`;
 * 6. the name, so that everybody agrees.
 */
export function compareStandings(a: Standing, b: Standing): number {
  return (
    STANDING_ORDER[a.ballot.standing] - STANDING_ORDER[b.ballot.standing] ||
    comparePositions(b.position, a.position) ||
    a.ballot.priority - b.ballot.priority ||
    (a.ballot.name < b.ballot.name ? -1 : 1)
  );
}

/**
 * All standings, best first. Rule 4 has an exception that no comparison of two could express without contradicting
 * itself: of those that are behind the *best* by no more than `lagBytes`, the priority decides before the position.
 */
export function ranked(standings: readonly Standing[], lagBytes: number): readonly Standing[] {
  const sorted = standings.toSorted(compareStandings);
  const [best] = sorted;
  if (best === undefined || lagBytes === 0) return sorted;
  const isNear = ({ ballot, position }: Standing): boolean =>
    ballot.standing === best.ballot.standing &&
    position.entry === best.position.entry &&
    best.position.offset - position.offset <= lagBytes;
  const near = sorted.filter(isNear).toSorted((a, b) => a.ballot.priority - b.ballot.priority);
  return [...near, ...sorted.filter((standing) => !isNear(standing))];
}

/**
 * The outcome as this agent sees it.
 *
 * In durable mode only those may win who prove to keep what was confirmed; who waits for more ballots says so.
 *
 * Live members of the in-sync set, and the old master if its agent lives, are waited for until `settleMs`: a member
 * that could have been more advanced must not be passed over for being 2 ms late. Every further `settleMs` without a
 * claim passes over the best remaining ballot, so that a winner that died after voting does not block the rest.
 */
export function electionOutcome(input: ElectionInput): ElectionOutcome {
  const { term, settleMs, elapsedMs } = input;
  const ballots = input.ballots.filter((ballot) => ballot.epoch === term.epoch);
  const forNodes = elapsedMs < settleMs ? awaitedNodes(input, ballots) : [];
  if (forNodes.length > 0) return { result: 'waiting', forNodes };
  const standings = ballots
    .filter((ballot) => ineligible(ballot, term) === null)
    .map((ballot) => ({ ballot, position: positionOfBallot(ballot, term) ?? NO_POSITION }));
  const { waitReplicas, lagBytes } = input.rules;
  const proved = standings.filter((standing) => keepsConfirmed(standing, term, { ballots, waitReplicas }));
  const best = ranked(proved, lagBytes)[passedOver(proved.length, elapsedMs, settleMs)];
  if (best !== undefined) return { result: 'winner', ballot: best.ballot };
  return { result: 'nobody', reason: standings.length > 0 ? 'durability_unproved' : 'no_promotable_replica' };
}

/** Live nodes that may be the most advanced, and have not voted. */
function awaitedNodes({ term, electors }: ElectionInput, ballots: readonly Ballot[]): readonly string[] {
  const voted = new Set(ballots.map((ballot) => ballot.name));
  const awaited = new Set(term.designated === null ? term.inSync : [term.designated]);
  if (term.master !== null && term.designated === null) awaited.add(term.master.name);
  if (term.handOver !== null) awaited.add(term.handOver.from.name);
  return electors.filter((e) => e.live && awaited.has(e.name) && !voted.has(e.name)).map((e) => e.name);
}

/** How many of the best ballots have had their time to claim and did not; then the round begins again. */
function passedOver(count: number, elapsedMs: number, settleMs: number): number {
  if (count === 0) return 0;
  const turnsOver = Math.max(0, Math.floor(elapsedMs / settleMs) - 1);
  return turnsOver % count;
}

/** Members of the in-sync set that voted and may stand: what the next term keeps of the set (minus the winner). */
export function keptInSync(term: Term, ballots: readonly Ballot[], winner: string): readonly string[] {
  const kept = ballots.filter((b) => b.epoch === term.epoch && b.name !== winner && ineligible(b, term) === null);
  const names = new Set(kept.map((ballot) => ballot.name));
  return term.inSync.filter((name) => names.has(name));
}

/** Majority of the registered nodes: what proof of death needs, and why two nodes cannot have it. */
export function deathIsProved(term: Term, ballots: readonly Ballot[], masterRunId: string): boolean {
  const provers = ballots.filter(
    (b) => b.epoch === term.epoch && b.deathProof === masterRunId && term.nodes.includes(b.name),
  );
  return provers.length > term.nodes.length / 2;
}
