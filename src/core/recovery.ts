/**
 * Recovery: every node that could succeed lost its memory at once, as when power goes. Who may serve what disks kept?
 *
 * The problem: none of those who come back is what the term speaks of. A Redis restarted from an RDB shows an exact
 * position; from an AOF it shows a new replication id and offset 0, which compares with nothing; from no file it is
 * empty, and promoting it would have the others replicate nothing. The wrong answers: the highest offset (an AOF starts
 * at 0), the first to come back (a replica that was switched on early), nobody for ever.
 *
 * Rules, first match wins. "Named" are the last master and the in-sync set of its term:
 * 1. a named node still has its memory: no recovery, the ordinary election is about it;
 * 2. a named node, or the one that hands over, has not voted, though its agent is there and knows of no other process
 *    than the one that was in sync: it hangs, perhaps, with its memory; wait until `graceMs` is over;
 * 3. the last master is back with data, and no named one shows an exact position ahead of its own: it;
 * 4. not all named nodes are back, and `graceMs` is not over: wait;
 * 5. named nodes are back with data: the best position, exact where the dataset shows it, else as last recorded; where
 *    the last master is among them, who is ahead of it by the very same history;
 * 6. every registered node is back, and all are empty: nothing can be lost any more, so the last master, or the best;
 * 7. else an operator decides.
 */
import { keepsConfirmed } from './durable.ts';
import { isNamedMaster, positionOfBallot } from './election.ts';
import type { Position } from './lineage.ts';
import { comparePositions, positionOf } from './lineage.ts';
import type { Ballot, NodeRecord, Term } from './records.ts';
import type { ReasonCode } from '../contract/reasons.ts';

export interface RecoveryInput {
  readonly term: Term;
  readonly ballots: readonly Ballot[];
  /** Nodes whose agents are there, each with the process that it manages, unless it knows that to be dead. */
  readonly running: ReadonlyMap<string, string>;
  /** The registry: what each node was last seen to have. */
  readonly nodes: ReadonlyMap<string, { readonly value: NodeRecord }>;
  /** Time since the lease went. */
  readonly elapsedMs: number;
  readonly graceMs: number;
  readonly waitReplicas: number | null;
}

export type RecoveryOutcome =
  | { readonly result: 'winner'; readonly ballot: Ballot }
  | { readonly result: 'nobody'; readonly reason: ReasonCode };

const nobody = (reason: ReasonCode): RecoveryOutcome => ({ result: 'nobody', reason });

/** Behind everything that has a place in the lineage. */
const NO_POSITION: Position = { entry: -1, offset: 0 };

/** A ballot that speaks of a dataset which its node brought back, whatever else keeps it from standing. */
function isBack({ refusal }: Ballot): boolean {
  return refusal === null || refusal === 'not_in_sync' || refusal === 'priority_zero';
}

/**
 * It is still the process that was in sync, with what it had then. A replica that streamed on from a restarted master,
 * while its agent was away, is the same process, but its dataset is that of an old file, and of no lineage.
 */
function hasMemory(ballot: Ballot, term: Term): boolean {
  if (ballot.holds !== 'whole' && ballot.holds !== 'stream') return false;
  return isNamedMaster(ballot, term) || positionOfBallot(ballot, term) !== null;
}

/** It did not vote, and as far as the ensemble has kept it, its process is still the one that was seen in sync. */
function mayHang(name: string, { term, ballots, running, nodes }: RecoveryInput): boolean {
  const voted = ballots.some((ballot) => ballot.name === name && ballot.epoch === term.epoch);
  const runId = running.get(name);
  return !voted && runId !== undefined && runId === (nodes.get(name)?.value.runId ?? runId);
}

function exactPosition(ballot: Ballot, term: Term): Position {
  return positionOfBallot(ballot, term) ?? NO_POSITION;
}

/** Exact where the dataset shows it; else what the registry saw last, which is no more than it had. */
function knownPosition(ballot: Ballot, { term, nodes }: RecoveryInput): Position {
  const exact = positionOfBallot(ballot, term);
  const record = nodes.get(ballot.name)?.value;
  if (exact !== null || record === undefined) return exact ?? NO_POSITION;
  const { replid, offset } = record;
  return positionOf({ replid, offset, replid2: null, secondReplOffset: 0 }, term) ?? NO_POSITION;
}

function best(candidates: readonly Ballot[], at: (ballot: Ballot) => Position): Ballot | undefined {
  return candidates.toSorted(
    (a, b) => comparePositions(at(b), at(a)) || a.priority - b.priority || (a.name < b.name ? -1 : 1),
  )[0];
}

export function recoveryOutcome(input: RecoveryInput): RecoveryOutcome {
  const { term, elapsedMs, graceMs } = input;
  if (term.master === null || term.designated !== null) return nobody('no_promotable_replica');
  const names = [term.master.name, ...term.inSync];
  const cast = input.ballots.filter((ballot) => ballot.epoch === term.epoch);
  if (cast.some((ballot) => names.includes(ballot.name) && hasMemory(ballot, term))) {
    return nobody('no_promotable_replica');
  }
  const mayHaveMemory = term.handOver === null ? term.inSync : [...term.inSync, term.handOver.from.name];
  if (elapsedMs < graceMs && mayHaveMemory.some((name) => mayHang(name, input))) return nobody('awaiting_recovery');
  const ballots = cast.filter(isBack);
  const back = ballots.filter((ballot) => names.includes(ballot.name));
  const withData = back.filter(({ holds }) => holds === 'disk');
  const lastMaster = withData.find(({ name }) => name === term.master?.name);
  const promotable = withData.filter((ballot) => ballot === lastMaster || ballot.priority !== 0);
  const first = lastMaster && atLeast(lastMaster, promotable, term);
  if (first !== undefined && first === lastMaster) return proved(first, input);
  // Of an old file of the last master somebody shows more; who is not back may show more still.
  if (back.length < names.length && elapsedMs < graceMs) return nobody('awaiting_recovery');
  const chosen = first ?? best(promotable, (ballot) => knownPosition(ballot, input)) ?? emptyOne(ballots, back, term);
  return chosen === undefined ? nobody('nothing_recoverable') : proved(chosen, input);
}

/** The last master, unless somebody shows more of the very same history. One from an AOF shows nothing to compare. */
function atLeast(lastMaster: Ballot, promotable: readonly Ballot[], term: Term): Ballot {
  if (positionOfBallot(lastMaster, term) === null) return lastMaster;
  const first = best(promotable, (ballot) => exactPosition(ballot, term));
  const ahead = first && comparePositions(exactPosition(first, term), exactPosition(lastMaster, term)) > 0;
  return ahead ? first : lastMaster;
}

/** With nobody missing who could hold anything. */
function emptyOne(ballots: readonly Ballot[], back: readonly Ballot[], term: Term): Ballot | undefined {
  const allEmpty = term.nodes.every((name) => ballots.some((each) => each.name === name && each.holds === 'nothing'));
  if (!allEmpty) return undefined;
  const lastMaster = back.find(({ name }) => name === term.master?.name);
  return lastMaster ?? best(back.filter(({ priority }) => priority !== 0), () => NO_POSITION);
}

/** Durable mode: what disks kept is no proof, unless so few nodes are needed that there is nothing to prove. */
function proved(ballot: Ballot, input: RecoveryInput): RecoveryOutcome {
  const position = exactPosition(ballot, input.term);
  const kept = keepsConfirmed({ ballot, position }, input.term, input);
  return kept ? { result: 'winner', ballot } : nobody('durability_unproved');
}
