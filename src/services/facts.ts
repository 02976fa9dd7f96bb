/**
 * What is kept of the records of one service: the few fields by which clients are told who is master. Thousands of
 * services are kept so, and nothing else of their records is.
 */
import type { TopologyAddress, TopologyMaster } from '../contract/topology.ts';
import type { RecordRead } from '../core/records.ts';

export interface LeaseFacts extends TopologyMaster {
  readonly epoch: number;
  /** Session that holds it. */
  readonly owner: bigint;
}

export interface TermFacts {
  readonly epoch: number;
  readonly master: TopologyMaster | null;
  readonly nodes: readonly string[];
  readonly inSync: readonly string[];
  /** A planned switchover is on its way. */
  readonly handsOver: boolean;
}

export interface MemberFacts {
  readonly name: string;
  readonly redis: TopologyAddress;
  readonly sentinel: TopologyAddress | null;
  readonly runId: string | null;
  readonly priority: number | null;
  readonly takesReads: boolean;
}

export interface ServiceFacts {
  lease: LeaseFacts | null;
  /** Session that owns the master record. */
  announcedBy: bigint | null;
  term: TermFacts | null;
  /** An operator's switchover stands, and not for later. */
  ordered: boolean;
  readonly members: Map<string, MemberFacts>;
}

export function noFacts(): ServiceFacts {
  return { lease: null, announcedBy: null, term: null, ordered: false, members: new Map() };
}

/** Records that count here. All others are neither read nor kept. */
export const READ_RECORDS = ['lease', 'term', 'order', 'masterRecord', 'members'] as const;

/** Takes in what was read of one record; `kept: null` = it is not there, or is not a record of ours. */
export function takeRecord(facts: ServiceFacts, read: RecordRead): void {
  switch (read.record) {
    case 'lease': {
      const { value, znode } = read.kept ?? {};
      facts.lease = value === undefined || znode === undefined
        ? null
        : { name: value.node, ...value.redis, runId: value.runId, epoch: value.epoch, owner: znode.owner };
      return;
    }
    case 'masterRecord':
      facts.announcedBy = read.kept?.znode.owner ?? null;
      return;
    case 'term': {
      const term = read.kept?.value;
      if (term === undefined) {
        facts.term = null;
        return;
      }
      const { epoch, master, nodes, inSync, handOver } = term;
      const named = master === null ? null : { name: master.name, runId: master.runId, ...master.redis };
      facts.term = { epoch, master: named, nodes, inSync, handsOver: handOver !== null };
      return;
    }
    case 'order': {
      const order = read.kept?.value;
      facts.ordered = order?.kind === 'switchover' && (order.phase === 'running' || order.scheduledAt === null);
      return;
    }
    case 'members': {
      const member = read.kept?.value;
      if (member === undefined) {
        facts.members.delete(read.name);
        return;
      }
      const { name, redis, sentinel, runId, priority, noRead } = member;
      facts.members.set(name, { name, redis, sentinel: sentinel ?? null, runId, priority, takesReads: !noRead });
      return;
    }
    case 'settings':
    case 'results':
    case 'pause':
    case 'changes':
    case 'nodes':
    case 'ballots':
      return;
  }
}
