/**
 * Orders that the named node carries out itself: be master (`failover`), or copy everything anew (`reinitialize`).
 *
 * It first marks the order as running, with its own instance id and a check of the version, and acts when it has read
 * that back. So an order is begun by one agent process at most: one that is found running, begun by a process that is
 * gone, ends as interrupted.
 */
import type { ReasonCode } from '../../contract/reasons.ts';
import type { RedisFacts } from '../facts.ts';
import { FENCE_MIN_REPLICAS } from '../fencing.ts';
import { takeFailoverOrder } from '../ordered-failover.ts';
import { holdsPower } from '../power.ts';
import {
  isEnabled, isFrozen, isHeard, isLinkedTo, othersLease, ourLease, ownFacts, seesRecords,
} from '../queries.ts';
import type { Kept, Lease, Term } from '../records.ts';
import type { State } from '../state.ts';
import type { Turn } from '../turn.ts';
import { endOrder } from './ending.ts';
import type { OrderRecord } from './records.ts';

/** The order that this node is to carry out itself, or null. */
function ownOrder({ records: { order }, settings }: State): Kept<OrderRecord> | null {
  const ours = order?.value.kind === 'failover' || order?.value.kind === 'reinitialize';
  return order !== null && ours && order.value.target === settings.name ? order : null;
}

/** That order, begun by this very process. */
function begun(state: State): Kept<OrderRecord> | null {
  const order = ownOrder(state);
  const ours = order?.value.phase === 'running' && order.value.instance === state.settings.instance;
  return ours ? order : null;
}

export function carryOutOwnOrder(turn: Turn): void {
  const order = ownOrder(turn.state);
  if (order === null || !seesRecords(turn.state) || turn.awaits('end_order') || turn.awaits('write_order')) return;
  if (order.value.phase === 'waiting') return begin(turn, order);
  if (begun(turn.state) === null) {
    return void endOrder(turn, order, { outcome: 'interrupted', reason: 'agent_restarted' });
  }
  if (order.value.kind === 'failover') return failover(turn, order);
  reinitialize(turn, order);
}

function begin(turn: Turn, order: Kept<OrderRecord>): void {
  const { state } = turn;
  const { moments } = state.operations;
  if (moments?.id !== order.value.id || turn.now < moments.dueAtMs) return;
  const refusal = turn.now >= moments.deadlineAtMs ? 'order_expired' : whyNotBegun(state, order.value);
  if (refusal !== null) return void endOrder(turn, order, { outcome: 'refused', reason: refusal });
  const { instance } = state.settings;
  const epoch = state.records.term?.value.epoch ?? 0;
  const running: OrderRecord = { ...order.value, phase: 'running', instance, epoch };
  turn.emit({ kind: 'write_order', order: running, version: order.znode.version });
}

function whyNotBegun(state: State, order: OrderRecord): ReasonCode | null {
  const epoch = state.records.term?.value.epoch ?? 0;
  if (order.epoch !== null && order.epoch !== epoch) return 'epoch_passed';
  if (order.kind === 'failover') return null;
  if (!isEnabled(state)) return 'node_disabled';
  if (holdsPower(state)) return 'target_is_master';
  const lease = othersLease(state)?.value;
  if (lease === undefined || !isHeard(state, lease)) return 'no_master';
  if (ownFacts(state) === null) return 'redis_unreachable';
  const { inSync } = state.records.term?.value ?? { inSync: [] };
  const isLast = inSync.length === 1 && inSync[0] === state.settings.name;
  return isLast && !order.force ? 'last_in_sync' : null;
}

function failover(turn: Turn, order: Kept<OrderRecord>): void {
  const { state } = turn;
  const { carrying } = state.operations;
  if (carrying?.id !== order.value.id) {
    turn.update({ operations: { ...state.operations, carrying: { id: order.value.id, renewed: false } } });
    return takeFailoverOrder(turn, order.value.force);
  }
  if (state.orderedFailover !== null || state.role.name === 'promoting') return;
  if (state.role.name === 'master') return void endOrder(turn, order, { outcome: 'done' });
  endOrder(turn, order, { outcome: 'refused', reason: state.operations.failoverRefused ?? 'awaiting_ballots' });
}

/**
 * Done when the replica could take over again. A copy that takes longer than an order has time goes on without it: a
 * standing order keeps all others from being given.
 */
function reinitialize(turn: Turn, order: Kept<OrderRecord>): void {
  const { state } = turn;
  const { lease, term } = state.records;
  if (ourLease(state) !== null || lease === null) {
    return void endOrder(turn, order, { outcome: 'interrupted', reason: 'no_master' });
  }
  const { carrying, moments } = state.operations;
  if (carrying?.id !== order.value.id || !carrying.renewed) return;
  const facts = ownFacts(state);
  const streams = facts !== null && isLinkedTo(facts, lease.value.redis) && facts.link?.up === true;
  if (streams && term?.value.inSync.includes(state.settings.name) === true) {
    return void endOrder(turn, order, { outcome: 'done' });
  }
  const untilMs = moments?.id === order.value.id ? moments.deadlineAtMs : turn.now;
  if (turn.now < untilMs) return turn.wakeAt(untilMs);
  endOrder(turn, order, { outcome: 'interrupted', reason: 'resync_running' });
}

/**
 * The steps of a full resync, each seen to have worked before the next: leave the master, leave the in-sync set
 * (whoever counts on this copy must stop to), become a fenced master with a history of its own, which no master can
 * continue. From there it follows like any deposed master, rescue rules and all. Returns whether there is such a step
 * to take.
 */
export function reinitializes(turn: Turn, facts: RedisFacts, lease: Lease, term: Term): boolean {
  const { state } = turn;
  const order = begun(state);
  if (order?.value.kind !== 'reinitialize' || !isHeard(state, lease)) return false;
  const { id } = order.value;
  if (state.operations.carrying?.id === id && state.operations.carrying.renewed) return false;
  if (facts.role === 'master') {
    turn.update({ operations: { ...state.operations, carrying: { id, renewed: true } } });
    turn.report('reinitialized', { id, master: lease.node });
    return false;
  }
  if (!isFrozen(facts)) {
    turn.emit({ kind: 'freeze' });
  } else if (!term.inSync.includes(state.settings.name)) {
    turn.emit(facts.minReplicas === FENCE_MIN_REPLICAS ? { kind: 'detach' } : { kind: 'fence_reversibly' });
  }
  return true;
}

/**
 * Takes a node off the registered ones, by the master. Nothing is marked as running: what is done twice is the same as
 * done once.
 */
export function forgetByOrder(turn: Turn): void {
  const { state } = turn;
  const { records: { order, term }, operations, role } = state;
  if (order?.value.kind !== 'forget' || order.value.target === null || role.name !== 'master') return;
  if (term === null || ourLease(state) === null || !seesRecords(turn.state) || turn.awaits('end_order')) return;
  const { id, target } = order.value;
  if (!term.value.nodes.includes(target)) return void endOrder(turn, order, { outcome: 'done' });
  if (operations.carrying?.id === id) {
    if (state.forget !== null || operations.forgetRefused === null) return;
    return void endOrder(turn, order, { outcome: 'refused', reason: operations.forgetRefused });
  }
  const expired = operations.moments?.id !== id || turn.now >= operations.moments.deadlineAtMs;
  if (expired) return void endOrder(turn, order, { outcome: 'refused', reason: 'order_expired' });
  const carrying = { id, renewed: false };
  turn.update({ forget: target, operations: { ...operations, carrying, forgetRefused: null } });
}

/** How much longer than its deadline an order may stand that nobody ends, as everybody counts it for himself. */
const LEFT_BEHIND_MS = 10_000;

/**
 * An order that nobody carries out or ends, because whoever should is gone, would keep all others from being given.
 * Whoever has seen it stand for too long ends it: there is one result, whoever writes it.
 */
export function endLeftBehind(turn: Turn): void {
  const { order } = turn.state.records;
  const { moments } = turn.state.operations;
  if (order === null || moments?.id !== order.value.id || !seesRecords(turn.state)) return;
  const dueAtMs = Math.max(moments.dueAtMs, moments.seenAtMs);
  const untilMs = dueAtMs + order.value.withinMs + LEFT_BEHIND_MS;
  if (turn.now < untilMs) return turn.wakeAt(untilMs);
  const outcome = order.value.phase === 'running' ? 'interrupted' : 'refused';
  endOrder(turn, order, { outcome, reason: 'order_expired' });
}
