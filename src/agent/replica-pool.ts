/**
 * Keeps this node's entry in the pool of replicas as the core wants it: reads what stands, compares, changes it in one
 * transaction, reads again. One request is under way at a time; a refused one is tried again after a pause, from what
 * is wanted by then.
 *
 * The entry is ephemeral: with the session it goes by itself, and one of an earlier process of this agent is replaced.
 */
import type { Clock } from '../contract/clock.ts';
import type { PoolEntry } from '../core/replica-pool.ts';
import { encodeMasterRecord } from '../records/codec.ts';
import type { ServicePaths } from '../records/paths.ts';
import type { MultiOp, ZkAnswer, ZkPort } from '../zookeeper/index.ts';

export const POOL_RETRY_MS = 100;

/** What stands at the path; null: nothing. */
type Found = { readonly data: string; readonly owner: bigint } | null;

export interface ReplicaPoolOptions {
  readonly zk: ZkPort;
  readonly paths: ServicePaths;
  readonly clock: Clock;
  /** Name of this node. */
  readonly self: string;
}

export class ReplicaPool {
  private readonly zk: ZkPort;
  private readonly clock: Clock;
  private readonly folder: string;
  private readonly path: string;
  private readonly termPath: string;
  private wanted: PoolEntry = { entry: 'left' };
  private session = 0n;
  /** Undefined until it was read on this connection. */
  private found: Found | undefined;
  private busy = false;
  /** Counts connections: answers of an earlier one say nothing of this one. */
  private generation = 0;
  private cancelRetry: () => void = () => undefined;

  constructor({ zk, paths, clock, self }: ReplicaPoolOptions) {
    this.zk = zk;
    this.clock = clock;
    this.folder = paths.replicas;
    this.path = paths.replicaOf(self);
    this.termPath = paths.term;
  }

  /** A session is connected: what stands is read afresh. */
  connected(session: bigint): void {
    this.generation += 1;
    this.session = session;
    this.found = undefined;
    this.busy = true;
    this.cancelRetry();
    const submit = (op: 'mkdirp' | 'watch', path: string): void => this.zk.submit({ op, path }, () => undefined);
    submit('mkdirp', this.folder);
    submit('watch', this.path);
    this.read();
  }

  /** Something happened at a path. */
  changed(path: string): void {
    if (path !== this.path || this.busy) return;
    this.busy = true;
    this.read();
  }

  want(entry: PoolEntry): void {
    this.wanted = entry;
    this.adjust();
  }

  stop(): void {
    this.generation += 1;
    this.busy = true;
    this.cancelRetry();
  }

  private read(): void {
    const { generation } = this;
    this.zk.submit({ op: 'read', path: this.path }, (answer) => {
      if (generation !== this.generation) return;
      this.busy = false;
      this.found = foundIn(answer);
      this.adjust();
    });
  }

  private adjust(): void {
    if (this.busy || this.found === undefined) return;
    const ops = this.changes(this.found);
    if (ops.length === 0) return;
    const { generation } = this;
    this.busy = true;
    this.zk.submit({ op: 'multi', ops }, (answer) => {
      if (generation !== this.generation) return;
      if (answer.ok) return this.read();
      this.cancelRetry = this.clock.after(POOL_RETRY_MS, () => this.read());
    });
  }

  /** What turns that which stands into that which is wanted. */
  private changes(found: Found): readonly MultiOp[] {
    const { wanted, path } = this;
    const remove: readonly MultiOp[] = found === null ? [] : [{ op: 'delete', path }];
    switch (wanted.entry) {
      case 'left':
        return [];
      case 'none':
        return remove;
      case 'stands': {
        const data = encodeMasterRecord(wanted.record);
        if (found !== null && found.owner === this.session && found.data === data) return [];
        const check: MultiOp = { op: 'check', path: this.termPath, version: wanted.termVersion };
        return [check, ...remove, { op: 'create', path, data, ephemeral: true }];
      }
    }
  }
}

/** Undefined where the answer does not say: the connection is gone, and the next one reads again. */
function foundIn(answer: ZkAnswer): Found | undefined {
  if (!answer.ok) return answer.code === 'NO_NODE' ? null : undefined;
  if (answer.data === undefined || answer.stat === undefined) return undefined;
  return { data: answer.data.toString('utf8'), owner: answer.stat.ephemeralOwner };
}
