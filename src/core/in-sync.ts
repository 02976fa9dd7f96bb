/**
 * The in-sync set: which replicas may succeed the master, and the dead-man that goes with it.
 *
 * The set in the term and `min-replicas-to-write` in Redis must change in opposite orders, or an isolated master
 * could go on alone while a member of its set is promoted elsewhere. Growing: raise the dead-man, see it raised, then
 * commit the larger set. Shrinking: commit the smaller set, then lower the dead-man. Whoever cannot commit cannot
 * lower it: that is what stops a master that is cut off, even when its agent is frozen.
 *
 * `online` in Redis' replica list does not mean that the replica has the data: after a diskless full sync it says so
 * for most of a second before the stream starts. A replica counts once it acknowledged the offset that the master
 * had when the replica was first seen online.
 */
import { fallsNow } from './backoff.ts';
import type { RedisFacts, ReplicaFacts } from './facts.ts';
import { sameAddress } from './facts.ts';
import { newcomers } from './durable.ts';
import { appendEntry, beginsAt } from './lineage.ts';
import type { Member, Term } from './records.ts';
import { isDurable } from './service-settings.ts';
import type { RoleOf } from './role.ts';
import type { State } from './state.ts';

/** `min-replicas-max-lag`: the smallest value that never refuses in peace (measured). */
export const MAX_LAG_SECONDS = 2;
/**
 * How long a new master waits for the replicas that its claim kept in the set. Until one streams, the dead-man
 * refuses writes; after this the set is shrunk, so that a dead replica cannot hold up the service.
 */
export const ATTACH_GRACE_MS = 200;

function memberOf(state: State, replica: ReplicaFacts): Member | undefined {
  for (const { value } of state.records.members.values()) {
    if (value.name !== state.settings.name && sameAddress(value.redis, replica)) return value;
  }
  return undefined;
}

/** Attached replicas by node name; those of no member have none. */
export function attachedReplicas(state: State, facts: RedisFacts): ReadonlyMap<string, ReplicaFacts> {
  const byName = new Map<string, ReplicaFacts>();
  for (const replica of facts.replicas) {
    const member = memberOf(state, replica);
    if (member !== undefined) byName.set(member.name, replica);
  }
  return byName;
}

/**
 * Whether a replica without an agent of this service is attached. In durable mode its agent is not enough: `WAIT`
 * counts whoever is attached, and an election only who is registered.
 */
export function hasUnregistered(state: State, facts: RedisFacts): boolean {
  const nodes = isDurable(state) ? state.records.term?.value.nodes : undefined;
  return facts.replicas.some((replica) => {
    const member = memberOf(state, replica);
    return member === undefined || nodes?.includes(member.name) === false;
  });
}

/** Online, and heard lately. */
export function streams(replica: ReplicaFacts | undefined): boolean {
  return replica?.state === 'online' && replica.lagSeconds <= MAX_LAG_SECONDS;
}

function isDisabled(state: State, name: string): boolean {
  return state.records.nodes.get(name)?.value.disabled === true;
}

/**
 * A replica acknowledges a diskless copy as soon as it is loaded, which is before its master has reaped the child that
 * sent it, and the stream starts with the first acknowledgement after that: the next one, a second later (Redis 7.0.15,
 * measured). Until then it has everything that it had when it joined, and gets nothing.
 */
const STREAM_STARTS_MS = 1500;

/** When the stream of a member of the set is known to have started, or will be taken to have. */
export function streamStartsAtMs(role: RoleOf<'master'>, name: string, replica: ReplicaFacts | undefined): number {
  const known = role.attaching.get(name);
  const started = known === undefined || (replica !== undefined && replica.offset > known.offset);
  return started ? Number.NEGATIVE_INFINITY : known.sinceMs + STREAM_STARTS_MS;
}

/** Progress of replicas that are not yet in the set, or joined it a moment ago. */
export interface Attaching {
  readonly attaching: RoleOf<'master'>['attaching'];
  readonly joining: readonly string[];
}

/**
 * Offset 0 is what a replica shows that has acknowledged nothing yet, and also one that acknowledges a master which
 * never had an offset to count. They differ in time: the first one's lag grows from the moment it is online.
 */
const FIRST_ACK_MS = 3000;
const FRESH_LAG_SECONDS = 1;

function acknowledgesZero(state: State, replica: ReplicaFacts, sinceMs: number): boolean {
  return state.own.answeredAtMs - sinceMs >= FIRST_ACK_MS && replica.lagSeconds <= FRESH_LAG_SECONDS;
}

export function attachingNow(state: State, role: RoleOf<'master'>, facts: RedisFacts): Attaching {
  // Whom an earlier office last saw, before it was stopped perhaps, is no replica of this one.
  if (state.own.answeredAtMs < role.sinceMs) return { attaching: role.attaching, joining: [] };
  const inSync = state.records.term?.value.inSync ?? [];
  const attaching = new Map<string, { offset: number; sinceMs: number }>();
  const joining: string[] = [];
  for (const [name, replica] of attachedReplicas(state, facts)) {
    if (isDisabled(state, name) || !streams(replica)) continue;
    const known = role.attaching.get(name);
    if (inSync.includes(name)) {
      if (known !== undefined && state.nowMs < known.sinceMs + STREAM_STARTS_MS) attaching.set(name, known);
      continue;
    }
    const seen = known ?? { offset: facts.offset, sinceMs: state.nowMs };
    attaching.set(name, seen);
    const acknowledged = replica.offset > 0 || acknowledgesZero(state, replica, seen.sinceMs);
    if (acknowledged && replica.offset >= seen.offset) joining.push(name);
  }
  return { attaching, joining: joining.sort() };
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}

/** The members of the set that stay in it. */
function remaining(state: State, role: RoleOf<'master'>, term: Term, facts: RedisFacts): readonly string[] {
  const attached = attachedReplicas(state, facts);
  const grace = state.nowMs - role.sinceMs < ATTACH_GRACE_MS;
  return term.inSync.filter((name) => (grace || streams(attached.get(name))) && !isDisabled(state, name));
}

/** Whether every member that the claim kept is streaming already, so that the grace can end early. */
export function allAttached(state: State, term: Term, facts: RedisFacts): boolean {
  const attached = attachedReplicas(state, facts);
  return term.inSync.every((name) => streams(attached.get(name)));
}

/**
 * The term as the lease holder wants it, or null when the present one is right.
 *
 * A set never grows in the same write in which it shrinks: each has its own precondition.
 */
export function wantedTerm(state: State, role: RoleOf<'master'>, term: Term, facts: RedisFacts): Term | null {
  const stay = remaining(state, role, term, facts);
  const shrinks = stay.length < term.inSync.length;
  const mayGrow = !shrinks && facts.minReplicas !== null && facts.minReplicas >= 1;
  const inSync = mayGrow ? [...new Set([...stay, ...role.joining])].sort() : stay;
  const nodes = [...new Set([...term.nodes, ...inSync, ...newcomers(state, term, facts), state.settings.name])].sort();
  const lineage = appendEntry(term.lineage, {
    epoch: role.epoch,
    replid: facts.replid,
    offset: beginsAt(facts, term.lineage),
  });
  const falls = fallsNow(state, role, term);
  const unchanged =
    falls === term.falls && term.handOver === null &&
    sameNames(inSync, term.inSync) && sameNames(nodes, term.nodes) && lineage === term.lineage && term.pending === null;
  return unchanged ? null : { ...term, inSync, nodes, lineage, falls, pending: null, handOver: null };
}
