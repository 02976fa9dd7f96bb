/**
 * What the agent's loop needs of the outside, as narrow as it gets: the simulator stands in for each of these.
 *
 * All are callback style. A callback is called at most once and never from inside the call that registered it, so
 * that the loop is never re-entered and a run can be repeated exactly.
 */
import type { WallClock } from '../contract/clock.ts';
import type { EventName } from '../contract/events.ts';
import type { Fields } from '../core/actions.ts';
import type { Address } from '../core/records.ts';
import type { PeerEvents, PeerHub } from '../peers/peers.ts';
import type { Identification } from '../peers/identify.ts';
import type { RedisConnector } from '../redis/link.ts';
import type { MultiOp, Stat } from '../zookeeper/index.ts';

/** One request to the ensemble. Requests are carried out in the order in which they were submitted. */
export type ZkRequest =
  | { readonly op: 'read'; readonly path: string }
  | { readonly op: 'children'; readonly path: string }
  | { readonly op: 'sync'; readonly path: string }
  | { readonly op: 'watch'; readonly path: string }
  | { readonly op: 'mkdirp'; readonly path: string }
  | { readonly op: 'multi'; readonly ops: readonly MultiOp[] };

/** `data` and `stat` after `read`, `children` after `children`; `code` is a ZooKeeper error's name. */
export type ZkAnswer =
  | { readonly ok: true; readonly data?: Buffer; readonly stat?: Stat; readonly children?: readonly string[] }
  | { readonly ok: false; readonly code: string };

export interface ZkEvents {
  onConnected(session: { readonly id: bigint; readonly timeoutMs: number }): void;
  onDisconnected(): void;
  onExpired(): void;
  onChanged(path: string): void;
}

export interface ZkPort {
  submit(request: ZkRequest, done: (answer: ZkAnswer) => void): void;
  /** Ends the session in order; bounded. */
  close(done: () => void): void;
}

export interface LogPort {
  event(name: EventName, fields?: Fields): void;
}

/** Everything outside one agent. */
export interface Outside {
  readonly clock: WallClock;
  readonly log: LogPort;
  readonly redis: RedisConnector;
  openZooKeeper(events: ZkEvents): ZkPort;
  openPeers(events: PeerEvents): PeerHub;
  identify(address: Address, timeoutMs: number, done: (result: Identification) => void): void;
  /** Ends the process, or the simulated one. */
  exit(code: number): void;
}
