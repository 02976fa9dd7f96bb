/** What a simulated Redis is started with: its configuration file, and how long the slow things take. */
import type { Endpoint } from '../../kernel/network.ts';

/**
 * `none`: the folder goes with the process, as a container's. `unsaved`: nothing is ever saved (`save ""`), but the
 * file of the last full sync stays, and is what the next process finds.
 */
export type Persistence = 'none' | 'unsaved' | 'rdb' | 'aof' | 'both';

export interface RedisOptions {
  readonly port: number;
  readonly version: string;
  /** replica-priority. */
  readonly priority: number;
  readonly persistence: Persistence;
  /** `min-replicas-to-write 1` in the configuration file: refuses writes until an agent lifts it. */
  readonly startFence: boolean;
  readonly minReplicasMaxLag: number;
  /** `replicaof` in the configuration file. */
  readonly replicaOf: Endpoint | null;
  /** repl-backlog-size; agents raise it. */
  readonly backlogBytes: number;
  /** repl-backlog-ttl; agents set it to 0, which means never. */
  readonly backlogTtlSeconds: number;
  readonly disklessSync: boolean;
  /**
   * repl-diskless-load flushdb (Redis 8; flush-before-load in Valkey 8.1): the replica drops what it has when a full
   * sync begins, and has nothing if it breaks off. Else the file is received whole before anything is dropped.
   */
  readonly disklessLoad: boolean;
  /** repl-diskless-sync-delay. */
  readonly disklessDelaySeconds: number;
  /** A BGSAVE is begun this often when something changed; 0: only by command and at SHUTDOWN. */
  readonly saveEverySeconds: number;
  readonly bgsaveMs: number;
  /** The sending of a full sync. */
  readonly transferMs: number;
  /** Reading a dataset, after a full sync and at a start. */
  readonly loadMs: number;
  /** repl-ping-replica-period. */
  readonly pingSeconds: number;
  /** Probability, each second, that a master deletes an expired key. */
  readonly expiryChance: number;
  /** busy-reply-threshold. */
  readonly busyAfterMs: number;
}

export const REDIS_DEFAULTS: RedisOptions = {
  port: 6379,
  version: '7.0.15',
  priority: 100,
  persistence: 'none',
  startFence: false,
  minReplicasMaxLag: 10,
  replicaOf: null,
  backlogBytes: 1024 * 1024,
  backlogTtlSeconds: 3600,
  disklessSync: true,
  disklessLoad: false,
  disklessDelaySeconds: 5,
  saveEverySeconds: 0,
  bgsaveMs: 50,
  transferMs: 20,
  loadMs: 20,
  pingSeconds: 10,
  expiryChance: 0,
  busyAfterMs: 5000,
};
