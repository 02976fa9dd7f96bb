/**
 * The decision core: `step(state, input, nowMs)` gives the next state and what to do.
 *
 * One turn is always the same four movements:
 * 1. *take in*: the input becomes facts; the result of an action clears it from the list of those in flight, and a
 *    result that nobody waits for any more is dropped here, in this one place;
 * 2. *guard*: whoever has lost the lease leaves office before anything else is considered;
 * 3. *decide*: the role looks at all facts, as if it saw them for the first time, and asks for what is missing;
 * 4. *reconcile*: fence, member record, registry record and heartbeat are brought to what they must be.
 *
 * Because decisions are made from facts and not from the input that happened to arrive, an input that is lost,
 * repeated or late changes nothing in the end. That is what makes "the next look continues from what it finds" true.
 */
import type { ReasonCode } from '../contract/reasons.ts';
import type { Action } from './actions.ts';
import { foreignRecord } from './claim.ts';
import { sameAddress, UNSEEN, withPeer, withSight } from './facts.ts';
import { keepFailsafe } from './failsafe.ts';
import { checkInvariants } from './invariants.ts';
import type { Input, Order } from './inputs.ts';
import { holdsPower, losePower } from './power.ts';
import { configure, reconcile } from './reconcile.ts';
import { withRead } from './records.ts';
import type { Member, RecordRead, SettingsRecord } from './records.ts';
import { answerQuestion, keepPromise } from './promises.ts';
import { settle } from './results.ts';
import { decideCandidate } from './roles/candidate.ts';
import { decideMaster } from './roles/master.ts';
import { decidePromoting } from './roles/promoting.ts';
import { decideReplica } from './roles/replica.ts';
import { decideStarting } from './roles/starting.ts';
import { decideSteppingDown } from './roles/stepping-down.ts';
import { ask } from './operations/asking.ts';
import { disable, enable, endMaintenance, maintenanceFound } from './operations/maintenance.ts';
import { noteRead, noteSleep } from './operations/noting.ts';
import { noticeOwnRedis } from './own-redis.ts';
import { noteLag } from './health.ts';
import { hasUnknownTwin, obstacle } from './obstacles.ts';
import { ourLease, ownFacts, timeoutMs } from './queries.ts';
import type { State } from './state.ts';
import { remembered } from './restore.ts';
import { overlaid } from './service-settings.ts';
import { enterPromoting, enterStarting } from './transitions.ts';
import { ALERT_MS, Turn } from './turn.ts';
import { noteMasterOffset, noteOwnLink, noteOwnRecord } from './wholeness.ts';
import { remoteOf } from './wanted.ts';

/** A role may change several times in one turn (replica, candidate); this bounds it. */
const ROLE_CHANGES_MAX = 5;
/** Addresses of agents that are remembered, the latest read: more than a service has nodes. */
const AGENTS_MAX = 256;

export interface Step {
  readonly state: State;
  readonly actions: readonly Action[];
}

export function step(before: State, input: Input, nowMs: number): Step {
  const turn = new Turn(before);
  turn.update({ nowMs: Math.max(nowMs, before.nowMs) });
  checkInvariants(turn.state);
  takeIn(turn, input);
  endMaintenance(turn);
  configure(turn);
  keepPromise(turn);
  decide(turn);
  reconcile(turn);
  noteReasons(turn, before);
  noteRemoteTarget(turn);
  const state = turn.finish();
  checkInvariants(state);
  return { state, actions: turn.actions };
}

function takeIn(turn: Turn, input: Input): void {
  const { state } = turn;
  switch (input.kind) {
    case 'tick':
      return;
    case 'slept':
      // However long it was: nothing that was heard before counts any more. First fence, then look.
      noteSleep(turn, input.wallMs ?? null);
      return turn.update({
        lastProofMs: Math.min(turn.state.lastProofMs, turn.now - timeoutMs(turn.state)),
        connectedAtMs: Math.min(turn.state.connectedAtMs, turn.now - timeoutMs(turn.state)),
        sleptAtMs: turn.now,
        failsafe: state.failsafe && { ...state.failsafe, untilMs: Number.NEGATIVE_INFINITY },
      });
    case 'time_of_day': {
      const timeOfDay = { wallMs: input.wallMs, atMs: turn.now };
      return turn.update({ operations: { ...state.operations, timeOfDay } });
    }
    case 'session_connected':
      return sessionConnected(turn, input.sessionId, input.timeoutMs);
    case 'session_disconnected':
      if (state.session !== null) turn.update({ session: { ...state.session, connected: false }, synced: false });
      return turn.report('session_disconnected');
    case 'session_expired':
      turn.update({ session: null, synced: false });
      return turn.report('session_expired');
    case 'record_read':
      return recordRead(turn, input.read);
    case 'records_unreadable':
      if (input.paths.length > 0) turn.report('record_ignored', { paths: input.paths });
      return turn.update({ unreadable: input.paths });
    case 'records_synced':
      return recordsSynced(turn);
    case 'own_redis':
      noticeOwnRedis(turn, input.event);
      if (input.event.seen !== 'answered') return;
      noteLag(turn);
      return noteOwnLink(turn);
    case 'remote_redis':
      turn.update({ remote: withSight(state.remote, input.event, turn.now) });
      if (input.event.seen !== 'answered') return;
      noteLag(turn);
      return noteMasterOffset(turn);
    case 'peer':
      return notePeer(turn, input);
    case 'peer_hint':
      return turn.update({ alertUntilMs: turn.now + ALERT_MS });
    case 'failsafe_asked':
      return answerQuestion(turn, input.id, input.question);
    case 'sentinel':
      return turn.update({ sentinel: input.address });
    case 'action_done':
      return settle(turn, input.id, input.outcome);
    case 'order':
      return takeOrder(turn, input.order);
  }
}

function sessionConnected(turn: Turn, id: bigint, grantedMs: number): void {
  turn.update({ session: { id, timeoutMs: grantedMs, connected: true }, synced: false, connectedAtMs: turn.now });
  turn.report('session_connected', { timeout_ms: grantedMs });
}

function recordRead(turn: Turn, read: RecordRead): void {
  const before = turn.state.records;
  const records = withRead(before, read);
  const passedOn = before.lease !== null && before.lease.znode.owner !== records.lease?.znode.owner;
  // Now, not at the next connection: that one may find an ensemble that lost everything.
  const rememberedEpoch = Math.max(turn.state.rememberedEpoch, records.term?.value.epoch ?? 0);
  const lastLease = passedOn ? before.lease : turn.state.lastLease;
  const memory = remembered(turn.state.memory, records);
  turn.update({ records, lastLease, rememberedEpoch, memory });
  if (read.record === 'term' && before.term === null) noteTermPutBack(turn);
  const { masterRecord } = records;
  if (masterRecord !== null && foreignRecord(turn.state) === null) {
    turn.update({ explainedOwner: masterRecord.znode.owner });
  }
  if (read.record === 'settings') takeSettings(turn, before.settings?.value.version ?? null, read.kept?.value ?? null);
  noteRead(turn, read);
  if (read.record === 'members' && read.kept !== null) rememberAgent(turn, read.kept.value);
  const isOwn = read.record === 'nodes' && read.name === turn.state.settings.name;
  if (isOwn && read.kept !== null) noteOwnRecord(turn, read.kept.value);
}

/**
 * A term that comes without a lease was put back into an ensemble that lost it: whom it names may have promised to keep
 * out of elections before it lost its memory of that.
 */
function noteTermPutBack(turn: Turn): void {
  const { records, registeredAtStart, settings } = turn.state;
  if (records.term === null || records.lease !== null) return;
  turn.update({ registeredAtStart: registeredAtStart ?? records.term.value.nodes.includes(settings.name) });
}

/** Obeyed from this turn on. */
function takeSettings(turn: Turn, before: number | null, record: SettingsRecord | null): void {
  turn.update({ settings: overlaid(turn.state.local, record) });
  if (record === null || before === null || before === record.version) return;
  turn.report('settings_changed', { version: record.version });
}

/** Whom to ask when the ensemble is silent; a handful of names, bounded by the nodes of the service. */
function rememberAgent(turn: Turn, { name, http, redis }: Member): void {
  const before = turn.state.agents.get(name);
  if (name === turn.state.settings.name) return;
  if (sameAddress(before?.http, http) && sameAddress(before?.redis, redis)) return;
  const known = [...turn.state.agents].filter(([each]) => each !== name).slice(1 - AGENTS_MAX);
  turn.update({ agents: new Map([...known, [name, { http, redis }]]) });
}

function recordsSynced(turn: Turn): void {
  const { records, settings, enabled, everSynced, operations, role } = turn.state;
  const recorded = records.nodes.get(settings.name)?.value;
  const maintenance = enabled === null ? maintenanceFound(turn.state) : operations.maintenance;
  const registered = records.term === null ? null : records.term.value.nodes.includes(settings.name);
  turn.update({
    synced: true,
    everSynced: true,
    enabled: enabled ?? !(recorded?.disabled ?? false),
    operations: { ...operations, maintenance },
    registeredAtStart: everSynced ? turn.state.registeredAtStart : registered,
    // What a server was before we ever saw it, the records tell, unless they speak of an agent that we know nothing of;
    // else only a restart under our eyes is still to be placed.
    unplaced: turn.state.unplaced && (everSynced || hasUnknownTwin(turn.state)),
    role: role.name === 'starting' ? { ...role, sinceMs: turn.now } : role,
  });
}

function notePeer(turn: Turn, input: Extract<Input, { kind: 'peer' }>): void {
  const before = turn.state.peers.get(input.name);
  const after = withPeer(before, input.event, turn.now);
  const peers = new Map(turn.state.peers);
  if (after === undefined) peers.delete(input.name);
  else peers.set(input.name, after);
  turn.update({ peers });
  if (after?.up === before?.up) return;
  if (after?.up !== true) turn.update({ alertUntilMs: turn.now + ALERT_MS });
  turn.report(after?.up === true ? 'peer_up' : 'peer_down', { peer: input.name });
}

function takeOrder(turn: Turn, order: Order): void {
  switch (order.order) {
    case 'enable':
      return enable(turn, 'order');
    case 'disable':
      return disable(turn, order.maintenance ?? null);
    case 'stop':
      turn.update({ stopping: turn.state.stopping ?? { sinceMs: turn.now } });
      return turn.report('agent_stopping', { role: turn.state.role.name });
    case 'reload':
      return turn.update({
        local: order.settings,
        settings: overlaid(order.settings, turn.state.records.settings?.value ?? null),
      });
    case 'bootstrap':
      turn.update({ bootstrap: order.master });
      return turn.report('bootstrap_ordered', { master: order.master });
    case 'forget':
      turn.update({ forget: order.node });
      return turn.report('forget_ordered', { node: order.node });
    case 'operation':
    case 'cancel':
    case 'pause':
    case 'resume':
    case 'settings':
      return ask(turn, order);
  }
}

function decide(turn: Turn): void {
  for (let changes = 0; changes < ROLE_CHANGES_MAX; changes++) {
    const { role } = turn.state;
    // Before anything is judged by what the promises still cover.
    if (role.name === 'master') keepFailsafe(turn, role);
    if (!losePower(turn)) decideOnce(turn);
    if (turn.state.role.name === role.name) return;
  }
}

function decideOnce(turn: Turn): void {
  const { state } = turn;
  const { role } = state;
  const forbidden = state.synced ? obstacle(state) : null;
  if (forbidden !== null) turn.refuse(forbidden);
  if (!holdsPower(state)) {
    const placed = forbidden === null && ownFacts(state) !== null;
    if (!placed && role.name !== 'starting') return enterStarting(turn, forbidden ?? 'redis_not_serving');
    // Also of a Redis that died meanwhile: a lease with nobody behind it must be given back.
    if (forbidden === null && findsItsClaim(turn)) return;
    // Who remembers the term of a wiped ensemble puts it back, whatever became of its Redis.
    const mayRestore = forbidden === null && role.name === 'starting';
    if (!placed && !mayRestore && state.stopping === null) return;
  }
  switch (role.name) {
    case 'starting':
      return decideStarting(turn, role);
    case 'replica':
      return decideReplica(turn);
    case 'candidate':
      return decideCandidate(turn, role);
    case 'promoting':
      return decidePromoting(turn, role);
    case 'master':
      return decideMaster(turn, role);
    case 'stepping_down':
      return decideSteppingDown(turn, role);
  }
}

/**
 * A claim counts when its lease is read back, not when its answer arrives: the answer may be lost with the
 * connection while the transaction stands.
 */
function findsItsClaim(turn: Turn): boolean {
  const lease = ourLease(turn.state)?.value;
  if (lease?.instance !== turn.state.settings.instance || !turn.state.synced) return false;
  if (turn.state.records.term?.value.epoch !== lease.epoch || turn.awaits('release')) return false;
  const { claimed } = turn.state;
  const plan = claimed?.epoch === lease.epoch ? claimed : { deposed: null, takeover: false, fenced: false };
  const { epoch } = lease;
  const remoteFence = plan.fenced ? 'answered' : 'none';
  enterPromoting(turn, { epoch, deposed: plan.deposed, takeover: plan.takeover, remoteFence }, 'claimed');
  turn.report('epoch_claimed', { epoch, takeover: plan.takeover });
  if (claimed?.epoch === epoch && claimed.adopt) turn.report('lease_adopted', { epoch });
  return true;
}

function noteReasons(turn: Turn, before: State): void {
  for (const reason of turn.reasons) if (!before.reasons.has(reason)) turn.report('refused', { reason });
  for (const reason of before.reasons) if (!turn.reasons.has(reason)) turn.report('refusal_ended', { reason });
  if (!sameReasons(turn.reasons, before.reasons)) turn.update({ reasons: turn.reasons });
}

/** In the same order, too: they are shown in it. */
function sameReasons(a: ReadonlySet<ReasonCode>, b: ReadonlySet<ReasonCode>): boolean {
  return a.size === b.size && [...a].join() === [...b].join();
}

/** When another Redis becomes the one to watch, what was seen of the former says nothing about it. */
function noteRemoteTarget(turn: Turn): void {
  const remote = remoteOf(turn.state);
  const { remoteTarget } = turn.state;
  if (remote?.host === remoteTarget?.host && remote?.port === remoteTarget?.port) return;
  turn.update({ remoteTarget: remote, remote: UNSEEN });
}
