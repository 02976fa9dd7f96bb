/**
 * Storing an order: what whoever stores one can say at once, and what it writes.
 *
 * An agent that was asked stores it, and so does a command line that reaches the ensemble: both by the same rules, from
 * records that either of them reads. Whatever only the one who carries it out knows is said later, as its result.
 */
import type { OperationRequest } from '../../contract/operations.ts';
import type { ReasonCode } from '../../contract/reasons.ts';
import { ORDER_WITHIN_MS } from './records.ts';
import type { OrderRecord } from './records.ts';

interface Holding<T> {
  readonly value: T;
}

/** What of a service's records an order is judged by, as an agent keeps them or as a reader found them. */
export interface Standing {
  readonly lease: Holding<{ readonly node: string }> | null;
  readonly term: Holding<{ readonly epoch: number; readonly nodes: readonly string[] }> | null;
  readonly order: Holding<OrderRecord> | null;
  readonly members: { has(name: string): boolean };
}

/** What anybody who reads the records can say; the rest is said by the one who would carry it out. */
export function whyNotStored(standing: Standing, { kind, target, from }: OperationRequest): ReasonCode | null {
  const { lease, term, order, members } = standing;
  if (order !== null) return 'operation_running';
  if (term === null) return 'awaiting_bootstrap';
  const known = target === null || term.value.nodes.includes(target) || members.has(target);
  if (!known) return 'unknown_node';
  if (kind === 'failover') return lease === null ? null : 'master_exists';
  if (lease === null) return 'no_master';
  if (kind === 'forget') return null;
  if (kind === 'reinitialize') return target === lease.value.node ? 'target_is_master' : null;
  if (from !== null && from !== lease.value.node) return 'master_differs';
  return target === lease.value.node ? 'target_is_master' : null;
}

/** The record of an order, bound to the present epoch unless it is for later. */
export function orderOf({ term }: Standing, request: OperationRequest): OrderRecord {
  const { id, kind, target, from, asker, askedAt, scheduledAt, force } = request;
  return {
    id, kind, target, from, asker, askedAt, scheduledAt, force,
    epoch: scheduledAt === null ? (term?.value.epoch ?? 0) : null,
    deadline: (scheduledAt ?? askedAt) + ORDER_WITHIN_MS,
    withinMs: ORDER_WITHIN_MS,
    phase: 'waiting',
    instance: null,
  };
}
