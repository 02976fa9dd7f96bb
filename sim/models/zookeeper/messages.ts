/** What goes over the wires of the ensemble: between a client and its server, and between a learner and its leader. */
import type { ZkAnswer, ZkRequest } from '../../../src/zookeeper/index.ts';
import type { Tree, Txn, WriteRequest } from './tree.ts';

export type ToServer =
  /** `probe`: answer only whether the session is over, whatever the zxid (an ensemble that was wiped). */
  | { readonly t: 'connect'; readonly session: bigint; readonly timeoutMs: number; readonly lastZxid: bigint;
      readonly probe: boolean }
  | { readonly t: 'request'; readonly xid: number; readonly request: ZkRequest }
  | { readonly t: 'ping' }
  | { readonly t: 'close' };

export type ToClient =
  | { readonly t: 'connected'; readonly session: bigint; readonly timeoutMs: number }
  | { readonly t: 'expired' }
  | { readonly t: 'answer'; readonly xid: number; readonly answer: ZkAnswer; readonly zxid: bigint }
  | { readonly t: 'pong' }
  | { readonly t: 'event'; readonly path: string; readonly zxid: bigint }
  | { readonly t: 'closed' };

/** What a server asks the leader to do for one of its clients. */
export type Errand =
  | { readonly do: 'write'; readonly session: bigint; readonly request: WriteRequest }
  | { readonly do: 'sync' }
  | { readonly do: 'open'; readonly timeoutMs: number }
  | { readonly do: 'end'; readonly session: bigint }
  | { readonly do: 'validate'; readonly session: bigint };

export type ErrandResult =
  | { readonly ok: true; readonly session?: bigint }
  | { readonly ok: false; readonly code: string };

export type ToLeader =
  | { readonly t: 'hello'; readonly server: string; readonly epoch: number }
  | { readonly t: 'synced' }
  | { readonly t: 'errand'; readonly ref: number; readonly errand: Errand }
  | { readonly t: 'accepted'; readonly zxid: bigint }
  | { readonly t: 'alive'; readonly sessions: readonly bigint[] };

export type ToLearner =
  | { readonly t: 'snapshot'; readonly tree: Tree; readonly epoch: number }
  | { readonly t: 'up_to_date' }
  | { readonly t: 'propose'; readonly txn: Txn }
  | { readonly t: 'commit'; readonly zxid: bigint }
  | { readonly t: 'done'; readonly ref: number; readonly result: ErrandResult }
  | { readonly t: 'ping' };
