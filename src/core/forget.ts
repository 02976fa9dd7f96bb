/**
 * Forgetting: when a registered node stops being one.
 *
 * Majorities are counted over the registered nodes, and while the ensemble is silent every one of them must answer.
 * A host that was given away would hold both up for ever. So the lease holder forgets a node that is outside the
 * in-sync set and has had no member record for `forget_after_ms`, or when an operator says so, by a versioned write
 * of the term. A node that comes back later is a newcomer: it follows, and is registered again.
 *
 * Not while the ensemble is silent: a forgotten node is one that nobody asks for its promise. And never so many that
 * too few are left for what `WAIT` was told.
 */
import type { ReasonCode } from '../contract/reasons.ts';
import { mayForget } from './durable.ts';
import { fenceAtMs } from './fencing.ts';
import { seesRecords } from './queries.ts';
import type { Term } from './records.ts';
import { isSameMap } from './in-sync.ts';
import { inForce } from './service-settings.ts';
import type { RoleOf } from './role.ts';
import type { State } from './state.ts';
import type { Turn } from './turn.ts';

/** Fewest nodes that a service keeps registered: the master, and as many as have to hold a write. */
function nodesKeptMin(state: State): number {
  const { durability, waitReplicas } = inForce(state);
  return 1 + (durability === 'durable' ? waitReplicas : 1);
}

/** Registered nodes without a member record, each with the moment at which we first missed it. */
export function absentNow(state: State, role: RoleOf<'master'>, term: Term): ReadonlyMap<string, number> {
  const { members } = state.records;
  const gone = term.nodes.filter((name) => name !== state.settings.name && !members.has(name));
  const absent = new Map(gone.map((name) => [name, role.absent.get(name) ?? state.nowMs]));
  return isSameMap(absent, role.absent) ? role.absent : absent;
}

/** The nodes to leave out of the next term: overdue ones, and the one that an operator named. */
export function forgettable(turn: Turn, role: RoleOf<'master'>, term: Term): readonly string[] {
  const { state } = turn;
  const overdue = [...role.absent].filter(([name, sinceMs]) => {
    const dueMs = sinceMs + state.settings.forgetAfterMs;
    if (turn.now < dueMs) turn.wakeAt(dueMs);
    return turn.now >= dueMs || name === state.forget;
  });
  const names = overdue.map(([name]) => name).filter((name) => whyNotForget(state, name) === null);
  return names.slice(0, Math.max(0, term.nodes.length - nodesKeptMin(state)));
}

/** The term to write without these nodes; `wanted` is what else is to change, or null. */
export function leaveOut(wanted: Term | null, before: Term, forget: readonly string[]): Term | null {
  const base = wanted ?? before;
  const nodes = base.nodes.filter((name) => !forget.includes(name) || base.inSync.includes(name));
  return nodes.length === base.nodes.length ? wanted : { ...base, nodes };
}

/** Why this node is not forgotten now, or null. */
function whyNotForget(state: State, name: string): ReasonCode | null {
  const { role, records, failsafe } = state;
  const term = records.term?.value;
  if (role.name !== 'master' || term === undefined) return 'not_lease_holder';
  const silent = !seesRecords(state) || failsafe !== null;
  if (silent || state.nowMs >= fenceAtMs(state)) return 'zookeeper_unreachable';
  if (name === state.settings.name || records.members.has(name) || term.inSync.includes(name)) return 'node_in_use';
  return mayForget(state, term, name) ? null : 'durability_unproved';
}

/** Answers an operator's `forget` as soon as it is refused or done. */
export function answerForget(turn: Turn): void {
  const { forget, records } = turn.state;
  if (forget === null) return;
  const nodes = records.term?.value.nodes ?? [];
  const because = whyNotForget(turn.state, forget);
  const tooFew = nodes.length <= nodesKeptMin(turn.state) ? 'too_few_nodes' : null;
  const known = nodes.includes(forget);
  const refusal = because === 'not_lease_holder' || known ? (because ?? tooFew) : null;
  if (refusal === null && known) return;
  turn.update({ forget: null, operations: { ...turn.state.operations, forgetRefused: refusal } });
  turn.emit({ kind: 'answer_order', order: 'forget', refusal });
}
