/**
 * The tree of znodes, and transactions on it: prepared against what stands, applied all at once or not at all.
 *
 * Data stays the buffer that the agent wrote: what is read back goes through the agent's own decoding.
 */
import { Buffer } from 'node:buffer';
import type { MultiOp, Stat, ZkRequest } from '../../../src/zookeeper/index.ts';

export interface Znode {
  readonly data: Buffer;
  readonly version: number;
  readonly czxid: bigint;
  readonly mzxid: bigint;
  /** Session of an ephemeral; 0n for an ordinary one. */
  readonly owner: bigint;
}

/** What one transaction changes. */
export interface Txn {
  readonly zxid: bigint;
  readonly changes: ReadonlyMap<string, Znode | null>;
  /** A session that begins (its timeout) or ends (null). */
  readonly session: { readonly id: bigint; readonly timeoutMs: number | null } | null;
  /** The session that asked for the changes; null: they are the end of a session. */
  readonly by: bigint | null;
}

export type Prepared = { readonly ok: true; readonly txn: Txn } | { readonly ok: false; readonly code: string };

const NO_DATA = Buffer.alloc(0);

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** The tree as one server knows it. */
export class Tree {
  nodes = new Map<string, Znode>();
  sessions = new Map<bigint, number>();
  /** zxid of the last transaction that was applied. */
  applied = 0n;

  copyFrom(other: Tree): void {
    this.nodes = new Map(other.nodes);
    this.sessions = new Map(other.sessions);
    this.applied = other.applied;
  }

  apply(txn: Txn): void {
    this.applied = txn.zxid;
    for (const [path, node] of txn.changes) {
      if (node === null) this.nodes.delete(path);
      else this.nodes.set(path, node);
    }
    if (txn.session === null) return;
    const { id, timeoutMs } = txn.session;
    if (timeoutMs === null) this.sessions.delete(id);
    else this.sessions.set(id, timeoutMs);
  }

  childrenOf(path: string): readonly string[] {
    const prefix = `${path}/`;
    const names: string[] = [];
    for (const each of this.nodes.keys()) {
      if (!each.startsWith(prefix)) continue;
      const name = each.slice(prefix.length);
      if (!name.includes('/')) names.push(name);
    }
    return names;
  }

  ephemeralsOf(session: bigint): readonly string[] {
    return [...this.nodes].filter(([, { owner }]) => owner === session).map(([path]) => path);
  }
}

export function statOf({ data, version, czxid, mzxid, owner }: Znode): Stat {
  return {
    czxid,
    mzxid,
    ctimeMs: 0,
    mtimeMs: 0,
    version,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: owner,
    dataLength: data.length,
    numChildren: 0,
    pzxid: mzxid,
  };
}

/** One transaction being prepared: it sees its own changes over the tree. */
class Draft {
  readonly changes = new Map<string, Znode | null>();
  private readonly tree: Tree;
  private readonly zxid: bigint;
  private readonly session: bigint;

  constructor(tree: Tree, zxid: bigint, session: bigint) {
    this.tree = tree;
    this.zxid = zxid;
    this.session = session;
  }

  private at(path: string): Znode | undefined {
    const changed = this.changes.get(path);
    return changed === undefined ? this.tree.nodes.get(path) : (changed ?? undefined);
  }

  create(path: string, data: Buffer, ephemeral: boolean): string | null {
    if (this.at(path) !== undefined) return 'NODE_EXISTS';
    const parent = parentOf(path);
    const above = this.at(parent);
    if (parent !== '' && above === undefined) return 'NO_NODE';
    if (above !== undefined && above.owner !== 0n) return 'NO_CHILDREN_FOR_EPHEMERALS';
    const { zxid } = this;
    this.changes.set(path, { data, version: 0, czxid: zxid, mzxid: zxid, owner: ephemeral ? this.session : 0n });
    return null;
  }

  perform(op: MultiOp): string | null {
    if (op.op === 'create') return this.create(op.path, Buffer.from(op.data), op.ephemeral === true);
    const node = this.at(op.path);
    if (node === undefined) return 'NO_NODE';
    if (op.version !== undefined && op.version !== node.version) return 'BAD_VERSION';
    if (op.op === 'delete') {
      if (this.tree.childrenOf(op.path).some((name) => this.at(`${op.path}/${name}`) !== undefined)) return 'NOT_EMPTY';
      this.changes.set(op.path, null);
    }
    if (op.op === 'setData') {
      const data = Buffer.from(op.data);
      const { czxid, owner } = node;
      this.changes.set(op.path, { data, version: node.version + 1, czxid, mzxid: this.zxid, owner });
    }
    return null;
  }

  mkdirp(path: string): string | null {
    const parts = path.split('/').slice(1);
    for (let depth = 1; depth <= parts.length; depth++) {
      const code = this.create(`/${parts.slice(0, depth).join('/')}`, NO_DATA, false);
      if (code !== null && code !== 'NODE_EXISTS') return code;
    }
    return null;
  }
}

export type WriteRequest = Extract<ZkRequest, { op: 'multi' | 'mkdirp' }>;

/** What a write would change, or why it is refused. */
export function prepare(tree: Tree, request: WriteRequest, by: { zxid: bigint; session: bigint }): Prepared {
  const draft = new Draft(tree, by.zxid, by.session);
  const code = request.op === 'mkdirp' ? draft.mkdirp(request.path) : firstRefusal(request.ops, draft);
  if (code !== null) return { ok: false, code };
  return { ok: true, txn: { zxid: by.zxid, changes: draft.changes, session: null, by: by.session } };
}

function firstRefusal(ops: readonly MultiOp[], draft: Draft): string | null {
  for (const op of ops) {
    const code = draft.perform(op);
    if (code !== null) return code;
  }
  return null;
}

/** The end of a session takes its ephemerals with it, in one transaction. */
export function prepareEnd(tree: Tree, zxid: bigint, session: bigint): Txn {
  const changes = new Map<string, null>(tree.ephemeralsOf(session).map((path) => [path, null]));
  return { zxid, changes, session: { id: session, timeoutMs: null }, by: null };
}
