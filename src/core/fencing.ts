/**
 * Fencing: when must our Redis refuse writes, and what says so.
 *
 * The problem: an agent may lose its lease without hearing of it. Waiting for the news is the wrong answer, because
 * the news may come when the successor already serves; asking the ensemble "am I still master?" is wrong too, because
 * a server that is cut off from its quorum goes on answering. So the holder measures from the moment it *sent* the
 * last heartbeat that was answered through the leader. `F = 2/3 T` after that moment its Redis must be fenced, while
 * the ensemble cannot give the lease away before `T`; clock rates that differ by 10 % still leave 0.74 T < 0.91 T.
 *
 * `min-replicas-to-write` serves twice. Out of reach (1000000) it is the reversible fence. At 1 it is the dead-man:
 * a master whose agent is frozen stops by itself once its last replica has left it. What value it must have is worked
 * out anew in every turn and compared with what Redis was seen to have, so that whoever else changes it, and whatever
 * command was lost, the next look puts it right.
 */
import type { ActionKind } from './actions.ts';
import { isEnabled, isForeign, isLinkedTo, isTakenBack, othersLease, timeoutMs } from './queries.ts';
import { sameAddress } from './facts.ts';
import type { RedisFacts } from './facts.ts';
import type { Kept, Member, Term } from './records.ts';
import { streams } from './in-sync.ts';
import { hasLivingTwin, hasUnknownTwin } from './obstacles.ts';
import type { State } from './state.ts';
import type { Turn } from './turn.ts';
import { POLL_MASTER_MS, POLL_REMOTE_PEACE_MS } from './wanted.ts';

/** `min-replicas-to-write` that no service reaches: every write is refused. */
export const FENCE_MIN_REPLICAS = 1_000_000;
/** Part of the session timeout after which a holder that heard nothing must be fenced. */
export const FENCE_PART = 2 / 3;
/** Largest default margin by which fencing begins before that deadline. */
export const FENCE_MARGIN_MAX_MS = 500;
/** A server this young was restarted under us, or with us: it cannot be the one that a lease speaks of. */
export const YOUNG_SERVER_SECONDS = 5;

/** How long a fresh agent leaves a server unfenced while it waits for the records. */
export const FIRST_LOOK_MS = 500;

/** The same for a server that is as young as the agent: the time that I2 leaves a restart without a start fence. */
export const YOUNG_LOOK_MS = 30;

export function fenceMarginMs(state: State): number {
  return state.settings.fenceMarginMs ?? Math.min(FENCE_MARGIN_MAX_MS, timeoutMs(state) / 8);
}

/** The moment at which fencing begins if no heartbeat is answered before. */
export function fenceAtMs(state: State): number {
  return Math.max(proofEndsAtMs(state), coverEndsAtMs(state)) - fenceMarginMs(state);
}

/** The moment at which the promises of all registered nodes end that stand in for the ensemble; -Infinity = none. */
export function coverEndsAtMs(state: State): number {
  return state.failsafe?.untilMs ?? Number.NEGATIVE_INFINITY;
}

/** The proof that power rests on: not the one that came too late, until a second one follows. */
export function proofMs({ role, lateProof, lastProofMs }: State): number {
  const isHolder = role.name === 'master' || role.name === 'promoting' || role.name === 'stepping_down';
  return isHolder && lateProof !== null ? lateProof.beforeMs : lastProofMs;
}

/** The moment from which an agent without proof from the ensemble must not leave its Redis streaming (dead-man). */
export function proofEndsAtMs(state: State): number {
  return proofMs(state) + FENCE_PART * timeoutMs(state);
}

/**
 * Until when an action may still be carried out. An agent may be stopped between deciding and doing: what gives power,
 * or acts on the strength of it, is then dropped, because by now the lease may be another's. What takes power away is
 * never too late. Writes to the ensemble need no such bound: a version check stands in each that matters.
 */
export function notAfterMs(state: State, kind: ActionKind): number {
  const { role } = state;
  switch (kind) {
    case 'promote':
    case 'open_full_syncs':
    case 'announce':
    case 'remote_fence_reversibly':
    case 'remote_fence_hard':
      return fenceAtMs(state);
    case 'set_min_replicas':
      return role.name === 'master' || role.name === 'promoting' ? fenceAtMs(state) : Number.POSITIVE_INFINITY;
    case 'follow':
    case 'detach':
      return othersLease(state) === null ? Number.POSITIVE_INFINITY : proofEndsAtMs(state);
    case 'heartbeat':
    case 'write_member':
    case 'write_node':
    case 'cast_ballot':
    case 'withdraw_ballot':
    case 'claim':
    case 'release':
    case 'write_term':
    case 'identify':
    case 'rescue':
    case 'ask_promises':
    case 'answer_question':
    case 'kill_redis':
    case 'fence_reversibly':
    case 'fence_hard':
    case 'freeze':
    case 'configure':
    case 'apply_parameters':
    case 'kill_stragglers':
    case 'tell':
    case 'report':
    case 'answer_order':
    case 'answer_operation':
    case 'store_order':
    case 'write_order':
    case 'end_order':
    case 'write_pause':
    case 'write_settings':
    case 'exit':
      return Number.POSITIVE_INFINITY;
  }
}

/** Heartbeat of the lease holder: six in a timeout. */
export const HEARTBEATS_OF_HOLDER = 6;
/** Everybody else's proof that the ensemble hears them; it stands in for the session ping. */
export const HEARTBEATS_OF_OTHERS = 4;

/**
 * When the next heartbeat is due: at least so often, and where that leaves half of the interval or more, as early as
 * the questions to our Redis are asked: an agent at rest pays for waking up, not for what it does then.
 */
export function heartbeatDueMs(state: State): number {
  const { lastProofMs, role } = state;
  const holder = role.name === 'master' || role.name === 'promoting';
  const everyMs = timeoutMs(state) / (holder ? HEARTBEATS_OF_HOLDER : HEARTBEATS_OF_OTHERS);
  const gridMs = holder ? POLL_MASTER_MS : POLL_REMOTE_PEACE_MS;
  const dueMs = lastProofMs + everyMs;
  const onGridMs = Math.floor(dueMs / gridMs) * gridMs;
  return onGridMs - lastProofMs >= everyMs / 2 ? onGridMs : dueMs;
}

/** Dead-man for an in-sync set: 1 while anybody could be promoted in our place, never below the operator's own. */
export function deadMan(state: State, anybodyInSync: boolean): number {
  return Math.max(anybodyInSync ? 1 : 0, state.minReplicasFloor ?? 0);
}

/**
 * Whether a restarted agent may still find its own lease and go on without a gap: then nothing is fenced yet. Not for
 * long: nobody knows for how long that lease has gone unheard, so it may pass to another at any moment.
 */
export function mayAdopt(state: State, facts: RedisFacts): boolean {
  const lease = state.records.lease?.value;
  const named = lease?.node === state.settings.name && lease.runId === facts.runId;
  return named && looksAround(state);
}

/** A fresh agent has had no time yet to read the records and to see who else answers. */
function looksAround({ nowMs, startedAtMs }: State): boolean {
  return nowMs - startedAtMs < FIRST_LOOK_MS;
}

function anybodyStreams({ own }: State): boolean {
  return own.facts?.replicas.some(streams) ?? false;
}

/** The one that handed over holds a copy, and may have to serve again, until the term says that we do. */
export function handsOver({ records }: State): boolean {
  return (records.term?.value.handOver ?? null) !== null;
}

function wantedOfMaster(state: State): number {
  const { role, records } = state;
  if (role.name !== 'master' || role.inDoubt || state.unplaced) return FENCE_MIN_REPLICAS;
  const inSync = records.term?.value.inSync ?? [];
  // Nobody can commit that the set is empty, and the operator chose to go on without: only then this may be lowered.
  if (state.failsafe?.byChoice === true && !anybodyStreams(state)) return deadMan(state, false);
  return deadMan(state, inSync.length > 0 || role.joining.length > 0 || handsOver(state));
}

/**
 * A fresh agent beside a fresh Redis: it may be a deposed master that was restarted together with its agent, or a
 * server that this agent has no business with at all (a copied configuration, a wrong address). The records tell, and
 * they are a few milliseconds away; only if they do not come is the server fenced unseen.
 */
function looksFirst(state: State): boolean {
  return !state.everSynced && state.role.name === 'starting' && state.nowMs - state.role.sinceMs < YOUNG_LOOK_MS;
}

/**
 * A master beside an agent that cannot read the records, or does not know yet whether their owner of its own name
 * lives. If an agent of this node managed it before (it announces the address that only we set), its lease may be gone
 * by now, and nobody else is there to fence it. How long that agent had not been heard when it ended, its successor
 * cannot know: to wait F from its own start is too long (I2).
 */
function wantedUnread(state: State, facts: RedisFacts): number | null {
  const managedBefore = sameAddress(facts.announced, state.settings.redis);
  return managedBefore && !looksAround(state) ? FENCE_MIN_REPLICAS : null;
}

/**
 * Nobody could take over, so it goes on without an office: as the process that it was, and, once no operator tells it
 * to do nothing any more, only as long as the ensemble hears it. Somebody may have been elected since. Who is enabled
 * again behind a release that nobody has answered may hold no lease, and then nothing keeps others from one.
 */
function servesAlone(state: State): boolean {
  if (state.role.name !== 'stepping_down' || !state.role.alone || state.unplaced || isTakenBack(state)) return false;
  return !isEnabled(state) || state.nowMs < proofEndsAtMs(state);
}

/**
 * It gave its office away with its Redis writable, and nobody has said that this was declined: a fence that is found
 * behind that is a successor's, who counts on it.
 */
function isSuccessorsFence(state: State, facts: RedisFacts): boolean {
  const { role, inFlight, looseRelease, lastProofMs } = state;
  if (role.name !== 'stepping_down' || role.releaseSentAtMs === null) return false;
  const isDeclined = !inFlight.has('release') && !looseRelease && lastProofMs > role.releaseSentAtMs;
  return facts.minReplicas === FENCE_MIN_REPLICAS && !isDeclined;
}

/**
 * A node that an operator took out is left as it is, also as the only one that serves; not one whose office has passed
 * to another since, whoever holds it by now: what it acknowledged would be gone with the next master.
 */
function isLeftAlone(state: State, { master }: Term): boolean {
  const passedOn = master !== null && master.name !== state.settings.name;
  return !isEnabled(state) && othersLease(state) === null && !passedOn;
}

/** A Redis in role master whose node holds no lease. */
function wantedWithoutOffice(state: State, facts: RedisFacts): number | null {
  if (state.unplaced) return looksFirst(state) ? null : FENCE_MIN_REPLICAS;
  if (!state.synced || hasUnknownTwin(state)) return wantedUnread(state, facts);
  if (mayAdopt(state, facts)) return null;
  const { term } = state.records;
  if (term === null || isForeign(facts, term.value, state.settings.name)) return null;
  return servesAlone(state) || isLeftAlone(state, term.value) ? null : FENCE_MIN_REPLICAS;
}

/** The lease changes, the master does not: it goes on serving. */
function adopts(state: State, facts: RedisFacts): boolean {
  const serves = facts.role === 'master' && facts.minReplicas !== FENCE_MIN_REPLICAS;
  return serves && !state.unplaced && state.nowMs < fenceAtMs(state);
}

/**
 * What `min-replicas-to-write` of our Redis must be now; null = leave it alone.
 *
 * 1. Master: the dead-man, or the fence while its lease is in doubt or its Redis is another process than it was.
 * 2. Promoting: the fence, unless it already serves and is only changing its lease (adoption). A replica is read-only
 *    anyway, and a fence sent now would arrive behind `promote` and undo it.
 * 3. Stepping down: the fence, unless nobody could take over, and nobody did.
 * 4. No office, Redis says master: the fence, unless the lease may be adopted, no term knows us, or an operator
 *    disabled this node and nobody else was master since.
 * 5. Replica of the master: no fence of ours may be left behind.
 *
 * Before all of them: a promotion on its way to Redis whose time is over is followed by the fence, unseen.
 */
export function wantedMinReplicas(state: State): number | null {
  const facts = commandableFacts(state);
  if (facts === null) return null;
  if (promotesTooLate(state)) return FENCE_MIN_REPLICAS;
  const inSync = state.records.term?.value.inSync ?? [];
  switch (state.role.name) {
    case 'master':
      return wantedOfMaster(state);
    case 'promoting':
      return facts.role === 'replica' || adopts(state, facts) ? null : FENCE_MIN_REPLICAS;
    case 'stepping_down':
      if (!servesAlone(state) || isSuccessorsFence(state, facts)) return FENCE_MIN_REPLICAS;
      return deadMan(state, inSync.length > 0);
    case 'starting':
    case 'replica':
    case 'candidate': {
      if (facts.role === 'master') return wantedWithoutOffice(state, facts);
      const linked = state.remoteTarget !== null && isLinkedTo(facts, state.remoteTarget);
      return linked && facts.link?.up === true ? (state.minReplicasFloor ?? 0) : null;
    }
  }
}

/** A promotion was sent in time and is not answered, and the lease that it was sent under is in doubt or gone. */
function promotesTooLate(state: State): boolean {
  const { role, nowMs } = state;
  if (!state.inFlight.has('promote')) return false;
  return (role.name !== 'promoting' && role.name !== 'master') || nowMs >= fenceAtMs(state);
}

/**
 * Facts of our Redis while it may be sent a `CONFIG SET`: also during loading, so that it is fenced before it serves,
 * and while it is silent, so that a fence waits in its socket when it thaws.
 */
function commandableFacts(state: State): RedisFacts | null {
  const { own } = state;
  return own.link === 'open' && own.current ? own.facts : null;
}

/** Brings `min-replicas-to-write` of our Redis to what it must be. */
export function reconcileMinReplicas(turn: Turn): void {
  if (turn.state.synced && !hasUnknownTwin(turn.state)) turn.update({ fencedUnseen: false });
  const wanted = wantedMinReplicas(turn.state);
  const facts = commandableFacts(turn.state);
  if (turn.state.unplaced && looksFirst(turn.state)) turn.wakeAt(turn.state.role.sinceMs + YOUNG_LOOK_MS);
  turn.wakeAt(turn.state.startedAtMs + FIRST_LOOK_MS);
  if (servesAlone(turn.state)) turn.wakeAt(proofEndsAtMs(turn.state));
  if (wanted === null || facts === null) return;
  if (wanted === FENCE_MIN_REPLICAS) return fence(turn, facts);
  // Whatever gives power must not wait in a socket: when it is read it may be wrong.
  if (facts.minReplicas === wanted || turn.state.own.silentSinceMs !== null) return;
  if (!turn.awaits('fence_reversibly')) setMinReplicas(turn, wanted, facts);
}

/**
 * A confirmed master lets replicas copy from it; the fence ends that. Where the server's configuration sets no sync
 * fence this only begins copies without the delay that gathers replicas.
 */
export function openFullSyncs(turn: Turn): void {
  const { state } = turn;
  const facts = commandableFacts(state);
  if (state.role.name !== 'master' || facts?.role !== 'master' || !facts.fullSyncsClosed) return;
  if (wantedMinReplicas(state) === FENCE_MIN_REPLICAS || state.own.silentSinceMs !== null) return;
  turn.emit({ kind: 'open_full_syncs' });
}

/**
 * A server that may not be touched, by the records that came too late: what we did to it unseen is taken back. Not
 * where another node leads to the same process: its agent looks after that. And not where our name is another agent's:
 * ours may be the node that was master, and the other one has no way to fence it.
 */
export function takeBackUnseenFence(turn: Turn): void {
  const { state } = turn;
  const facts = commandableFacts(state);
  if (!state.fencedUnseen || !state.synced || facts === null || hasLivingTwin(state)) return;
  const { session, settings, records } = state;
  const leadsHere = ({ value, znode }: Kept<Member>): boolean =>
    znode.owner !== session?.id && (value.runId === facts.runId || sameAddress(value.redis, settings.redis));
  if ([...records.members.values()].some(leadsHere)) return;
  if (turn.awaits('fence_reversibly')) return;
  if (facts.minReplicas !== FENCE_MIN_REPLICAS) return turn.update({ fencedUnseen: false });
  setMinReplicas(turn, state.minReplicasFloor ?? 0, facts);
}

/** What was last seen says nothing while a command that lifts the fence is on its way: the fence follows it. */
function fence(turn: Turn, facts: RedisFacts): void {
  const mayBeLifted = turn.awaits('set_min_replicas') || turn.awaits('promote');
  if (facts.minReplicas === FENCE_MIN_REPLICAS && !mayBeLifted) return;
  // Later we know whose it is, and why it is fenced.
  const unseen = !turn.state.everSynced || hasUnknownTwin(turn.state);
  if (turn.emit({ kind: 'fence_reversibly' }) && unseen) turn.update({ fencedUnseen: true });
}

function setMinReplicas(turn: Turn, minReplicas: number, before: RedisFacts): void {
  if (!turn.emit({ kind: 'set_min_replicas', minReplicas })) return;
  if (before.minReplicas === FENCE_MIN_REPLICAS) turn.report('fence_lifted', { min_replicas: minReplicas });
}
