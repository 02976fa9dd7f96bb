/**
 * What every role keeps true beside its own duties: fence, own records, heartbeat, and the reasons that hold.
 */
import type { ReasonCode } from '../contract/reasons.ts';
import { nextEpoch } from './claim.ts';
import { complainsOf, noteCutOff } from './complaint.ts';
import { priorityOf } from './contest.ts';
import {
  FENCE_MIN_REPLICAS, fenceAtMs, heartbeatDueMs, openFullSyncs, reconcileMinReplicas, takeBackUnseenFence,
  wantedMinReplicas,
} from './fencing.ts';
import { sameAddress } from './facts.ts';
import type { RedisFacts } from './facts.ts';
import { answerForget } from './forget.ts';
import { hasLivingTwin, hasUnknownTwin, obstacle } from './obstacles.ts';
import { settleFailoverOrder } from './ordered-failover.ts';
import { holdsPower } from './power.ts';
import { isBound } from './promises.ts';
import { isFrozen, ownFacts, ownRedisHangs, ownRedisIsDead, seesRecords } from './queries.ts';
import { answerAsked } from './operations/asking.ts';
import { concludeSwitchover } from './operations/conclude.ts';
import { carryOutOwnOrder, endLeftBehind, forgetByOrder } from './operations/own-orders.ts';
import { explainPause } from './operations/pause.ts';
import { applyParameters } from './parameters.ts';
import type { Kept, Member, MemberDataset, NodeRecord, Term } from './records.ts';
import { restoreSettings } from './restore.ts';
import { settingDiffers } from './service-settings.ts';
import type { State } from './state.ts';
import { killStopped } from './stopped.ts';
import { disconnectStragglers } from './stragglers.ts';
import type { Turn } from './turn.ts';
import { isWhole } from './wholeness.ts';

/** Bounds every way of giving up power: without the ensemble there is nobody to hand over to. */
function endOverdueStop(turn: Turn): void {
  const { stopping, settings } = turn.state;
  if (stopping === null || !holdsPower(turn.state)) return;
  const untilMs = stopping.sinceMs + settings.shutdownTimeoutMs;
  if (turn.now >= untilMs) turn.emit({ kind: 'exit', keepsLease: false });
  else turn.wakeAt(untilMs);
}

export function reconcile(turn: Turn): void {
  endOverdueStop(turn);
  explain(turn);
  explainPause(turn);
  if (turn.awaits('rescue')) turn.refuse('rescue_running');
  if (ownFacts(turn.state)?.refusesWrites === true) turn.refuse('redis_refuses_writes');
  noteCutOff(turn);
  settleFailoverOrder(turn);
  if (mayTouchRedis(turn)) {
    reconcileMinReplicas(turn);
    openFullSyncs(turn);
    disconnectStragglers(turn);
    killStopped(turn);
    applyParameters(turn);
  } else {
    // Also while the records cannot be read: what they said last keeps us from touching anything.
    const why = obstacle(turn.state);
    if (why !== null) turn.refuse(why);
    takeBackUnseenFence(turn);
  }
  heartbeat(turn);
  forgetByOrder(turn);
  answerForget(turn);
  concludeSwitchover(turn);
  carryOutOwnOrder(turn);
  endLeftBehind(turn);
  answerAsked(turn);
  if (!turn.state.synced || turn.state.session?.connected !== true) return;
  keepMember(turn);
  if (hasLivingTwin(turn.state)) return;
  keepNodeRecord(turn);
  withdrawIdleBallot(turn);
  restoreSettings(turn);
  bootstrap(turn);
}

function explain(turn: Turn): void {
  const { own, session, nowMs, settings, commandRefused } = turn.state;
  if (turn.state.unreadable.length > 0) turn.refuse('record_unreadable');
  if (settingDiffers(turn.state)) turn.refuse('setting_differs');
  if (session?.connected !== true) turn.refuse('zookeeper_unreachable');
  if (own.link === 'failed' && own.failure === 'auth') turn.refuse('redis_auth_failed');
  else if (own.blocked === 'denied') turn.refuse('redis_auth_failed');
  else if (own.link !== 'open') turn.refuse('redis_unreachable');
  if (ownRedisHangs(turn.state)) turn.refuse('redis_hung');
  else if (own.silentSinceMs !== null) turn.wakeAt(own.silentSinceMs + settings.downAfterMs);
  if (own.link === 'failed') turn.wakeAt(Math.max(own.answeredAtMs, 0) + settings.downAfterMs);
  if (own.loadingSinceMs !== null && own.blocked === 'loading') {
    const untilMs = own.loadingSinceMs + settings.loadingTimeoutMs;
    turn.refuse(nowMs >= untilMs ? 'loading_timeout' : 'redis_loading');
    turn.wakeAt(untilMs);
  }
  if (turn.state.startsWritable) turn.refuse('starts_writable');
  if (commandRefused === 'NOPERM') turn.refuse('redis_command_refused');
  const fenceOverdue = wantedMinReplicas(turn.state) === FENCE_MIN_REPLICAS && nowMs >= fenceAtMs(turn.state);
  if (commandRefused === 'BUSY' && fenceOverdue) turn.refuse('cannot_fence_busy');
}

/** Whoever holds power must be able to fence, whatever a neighbour's configuration says. */
function mayTouchRedis({ state }: Turn): boolean {
  return holdsPower(state) || obstacle(state) === null;
}

/**
 * Runtime settings, asked for before any role may ask to follow: Redis looks at the announced address twice during a
 * handshake, and one that is set in between leaves it waiting for an answer that never comes (until repl-timeout).
 */
export function configure(turn: Turn): void {
  const facts = ownFacts(turn.state);
  if (facts === null || !turn.state.synced || hasUnknownTwin(turn.state)) return;
  if (sameAddress(facts.announced, turn.state.settings.redis) || !mayTouchRedis(turn)) return;
  if (isConnecting(facts) && !leavesMaster(turn)) return;
  turn.emit({ kind: 'configure' });
}

/** In a handshake, perhaps: it started as a replica (`replicaof` in its file) and has no link yet. */
function isConnecting(facts: RedisFacts): boolean {
  return facts.role === 'replica' && facts.link?.up === false && !isFrozen(facts);
}

/** Our node may end that handshake first; a server that the service does not know yet is left to finish it. */
function leavesMaster(turn: Turn): boolean {
  const { term } = turn.state.records;
  if (term?.value.nodes.includes(turn.state.settings.name) !== true) return false;
  turn.emit({ kind: 'freeze' });
  return true;
}

function heartbeat(turn: Turn): void {
  if (!seesRecords(turn.state) || turn.awaits('heartbeat')) return;
  const dueMs = heartbeatDueMs(turn.state);
  if (turn.now >= dueMs) turn.emit({ kind: 'heartbeat' });
  else turn.wakeAt(dueMs);
}

/** A Redis that is silent holds what it held: a first start is not to begin without it. */
function datasetOf(state: State): MemberDataset | null {
  const { own } = state;
  const facts = ownFacts(state) ?? (own.silentSinceMs === null || own.facts?.loading === true ? null : own.facts);
  return facts && {
    role: facts.role,
    replid: facts.replid,
    replid2: facts.replid2,
    hasKeys: facts.keys > 0,
    priority: priorityOf(state, facts),
    masterHost: facts.link?.host ?? null,
    masterPort: facts.link?.port ?? null,
  };
}

/**
 * As last seen, also where the ensemble has lost the record of a server that only hangs. The death of a member of the
 * in-sync set is worth a write: others wait for one that only hangs.
 */
function processOf(state: State, facts: RedisFacts | null): string | null {
  const { own, records: { term, members } } = state;
  const { name } = state.settings;
  const recorded = members.get(name)?.value.runId ?? null;
  if (ownRedisIsDead(state)) return term?.value.inSync.includes(name) === true ? null : recorded;
  const lastSeen = own.current ? (own.facts?.runId ?? null) : null;
  return facts?.runId ?? recorded ?? lastSeen;
}

/** A registered node of a running service publishes no dataset: its facts would change for ever (I8). */
function wantedMember(state: State): Member {
  const { name, instance, http, redis } = state.settings;
  const facts = ownFacts(state);
  const { term, members } = state.records;
  const registered = term?.value.nodes.includes(name) === true;
  const runId = processOf(state, facts);
  const priority = facts === null ? (members.get(name)?.value.priority ?? null) : priorityOf(state, facts);
  const dataset = registered ? null : datasetOf(state);
  const refusesWrites = facts?.refusesWrites ?? members.get(name)?.value.refusesWrites ?? false;
  // Nobody has to be told of the epoch of the term; of a higher one everybody, since the ensemble forgot it.
  const isKnown = registered && state.rememberedEpoch <= term.value.epoch;
  const rememberedEpoch = isKnown ? 0 : state.rememberedEpoch;
  const rememberedVersion = term === null ? (state.memory?.version ?? null) : null;
  const complaint = complainsOf(state);
  const { zone, noRead } = state.settings;
  const member: Member = {
    name, instance, http, redis, runId, priority, dataset, zone, noRead, refusesWrites, complainsOf: complaint,
    rememberedEpoch, rememberedVersion,
  };
  // A record that is read back has no member for what was left out.
  return state.sentinel === null ? member : { ...member, sentinel: state.sentinel };
}

/** The same words and numbers, in whatever order. */
function isSame(a: unknown, b: unknown): boolean {
  if (!isRecord(a) || !isRecord(b)) return a === b;
  let keys = 0;
  for (const key in a) {
    if (!isSame(a[key], b[key])) return false;
    keys += 1;
  }
  return keys === Object.keys(b).length;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/**
 * Our member record. One that another session owns is replaced only when its agent is provably gone; if that agent
 * answers with the recorded instance, two live agents share one name and this one touches nothing.
 */
function keepMember(turn: Turn): void {
  const { state } = turn;
  const kept: Kept<Member> | undefined = state.records.members.get(state.settings.name);
  const member = wantedMember(state);
  if (kept === undefined) return void turn.emit({ kind: 'write_member', member, how: 'create' });
  if (kept.znode.owner === state.session?.id) {
    if (!isSame(kept.value, member)) turn.emit({ kind: 'write_member', member, how: 'set' });
    return;
  }
  const { instance, http } = kept.value;
  if (instance === state.settings.instance) return void turn.emit({ kind: 'write_member', member, how: 'replace' });
  const isGone = state.twin?.instance === instance && (state.twin.as === 'refused' || state.twin.as === 'other');
  if (!isGone) {
    turn.emit({ kind: 'identify', address: http, instance });
    return;
  }
  turn.emit({ kind: 'write_member', member, how: 'replace' });
}

/** A node that lost its place after it voted must not keep the others waiting for its claim. */
function withdrawIdleBallot(turn: Turn): void {
  const { role, records, settings } = turn.state;
  const ballot = records.ballots.get(settings.name)?.value;
  if (ballot !== undefined && ballot.epoch === records.term?.value.epoch) turn.update({ ballotSeenMs: turn.now });
  if (role.name !== 'starting' || ballot?.refusal !== null) return;
  if (ballot.epoch === records.term?.value.epoch) turn.emit({ kind: 'withdraw_ballot' });
}

/** What an operator told this node. */
function toldOf({ enabled, operations: { maintenance } }: State): Pick<NodeRecord, 'disabled' | 'maintenance'> {
  return { disabled: enabled === false, maintenance: maintenance?.record ?? null };
}

function nodeRecordOf(state: State, facts: RedisFacts, term: Term): NodeRecord {
  const { name } = state.settings;
  const { disabled, maintenance } = toldOf(state);
  return {
    name,
    epoch: term.epoch,
    replid: facts.replid,
    offset: facts.offset,
    runId: facts.runId,
    inSync: term.inSync.includes(name) || term.master?.name === name,
    whole: isWhole(state, facts, term),
    disabled,
    maintenance,
    zone: state.settings.zone,
  };
}

function needsWriting(before: NodeRecord, now: NodeRecord): boolean {
  return (
    before.epoch !== now.epoch ||
    before.runId !== now.runId ||
    before.inSync !== now.inSync ||
    before.whole !== now.whole ||
    before.disabled !== now.disabled ||
    before.maintenance?.since !== now.maintenance?.since ||
    before.zone !== now.zone
  );
}

/**
 * What this node has: said by a master, of the process that the term names, and by a replica while its link is up; not
 * during an election. What a restarted master brought back is not what it had.
 */
function presentRecord(state: State, term: Term): NodeRecord | null {
  const { role } = state;
  const facts = ownFacts(state);
  if (facts === null || term.pending !== null) return null;
  const streams = role.name === 'replica' && facts.link?.up === true;
  const serves = role.name === 'master' && term.master?.runId === facts.runId;
  return serves || streams ? nodeRecordOf(state, facts, term) : null;
}

/** Of a node of which nothing but that it is disabled has ever been recorded. */
const NOTHING_SEEN = { epoch: 0, replid: 'none', offset: 0, runId: 'none', inSync: false, whole: false } as const;

/**
 * What an operator told this node does not wait until it has something else to say, or is registered: a new master
 * leaves out of its set whom the record calls disabled, and the next process of this agent knows it from nowhere else.
 */
function toldRecord(state: State, before: NodeRecord | undefined): NodeRecord | null {
  const told = toldOf(state);
  if (before !== undefined) return { ...before, ...told };
  const { name, zone } = state.settings;
  return told.disabled ? { name, ...NOTHING_SEEN, ...told, zone } : null;
}

/** The registry record: written on change only. */
function keepNodeRecord(turn: Turn): void {
  const { state } = turn;
  const { settings, records } = state;
  const term = records.term?.value;
  const before = records.nodes.get(settings.name);
  const present = term?.nodes.includes(settings.name) === true ? presentRecord(state, term) : null;
  const node = present ?? toldRecord(state, before?.value);
  if (node === null || (before !== undefined && !needsWriting(before.value, node))) return;
  turn.emit({ kind: 'write_node', node, version: before?.znode.version ?? null });
}

/** The holder of an earlier lease may still take writes because of what this agent promised it. */
function bootstrapRefusal(state: State, master: string): ReasonCode | null {
  const { lease, members } = state.records;
  if (lease !== null) return 'master_exists';
  if (isBound(state)) return 'failsafe_promised';
  return members.has(master) ? null : 'unknown_member';
}

/** Carries out an operator's `bootstrap`: a term that designates one node, and consents to what the others lose. */
function bootstrap(turn: Turn): void {
  const { state } = turn;
  const master = state.bootstrap;
  if (master === null) return;
  const { members, term } = state.records;
  const refusal = bootstrapRefusal(state, master);
  if (refusal !== null || term?.value.designated === master) {
    turn.update({ bootstrap: null });
    turn.emit({ kind: 'answer_order', order: 'bootstrap', refusal });
    return;
  }
  const nodes = [...new Set([...(term?.value.nodes ?? []), ...members.keys()])].sort();
  const designating: Term = {
    epoch: nextEpoch(state) - 1,
    master: null,
    nodes,
    inSync: [],
    lineage: [],
    pending: null,
    designated: master,
    handOver: null,
    falls: 0,
    settingsVersion: term?.value.settingsVersion ?? 0,
  };
  turn.emit({ kind: 'write_term', term: designating, version: term?.znode.version ?? null });
}
