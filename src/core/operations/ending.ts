/**
 * Ending an order: one transaction that deletes it and appends its one result. Whoever knows how it ended writes it;
 * the version that was read decides between two who know.
 */
import type { OperationResult } from '../../contract/operations.ts';
import type { Kept } from '../records.ts';
import type { Turn } from '../turn.ts';
import { wallNow } from './moments.ts';
import { RESULTS_MAX } from './records.ts';
import type { OrderRecord } from './records.ts';

export type Ending = Pick<OperationResult, 'outcome'> & Partial<Pick<OperationResult, 'reason' | 'gapMs' | 'target'>>;

export function endOrder(turn: Turn, { value, znode }: Kept<OrderRecord>, ending: Ending): boolean {
  const { lease, term, results } = turn.state.records;
  const { id, kind, asker } = value;
  const result: OperationResult = {
    id,
    kind,
    asker,
    target: ending.target ?? value.target,
    epoch: term?.value.epoch ?? 0,
    outcome: ending.outcome,
    reason: ending.reason ?? null,
    gapMs: ending.gapMs ?? null,
    master: lease?.value.node ?? null,
    endedAt: wallNow(turn.state),
  };
  const issued = turn.emit({
    kind: 'end_order',
    orderVersion: znode.version,
    results: [...(results?.value.list ?? []), result].slice(-RESULTS_MAX),
    resultsVersion: results?.znode.version ?? null,
  });
  if (!issued) return false;
  const { outcome, reason, target, gapMs, master } = result;
  turn.report('order_ended', { id, kind, outcome, reason, target, gap_ms: gapMs, master });
  return true;
}
