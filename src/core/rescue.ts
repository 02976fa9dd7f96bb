/**
 * Rescue: whoever follows a master discards what the master does not have. Before that, a copy (I5).
 *
 * What would be lost is known from the master's own identity, as seen over our own connection: the bytes beyond the
 * point where its history left ours. Nothing beyond it, or no more than keep-alives and expirations: no copy, no
 * delay. Unknown counts as everything.
 *
 * The copy is fetched by `SYNC`, which a server answers only while it is a master; and a master may take writes only
 * with a lease. So a server that is about to follow is fenced reversibly, seen to be fenced, made a master where it is
 * not (a frozen replica, say), and copied. All that while the new master has long been serving: a rescue delays
 * nobody but the node that it is about.
 */
import { sameAddress } from './facts.ts';
import type { RedisFacts } from './facts.ts';
import { FENCE_MIN_REPLICAS } from './fencing.ts';
import { DIVERGENCE_NOISE_BYTES, divergentBytes } from './lineage.ts';
import type { DataIdentity } from './lineage.ts';
import { isFrozen } from './queries.ts';
import type { Address } from './records.ts';
import type { RescueNote, Rescuing, State } from './state.ts';
import { expectStragglers } from './stragglers.ts';
import type { Turn } from './turn.ts';

/** Attempts before data is given up (mode `on`): the first may meet a connection that ended by chance. */
export const RESCUE_ATTEMPTS = 2;
/** Pause between two attempts. */
export const RESCUE_RETRY_MS = 2000;

/** Whether so many bytes are worth a word: less is keep-alives and expirations. */
export function isLoss(bytes: number | null): boolean {
  return bytes === null || bytes >= DIVERGENCE_NOISE_BYTES;
}

/** Bytes that our Redis would lose by following the remote master; null = nobody can say. */
export function bytesAtStake(state: State, facts: RedisFacts): number | null {
  const lineage = state.records.term?.value.lineage ?? [];
  return divergentBytes(facts, { lineage }, state.remote.facts);
}

/** Whether there is something that only this server may have. */
export function holdsOwnData(state: State, facts: RedisFacts): boolean {
  // A copy of a living master, or half of one, is no data of its own.
  if (facts.keys === 0 || state.own.halfSynced) return false;
  if (facts.role === 'replica' && facts.link?.up === true) return false;
  return isLoss(bytesAtStake(state, facts));
}

/**
 * The note of a process that has no link only because its agent had it leave, to copy what following would discard.
 * Once it took office it is a master like any other.
 */
export function leftForCopy({ rescuing, rescue }: State, { runId }: RedisFacts): Rescuing | null {
  const note = rescuing?.runId === runId ? rescuing : rescue;
  return note?.runId === runId && note.history !== null && !(note === rescue && rescue.spent) ? note : null;
}

/**
 * What its data is known by. A process that was detached for a copy shows an id that continues its former one, as
 * after a promotion: while a claim is pending it would be taken for the new master's own history, and what it was to
 * lose for the latest of it.
 */
export function identityOf(state: State, facts: RedisFacts): DataIdentity {
  const { replid, replid2, secondReplOffset, offset } = facts;
  const shown = { replid, replid2, secondReplOffset, offset };
  const history = leftForCopy(state, facts)?.history ?? null;
  // One that was linked since has another's history, and its agent stood still meanwhile.
  if (history === null || facts.link?.everUp === true || replid === history.replid) return shown;
  if (replid2 !== history.replid) return shown;
  return { ...history, offset: Math.min(offset, secondReplOffset - 1) };
}

/** The note speaks of what our Redis holds now: the same process, with nothing to speak of added since. */
function isOf(note: RescueNote | null, facts: RedisFacts): note is RescueNote {
  return note !== null && !note.spent && note.runId === facts.runId && !isLoss(facts.offset - note.offset);
}

/**
 * What was copied, or was to be, is gone by now: our Redis streams from a master, and whatever it holds later is other
 * data.
 */
export function spendRescue(turn: Turn, facts: RedisFacts): void {
  const { rescue, rescuing } = turn.state;
  if (facts.link?.up !== true) return;
  if (rescue?.spent === false) turn.update({ rescue: { ...rescue, spent: true } });
  if (rescuing !== null && !turn.awaits('rescue')) turn.update({ rescuing: null });
}

/**
 * What clients write between a look and the command to follow would be in no look, and in no copy: a Redis that started
 * without the start fence is shown empty, and has data when it becomes a replica.
 */
function mayTakeMore({ role, minReplicas }: RedisFacts): boolean {
  return role === 'master' && minReplicas !== FENCE_MIN_REPLICAS;
}

/** Whether following may discard the data of our Redis. If not, whatever is missing for it is asked for. */
export function mayDiscard(turn: Turn, facts: RedisFacts): boolean {
  const { state } = turn;
  const { rescueMode } = state.settings;
  if (turn.awaits('rescue')) return false;
  if (rescueMode === 'off') return true;
  if (mayTakeMore(facts)) {
    if (state.commandRefused !== null) turn.refuse('redis_command_refused');
    turn.emit({ kind: 'fence_reversibly' });
    return false;
  }
  if (!holdsOwnData(state, facts)) return true;
  const note = state.rescue;
  if (isOf(note, facts)) {
    if (note.path !== null) return true;
    if (rescueMode === 'require') turn.refuse('rescue_failed');
    else if (note.attempts >= RESCUE_ATTEMPTS) return true;
  }
  prepare(turn, facts);
  return false;
}

/** One step towards a copy. Each is seen to have worked before the next. */
function prepare(turn: Turn, facts: RedisFacts): void {
  const rescuing = { ...aboutToRescue(turn.state, facts), offset: facts.offset };
  turn.update({ rescuing });
  if (facts.minReplicas !== FENCE_MIN_REPLICAS) return void turn.emit({ kind: 'fence_reversibly' });
  if (facts.role === 'replica') return void turn.emit({ kind: 'detach' });
  const epoch = turn.state.records.term?.value.epoch ?? 0;
  if (!turn.emit({ kind: 'rescue', masterEpoch: epoch })) return;
  // Its clients would hear NOREPLICAS for as long as it takes, which few take as a reason to look for another master.
  expectStragglers(turn);
  turn.report('rescue_started', { divergent_bytes: rescuing.divergentBytes ?? 'unknown', epoch });
}

/**
 * What is at stake is kept from the first look: detaching shifts the replication ids, and `SYNC` gives a server
 * without a backlog another one, so that a second look may find nothing to compare.
 */
function aboutToRescue(state: State, facts: RedisFacts): Omit<Rescuing, 'offset'> {
  const { rescuing, rescue } = state;
  const { runId, replid, replid2, secondReplOffset } = facts;
  const shown = { replid, replid2, secondReplOffset };
  const noted = leftForCopy(state, facts)?.history ?? shown;
  // What it is known by now is true as long as it was not detached.
  const history = facts.link?.everUp === true ? shown : noted;
  if (rescuing?.runId === runId) return { runId, divergentBytes: rescuing.divergentBytes, history };
  if (isOf(rescue, facts)) return { runId, divergentBytes: rescue.divergentBytes, history };
  return { runId, divergentBytes: bytesAtStake(state, facts), history };
}

/** The copy is whole and on disk. */
export function rescued(turn: Turn, copy: { path: string; bytes: number; removed: readonly string[] }): void {
  const { rescuing } = turn.state;
  if (rescuing === null) return;
  const { path, bytes, removed } = copy;
  const note = { ...rescuing, path, bytes, code: null, attempts: 1, atMs: turn.now, spent: false };
  turn.update({ rescue: note, rescuing: null });
  const divergent = rescuing.divergentBytes ?? 'unknown';
  turn.report('rescued', { path, bytes, divergent_bytes: divergent, removed });
}

export function rescueFailed(turn: Turn, code: string): void {
  const { rescuing, rescue, settings } = turn.state;
  if (rescuing === null) return;
  const attempts = rescue?.runId === rescuing.runId && rescue.path === null ? rescue.attempts + 1 : 1;
  const note = { ...rescuing, path: null, bytes: 0, code, attempts, atMs: turn.now, spent: false };
  turn.update({ rescue: note, rescuing: null });
  const isLast = settings.rescueMode === 'on' && attempts >= RESCUE_ATTEMPTS;
  turn.report('rescue_failed', { code, attempt: attempts, then: isLast ? 'discarded' : 'tried_again' });
}

/** Says what is discarded, where it is. */
export function reportDiscarded(turn: Turn, facts: RedisFacts): void {
  if (!holdsOwnData(turn.state, facts)) return;
  const { rescue } = turn.state;
  const path = isOf(rescue, facts) ? rescue.path : null;
  const bytes = aboutToRescue(turn.state, facts).divergentBytes ?? 'unknown';
  turn.report('divergent_data', { bytes, rescued_to: path, epoch: turn.state.records.term?.value.epoch ?? null });
}

/** A deposed server that its own agent holds fenced, perhaps to copy it, is left to that agent. */
export function isHeldByItsAgent(state: State, redis: Address, facts: RedisFacts): boolean {
  if (facts.minReplicas !== FENCE_MIN_REPLICAS && !isFrozen(facts)) return false;
  const members = [...state.records.members.values()];
  const member = members.find(({ value }) => sameAddress(value.redis, redis))?.value;
  return member !== undefined && state.peers.get(member.name)?.up === true;
}
