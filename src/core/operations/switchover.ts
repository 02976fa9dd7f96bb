/**
 * May this master hand over as an operator asks, and to whom?
 *
 * Every no is one of a closed list of reasons, and is said before anything was touched. The target is one node: where
 * the operator names none it is chosen here, so that everybody who reads the order knows who is meant.
 */
import type { ReasonCode } from '../../contract/reasons.ts';
import type { RedisFacts, ReplicaFacts } from '../facts.ts';
import { attachedReplicas, MAX_LAG_SECONDS, streams } from '../in-sync.ts';
import type { Member, Term } from '../records.ts';
import type { State } from '../state.ts';
import type { OrderRecord } from './records.ts';
import { zoneVerdict } from '../zones.ts';
import { isPaused } from './pause.ts';

/**
 * A target that is behind by more would keep the service without a master for too long. Replicas say how far they are
 * once a second, so one that keeps up seems to be behind by what is written in a second.
 */
export const SWITCHOVER_LAG_BYTES_MAX = 64 * 1024 * 1024;

/** Refusals that may end by themselves: an order for later waits for that, until its deadline. */
const PASSING: readonly ReasonCode[] = ['not_in_sync', 'lag_too_high', 'no_candidate', 'unknown_member'];

interface Replica {
  readonly member: Member;
  readonly attached: ReplicaFacts;
  /** It stands where the successor shall. */
  readonly fits: boolean;
}

export type Plan = { readonly target: string } | { readonly refusal: ReasonCode; readonly passing: boolean };

function refuse(refusal: ReasonCode): Plan {
  return { refusal, passing: PASSING.includes(refusal) };
}

/** Who takes the office, or why nobody does. */
export function planSwitchover(state: State, order: OrderRecord, term: Term, facts: RedisFacts): Plan {
  const { name } = state.settings;
  if (order.from !== null && order.from !== name) return refuse('master_differs');
  if (order.epoch !== null && order.epoch !== term.epoch) return refuse('epoch_passed');
  if (order.target === null) {
    if (isPaused(state)) return refuse('service_paused');
    const best = bestReplica(state, term, facts);
    return best === null ? refuse('no_candidate') : { target: best };
  }
  const { target } = order;
  if (target === name) return refuse('target_is_master');
  const why = whyNot(state, target, term, facts);
  return why === null ? { target } : refuse(why);
}

/** Why this node cannot take the office without loss and soon, or null. */
function whyNot(state: State, name: string, term: Term, facts: RedisFacts): ReasonCode | null {
  const { members, nodes } = state.records;
  const member = members.get(name)?.value;
  if (member === undefined) return 'unknown_member';
  if (nodes.get(name)?.value.disabled === true) return 'node_disabled';
  if (member.priority === 0) return 'priority_zero';
  const attached = attachedReplicas(state, facts).get(name);
  if (!term.inSync.includes(name) || attached === undefined) return 'not_in_sync';
  if (attached.lagSeconds > MAX_LAG_SECONDS) return 'lag_too_high';
  if (!streams(attached)) return 'not_in_sync';
  if (facts.offset - attached.offset > SWITCHOVER_LAG_BYTES_MAX) return 'lag_too_high';
  return member.refusesWrites ? 'redis_refuses_writes' : null;
}

/** Zone and priority first: what the others lack they get before they serve. Then who is closest, then the name. */
function compareReplicas(a: Replica, b: Replica): number {
  const zone = Number(b.fits) - Number(a.fits);
  const priority = (a.member.priority ?? 0) - (b.member.priority ?? 0);
  return zone || priority || b.attached.offset - a.attached.offset || (a.member.name < b.member.name ? -1 : 1);
}

/** The replica that takes over soonest of those that have the least priority, or null where nobody can. */
export function bestReplica(state: State, term: Term, facts: RedisFacts): string | null {
  const candidates = candidatesOf(state, term, facts);
  return candidates.find(({ refusal, byNameOnly }) => refusal === null && !byNameOnly)?.node ?? null;
}

export interface Candidate {
  readonly node: string;
  /** Why it cannot take the office, or null. */
  readonly refusal: ReasonCode | null;
  /** It says that it cannot replicate from this master, or stands in no zone for it: nobody's choice but by name. */
  readonly byNameOnly: boolean;
}

/** Every other node with what keeps it from taking the office: who can, the best first; then the others by name. */
export function candidatesOf(state: State, term: Term, facts: RedisFacts): readonly Candidate[] {
  const attached = attachedReplicas(state, facts);
  const able: (Replica & Candidate)[] = [];
  const others: Candidate[] = [];
  for (const node of [...new Set([...term.nodes, ...attached.keys()])].sort()) {
    if (node === state.settings.name) continue;
    const refusal = whyNot(state, node, term, facts);
    const member = state.records.members.get(node)?.value;
    const replica = attached.get(node);
    const zone = zoneVerdict(state, node, term);
    const byNameOnly = (member?.complainsOf ?? null) !== null || zone === 'excluded';
    if (refusal !== null || member === undefined || replica === undefined) others.push({ node, refusal, byNameOnly });
    else able.push({ node, refusal, byNameOnly, member, attached: replica, fits: zone === 'fits' });
  }
  const ranked = able.sort(compareReplicas).map(({ node, refusal, byNameOnly }) => ({ node, refusal, byNameOnly }));
  return [...ranked, ...others];
}
