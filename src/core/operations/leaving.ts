/**
 * A master whose agent is asked to stop, or whose node is disabled: who takes the office, or that it is kept.
 *
 * Handing it on is a planned switchover without an order: the fence is seen to hold, then the release writes into
 * the term who takes over, so that nobody has to be elected. Keeping it is for an agent that is back in a moment,
 * with a new version perhaps: nothing is fenced and nothing released, and the next process of this agent adopts the
 * lease as if this one had been killed. If none comes, the lease runs out with its session, and the replicas take over
 * from the living Redis.
 */
import type { RedisFacts } from '../facts.ts';
import { ourLease } from '../queries.ts';
import type { Term } from '../records.ts';
import type { RoleOf } from '../role.ts';
import type { State } from '../state.ts';
import type { Turn } from '../turn.ts';
import { bestReplica } from './switchover.ts';

/** Share of the time for an orderly stop in which a successor may come; the rest is for being master again alone. */
const SUCCESSOR_WAIT_SHARE = 1 / 2;

export function successorWaitMs({ settings }: State): number {
  return settings.shutdownTimeoutMs * SUCCESSOR_WAIT_SHARE;
}

/** The term that names who takes over, or null: then there is an election. */
export function handsTo(state: State, facts: RedisFacts): { term: Term; version: number } | null {
  const { term } = state.records;
  if (term?.value.pending !== null) return null;
  const to = bestReplica(state, term.value, facts);
  if (to === null) return null;
  const from = { name: state.settings.name, runId: facts.runId };
  return { term: { ...term.value, handOver: { from, to } }, version: term.znode.version };
}

/** Everything that the next process of this agent needs to go on without a gap. */
function isSettled({ records, session, failsafe, own }: State): boolean {
  const announced = records.masterRecord !== null && records.masterRecord.znode.owner === session?.id;
  return announced && failsafe === null && records.term?.value.pending === null && own.facts?.role === 'master';
}

/**
 * Whether the office is kept. It ends the process once the ensemble was heard behind the order: the next one then has
 * the whole session timeout, and a lease that was lost already is not left behind unfenced.
 */
export function staysInOffice(turn: Turn, role: RoleOf<'master'>): boolean {
  const { state } = turn;
  const { stopping, settings } = state;
  if (stopping === null || settings.onStop !== 'keep' || role.inDoubt) return false;
  const untilMs = stopping.sinceMs + successorWaitMs(state);
  if (turn.now >= untilMs) return false;
  turn.wakeAt(untilMs);
  if (!isSettled(state) || ourLease(state) === null) return true;
  if (state.lastProofMs < stopping.sinceMs) turn.emit({ kind: 'heartbeat' });
  else if (turn.emit({ kind: 'exit', keepsLease: true })) turn.report('lease_kept', { epoch: role.epoch });
  return true;
}
