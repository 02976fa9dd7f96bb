/**
 * Holding and losing power: what every role that owns the lease has in common.
 *
 * Losing it is recognised here and nowhere else, from what was read, never from an event. Giving it up is one
 * transaction that also says, as a ballot, that this node does not stand, so that nobody waits for it.
 */
import type { ReasonCode } from '../contract/reasons.ts';
import { endFailsafe, restsOnPromises } from './failsafe.ts';
import { isPaused } from './operations/pause.ts';
import type { Ballot, Term } from './records.ts';
import { CLOSED_ADDRESS, ourLease, ownRedisHangs, ownRedisIsDead, seesRecords } from './queries.ts';
import type { RoleOf } from './role.ts';
import type { State } from './state.ts';
import { amendRole, enterReplica, enterStarting } from './transitions.ts';
import type { Turn } from './turn.ts';

export function holdsPower(state: State): boolean {
  const { name } = state.role;
  return name === 'promoting' || name === 'master' || name === 'stepping_down';
}

/** The ballot of a node that gives up: it has spoken, and it does not stand. */
function refusingBallot(state: State, term: Term, refusal: ReasonCode): Ballot {
  const facts = state.own.facts;
  return {
    name: state.settings.name,
    epoch: term.epoch,
    runId: facts?.runId ?? '',
    replid: facts?.replid ?? '',
    replid2: facts?.replid2 ?? null,
    secondReplOffset: facts?.secondReplOffset ?? 0,
    offset: facts?.offset ?? 0,
    priority: 0,
    standing: 'frozen',
    holds: 'nothing',
    refusal,
    deathProof: null,
  };
}

/**
 * Releases the lease; `refusal` = why this node does not stand, null = it stands again.
 *
 * What is on its way to the records is awaited first: an announcement that the release does not know of would outlive
 * the lease, and a term that it does not know of would make it fail.
 */
export function giveUpLease(
  turn: Turn,
  refusal: ReasonCode | null,
  successor: { term: Term; version: number } | null = null,
): void {
  const { state } = turn;
  if (ourLease(state) === null || !state.synced) return;
  if (turn.awaits('announce') || turn.awaits('write_term')) return;
  const term = state.records.term?.value ?? null;
  const issued = turn.emit({
    kind: 'release',
    ballot: refusal === null || term === null ? null : refusingBallot(state, term, refusal),
    ballotExists: state.records.ballots.has(state.settings.name),
    removeRecord: state.records.masterRecord?.znode.owner === state.session?.id,
    termVersion: state.records.term?.znode.version ?? null,
    term: successor,
  });
  if (!issued) return;
  if (state.role.name === 'stepping_down') amendRole(turn, state.role, { releaseSentAtMs: turn.now });
  reportRelease(turn, refusal, successor?.term ?? null);
}

/**
 * Whether who steps down may take its office back: it was seen to hold the lease by a heartbeat sent after the release.
 * A release whose answer was lost may have been carried out, whatever the records say that were read before it. It may
 * even be carried out later, by a server that stood still: who is back in office stays fenced until its lease has a
 * new epoch, against which that release fails (`looseRelease`).
 */
export function keepsLease(turn: Turn, { releaseSentAtMs }: RoleOf<'stepping_down'>): boolean {
  const { lastProofMs } = turn.state;
  if (turn.awaits('release')) return false;
  if (releaseSentAtMs === null || lastProofMs > releaseSentAtMs) return true;
  if (seesRecords(turn.state)) turn.emit({ kind: 'heartbeat' });
  return false;
}

function reportRelease(turn: Turn, refusal: ReasonCode | null, successor: Term | null): void {
  const because = refusal ?? successor?.designated ?? 'takeover_not_possible';
  const to = successor?.handOver?.to ?? null;
  turn.report('lease_released', to === null ? { because } : { because, to });
}

/** Our Redis cannot serve: nothing to wait for. Returns whether power is being given up. */
export function yieldDeadRedis(turn: Turn): boolean {
  const { state } = turn;
  if (ownRedisIsDead(state)) {
    giveUpLease(turn, 'redis_unreachable');
    return true;
  }
  const lease = ourLease(state)?.value;
  if (lease !== undefined && state.own.facts !== null && state.own.facts.runId !== lease.runId) {
    giveUpLease(turn, state.own.facts.loading ? 'redis_loading' : null);
    return true;
  }
  // Somebody works on it and says so: it is not fenced for being stopped.
  if (!ownRedisHangs(state) || isPaused(state)) return false;
  turn.emit({ kind: 'fence_hard', target: CLOSED_ADDRESS });
  giveUpLease(turn, 'redis_hung');
  return true;
}

/**
 * Recognises that the lease is no longer ours. Returns whether power was lost in this turn. Who steps down in order
 * gave it away, and goes on in that role.
 */
export function losePower(turn: Turn): boolean {
  const { state } = turn;
  const { role } = state;
  if (!holdsPower(state) || (role.name === 'stepping_down' && (role.released || state.session !== null))) return false;
  // Whatever else has to be read again after a reconnection: a lease that was once seen not to be ours stays so.
  if (ourLease(state) !== null || restsOnPromises(state)) return false;
  const alone = role.name === 'stepping_down' && role.alone;
  turn.report('lease_lost', { epoch: 'epoch' in role ? role.epoch : null });
  endFailsafe(turn, 'lease_lost');
  turn.update({ unplaced: !alone, claimed: null, looseRelease: false });
  if (state.session === null) enterStarting(turn, 'session_expired');
  else enterReplica(turn, 'lease_lost');
  return true;
}
