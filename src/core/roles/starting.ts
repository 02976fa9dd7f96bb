/**
 * Starting: this node has no place in the service yet, or lost it. Find one, or say why not.
 */
import { emitClaim, foreignRecord } from '../claim.ts';
import { decideFirstStart } from '../first-start.ts';
import type { FirstStartOutcome } from '../first-start.ts';
import { followForeign } from '../foreign.ts';
import { guardUnread } from '../guard.ts';
import type { RedisFacts } from '../facts.ts';
import { proofEndsAtMs, YOUNG_LOOK_MS } from '../fencing.ts';
import { hasSilentTwin, hasUnknownTwin } from '../obstacles.ts';
import { streamsByPromiseUntilMs } from '../promises.ts';
import { isEnabled, isFrozen, lastTerm, ourLease, ownFacts } from '../queries.ts';
import type { Kept, Member } from '../records.ts';
import { restoreTerm } from '../restore.ts';
import { isUnreadable } from '../service-settings.ts';
import type { RoleOf } from '../role.ts';
import type { State } from '../state.ts';
import { enterReplica } from '../transitions.ts';
import type { Turn } from '../turn.ts';

export function decideStarting(turn: Turn, role: RoleOf<'starting'>): void {
  const { state } = turn;
  if (state.stopping !== null) return void turn.emit({ kind: 'exit', keepsLease: false });
  const facts = ownFacts(state);
  if (facts !== null && !state.synced) leaveUnproved(turn, facts);
  if (facts !== null && lastTerm(state) !== null) guardUnread(turn, facts, lastTerm(state));
  if (!state.synced || ourLease(state) !== null) return;
  if (!state.records.members.has(state.settings.name)) return;
  if (decidingRecordIsUnreadable(state) || hasUnknownTwin(state)) return;
  if (hasSilentTwin(state)) return turn.refuse('awaiting_session_end');
  if (state.records.term === null && foreignRecord(state) === null && restoreTerm(turn, role)) return;
  if (facts === null) return;
  if (state.records.term !== null) return enterReplica(turn, 'term_found');
  if (foreignRecord(state) !== null) return followForeign(turn, facts);
  firstStart(turn, role, facts);
}

/**
 * An agent that was restarted while the ensemble is away: its Redis streams from a master that may be deposed, and one
 * replica that stays with it keeps it writable for ever. And where it is not linked, nobody knows which process will
 * answer under that address (I5).
 */
function leaveUnproved(turn: Turn, facts: RedisFacts): void {
  const { state } = turn;
  if (!state.managedBefore || facts.link === null || isFrozen(facts)) return;
  const unknown = !facts.link.up && state.memory === null && facts.keys > 0;
  if (!facts.link.up && !unknown) return;
  const provedUntilMs = Math.max(proofEndsAtMs(state), streamsByPromiseUntilMs(state, facts.link));
  const untilMs = unknown ? state.startedAtMs + YOUNG_LOOK_MS : provedUntilMs;
  if (turn.now < untilMs) return turn.wakeAt(untilMs);
  if (turn.emit({ kind: 'freeze' })) turn.report('frozen', { because: 'no_proof_from_ensemble' });
}

/** Something that is not ours stands where a deciding record should be: whatever it is, it is not overwritten. */
function decidingRecordIsUnreadable(state: State): boolean {
  return isUnreadable(state, 'term') || isUnreadable(state, 'lease') || isUnreadable(state, 'settings');
}

/** Of members that lead to one Redis the later ones refuse (duplicate_run_id): nobody may wait for them. */
function withRedisOfTheirOwn(members: readonly Kept<Member>[]): readonly Member[] {
  const isLater = ({ value, znode }: Kept<Member>): boolean =>
    value.runId !== null &&
    members.some((other) => other.value.runId === value.runId && other.znode.czxid < znode.czxid);
  return members.filter((member) => !isLater(member)).map(({ value }) => value);
}

/** Whose data was seen is remembered, so that nobody decides by going away: of all that conflict, or of a master. */
function noteData(turn: Turn, outcome: FirstStartOutcome, members: readonly Member[]): void {
  const conflict = outcome.result === 'wait' && outcome.reason === 'conflicting_datasets';
  const holders = members.filter(({ dataset }) => dataset?.hasKeys === true && (conflict || dataset.role === 'master'));
  const { awaited } = turn.state;
  const before = outcome.result === 'master' ? [] : awaited;
  const names = [...new Set([...before, ...holders.map(({ name }) => name)])].sort();
  if (names.length !== awaited.length || names.some((name) => !awaited.includes(name))) turn.update({ awaited: names });
}

/** Our own record may not say it yet. */
function isTakenOut(state: State, name: string): boolean {
  return name === state.settings.name ? !isEnabled(state) : state.records.nodes.get(name)?.value.disabled === true;
}

/** Nobody was ever master here, or the ensemble was wiped. */
function firstStart(turn: Turn, role: RoleOf<'starting'>, facts: RedisFacts): void {
  const { state } = turn;
  const { bootstrapSettleMs: settleMs, electionSettleMs, expectedNodes } = state.settings;
  const elapsedMs = turn.now - role.sinceMs;
  const members = withRedisOfTheirOwn([...state.records.members.values()]);
  const { awaited } = state;
  const disabled = members.map(({ name }) => name).filter((name) => isTakenOut(state, name));
  const outcome = decideFirstStart({ members, expectedNodes, settleMs, elapsedMs, awaited, disabled });
  turn.wakeAt(role.sinceMs + settleMs);
  noteData(turn, outcome, members);
  if (!isEnabled(state)) turn.refuse('node_disabled');
  if (outcome.result === 'wait') return turn.refuse(outcome.reason);
  if (outcome.name !== state.settings.name) {
    // It claims within milliseconds, unless it was taken out, or something keeps it: a Redis that hangs, a promise.
    const untilMs = disabled.includes(outcome.name) ? turn.now : role.sinceMs + settleMs + electionSettleMs;
    return turn.now < untilMs ? turn.wakeAt(untilMs) : turn.refuse('awaiting_winner');
  }
  if (!isEnabled(state)) return;
  if (state.records.lease !== null) return turn.refuse('awaiting_session_end');
  emitClaim(turn, {
    term: null,
    facts,
    inSync: [],
    deposed: null,
    takeover: false,
    removeLease: false,
    adopt: false,
  });
}
