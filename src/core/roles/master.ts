/**
 * Master: keep the lease fresh, publish, keep the in-sync set true; fence at the first doubt.
 *
 * `decideMaster` is the list of duties in order of urgency. What is started here (announcement, dead-man, in-sync
 * set) is stopped by giving up the lease, which deletes lease and record in one transaction.
 */
import { emitClaim, foreignRecord, isOwnEarlierRecord, masterRecordOf, nextEpoch } from '../claim.ts';
import { isDeserted } from '../complaint.ts';
import { endFailsafe } from '../failsafe.ts';
import { deadMan, FENCE_MIN_REPLICAS, fenceAtMs } from '../fencing.ts';
import { absentNow, forgettable, leaveOut } from '../forget.ts';
import type { RedisFacts } from '../facts.ts';
import { leaveFormer } from '../guard.ts';
import { allAttached, attachingNow, ATTACH_GRACE_MS, hasUnregistered, seeReplicas, wantedTerm } from '../in-sync.ts';
import { divergentBytes, positionOf } from '../lineage.ts';
import {
  CLOSED_ADDRESS, isEnabled, isFrozen, isLinkedTo, lastTerm, ourLease, ownFacts, remoteIsHealthy, seesRecords,
} from '../queries.ts';
import type { Kept, Term } from '../records.ts';
import { giveUpLease, yieldDeadRedis } from '../power.ts';
import { isHeldByItsAgent, isLoss } from '../rescue.ts';
import { beginsHandOver } from '../operations/hand-over.ts';
import { staysInOffice } from '../operations/leaving.ts';
import { isPaused } from '../operations/pause.ts';
import { prove } from '../results.ts';
import type { RoleOf } from '../role.ts';
import type { State } from '../state.ts';
import { hasBetterSuccessor, hasStreamingSuccessor, hasSuccessor, successorWithData } from '../succession.ts';
import { missingSettings } from '../service-settings.ts';
import { amendRole, enterSteppingDown } from '../transitions.ts';
import type { Turn } from '../turn.ts';

export function decideMaster(turn: Turn, held: RoleOf<'master'>): void {
  const role = noteRenewal(turn, held);
  const doubted = watchLease(turn, role);
  // A lease that is on its way back is nobody's: an announcement behind the release would outlive it.
  if (turn.awaits('release') || yieldDeadRedis(turn)) return;
  const facts = ownFacts(turn.state);
  const term = turn.state.records.term;
  if (facts === null) return;
  // Somebody made it a replica, of whom nothing is known here: it copies nobody whom it meets at that address (I5).
  if (facts.role === 'replica') leaveFormer(turn, facts);
  if (ourLease(turn.state) === null) return reclaimLease(turn, facts);
  if (term === null || stepsDown(turn, doubted)) return;
  if (turn.state.looseRelease && seesRecords(turn.state)) return renewEpoch(turn, term, facts);
  if (doubted.inDoubt) return turn.refuse('zookeeper_unreachable');
  // A term of another epoch is not ours to change, whatever our lease looks like from here.
  if (term.value.epoch !== role.epoch) return;
  if (nextEpoch(turn.state) > role.epoch + 1) return renewEpoch(turn, term, facts);
  if (facts.role === 'replica') return resumeMastership(turn, doubted, term.value, facts);
  // Promoted again: its replicas lost it, and have to attach anew.
  const serving = doubted.demotedSinceMs === null
    ? doubted
    : amendRole(turn, doubted, { demotedSinceMs: null, sinceMs: turn.now });
  if (beginsHandOver(turn, serving, term.value, facts)) return;
  if (handsOver(turn, serving, term.value, facts)) return;
  announce(turn, term.znode.version);
  fenceDeposed(turn, serving, term.value);
  maintainInSync(turn, serving, term, facts);
}

/**
 * The lease is adopted once more, under an epoch that nobody has seen; the master stays the same. So it is where
 * somebody remembers an epoch above ours: the ensemble was wiped, and our term began too low (I1). And where a release
 * of ours may still be on its way: it is checked against the term, and fails against the new one.
 */
function renewEpoch(turn: Turn, term: Kept<Term>, facts: RedisFacts): void {
  const { inSync } = term.value;
  const adopt = facts.role === 'master';
  emitClaim(turn, { term, facts, inSync, deposed: null, takeover: false, removeLease: true, adopt });
}

/**
 * The lease of a later epoch is ours. The ensemble heard us when it was claimed; what the others had promised was for
 * the epoch before.
 */
function noteRenewal(turn: Turn, role: RoleOf<'master'>): RoleOf<'master'> {
  const epoch = ourLease(turn.state)?.value.epoch ?? role.epoch;
  if (epoch === role.epoch || turn.state.records.term?.value.epoch !== epoch) return role;
  const { claimed, failsafe } = turn.state;
  turn.report('epoch_claimed', { epoch, takeover: false });
  if (claimed?.epoch === epoch) prove(turn, claimed.atMs);
  turn.update({ looseRelease: false });
  if (failsafe !== null) turn.report('lease_reclaimed', { epoch });
  endFailsafe(turn, 'lease_reclaimed');
  return amendRole(turn, role, { epoch });
}

/**
 * The outage cost us the session and the lease with it, while the others' promises kept everybody from claiming. The
 * lease is claimed anew, of the next epoch, as a restarted agent does: the same Redis goes on with the same data.
 * In an ensemble that forgot everything its term goes on: whoever is registered, in sync, and how it was set.
 */
function reclaimLease(turn: Turn, facts: RedisFacts): void {
  const { records } = turn.state;
  if (!seesRecords(turn.state) || facts.role !== 'master') return;
  emitClaim(turn, {
    term: records.term,
    restored: turn.state.memory?.term ?? null,
    facts,
    inSync: lastTerm(turn.state)?.inSync ?? [],
    deposed: null,
    takeover: false,
    removeLease: records.lease !== null,
    adopt: true,
  });
}

/** Fencing begins by the clock alone, whatever else this agent is doing or waiting for. */
function watchLease(turn: Turn, role: RoleOf<'master'>): RoleOf<'master'> {
  const dueMs = fenceAtMs(turn.state);
  turn.wakeAt(dueMs);
  const inDoubt = turn.now >= dueMs || turn.state.looseRelease;
  if (inDoubt === role.inDoubt) return role;
  const heardAgoMs = Math.round(turn.now - turn.state.lastProofMs);
  turn.report(inDoubt ? 'lease_in_doubt' : 'lease_confirmed', { epoch: role.epoch, heard_ago_ms: heardAgoMs });
  return amendRole(turn, role, { inDoubt });
}

function stepsDown(turn: Turn, role: RoleOf<'master'>): boolean {
  const { state } = turn;
  const record = foreignRecord(state);
  if (record !== null && !isOwnEarlierRecord(state, record.value)) {
    enterSteppingDown(turn, role, { because: 'foreign_master_record', alone: false });
    return true;
  }
  const because = state.stopping !== null ? 'stop' : isEnabled(state) ? null : 'disable';
  if (because === 'stop' && staysInOffice(turn, role)) return false;
  // Without the ensemble nobody can be given the office, and by the time there is one, the node may be enabled again.
  if (because === 'disable' && !seesRecords(state)) return false;
  if (because !== null) {
    const alone = !hasSuccessor(state);
    // Alone it goes on taking writes: first the term must name nobody who could be promoted without them.
    if (alone && (state.records.term?.value.inSync.length ?? 0) > 0) return false;
    enterSteppingDown(turn, role, { because, alone });
    return true;
  }
  if (staysByItself(turn)) return false;
  if (refusesWritesTooLong(turn)) {
    turn.update({ unwritableEpoch: role.epoch });
    enterSteppingDown(turn, role, { because: 'unwritable', alone: false });
    return true;
  }
  if (successorWithData(state) === null) return false;
  enterSteppingDown(turn, role, { because: 'yield', alone: false });
  return true;
}

/** Nobody hands over unasked while an operator works on the service, or while nobody can be given the office. */
function staysByItself(turn: Turn): boolean {
  return isPaused(turn.state) || !seesRecords(turn.state);
}

/** Writable is what a master is for: one whose disk is full hands over, if that helps. It loses nothing: it lives. */
function refusesWritesTooLong(turn: Turn): boolean {
  const { own, settings } = turn.state;
  if (own.refusesSinceMs === null) return false;
  const untilMs = own.refusesSinceMs + settings.unwritableAfterMs;
  turn.wakeAt(untilMs);
  if (turn.now < untilMs) return false;
  if (hasBetterSuccessor(turn.state)) return true;
  turn.refuse('no_better_replica');
  return false;
}

/**
 * Most replicas cannot reach us. Whoever is in sync and streams may be reached by them; and not again at once, or two
 * masters that others reach equally badly would pass the office to and fro.
 */
function handsOver(turn: Turn, role: RoleOf<'master'>, term: Term, facts: RedisFacts): boolean {
  const { state } = turn;
  if (!isDeserted(state, term, facts)) return false;
  turn.refuse('replicas_cut_off');
  if (staysByItself(turn)) return false;
  const fromMs = role.sinceMs + state.settings.failoverCalmMs;
  if (turn.now < fromMs) {
    turn.wakeAt(fromMs);
    return false;
  }
  if (!hasStreamingSuccessor(state, facts)) return false;
  enterSteppingDown(turn, role, { because: 'complaint', alone: false });
  return true;
}

/**
 * Somebody made our Redis a replica behind our back. That may have been a successor's fence, so the lease is confirmed
 * first, by a heartbeat sent after it was seen. Then, with its data still the service's, it is promoted again; with
 * anything else in it, promoting it would publish foreign data.
 */
function resumeMastership(turn: Turn, role: RoleOf<'master'>, term: Term, facts: RedisFacts): void {
  const sinceMs = role.demotedSinceMs ?? turn.now;
  if (role.demotedSinceMs === null) amendRole(turn, role, { demotedSinceMs: sinceMs });
  if (turn.state.lastProofMs <= sinceMs) return void turn.emit({ kind: 'heartbeat' });
  const intact = positionOf(facts, term) !== null && !turn.state.own.halfSynced;
  if (!intact) return giveUpLease(turn, 'foreign_dataset');
  turn.emit({ kind: 'promote', minReplicas: deadMan(turn.state, term.inSync.length > 0) });
}

function announce(turn: Turn, termVersion: number): void {
  // It would name a version that is about to pass.
  if (turn.awaits('write_term')) return;
  const { masterRecord } = turn.state.records;
  const record = masterRecordOf(turn.state);
  if (masterRecord === null) {
    if (turn.emit({ kind: 'announce', record, replace: false, termVersion })) turn.report('announced', { ...record });
    return;
  }
  const ours = masterRecord.znode.owner === turn.state.session?.id;
  if (!ours && isOwnEarlierRecord(turn.state, masterRecord.value)) {
    turn.emit({ kind: 'announce', record, replace: true, termVersion });
  }
}

/**
 * A deposed Redis whose agent is gone may come back writable: it is fenced again whenever it is seen as master. Only
 * if it holds data of the lineage, though: an address may have passed to somebody else's server.
 */
function fenceDeposed(turn: Turn, role: RoleOf<'master'>, term: Term): void {
  const { remote, settings } = turn.state;
  if (role.deposed === null || remote.link !== 'open' || !remote.current || remote.facts === null) return;
  const { facts } = remote;
  if (isLinkedTo(facts, settings.redis)) return void amendRole(turn, role, { deposed: null });
  if (isHeldByItsAgent(turn.state, role.deposed, facts)) return;
  const target = hasNothingOfItsOwn(turn.state, facts, term) ? settings.redis : CLOSED_ADDRESS;
  if (isLinkedTo(facts, target)) return void amendRole(turn, role, { deposed: null });
  const loose = facts.role === 'master' || isFrozen(facts);
  if (!loose || positionOf(facts, term) === null) return;
  if (!turn.emit({ kind: 'remote_fence_hard', target })) return;
  turn.report('remote_fenced', { host: role.deposed.host, port: role.deposed.port, epoch: role.epoch });
}

/**
 * Whether a deposed Redis may follow without its own agent, which alone can rescue what it holds. Only what can grow
 * no more says so: what a server showed before it fell silent, or while it took writes, is not what it holds now.
 */
function hasNothingOfItsOwn(state: State, facts: RedisFacts, term: Term): boolean {
  const isFinal = isFrozen(facts) || facts.minReplicas === FENCE_MIN_REPLICAS;
  return remoteIsHealthy(state) && isFinal && !isLoss(divergentBytes(facts, term, ownFacts(state)));
}

function maintainInSync(turn: Turn, role: RoleOf<'master'>, term: Kept<Term>, facts: RedisFacts): void {
  if (hasUnregistered(turn.state, facts)) turn.refuse('unregistered_replica');
  const absent = absentNow(turn.state, role, term.value);
  const seen = seeReplicas(turn.state, facts);
  const { attaching, joining } = attachingNow(turn.state, role, seen);
  const current = amendRole(turn, role, { attaching, joining, absent });
  if (!allAttached(term.value, seen)) turn.wakeAt(role.sinceMs + ATTACH_GRACE_MS);
  if (term.value.falls > 0) turn.wakeAt(role.sinceMs + turn.state.settings.failoverCalmMs);
  const forget = forgettable(turn, current, term.value);
  const wanted = leaveOut(wantedTerm(turn.state, current, term.value, seen), term.value, forget);
  if (wanted === null) return writeMissingSettings(turn, term);
  if (!turn.emit({ kind: 'write_term', term: wanted, version: term.znode.version })) return;
  turn.update({ offered: { nodes: wanted.nodes, inSync: wanted.inSync, atMs: turn.now } });
  turn.report('in_sync_changed', { epoch: role.epoch, in_sync: wanted.inSync, nodes: wanted.nodes });
  const added = wanted.nodes.filter((name) => !term.value.nodes.includes(name));
  if (added.length > 0) turn.report('node_registered', { names: added });
  if (forget.length > 0) turn.report('node_forgotten', { names: forget, epoch: role.epoch });
}

/** An operator removed the service's settings to have them written anew, or no version before this one wrote any. */
function writeMissingSettings(turn: Turn, { value, znode }: Kept<Term>): void {
  const settings = missingSettings(turn.state);
  if (settings === null) return;
  const term = { ...value, settingsVersion: settings.version };
  if (!turn.emit({ kind: 'write_term', term, version: znode.version, settings })) return;
  const { version, durability, waitReplicas, onEnsembleLoss, priorityLagBytes } = settings;
  turn.report('settings_written', {
    version,
    durability,
    wait_replicas: waitReplicas,
    on_ensemble_loss: onEnsembleLoss,
    priority_lag_bytes: priorityLagBytes,
  });
}
