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
import { RECLAIM_GRACE_MS } from './promises.ts';
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

/** The replicas of our Redis, and whose they are: worked out once for all that a master asks of them in a turn. */
export interface SeenReplicas {
  readonly facts: RedisFacts;
  readonly attached: ReadonlyMap<string, ReplicaFacts>;
}

export function seeReplicas(state: State, facts: RedisFacts): SeenReplicas {
  return { facts, attached: attachedReplicas(state, facts) };
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

export function attachingNow(state: State, role: RoleOf<'master'>, { facts, attached }: SeenReplicas): Attaching {
  // Whom an earlier office last saw, before it was stopped perhaps, is no replica of this one.
  if (state.own.answeredAtMs < role.sinceMs) return { attaching: role.attaching, joining: [] };
  const inSync = state.records.term?.value.inSync ?? [];
  const attaching = new Map<string, { offset: number; sinceMs: number }>();
  const joining: string[] = [];
  for (const [name, replica] of attached) {
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
  return {
    attaching: isSameMap(attaching, role.attaching) ? role.attaching : attaching,
    joining: joining.length === 0 && role.joining.length === 0 ? role.joining : joining.sort(),
  };
}

/** Both lists as one, sorted, each name once: the very first where it is that already, as it is in most turns. */
function united(names: readonly string[], more: readonly string[]): readonly string[] {
  const isSorted = names.every((name, i) => i === 0 || (names[i - 1] ?? '') < name);
  if (isSorted && more.every((name) => names.includes(name))) return names;
  return [...new Set([...names, ...more])].sort();
}

/** Whether both have the very same values under the same names. */
export function isSameMap<V>(a: ReadonlyMap<string, V>, b: ReadonlyMap<string, V>): boolean {
  if (a.size !== b.size) return false;
  for (const [name, value] of a) if (b.get(name) !== value) return false;
  return true;
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}

/** The members of the set that stay in it. */
function remaining(
  state: State,
  role: RoleOf<'master'>,
  term: Term,
  seen: SeenReplicas,
): readonly string[] {
  const grace = state.nowMs - role.sinceMs < ATTACH_GRACE_MS;
  const nameless = streamNameless(state, seen, term);
  return term.inSync.filter(
    (name) => (grace || nameless.includes(name) || streams(seen.attached.get(name))) && !isDisabled(state, name),
  );
}

/**
 * An outage ends all sessions, and the member records with them. A master that is back before the others sees their
 * replicas stream, at the addresses that they had; if it dropped them now and died, nobody could succeed it.
 */
function streamNameless(state: State, { facts }: SeenReplicas, { inSync }: Term): readonly string[] {
  const { agents, records, nowMs, connectedAtMs } = state;
  if (nowMs - connectedAtMs >= RECLAIM_GRACE_MS) return [];
  const absent = inSync.filter((name) => !records.members.has(name));
  const isOf = (name: string, replica: ReplicaFacts): boolean => sameAddress(agents.get(name)?.redis, replica);
  return absent.filter((name) => facts.replicas.some((each) => streams(each) && isOf(name, each)));
}

/** Whether every member that the claim kept is streaming already, so that the grace can end early. */
export function allAttached(term: Term, { attached }: SeenReplicas): boolean {
  return term.inSync.every((name) => streams(attached.get(name)));
}

/**
 * The term as the lease holder wants it, or null when the present one is right.
 *
 * A set never grows in the same write in which it shrinks: each has its own precondition.
 */
export function wantedTerm(state: State, role: RoleOf<'master'>, term: Term, seen: SeenReplicas): Term | null {
  const { facts } = seen;
  const stay = remaining(state, role, term, seen);
  const shrinks = stay.length < term.inSync.length;
  const mayGrow = !shrinks && facts.minReplicas !== null && facts.minReplicas >= 1;
  const inSync = mayGrow ? united(stay, role.joining) : stay;
  const nodes = united(united(term.nodes, inSync), [...newcomers(state, term, facts), state.settings.name]);
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
