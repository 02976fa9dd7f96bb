/**
 * What a caller of this agent asks for, from the first look to the answer.
 *
 * Any agent of the service takes it. One caller at a time, since one operation at a time is what the service has. The
 * agent stores the order and reads on until its result is there: who carried it out, and whether that agent was
 * restarted in between, does not matter. Each turn looks at the records as if for the first time, so an answer of the
 * ensemble that was lost changes nothing: an order that stands was stored.
 */
import type { OperationAnswer, OperationResult, PauseRequest } from '../../contract/operations.ts';
import type { ReasonCode } from '../../contract/reasons.ts';
import type { Order } from '../inputs.ts';
import { seesRecords, timeoutMs } from '../queries.ts';
import type { State } from '../state.ts';
import type { Turn } from '../turn.ts';
import { endOrder } from './ending.ts';
import { ORDER_WITHIN_MS } from './records.ts';
import type { PauseRecord } from './records.ts';
import { orderOf, whyNotStored } from './request.ts';
import { changeSettings } from './settings.ts';
import type { Asked } from './state.ts';

/** Beyond its deadline: an order that was begun in time needs as long as an election and its result. */
const RESULT_WAIT_MS = 5000;

function answer(turn: Turn, operation: string, given: OperationAnswer): void {
  turn.emit({ kind: 'answer_operation', operation, answer: given });
}

function finish(turn: Turn, given: OperationAnswer): void {
  const { asked } = turn.state.operations;
  if (asked === null) return;
  turn.update({ operations: { ...turn.state.operations, asked: null } });
  answer(turn, asked.id, given);
}

function finishRefused(turn: Turn, reason: ReasonCode): void {
  finish(turn, { answer: 'refused', reason });
}

type AskedOrder = Extract<Order, { order: 'operation' | 'cancel' | 'pause' | 'resume' | 'settings' }>;

/** Takes a request; one that comes while another caller waits is refused. */
export function ask(turn: Turn, order: AskedOrder): void {
  const id = 'request' in order ? order.request.id : order.id;
  // Of a caller before, who was told that nobody can say: its answer is not this one's.
  const runs = turn.state.operations.asked !== null || turn.awaits('store_order') || turn.awaits('write_pause');
  if (runs) return answer(turn, id, { answer: 'refused', reason: 'operation_running' });
  if (!seesRecords(turn.state)) return answer(turn, id, { answer: 'refused', reason: 'zookeeper_unreachable' });
  const untilMs = turn.now + ORDER_WITHIN_MS + timeoutMs(turn.state) + RESULT_WAIT_MS;
  const asked: Asked = { id, what: whatIsAsked(order), untilMs };
  turn.update({ operations: { ...turn.state.operations, asked } });
  turn.report('operation_asked', { id, what: order.order === 'operation' ? order.request.kind : order.order });
}

function whatIsAsked(order: AskedOrder): Asked['what'] {
  switch (order.order) {
    case 'operation':
      return { kind: 'order', request: order.request, stored: 'no' };
    case 'cancel':
      return { kind: 'cancel', order: null };
    case 'pause':
      return { kind: 'pause', pause: order.pause, stored: 'no' };
    case 'resume':
      return { kind: 'resume', of: null, stored: 'no' };
    case 'settings':
      return { kind: 'settings', request: order.request };
  }
}

/** Brings what was asked one step further, or answers it. */
export function answerAsked(turn: Turn): void {
  const { asked } = turn.state.operations;
  if (asked === null) return;
  if (turn.now >= asked.untilMs) return finish(turn, { answer: 'unknown' });
  turn.wakeAt(asked.untilMs);
  if (!seesRecords(turn.state)) return;
  switch (asked.what.kind) {
    case 'order':
      return followOrder(turn, asked.what);
    case 'cancel':
      return cancel(turn, asked.what);
    case 'pause':
      return pause(turn, asked.what);
    case 'resume':
      return resume(turn, asked.what);
    case 'settings':
      return settings(turn, asked.what);
  }
}

function resultOf({ records }: State, id: string): OperationResult | null {
  return records.results?.value.list.find((result) => result.id === id) ?? null;
}

function followOrder(turn: Turn, what: Extract<Asked['what'], { kind: 'order' }>): void {
  const { state } = turn;
  const { request } = what;
  const result = resultOf(state, request.id);
  if (result !== null) return finish(turn, { answer: 'ended', result });
  if (state.records.order?.value.id === request.id) {
    if (request.scheduledAt !== null) return finish(turn, { answer: 'scheduled', id: request.id });
    if (what.stored !== 'yes') note(turn, { ...what, stored: 'yes' });
    return;
  }
  // Not there yet, or gone and its result not there yet: records are read one by one, and the next read says it.
  if (what.stored === 'yes' || turn.awaits('store_order')) return;
  const refusal = whyNotStored(state.records, request);
  // What may be carried out behind our back is not refused: its result is waited for.
  if (refusal !== null) return what.stored === 'perhaps' ? undefined : finishRefused(turn, refusal);
  const resultsVersion = state.records.results?.znode.version ?? null;
  turn.emit({ kind: 'store_order', order: orderOf(state.records, request), resultsVersion });
}

function note(turn: Turn, what: Asked['what']): void {
  const { asked } = turn.state.operations;
  if (asked !== null) turn.update({ operations: { ...turn.state.operations, asked: { ...asked, what } } });
}

/** Takes back the order that stands; one that was begun cannot be. */
function cancel(turn: Turn, what: Extract<Asked['what'], { kind: 'cancel' }>): void {
  const { order } = turn.state.records;
  if (turn.awaits('end_order')) return;
  if (what.order !== null && order?.value.id !== what.order) {
    const cancelled = resultOf(turn.state, what.order)?.outcome === 'cancelled';
    return cancelled ? finish(turn, { answer: 'done' }) : finishRefused(turn, 'no_operation');
  }
  if (order === null) return finishRefused(turn, 'no_operation');
  if (order.value.phase === 'running') return finishRefused(turn, 'operation_running');
  if (endOrder(turn, order, { outcome: 'cancelled' })) note(turn, { ...what, order: order.value.id });
}

/**
 * Written once, unless the ensemble says that it was not: after an answer that was lost a pause that is not there may
 * have been resumed meanwhile, and must not begin again.
 */
function pause(turn: Turn, what: Extract<Asked['what'], { kind: 'pause' }>): void {
  const { records } = turn.state;
  if (turn.awaits('write_pause')) return;
  const wanted = pauseOf(what.pause);
  const stands = what.stored === 'perhaps' && isSamePause(records.pause?.value ?? null, wanted);
  if (stands || what.stored === 'yes') return finish(turn, { answer: 'done' });
  if (what.stored === 'perhaps') return;
  if (what.stored === 'declined' && records.pause !== null) return finishRefused(turn, 'pause_replaced');
  turn.emit({ kind: 'write_pause', pause: wanted, version: records.pause?.znode.version ?? null });
}

function pauseOf({ owner, reason, forMs, since }: PauseRequest): PauseRecord {
  return { owner, reason, since, until: since + forMs, forMs };
}

function isSamePause(a: PauseRecord | null, b: PauseRecord): boolean {
  return a?.owner === b.owner && a.reason === b.reason && a.since === b.since && a.until === b.until;
}

/**
 * Takes the pause away that stood when it was asked for, and none that somebody has ordered since: nor behind an answer
 * that was lost, since what we last read may be gone, and the next pause begins with the same version.
 */
function resume(turn: Turn, what: Extract<Asked['what'], { kind: 'resume' }>): void {
  const { pause: kept } = turn.state.records;
  if (turn.awaits('write_pause')) return;
  if (kept === null || what.stored === 'yes') return finish(turn, { answer: 'done' });
  const { czxid, version } = kept.znode;
  const isAnother = what.of !== null && (what.of.czxid !== czxid || what.of.version !== version);
  if (isAnother) return finishRefused(turn, 'pause_replaced');
  if (what.stored === 'perhaps') return;
  if (what.of === null) note(turn, { ...what, of: { czxid, version } });
  turn.emit({ kind: 'write_pause', pause: null, version });
}

function settings(turn: Turn, { request }: Extract<Asked['what'], { kind: 'settings' }>): void {
  const outcome = changeSettings(turn, request);
  if (outcome === 'waiting') return;
  if (outcome === 'written') finish(turn, { answer: 'done' });
  else finishRefused(turn, outcome);
}
