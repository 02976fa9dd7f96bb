/**
 * What the drivers shall watch, derived from the state: which remote Redis, which agents, and how closely.
 *
 * A projection, not a series of commands: after every step the drivers compare it with what they do and adjust.
 */
import type { Address } from './records.ts';
import { sameAddress } from './facts.ts';
import { foreignAddress } from './claim.ts';
import { hasAnsweredSinceBreak, isFrozen, isHeard, lastTerm, othersLease } from './queries.ts';
import { awaitsSlot } from './staging.ts';
import type { RoleOf } from './role.ts';
import type { State } from './state.ts';

/** Pause between two questions to a Redis in peace: its end is an event, and a replica's hang nobody's deadline. */
export const POLL_PEACE_MS = 2000;
/** The same for another node's Redis: it is evidence, and nobody's deadline hangs on it. */
export const POLL_REMOTE_PEACE_MS = 1000;
/** The same for a master's own Redis: the sooner it is asked, the sooner a hang is measured. */
export const POLL_MASTER_MS = 250;
/** While the next answer decides: draining, a takeover's equality, a new master that shows itself. */
export const POLL_ALERT_MS = 2;
/** While a replica connects, synchronises or loads, or something was said to have changed. */
export const POLL_SETTLING_MS = 20;
/** When that takes long, or nothing can be done before somebody else acts. */
export const POLL_WAITING_MS = 100;

export interface PeerWanted {
  readonly name: string;
  readonly instance: string;
  readonly http: Address;
}

export interface Wanted {
  /** The Redis of another node to keep a connection to, or null. */
  readonly remote: Address | null;
  readonly pollOwnMs: number;
  readonly pollRemoteMs: number;
}

/** Somebody was told to take over, and nobody contends with it. */
function isPlanned({ expected, leaseGoneSinceMs }: RoleOf<'candidate'>): boolean {
  return expected !== null && leaseGoneSinceMs === null;
}

/**
 * The connection that the next master will need is opened while it still claims: with the old one gone for good, or
 * handing over.
 */
function expectedMaster(state: State, role: RoleOf<'candidate'>): Address | null {
  const { records, remote, remoteTarget } = state;
  const next = role.expected === null ? undefined : records.members.get(role.expected)?.value.redis;
  if (next === undefined || records.lease !== null) return null;
  return isPlanned(role) || sameAddress(remoteTarget, next) || remote.link !== 'open' ? next : null;
}

export function remoteOf(state: State): Address | null {
  const { role, settings } = state;
  const next = role.name === 'candidate' ? expectedMaster(state, role) : null;
  if (next !== null) return next;
  const address =
    role.name === 'promoting' || role.name === 'master'
      ? role.deposed
      : (othersLease(state)?.value.redis ?? foreignAddress(state) ?? lastTerm(state)?.master?.redis ?? null);
  return sameAddress(address, settings.redis) ? null : address;
}

/** How long a new role is looked at closely; one that lasts longer waits for somebody else. */
const EAGER_MS = 1000;

/** Just entered a role, or an election just lost its lease, or told to look. */
function isEager({ role, nowMs, alertUntilMs }: State): boolean {
  if (nowMs < alertUntilMs) return true;
  const gone = role.name === 'candidate' ? role.leaseGoneSinceMs : null;
  return nowMs - Math.max(role.sinceMs, gone ?? role.sinceMs) < EAGER_MS;
}

/** Whether the next answer of our own Redis decides. A frozen one has nothing new to say, and commands ask too. */
function decidesNext({ role, own }: State): boolean {
  if (role.name === 'promoting') return role.takeover;
  if (role.name !== 'candidate' || isPlanned(role)) return false;
  return own.facts?.role === 'replica' && !isFrozen(own.facts);
}

/** The process that our Redis was told to follow answers as master. */
export function knowsItsMaster(state: State): boolean {
  const master = othersLease(state)?.value ?? lastTerm(state)?.master ?? null;
  return master !== null && isHeard(state, master) && hasAnsweredSinceBreak(state);
}

/** One that still follows somebody may meet another process there. */
function waitingFor({ own }: State): number {
  return own.facts?.link?.up === false ? POLL_SETTLING_MS : POLL_WAITING_MS;
}

function pollOwn(state: State): number {
  const { role, own } = state;
  const eager = isEager(state);
  if (decidesNext(state)) return eager ? POLL_ALERT_MS : waitingFor(state);
  if (state.inFlight.has('rescue')) return POLL_WAITING_MS;
  if (own.blocked !== null || state.unplaced) return POLL_SETTLING_MS;
  switch (role.name) {
    case 'candidate':
    case 'promoting':
    case 'stepping_down':
      return eager ? POLL_SETTLING_MS : POLL_WAITING_MS;
    case 'master':
      if (own.facts?.role === 'replica') return POLL_SETTLING_MS;
      return eager || role.attaching.size > 0 ? POLL_SETTLING_MS : POLL_MASTER_MS;
    case 'replica':
      // Whoever answers there next may be another process: its full sync must be seen before it is loaded (I5).
      if (!knowsItsMaster(state)) return POLL_SETTLING_MS;
      if (own.facts?.link?.up === true && !eager) return POLL_PEACE_MS;
      return eager ? POLL_SETTLING_MS : POLL_WAITING_MS;
    case 'starting':
      return eager || streamsFromUnknown(state) ? POLL_SETTLING_MS : POLL_PEACE_MS;
  }
}

/** A replica that lost its place, while the ensemble is away: nobody but its agent guards its dataset (I5). */
function streamsFromUnknown(state: State): boolean {
  const holds = state.own.facts?.role === 'replica' && !isFrozen(state.own.facts);
  return holds && (lastTerm(state) !== null || state.managedBefore) && !knowsItsMaster(state);
}

function pollRemote(state: State): number {
  const { role, remote } = state;
  if (role.name === 'master' || role.name === 'starting') return POLL_REMOTE_PEACE_MS;
  if (role.name === 'replica' && remote.facts?.role === 'master') {
    if (!hasAnsweredSinceBreak(state)) return POLL_ALERT_MS;
    return state.catchUp === null && !awaitsSlot(state) ? POLL_REMOTE_PEACE_MS : POLL_WAITING_MS;
  }
  return isEager(state) ? POLL_ALERT_MS : POLL_WAITING_MS;
}

/**
 * The agents to keep a stream to: every member, and the lease holder even where its member record is gone, since its
 * death may have to be proved. It is read from the records alone: while those are the same, so is this.
 */
export function peersWanted(state: State): readonly PeerWanted[] {
  const peers = new Map<string, PeerWanted>();
  const lease = state.records.lease?.value;
  if (lease !== undefined) peers.set(lease.node, { name: lease.node, instance: lease.instance, http: lease.http });
  for (const { value } of state.records.members.values()) {
    peers.set(value.name, { name: value.name, instance: value.instance, http: value.http });
  }
  peers.delete(state.settings.name);
  return [...peers.values()];
}

export function wanted(state: State): Wanted {
  return { remote: remoteOf(state), pollOwnMs: pollOwn(state), pollRemoteMs: pollRemote(state) };
}
