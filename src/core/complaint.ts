/**
 * Complaints: replicas that cannot replicate from a master that is otherwise well.
 *
 * The problem: agent and Redis of the master are healthy and hold the lease, but the network between the Redises is
 * not: most replicas cannot reach the master's, and the service goes on with fewer copies than it was built for, until
 * the master dies and takes with it what nobody else has. The wrong answers: to let replicas vote a master out (then a
 * replica that is itself cut off deposes a healthy one), or to let them call out by a message (which may be lost, late
 * or forged). Ours: a replica writes its complaint into its own member record, once when it starts and once when it
 * ends, so that it goes with its session and nobody else can write it; and the master, which alone may act on it,
 * counts only those that it cannot see streaming itself. It hands over as for `/disable`, without losing anything,
 * when a majority of the registered replicas complains and somebody in the in-sync set still streams from it. With
 * nobody there it stays: a master with few copies is better than one that lacks writes (I3).
 */
import { sameAddress } from './facts.ts';
import type { RedisFacts } from './facts.ts';
import { proofEndsAtMs } from './fencing.ts';
import { attachedReplicas, streams } from './in-sync.ts';
import { obstacle } from './obstacles.ts';
import {
  isEnabled, isLinkedTo, othersLease, ownFacts, remoteIsHealthy, seesRecords, verifiedMaster,
} from './queries.ts';
import type { Lease, Term } from './records.ts';
import type { CutOff, State } from './state.ts';
import type { Turn } from './turn.ts';

/**
 * A link that Redis still calls up, and whose path is gone: nothing came over it for longer than the pause between
 * two pings of a master (`repl-ping-replica-period`, 10 s).
 */
export const LINK_STILL_MS = 12_000;

/**
 * A full sync that lasts for so long is one. A master that refuses us shows the beginning of one at every attempt, once
 * a second, and that must not end a complaint.
 */
export const SYNC_BEGINS_MS = 2000;

/** Our place in the full syncs of the master: neither linked nor refused, just not our turn yet. */
function awaitsFullSync(state: State, facts: RedisFacts): boolean {
  if (facts.link?.syncInProgress === true) return true;
  const listed = state.remote.facts?.replicas.find((replica) => sameAddress(replica, state.settings.redis));
  return listed !== undefined && listed.state !== 'online';
}

type Link = 'streams' | 'syncs' | 'down';

function linkTo(lease: Lease, state: State, facts: RedisFacts): Link {
  // Whoever can see the master serve and does not follow it has reasons of its own.
  if (!isLinkedTo(facts, lease.redis)) return verifiedMaster(state, lease) ? 'streams' : 'down';
  if (facts.link?.up === true) {
    const isDead = !remoteIsHealthy(state) && state.nowMs - state.own.readOffsetSinceMs >= LINK_STILL_MS;
    return isDead ? 'down' : 'streams';
  }
  return awaitsFullSync(state, facts) ? 'syncs' : 'down';
}

/** How our Redis stands to the one that it should follow, though ours is well; null = nothing to complain of. */
function lookAtLink(state: State): { readonly lease: Lease; readonly link: Link } | null {
  const { role, nowMs, records, settings } = state;
  if (role.name !== 'replica' && role.name !== 'candidate') return null;
  if (!seesRecords(state) || nowMs >= proofEndsAtMs(state) || !isEnabled(state)) return null;
  const lease = othersLease(state)?.value;
  const term = records.term?.value;
  const facts = ownFacts(state);
  if (lease === undefined || facts === null || lease.node === settings.name || obstacle(state) !== null) return null;
  // A master that is still being made has nobody who follows it.
  if (term?.epoch !== lease.epoch || term.pending !== null || !term.nodes.includes(settings.name)) return null;
  return { lease, link: linkTo(lease, state, facts) };
}

/** Since when our Redis has been cut off from the present master, as of now. */
function cutOffNow(state: State): CutOff | null {
  const seen = lookAtLink(state);
  if (seen === null || seen.link === 'streams') return null;
  const { nowMs, settings } = state;
  const { epoch } = seen.lease;
  const former = state.cutOff?.epoch === epoch ? state.cutOff : null;
  const sinceMs = former?.sinceMs ?? nowMs;
  if (seen.link === 'down') {
    const complains = former?.complains === true || nowMs >= sinceMs + settings.complaintAfterMs;
    return { epoch, sinceMs, complains, syncsSinceMs: null };
  }
  const syncsSinceMs = former?.syncsSinceMs ?? nowMs;
  return former === null || nowMs - syncsSinceMs >= SYNC_BEGINS_MS ? null : { ...former, syncsSinceMs };
}

/** Keeps since when our Redis has been cut off, and says when that becomes a complaint, and when it ends. */
export function noteCutOff(turn: Turn): void {
  const before = turn.state.cutOff;
  const now = cutOffNow(turn.state);
  turn.update({ cutOff: now });
  const complained = before?.complains === true ? before.epoch : null;
  const complains = now?.complains === true ? now.epoch : null;
  if (complains !== null) turn.refuse('cannot_replicate');
  else if (now !== null) turn.wakeAt(Math.max(now.sinceMs + turn.state.settings.complaintAfterMs, turn.now + 1));
  if (complained === complains) return;
  if (complained !== null) turn.report('complaint_ended', { epoch: complained });
  if (complains !== null) turn.report('complaint_raised', { epoch: complains });
}

/** What our member record says: the epoch whose master our Redis cannot replicate from. */
export function complainsOf({ cutOff }: State): number | null {
  return cutOff?.complains === true ? cutOff.epoch : null;
}

/**
 * Whether a majority of the registered replicas complains of this master. One that our Redis sees streaming, or in a
 * full sync, does not count: nobody talks a master out of an office that he can be seen to fill.
 */
export function isDeserted(state: State, term: Term, facts: RedisFacts): boolean {
  const attached = attachedReplicas(state, facts);
  const others = term.nodes.filter((name) => name !== state.settings.name);
  const deserters = others.filter((name) => {
    const replica = attached.get(name);
    const isServed = replica !== undefined && (replica.state !== 'online' || streams(replica));
    return !isServed && state.records.members.get(name)?.value.complainsOf === term.epoch;
  });
  return deserters.length > others.length / 2;
}
