/**
 * Wholeness: does this Redis process still hold everything that its node ever acknowledged to a master?
 *
 * The problem: a replica that restarts loses what it had acknowledged beyond its disk, and a moment later its link is
 * up again, its name still in the in-sync set. "It had a link" proves too little: a link is up before the missing bytes
 * came. So a process is whole once it reached an offset that the master had *after* this process was seen linked: by
 * then it has everything that any earlier process of its node can have acknowledged. It stays whole for as long as it
 * runs, across masters, because it discards only what no later master had.
 *
 * The agent's memory is not enough, since an agent may restart beside a Redis that does not: the registry keeps the
 * run_id that was seen whole. Another run_id is another process and begins anew.
 *
 * Nor is it always right: while a host stands still its node may be started elsewhere, on a server that acknowledges in
 * its name, and end before the host goes on. The registry names that server's process then.
 */
import type { RedisFacts } from './facts.ts';
import { isFrozen, isLinkedTo, othersLease, verifiedMaster } from './queries.ts';
import { FENCE_MIN_REPLICAS } from './fencing.ts';
import type { Ballot, NodeRecord, Term } from './records.ts';
import type { State } from './state.ts';
import type { Turn } from './turn.ts';

/** A process that was linked and has not caught up yet, as far as we saw. */
export interface CatchUp {
  readonly runId: string;
  readonly masterRunId: string;
  /** Answers of the master since: the first may belong to a question from before. */
  readonly answers: number;
  /** Offset of the master that must be reached; null until it was asked. */
  readonly mark: number | null;
}

const ANSWERS_NEEDED = 2;

/** Our Redis answered. */
export function noteOwnLink(turn: Turn): void {
  const { own, catchUp, remote, wholeRunId } = turn.state;
  const lease = othersLease(turn.state)?.value;
  const facts = own.facts;
  if (facts === null || facts.runId === wholeRunId) return;
  const linked = facts.link?.up === true && lease !== undefined && isLinkedTo(facts, lease.redis);
  if (!linked) return catchUp === null ? undefined : turn.update({ catchUp: null });
  if (!verifiedMaster(turn.state, lease)) return;
  const isSame = catchUp?.runId === facts.runId && catchUp.masterRunId === lease.runId;
  if (!isSame) {
    return turn.update({ catchUp: { runId: facts.runId, masterRunId: lease.runId, answers: 0, mark: null } });
  }
  const reached = catchUp.mark !== null && facts.offset >= catchUp.mark && facts.replid === remote.facts?.replid;
  if (reached && !own.halfSynced) turn.update({ wholeRunId: facts.runId, catchUp: null });
}

/** The master's Redis answered. */
export function noteMasterOffset(turn: Turn): void {
  const { catchUp, remote } = turn.state;
  if (catchUp?.mark !== null || remote.facts === null) return;
  if (remote.facts.runId !== catchUp.masterRunId) return turn.update({ catchUp: null });
  const answers = catchUp.answers + 1;
  turn.update({ catchUp: { ...catchUp, answers, mark: answers < ANSWERS_NEEDED ? null : remote.facts.offset } });
}

/** Our registry record was read: another process than ours was this node since, if it names one. */
export function noteOwnRecord(turn: Turn, { runId }: NodeRecord): void {
  const { own, catchUp, wholeRunId } = turn.state;
  const ours = [own.facts?.runId, wholeRunId, catchUp?.runId];
  if (!ours.includes(runId)) turn.update({ wholeRunId: null, catchUp: null });
}

/** Whether our Redis holds everything that this node ever acknowledged. */
export function isWhole(state: State, facts: RedisFacts, term: Term): boolean {
  if (state.own.halfSynced) return false;
  const { name } = state.settings;
  const record = state.records.nodes.get(name)?.value;
  const wasMaster = term.pending === null && term.master?.name === name && term.master.runId === facts.runId;
  return wasMaster || state.wholeRunId === facts.runId || (record?.whole === true && record.runId === facts.runId);
}

/** Nothing moves this position any more: no stream reaches it, and no write is acknowledged at it. */
export function isFinal(facts: RedisFacts): boolean {
  return facts.role === 'master' ? facts.minReplicas === FENCE_MIN_REPLICAS : isFrozen(facts);
}

/** What a ballot says of the dataset behind it. */
export function holdingOf(state: State, facts: RedisFacts, term: Term): Ballot['holds'] {
  if (isWhole(state, facts, term)) return isFinal(facts) ? 'whole' : 'stream';
  if (state.own.halfSynced) return 'nothing';
  if (facts.link?.everUp === true) return 'stream';
  return facts.keys > 0 ? 'disk' : 'nothing';
}
