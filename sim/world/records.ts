/** The service's records, read from the ensemble's committed tree with the agent's own decoder. */
import type { RecordRead } from '../../src/core/records.ts';
import { decodeRecord } from '../../src/records/codec.ts';
import { servicePaths } from '../../src/records/paths.ts';
import type { Committed } from '../checkers/checker.ts';
import type { Endpoint } from '../kernel/network.ts';
import type { Tree, Txn, Znode } from '../models/zookeeper/tree.ts';
import { SERVICE } from './agent-place.ts';

export const NOTHING_COMMITTED: Committed = {
  lease: null, term: null, ballots: new Map(), masterRecordOwner: null, order: null, results: [], pause: null,
};

const PATHS = servicePaths(SERVICE);

/** A copy with one change, of the class of all others: checkers look at every write. */
function amended(before: Committed, change: Partial<Committed>): Committed {
  const { lease, term, ballots, masterRecordOwner, order, results, pause } = before;
  return Object.assign({ lease, term, ballots, masterRecordOwner, order, results, pause }, change);
}

function decode(path: string, node: Znode): RecordRead | null {
  const key = PATHS.keyOf(path);
  if (key === null) return null;
  return decodeRecord(key, node.data, { version: node.version, owner: node.owner, czxid: node.czxid });
}

function withBallot(before: Committed, path: string, node: Znode | null): Committed {
  const key = PATHS.keyOf(path);
  if (key?.record !== 'ballots') return before;
  const ballots = new Map(before.ballots);
  const read = node === null ? null : decode(path, node);
  if (read?.record === 'ballots' && read.kept !== null) ballots.set(key.name, read.kept.value);
  else ballots.delete(key.name);
  return amended(before, { ballots });
}

/** Records of operations, or null for any other path. */
function withOperation(before: Committed, path: string, node: Znode | null): Committed | null {
  if (path !== PATHS.order && path !== PATHS.results && path !== PATHS.pause) return null;
  const read = node === null ? null : decode(path, node);
  switch (path) {
    case PATHS.order:
      return amended(before, { order: read?.record === 'order' ? (read.kept?.value ?? null) : null });
    case PATHS.pause:
      return amended(before, { pause: read?.record === 'pause' ? (read.kept?.value ?? null) : null });
    default:
      return amended(before, { results: read?.record === 'results' ? (read.kept?.value.list ?? []) : [] });
  }
}

function withChange(before: Committed, path: string, node: Znode | null): Committed {
  if (path === PATHS.masterRecord) return amended(before, { masterRecordOwner: node?.owner ?? null });
  if (path !== PATHS.lease && path !== PATHS.term) {
    return withOperation(before, path, node) ?? withBallot(before, path, node);
  }
  const read = node === null ? null : decode(path, node);
  if (path === PATHS.term) {
    return amended(before, { term: read?.record === 'term' ? (read.kept?.value ?? null) : null });
  }
  if (read?.record !== 'lease' || read.kept === null || node === null) return amended(before, { lease: null });
  return amended(before, { lease: Object.assign({ owner: node.owner, czxid: node.czxid }, read.kept.value) });
}

function masterIn(node: Znode | undefined): Endpoint | null {
  const read = node === undefined ? null : decode(PATHS.masterRecord, node);
  if (read?.record !== 'masterRecord' || read.kept === null) return null;
  const { host, port } = read.kept.value;
  return { host, port: Number(port) };
}

/** Where the published record sends clients, as a reader of a tree finds it; a record is read once. */
export class PublishedMaster {
  private node: Znode | undefined = undefined;
  private master: Endpoint | null = null;

  in(tree: Tree): Endpoint | null {
    const node = tree.nodes.get(PATHS.masterRecord);
    if (node !== this.node) this.master = masterIn(node);
    this.node = node;
    return this.master;
  }
}

/** What stands after a transaction. */
export function afterCommit(before: Committed, txn: Txn): Committed {
  let after = before;
  for (const [path, node] of txn.changes) after = withChange(after, path, node);
  return after;
}
