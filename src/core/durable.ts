/**
 * Durable mode: no automatic failover that could lose a write which `WAIT w` confirmed (I4).
 *
 * The problem: the replica that a client's `WAIT` was answered for may be the one that is missing. The in-sync set
 * does not help: a member of it may be behind another by any number of bytes. Ours is a count.
 *
 * A write that `WAIT w` confirmed is held by at least w + 1 registered nodes: the master and w replicas. A ballot
 * *counts* if it is frozen and its node still holds everything it ever acknowledged (`holds: 'whole'`, see
 * `wholeness.ts`). Of n registered nodes n - w such ballots leave at most w nodes out, so one of the w + 1 holders is
 * among them, with the write in its memory. Whoever is behind none of the ballots that it counts has it too. And since
 * what counts is frozen, at most w nodes are left that could confirm a later write, one of them the old master: w - 1
 * replicas, which is one too few.
 *
 * Hence the rules:
 * 1. a candidate needs n - w ballots that count and that it is not behind of; its own may be one of them;
 * 2. no count is needed where nothing can be lost: by the very process that was master, by a takeover (it waits for the
 *    last byte of the living master), and where an operator decided;
 * 3. a node may not follow, and so not acknowledge, before a committed term names it: an unknown holder would be in no
 *    count. Registering first makes n larger, which only ever asks for more;
 * 4. a node may be forgotten only while w replicas in sync hold what it may have been a holder of.
 */
import type { RedisFacts } from './facts.ts';
import type { Position } from './lineage.ts';
import { comparePositions, positionOf, shareHistory } from './lineage.ts';
import type { Ballot, Member, Term } from './records.ts';
import { inForce, isDurable } from './service-settings.ts';
import type { State } from './state.ts';

/** What an election must prove: `waitReplicas` of durable mode, or null. */
export function waitReplicasOf(state: State): number | null {
  const { durability, waitReplicas } = inForce(state);
  return durability === 'durable' ? waitReplicas : null;
}

/** Ballots that must count before anybody may be promoted. */
export function ballotsNeeded(term: Term, waitReplicas: number): number {
  return Math.max(0, term.nodes.length - waitReplicas);
}

/** Whether this ballot proves what its node holds, to a candidate at this position. */
function counts(ballot: Ballot, term: Term, candidate: Position): boolean {
  const proves = ballot.epoch === term.epoch && ballot.holds === 'whole' && ballot.standing === 'frozen';
  if (!proves || !term.nodes.includes(ballot.name)) return false;
  const position = positionOf(ballot, term);
  return position !== null && comparePositions(position, candidate) <= 0;
}

/** Whether promoting this candidate keeps every write that `WAIT waitReplicas` confirmed; always so without that. */
export function keepsConfirmed(
  candidate: { readonly ballot: Ballot; readonly position: Position },
  term: Term,
  election: { readonly ballots: readonly Ballot[]; readonly waitReplicas: number | null },
): boolean {
  const { ballot, position } = candidate;
  if (election.waitReplicas === null || ballot.standing !== 'frozen') return true;
  const counted = election.ballots.filter((each) => counts(each, term, position));
  return counted.length >= ballotsNeeded(term, election.waitReplicas);
}

/** In durable mode whoever acknowledges must be counted on: registered in a committed term. */
export function mayFollow(state: State, term: Term): boolean {
  return !isDurable(state) || term.nodes.includes(state.settings.name);
}

/** Empty, or of this service's history: following costs it nothing that anybody misses. */
function isSafeToRegister({ dataset }: Member, term: Term, master: RedisFacts): boolean {
  if (dataset === null) return false;
  if (!dataset.hasKeys || shareHistory(dataset, master)) return true;
  return term.lineage.some(({ replid }) => replid === dataset.replid || replid === dataset.replid2);
}

/** Members that durable mode registers before they follow. */
export function newcomers(state: State, term: Term, master: RedisFacts): readonly string[] {
  if (!isDurable(state)) return [];
  const names: string[] = [];
  for (const { value } of state.records.members.values()) {
    if (!term.nodes.includes(value.name) && isSafeToRegister(value, term, master)) names.push(value.name);
  }
  return names;
}

/** Whether the others in sync hold, w of them, what a node that is forgotten may have been a holder of. */
export function mayForget(state: State, term: Term, forgotten: string): boolean {
  const waitReplicas = waitReplicasOf(state);
  const others = term.inSync.filter((name) => name !== forgotten);
  return waitReplicas === null || others.length >= waitReplicas;
}
