/** What a run, or many, went through: faults by kind, states and the edges between them. */
export class Coverage {
  readonly faults = new Map<string, number>();
  readonly events = new Map<string, number>();
  readonly edges = new Map<string, number>();
  acknowledged = 0;

  fault(kind: string): void {
    count(this.faults, kind);
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
    this.acknowledged += other.acknowledged;
  }
}

function count(counts: Map<string, number>, key: string, times = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + times);
}
