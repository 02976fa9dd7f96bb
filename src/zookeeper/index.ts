// A ZooKeeper client for those who hold leases: see README.md in this folder.

export {
  connectZooKeeper,
  type CreateOptions,
  type WatchOption,
  type ZooKeeperClient,
  type ZooKeeperEvents,
  type ZooKeeperOptions,
} from './client.ts';
export type { Credential } from './connection.ts';
export { isZooKeeperError, ZooKeeperError, type ZooKeeperErrorCode } from './errors.ts';
export type { Fault, FaultCode } from './faults.ts';
export type { Host, Lookup, LookupCallback } from './hosts.ts';
export type { MultiOp, MultiResult } from './multi.ts';
export { openZooKeeperPort, type ZkAnswer, type ZkEvents, type ZkPort, type ZkRequest } from './port.ts';
export type { Acl, Stat, WatchEvent, WatchEventType } from './protocol.ts';
export { askIfWatches, askServerLimits, type ServerLimits } from './server-limits.ts';
export type { PersistentMode } from './watches.ts';
