/**
 * Promoting: the lease is ours, Redis is not yet master. Fence the deposed one, promote, verify.
 *
 * Two ways lead here. Usually the deposed master is dead, silent or fenced by its own agent; then the fence is sent
 * for good measure and left queued in the socket of a Redis that does not answer. In a *takeover* its Redis lives and
 * only its agent is gone: then it is fenced reversibly, which keeps it streaming, and this node waits until it holds
 * the very last byte. If that cannot be had, the lease is given back and the election begins again, frozen.
 */
import { deadMan, FENCE_MIN_REPLICAS, fenceAtMs, handsOver } from '../fencing.ts';
import type { RedisFacts } from '../facts.ts';
import { guardFullSync, leaveUnproven } from '../guard.ts';
import { CLOSED_ADDRESS, ownFacts, remoteIsHealthy } from '../queries.ts';
import type { RoleOf } from '../role.ts';
import type { State } from '../state.ts';
import { amendRole, enterMaster } from '../transitions.ts';
import type { Turn } from '../turn.ts';
import { giveUpLease, yieldDeadRedis } from '../power.ts';

/** How long a takeover may wait for equality before it is given up. */
export const TAKEOVER_MAX_MS = 500;
/** How long the answer of the remote fence is waited for when the deposed Redis answered lately. */
export const REMOTE_FENCE_WAIT_MS = 200;

export function decidePromoting(turn: Turn, role: RoleOf<'promoting'>): void {
  if (yieldDeadRedis(turn)) return;
  const { state } = turn;
  turn.wakeAt(fenceAtMs(state));
  const facts = ownFacts(state);
  // A takeover that becomes possible behind its own release must not promote.
  if (facts === null) return;
  guardFormer(turn, role, facts);
  if (facts.role === 'replica' && !turn.awaits('promote')) leaveUnproven(turn, facts);
  if (turn.awaits('release')) return;
  // A Redis that already serves is given up as a master's is, fenced first; anything less is just let go.
  if (facts.role === 'master') {
    // One that was a master when it claimed, restarted perhaps, is fenced still: the deposed one is fenced first.
    const served = facts.minReplicas !== FENCE_MIN_REPLICAS;
    if (served || deposedFenced(turn, role)) finish(turn, role);
    return;
  }
  // Given up, whatever its release has come to: what was frozen then, or wiped, is the election's business.
  if (state.takeoverFailedEpoch === role.epoch) return abandonTakeover(turn, role);
  if (state.stopping !== null) return giveUpLease(turn, 'agent_stopping');
  if (turn.now >= fenceAtMs(state)) return turn.refuse('zookeeper_unreachable');
  // Once on its way, a promotion is not doubted again: the lease would be given up under a Redis that becomes master.
  if (turn.awaits('promote')) return;
  const ready = role.takeover ? takenOver(turn, role, facts) : deposedFenced(turn, role);
  if (!ready) return;
  const inSync = state.records.term?.value.inSync ?? [];
  turn.emit({ kind: 'promote', minReplicas: deadMan(state, inSync.length > 0 || handsOver(state)) });
}

function finish(turn: Turn, role: RoleOf<'promoting'>): void {
  enterMaster(turn, role, 'verified');
  turn.report('promoted', { epoch: role.epoch });
  turn.emit({ kind: 'tell', hint: 'promoted' });
}

/**
 * Whether this node holds everything that the fenced, living master holds. What was seen of that master before our own
 * fence was answered is old: its agent may have lifted a fence of its own since, and writes came behind it.
 */
function holdsAll(state: State, role: RoleOf<'promoting'>, facts: RedisFacts): boolean {
  const remote = state.remote.facts;
  if (role.remoteFence !== 'answered') return false;
  if (remote === null || !remoteIsHealthy(state) || remote.minReplicas !== FENCE_MIN_REPLICAS) return false;
  return facts.replid === remote.replid && facts.offset >= remote.offset;
}

/**
 * Until it is promoted, the Redis that takes over follows its old master. Whoever answers there next would be copied,
 * also while the lease goes back, or while the ensemble is away and nothing else can be done (I5).
 */
function guardFormer(turn: Turn, role: RoleOf<'promoting'>, facts: RedisFacts): void {
  const master = turn.state.claimed?.former?.master ?? null;
  if (role.takeover && facts.role === 'replica' && master !== null) guardFullSync(turn, facts, master);
}

function takenOver(turn: Turn, role: RoleOf<'promoting'>, facts: RedisFacts): boolean {
  const { state } = turn;
  if (holdsAll(state, role, facts)) return true;
  const ended = state.remote.link !== 'open' || facts.link?.up !== true || turn.awaits('freeze');
  if (ended || turn.now - role.sinceMs >= TAKEOVER_MAX_MS) {
    abandonTakeover(turn, role);
    return false;
  }
  turn.wakeAt(role.sinceMs + TAKEOVER_MAX_MS);
  const isFenced = role.remoteFence === 'answered' && state.remote.facts?.minReplicas === FENCE_MIN_REPLICAS;
  if (!isFenced) turn.emit({ kind: 'remote_fence_reversibly' });
  return false;
}

/** The old term is put back under the new epoch, so that this node, which may be the most advanced, can stand again. */
function abandonTakeover(turn: Turn, role: RoleOf<'promoting'>): void {
  const { claimed, records } = turn.state;
  const former = claimed?.epoch === role.epoch ? claimed.former : null;
  const version = records.term?.znode.version;
  turn.update({ takeoverFailedEpoch: role.epoch });
  if (former === null || version === undefined) return giveUpLease(turn, null);
  giveUpLease(turn, null, { term: { ...former, epoch: role.epoch, pending: null, handOver: null }, version });
}

function deposedFenced(turn: Turn, role: RoleOf<'promoting'>): boolean {
  const { state } = turn;
  if (role.deposed === null || role.remoteFence === 'answered') return true;
  const waited = turn.now - role.sinceMs >= REMOTE_FENCE_WAIT_MS;
  turn.wakeAt(role.sinceMs + REMOTE_FENCE_WAIT_MS);
  // Not dialled yet: it may be alive and writable, with no agent of its own to fence it.
  if (state.remote.link === 'unknown') return waited;
  if (state.remote.link !== 'open') return true;
  if (role.remoteFence === 'none') {
    // It may hold what nobody else has: it follows when that is rescued, not before.
    turn.emit({ kind: 'remote_fence_hard', target: CLOSED_ADDRESS });
    amendRole(turn, role, { remoteFence: 'asked' });
  }
  return !remoteIsHealthy(state) || waited;
}
