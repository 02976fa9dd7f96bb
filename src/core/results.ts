/**
 * Results of actions: each comes back once, with the id it was issued under; what nobody waits for is dropped.
 */
import type { ActionKind } from './actions.ts';
import { TOO_LATE } from './actions.ts';
import type { Outcome } from './inputs.ts';
import type { RedisFacts } from './facts.ts';
import { rounded } from './failsafe.ts';
import { noteStored } from './operations/noting.ts';
import { holdsPower } from './power.ts';
import { isFrozen, timeoutMs } from './queries.ts';
import { rescued, rescueFailed, RESCUE_RETRY_MS } from './rescue.ts';
import { noteApplied } from './parameters.ts';
import type { State } from './state.ts';
import { amendRole } from './transitions.ts';
import { FENCE_RETRY_PAUSE_MS, RETRY_PAUSE_MS } from './turn.ts';
import type { Turn } from './turn.ts';

/** Pause between two questions to an agent that has our name. */
const IDENTIFY_PAUSE_MS = 500;

/** The ensemble's own word that a transaction was not carried out. */
const DECLINED: readonly string[] = ['BAD_VERSION', 'NO_NODE', 'NODE_EXISTS'];
/** Part of the session timeout that half a tick never exceeds: a timeout is two ticks at least. */
const TOLD_PART = 1 / 4;
/** Behind this part of the session timeout that may be too late. */
const LATE_PART = 1 - TOLD_PART;
const REMOTE_FENCES: readonly ActionKind[] = ['remote_fence_reversibly', 'remote_fence_hard'];
const FENCES: readonly ActionKind[] = ['fence_reversibly', 'fence_hard', 'remote_fence_reversibly'];
/** Whose failure is said. */
const POWER_ENDS: readonly ActionKind[] = ['fence_reversibly', 'fence_hard', 'kill_redis'];
const OF_OWN_REDIS: readonly ActionKind[] = [
  'fence_reversibly',
  'fence_hard',
  'set_min_replicas',
  'open_full_syncs',
  'freeze',
  'kill_stragglers',
  'follow',
  'promote',
  'configure',
  'detach',
];

function without(turn: Turn, kind: ActionKind): void {
  const inFlight = new Map(turn.state.inFlight);
  inFlight.delete(kind);
  turn.update({ inFlight });
}

function kindOf(turn: Turn, id: number): ActionKind | null {
  for (const [kind, flight] of turn.state.inFlight) if (flight.id === id) return kind;
  return null;
}

export function settle(turn: Turn, id: number, outcome: Outcome): void {
  const kind = kindOf(turn, id);
  if (kind === null) return;
  const epoch = turn.state.inFlight.get(kind)?.epoch ?? 0;
  without(turn, kind);
  if (OF_OWN_REDIS.includes(kind)) {
    turn.update({ commandRefused: outcome.result === 'failed' ? outcome.code : null });
  }
  switch (outcome.result) {
    case 'heard':
      return heard(turn, outcome, epoch);
    case 'identified':
      return identified(turn, outcome);
    case 'applied':
      return noteApplied(turn, outcome.refused);
    case 'rescued':
      return rescued(turn, outcome);
    case 'asked':
      return asked(turn, outcome, epoch);
    case 'done':
      return done(turn, kind, outcome.sentAtMs);
    case 'failed':
      return failed(turn, kind, outcome.code);
  }
}

/**
 * A heartbeat moves the proof only if the lease is still ours, and only to the moment it was sent: the answer may
 * have been under way for long. Whoever holds no power takes any answer through the leader as proof of the ensemble.
 */
function heard(turn: Turn, outcome: Extract<Outcome, { result: 'heard' }>, epoch: number): void {
  const { state } = turn;
  const ours = outcome.lease !== null && outcome.lease.owner === state.session?.id;
  const released = state.role.name === 'stepping_down' && state.role.released;
  if (holdsPower(state) && !released && !ours) return pause(turn, 'heartbeat', RETRY_PAUSE_MS);
  const issuedInThisRole = !('epoch' in state.role) || state.role.epoch === epoch;
  if (issuedInThisRole) prove(turn, outcome.sentAtMs);
  // What we sent before it was carried out, or never will be: the term as read is the whole truth again.
  if (ours && state.offered !== null && outcome.sentAtMs > state.offered.atMs && !turn.awaits('write_term')) {
    turn.update({ offered: null });
  }
}

/**
 * The server that answers counts a session as alive at once, but the leader, who ends sessions, learns of it with the
 * server's next ping, up to half a tick later (`LearnerSessionTracker` of ZooKeeper). Usually there is time: the last
 * proof is younger. A new connection is told to the leader before it is answered.
 */
function lateProof(state: State, sentAtMs: number): State['lateProof'] {
  const { lastProofMs, connectedAtMs, lateProof: before } = state;
  if (sentAtMs - Math.max(lastProofMs, connectedAtMs) > LATE_PART * timeoutMs(state)) {
    return { atMs: sentAtMs, beforeMs: lastProofMs };
  }
  if (before === null || connectedAtMs > before.atMs) return null;
  return sentAtMs - before.atMs < TOLD_PART * timeoutMs(state) ? before : null;
}

/** The ensemble heard us at `sentAtMs`; what was sent before a sleep says nothing about the time after it. */
export function prove(turn: Turn, sentAtMs: number): void {
  const { lastProofMs, sleptAtMs } = turn.state;
  if (sentAtMs < sleptAtMs || sentAtMs <= lastProofMs) return;
  turn.update({ lastProofMs: sentAtMs, proofBeforeMs: lastProofMs, lateProof: lateProof(turn.state, sentAtMs) });
}

/** Answers count for the office that asked; those that come after it ended extend nothing. */
function asked(turn: Turn, outcome: Extract<Outcome, { result: 'asked' }>, epoch: number): void {
  const { role } = turn.state;
  if (role.name === 'master' && role.epoch === epoch) rounded(turn, role, outcome);
}

/** Somebody who answers, or does not answer, may do otherwise in a second: a twin is asked about again. */
function identified(turn: Turn, outcome: Extract<Outcome, { result: 'identified' }>): void {
  pause(turn, 'identify', IDENTIFY_PAUSE_MS);
  turn.update({ twin: { instance: outcome.instance, as: outcome.as } });
}

function done(turn: Turn, kind: ActionKind, sentAtMs: number): void {
  const { role } = turn.state;
  if (kind === 'claim') prove(turn, sentAtMs);
  // The lease stands in our records until the next read, which is under way: it is not given back twice.
  if (kind === 'release') pause(turn, kind, RETRY_PAUSE_MS);
  if (REMOTE_FENCES.includes(kind) && role.name === 'promoting' && sentAtMs >= role.sinceMs) {
    amendRole(turn, role, { remoteFence: 'answered' });
  }
  if (kind === 'remote_fence_reversibly' && role.name === 'candidate') noteEarlyFence(turn, sentAtMs);
  // Answered is not seen: who does not find it in force at the next look must not fence at every turn.
  const lifted = turn.awaits('set_min_replicas') || turn.awaits('promote');
  if (kind === 'fence_reversibly' && !lifted) pause(turn, kind, FENCE_RETRY_PAUSE_MS);
  if (kind === 'fence_reversibly' || kind === 'fence_hard') turn.report('fenced', { how: kind });
  noteStored(turn, kind, 'yes');
  if (kind === 'kill_redis') turn.report('redis_killed', { run_id: turn.state.own.facts?.runId ?? null });
  if (kind === 'set_min_replicas') turn.report('setting_applied', { setting: 'min-replicas-to-write' });
  if (kind === 'open_full_syncs') turn.report('setting_applied', { setting: 'repl-diskless-sync-max-replicas' });
  if (kind === 'configure') turn.update({ mustRelink: followsSomebody(turn.state.own.facts) });
  if (kind === 'freeze') turn.update({ mustRelink: false });
}

/** The claim that it belongs to may be on its way still; a fence from before that claim belongs to another. */
function noteEarlyFence(turn: Turn, sentAtMs: number): void {
  const { claimed } = turn.state;
  if (claimed !== null && sentAtMs >= claimed.atMs) turn.update({ claimed: { ...claimed, fenced: true } });
}

/** Up, or in a handshake that may hang for having seen the settings change. */
function followsSomebody(facts: RedisFacts | null): boolean {
  return facts?.role === 'replica' && !isFrozen(facts);
}

function pauseAfter(kind: ActionKind): number {
  if (kind === 'rescue') return RESCUE_RETRY_MS;
  return FENCES.includes(kind) ? FENCE_RETRY_PAUSE_MS : RETRY_PAUSE_MS;
}

function pause(turn: Turn, kind: ActionKind, forMs: number): void {
  const retryAtMs = new Map(turn.state.retryAtMs);
  retryAtMs.set(kind, turn.now + forMs);
  turn.update({ retryAtMs });
}

/** What failed on a former connection, or during a load, says nothing about now: a fence above all is not put off. */
export function tryAgain(turn: Turn): void {
  const retryAtMs = [...turn.state.retryAtMs].filter(([kind]) => !OF_OWN_REDIS.includes(kind));
  turn.update({ retryAtMs: new Map(retryAtMs) });
}

function failed(turn: Turn, kind: ActionKind, code: string): void {
  const { role } = turn.state;
  pause(turn, kind, pauseAfter(kind));
  if (kind === 'remote_fence_hard' && role.name === 'promoting') {
    amendRole(turn, role, { remoteFence: code === TOO_LATE ? 'none' : 'answered' });
  }
  if (kind === 'claim') turn.report('claim_lost', { code });
  if (kind === 'release' && !DECLINED.includes(code)) turn.update({ looseRelease: true });
  noteStored(turn, kind, DECLINED.includes(code) ? 'declined' : 'perhaps');
  if (kind === 'rescue') rescueFailed(turn, code);
  if (POWER_ENDS.includes(kind)) turn.report('fence_failed', { how: kind, code });
}
