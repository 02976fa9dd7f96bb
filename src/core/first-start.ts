/**
 * First start: a service that has no term. Who becomes its first master?
 *
 * The problem: nothing says which data is right, and a wrong guess wipes a dataset. So a first start adopts what it
 * finds, when what it finds is unambiguous, and otherwise touches nobody. Every agent publishes what its Redis holds
 * in its member record; everybody decides with this one pure function, and the claim (which creates the term) makes
 * the decision unique.
 *
 * Rules, first match wins:
 * 1. the expected nodes are not all here, or the settling time is not over: wait;
 * 2. two datasets that share no history: `conflicting_datasets`, an operator decides; also while one that was seen is
 *    away, or its Redis silent: restarting it would decide, and an empty server begin without a master that hangs;
 * 3. one dataset: the master that holds it, if its agent is here, else wait for it; one that a replica has left behind
 *    for another master is not that one;
 * 4. no data at all: the master that other members already replicate from, else the best priority, then the name; a
 *    node that an operator took out is passed over, as nothing is lost with it.
 */
import type { ReasonCode } from '../contract/reasons.ts';
import { shareHistory } from './lineage.ts';
import type { Member, MemberDataset } from './records.ts';
import { sameAddress } from './facts.ts';

interface Known {
  readonly member: Member;
  readonly dataset: MemberDataset;
}

export interface FirstStartInput {
  readonly members: readonly Member[];
  readonly expectedNodes: readonly string[] | number | null;
  readonly settleMs: number;
  /** Time since this agent first saw all records and its own Redis. */
  readonly elapsedMs: number;
  /** Nodes whose data was seen, and without which nothing is decided: all that conflict, or a master's. */
  readonly awaited: readonly string[];
  /** Nodes that an operator took out. */
  readonly disabled: readonly string[];
}

export type FirstStartOutcome =
  | { readonly result: 'master'; readonly name: string }
  | { readonly result: 'wait'; readonly reason: ReasonCode };

function allExpectedHere(input: FirstStartInput, known: readonly Known[]): boolean {
  const { expectedNodes } = input;
  if (expectedNodes === null) return false;
  if (typeof expectedNodes === 'number') return known.length >= expectedNodes;
  return expectedNodes.every((name) => known.some((k) => k.member.name === name));
}

/** Members whose data is one history: a master and its replicas, or one server alone. */
function isMasterOf(candidate: Known, others: readonly Known[]): boolean {
  if (candidate.dataset.role !== 'master') return false;
  return others.every((other) => (
    other === candidate || (shareHistory(other.dataset, candidate.dataset) && !isOfAnother(other, candidate))
  ));
}

/**
 * A replica of a later master, whose agent is not here, goes on in a history that this one does not know: this one may
 * be a master of the past that came back from its disk, and the other is perhaps writable.
 */
function isOfAnother(replica: Known, master: Known): boolean {
  const { role, replid } = replica.dataset;
  return role === 'replica' && replid !== master.dataset.replid && !replicatesFrom(replica, master);
}

function replicatesFrom(replica: Known, master: Known): boolean {
  const { masterHost, masterPort } = replica.dataset;
  if (masterHost === null || masterPort === null) return false;
  return sameAddress({ host: masterHost, port: masterPort }, master.member.redis);
}

function bestEmpty(known: readonly Known[]): Known | undefined {
  const masters = known.filter((k) => k.dataset.role === 'master');
  const followed = masters.filter((master) => known.some((k) => k !== master && replicatesFrom(k, master)));
  const eligible = (followed.length > 0 ? followed : known).filter((k) => k.dataset.priority !== 0);
  return eligible.toSorted(
    (a, b) => a.dataset.priority - b.dataset.priority || (a.member.name < b.member.name ? -1 : 1),
  )[0];
}

export function decideFirstStart(input: FirstStartInput): FirstStartOutcome {
  const known: Known[] = [];
  for (const member of input.members) if (member.dataset !== null) known.push({ member, dataset: member.dataset });
  const settled = input.elapsedMs >= input.settleMs && (input.expectedNodes === null || known.length > 0);
  if (!settled && !allExpectedHere(input, known)) return { result: 'wait', reason: 'awaiting_bootstrap' };
  const isAway = (name: string): boolean => !known.some(({ member }) => member.name === name);
  if (input.awaited.some(isAway)) {
    return { result: 'wait', reason: input.awaited.length > 1 ? 'conflicting_datasets' : 'awaiting_bootstrap' };
  }
  const withData = known.filter((k) => k.dataset.hasKeys);
  if (withData.length === 0) {
    const best = bestEmpty(known.filter(({ member }) => !input.disabled.includes(member.name)));
    return best
      ? { result: 'master', name: best.member.name }
      : { result: 'wait', reason: 'no_promotable_replica' };
  }
  const masters = withData.filter((k) => k.dataset.role === 'master');
  const master = masters.find((k) => isMasterOf(k, withData));
  if (master !== undefined && masters.length === 1) return { result: 'master', name: master.member.name };
  const oneHistory = withData.every((k) => withData.every((other) => shareHistory(k.dataset, other.dataset)));
  return { result: 'wait', reason: oneHistory && masters.length <= 1 ? 'awaiting_bootstrap' : 'conflicting_datasets' };
}
