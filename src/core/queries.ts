/**
 * Questions that several roles ask of the same facts. Each is one sentence; none decides anything.
 */
import type { Address, Kept, Lease, Term } from './records.ts';
import { sameAddress } from './facts.ts';
import type { RedisFacts, RedisSight } from './facts.ts';
import { positionOf } from './lineage.ts';
import type { State } from './state.ts';

/** `REPLICAOF` here means "a replica of nobody": never a port of the ephemeral range, where somebody may listen. */
export const CLOSED_ADDRESS: Address = { host: '127.0.0.1', port: 1 };

/** How long a refused port must have refused, and how often, before the refusal counts as death. */
export const REFUSAL_SPAN_MS = 10;
export const REFUSALS_NEEDED = 2;

/** T: what the server granted, or, before it did, what we shall ask for. */
export function timeoutMs(state: State): number {
  return state.session?.timeoutMs ?? state.settings.sessionTimeoutMs;
}

export function sessionId(state: State): bigint | null {
  return state.session?.connected ? state.session.id : null;
}

/** What is asked of the records can be read and written now. */
export function seesRecords({ synced, session }: State): boolean {
  return synced && session?.connected === true;
}

/** The lease as recorded, when our session owns it. */
export function ourLease(state: State): Kept<Lease> | null {
  const { lease } = state.records;
  return lease !== null && state.session !== null && lease.znode.owner === state.session.id ? lease : null;
}

/** The lease as recorded, when anybody else owns it. */
export function othersLease(state: State): Kept<Lease> | null {
  return ourLease(state) === null ? state.records.lease : null;
}

/** The term as recorded, or, while no ensemble shows one, as it was read last. */
export function lastTerm({ records, memory }: State): Term | null {
  return records.term?.value ?? memory?.term ?? null;
}

/** Our Redis answers, and is neither loading nor blocked. */
export function ownFacts(state: State): RedisFacts | null {
  const { own } = state;
  const serves = own.link === 'open' && own.current && own.blocked === null && own.silentSinceMs === null;
  return serves && !isStopped(state) && own.process?.is !== 'dead' ? own.facts : null;
}

/** The process behind a connection is gone: it ended after having been healthy, and its port refuses since. */
export function isGone(sight: RedisSight): boolean {
  return sight.link === 'refused' && sight.endedAfterHealth;
}

/**
 * Our own Redis is on this host: one refusal of its port is enough, nothing stands between it and us. A dead process
 * may leave its connections to a child that still saves; then they do not end, and the kernel says it sooner.
 */
export function ownRedisIsDead(state: State): boolean {
  return state.own.link === 'refused' || state.own.process?.is === 'dead';
}

/** How long a process must have been seen stopped, without a break: a debugger stops one for less. */
export const STOPPED_MS = 250;

/** The kernel says that our Redis is stopped: it executes nothing, and nothing of what waits in its sockets. */
export function isStopped({ own, nowMs }: State): boolean {
  return own.process?.is === 'stopped' && nowMs - own.process.sinceMs >= STOPPED_MS;
}

/** Unanswered for longer than the operator tolerates, or known not to run. */
export function ownRedisHangs(state: State): boolean {
  const { own, settings, nowMs } = state;
  if (isStopped(state)) return true;
  if (own.link === 'failed') return nowMs - own.answeredAtMs >= settings.downAfterMs;
  return own.silentSinceMs !== null && nowMs - own.silentSinceMs >= settings.downAfterMs;
}

/** The remote Redis answered lately enough to be worth asking. */
export const REMOTE_FRESH_MS = 1700;

export function remoteIsHealthy(state: State): boolean {
  const { remote, nowMs } = state;
  return (
    remote.link === 'open' &&
    remote.silentSinceMs === null &&
    remote.current &&
    nowMs - remote.answeredAtMs <= REMOTE_FRESH_MS
  );
}

/** It has answered since our own link was seen to be down: what it was before that may have ended with the link. */
export function hasAnsweredSinceBreak({ own, remote }: State): boolean {
  return own.unlinkedSinceMs === null || remote.answeredAtMs >= own.unlinkedSinceMs;
}

/** The remote Redis was seen to be a serving master, in the very process that the lease names. */
export function verifiedMaster(state: State, lease: Pick<Lease, 'redis' | 'runId'>): boolean {
  const { remote, remoteTarget } = state;
  return (
    sameAddress(remoteTarget, lease.redis) &&
    remote.link === 'open' &&
    remote.current &&
    remote.facts?.role === 'master' &&
    !remote.facts.loading &&
    remote.facts.runId === lease.runId
  );
}

/** It was seen to be the recorded process, and still answers: what it was before a silence proves nothing. */
export function isHeard(state: State, master: Pick<Lease, 'redis' | 'runId'>): boolean {
  return verifiedMaster(state, master) && remoteIsHealthy(state);
}

/** A dataset that holds something and that nothing connects with the service. */
export function isForeign(facts: RedisFacts, term: Term, name: string): boolean {
  if (facts.keys === 0 || term.nodes.includes(name)) return false;
  return positionOf(facts, term) === null;
}

/** Our Redis already replicates from this address. */
export function isLinkedTo(facts: RedisFacts, target: Address): boolean {
  return facts.role === 'replica' && sameAddress(facts.link, target);
}

export function isFrozen(facts: RedisFacts): boolean {
  return isLinkedTo(facts, CLOSED_ADDRESS);
}

/** The agent of a member is gone: our established stream to it ended, and its port refuses since. */
export function agentIsGone(state: State, name: string, instance: string): boolean {
  const peer = state.peers.get(name);
  return (
    peer?.instance === instance &&
    peer.ended &&
    peer.refusals >= REFUSALS_NEEDED &&
    state.nowMs - (peer.refusedSinceMs ?? state.nowMs) >= REFUSAL_SPAN_MS
  );
}

/** This node alone can prove that the lease holder's Redis and agent are both gone (Election 1). */
export function provesDeath(state: State, lease: Lease): boolean {
  const { remote, remoteTarget, nowMs, settings } = state;
  return (
    settings.trustRefused &&
    sameAddress(remoteTarget, lease.redis) &&
    isGone(remote) &&
    remote.facts?.runId === lease.runId &&
    remote.refusals >= REFUSALS_NEEDED &&
    nowMs - (remote.refusedSinceMs ?? nowMs) >= REFUSAL_SPAN_MS &&
    agentIsGone(state, lease.node, lease.instance)
  );
}

export function isEnabled(state: State): boolean {
  return state.enabled !== false;
}

/** A disabled master that was enabled again before it was seen to have given anything away. */
export function isTakenBack(state: State): boolean {
  const { role, stopping } = state;
  return role.name === 'stepping_down' && role.because === 'disable' && isEnabled(state) && stopping === null;
}
