/** What a run, or many, went through: faults by kind, states and the edges between them, how orders ended. */
import type { OperationAnswer, OperationResult } from '../../src/contract/operations.ts';

export class Coverage {
  readonly faults = new Map<string, number>();
  readonly events = new Map<string, number>();
  readonly edges = new Map<string, number>();
  /** How orders ended: `switchover done`, `failover refused master_exists`. */
  readonly orders = new Map<string, number>();
  acknowledged = 0;

  fault(kind: string): void {
    count(this.faults, kind);
  }

  ended({ kind, outcome, reason }: Pick<OperationResult, 'kind' | 'outcome' | 'reason'>): void {
    count(this.orders, [kind, outcome, ...(reason === null ? [] : [reason])].join(' '));
  }

  /** What a caller was told where no order was stored. */
  answered(answer: OperationAnswer): void {
    if (answer.answer === 'refused') count(this.orders, `not taken ${answer.reason}`);
    else if (answer.answer === 'unknown') count(this.orders, 'answer unknown');
  }

  /** Role changes carry their edge. */
  said(event: string, fields: object): void {
    count(this.events, event);
    const { from, to } = fields as { from?: unknown; to?: unknown };
    if (event === 'role_changed' && typeof from === 'string' && typeof to === 'string') {
      count(this.edges, `${from} > ${to}`);
    }
  }

  add(other: Coverage): void {
    for (const [each, times] of other.faults) count(this.faults, each, times);
    for (const [each, times] of other.events) count(this.events, each, times);
    for (const [each, times] of other.edges) count(this.edges, each, times);
    for (const [each, times] of other.orders) count(this.orders, each, times);
    this.acknowledged += other.acknowledged;
  }
}

function count(counts: Map<string, number>, key: string, times = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + times);
}
