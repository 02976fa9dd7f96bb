/**
 * A Redis as a model: role, replication identity, offset, `min-replicas-to-write`.
 *
 * Replication is instant while a replica is linked to a living master. A history that does not fit costs a full sync,
 * which takes a moment and then takes over the master's whole dataset, empty or not.
 */
import type { Action } from '../actions.ts';
import type { RedisFacts, ReplicaFacts, SightEvent } from '../facts.ts';
import type { Address } from '../records.ts';
import { redisOf } from './world.ts';

const CLOSED_PORT = 1;
/** `min-replicas-to-write` of the recommended configuration: nothing is taken before an agent lifted it. */
const START_FENCE = 1;
/** The least that a full sync needs before the replica's data is gone (measured). */
const FULL_SYNC_MS = 50;
const NO_HISTORY = { replid2: null, secondReplOffset: -1 } as const;

type RedisAction = Extract<Action, {
  kind:
    | 'fence_reversibly' | 'remote_fence_reversibly' | 'set_min_replicas' | 'fence_hard' | 'remote_fence_hard'
    | 'follow' | 'freeze' | 'promote' | 'open_full_syncs' | 'configure' | 'kill_stragglers' | 'detach';
}>;

/** Who looks, so that each watcher hears once that a connection opened or ended. */
type Watcher = { readonly name: string };

export class RedisModel {
  readonly name: string;
  alive = true;
  runId: string;
  replid: string;
  replid2: string | null = null;
  secondReplOffset = -1;
  offset = 0;
  keys = 0;
  target: Address | null = null;
  up = false;
  everUp = false;
  syncingSinceMs: number | null = null;
  minReplicas = START_FENCE;
  fullSyncsClosed = true;
  /** Its configuration file sets the sync fence: as long as full syncs are closed, none begins. */
  syncFence = false;
  announced: Address | null = null;
  priority = 100;
  /** Nodes that cannot reach it over the network. */
  readonly unreachableFor = new Set<string>();
  /** Full syncs that it took. */
  fullSyncs = 0;
  /** Its disk is full. */
  refusesWrites = false;
  private starts = 1;
  private hungSinceMs: number | null = null;
  /** What waits in its sockets while it hangs. */
  private readonly unheard: RedisAction[] = [];
  private readonly connected = new Map<string, WeakMap<Watcher, string>>();
  private streaming: readonly RedisModel[] = [];

  constructor(name: string) {
    this.name = name;
    this.runId = `run-${name}-1`;
    this.replid = `replid-${name}-1`;
  }

  /** Stopped like a process by SIGSTOP: it answers nothing, and hears everything when it thaws. */
  hang(nowMs: number): void {
    this.hungSinceMs = nowMs;
  }

  thaw(): void {
    this.hungSinceMs = null;
    for (const action of this.unheard.splice(0)) this.obey(action);
  }

  /** Another process with the same data on disk, or with none. */
  restart(data: 'kept' | 'lost'): void {
    this.starts += 1;
    this.alive = true;
    this.runId = `run-${this.name}-${this.starts}`;
    this.minReplicas = START_FENCE;
    this.fullSyncsClosed = true;
    this.announced = null;
    this.up = false;
    this.syncingSinceMs = null;
    this.everUp = false;
    this.target = null;
    const former = { replid2: this.replid, secondReplOffset: this.offset + 1 };
    Object.assign(this, data === 'kept' ? former : { ...NO_HISTORY, offset: 0, keys: 0 });
    this.replid = `replid-${this.name}-${this.starts}`;
  }

  write(bytes: number): void {
    this.keys += 1;
    this.offset += bytes;
  }

  streamsFrom(master: RedisModel): boolean {
    return this.alive && this.up && this.target?.host === redisOf(master.name).host;
  }

  takesWrites(replicas: number): boolean {
    const serves = this.alive && this.hungSinceMs === null;
    return serves && !this.refusesWrites && this.target === null && replicas >= this.minReplicas;
  }

  /** Lets the stream flow once. */
  replicate(at: (address: Address) => RedisModel | undefined, nowMs: number): void {
    this.streaming = this.streaming.filter((replica) => replica.streamsFrom(this));
    const master = this.target === null ? undefined : at(this.target);
    this.up = false;
    if (!this.alive || master?.alive !== true || master.target !== null) return;
    if (master.unreachableFor.has(this.name)) return;
    if (!this.continues(master) && !this.fullSync(master, nowMs)) return;
    this.syncingSinceMs = null;
    this.up = true;
    this.everUp = true;
    this.replid = master.replid;
    this.replid2 = master.replid2;
    this.secondReplOffset = master.secondReplOffset;
    this.offset = master.offset;
    this.keys = master.keys;
    if (!master.streaming.includes(this)) master.streaming = [...master.streaming, this];
  }

  /** Whether the full sync is over. */
  private fullSync(master: RedisModel, nowMs: number): boolean {
    if (master.syncFence && master.fullSyncsClosed) return false;
    this.syncingSinceMs ??= nowMs;
    if (nowMs - this.syncingSinceMs < FULL_SYNC_MS) return false;
    this.fullSyncs += 1;
    return true;
  }

  private continues(master: RedisModel): boolean {
    if (this.replid === master.replid) return this.offset <= master.offset;
    return this.replid === master.replid2 && this.offset < master.secondReplOffset;
  }

  /** Carries out an action. Returns whether it was there to do so. */
  obey(action: RedisAction): boolean {
    if (!this.alive) return false;
    if (this.hungSinceMs !== null) {
      this.unheard.push(action);
      return false;
    }
    switch (action.kind) {
      case 'fence_reversibly':
      case 'remote_fence_reversibly':
        this.minReplicas = 1_000_000;
        this.fullSyncsClosed = true;
        break;
      case 'set_min_replicas':
        this.minReplicas = action.minReplicas;
        break;
      case 'open_full_syncs':
        this.fullSyncsClosed = false;
        break;
      case 'fence_hard':
      case 'remote_fence_hard':
      case 'follow':
        this.follow(action.target);
        break;
      case 'freeze':
        this.follow({ host: '127.0.0.1', port: CLOSED_PORT });
        break;
      case 'promote':
        this.minReplicas = action.minReplicas;
        if (this.target !== null) this.becomeMaster();
        break;
      case 'detach':
        this.minReplicas = 1_000_000;
        if (this.target !== null) this.becomeMaster();
        break;
      case 'configure':
        this.announced = redisOf(this.name);
        break;
      case 'kill_stragglers':
        break;
    }
    return true;
  }

  private follow(target: Address): void {
    this.target = target;
    this.up = false;
    this.syncingSinceMs = null;
  }

  private becomeMaster(): void {
    this.target = null;
    this.up = false;
    this.everUp = false;
    this.syncingSinceMs = null;
    this.replid2 = this.replid;
    this.secondReplOffset = this.offset + 1;
    this.replid = `replid-${this.name}-${this.runId}-${this.offset}`;
  }

  /** What one watcher sees over a connection of its own. */
  seenBy(watcher: Watcher, purpose: string): readonly SightEvent[] {
    const known = this.connected.get(purpose) ?? new WeakMap<Watcher, string>();
    this.connected.set(purpose, known);
    const before = known.get(watcher);
    if (this.unreachableFor.has(watcher.name)) {
      known.set(watcher, 'unreachable');
      return before === 'unreachable' ? [] : [{ seen: 'failed', code: 'timeout' }];
    }
    const wasOpen = before !== undefined && before !== 'refused' && before !== 'unreachable';
    if (!this.alive) {
      known.set(watcher, 'refused');
      return wasOpen ? [{ seen: 'closed' }, { seen: 'refused' }] : [{ seen: 'refused' }];
    }
    if (this.hungSinceMs !== null) return before === this.runId ? [{ seen: 'silent', sinceMs: this.hungSinceMs }] : [];
    known.set(watcher, this.runId);
    const answered: SightEvent = { seen: 'answered', facts: this.facts() };
    if (before === this.runId) return [answered];
    const opened: SightEvent[] = [{ seen: 'opened' }, answered];
    return wasOpen ? [{ seen: 'closed' }, ...opened] : opened;
  }

  hangUp(watcher: Watcher, purpose: string): void {
    this.connected.get(purpose)?.delete(watcher);
  }

  private facts(): RedisFacts {
    const { target, up, offset } = this;
    const syncInProgress = this.syncingSinceMs !== null;
    const shown = ({ name }: RedisModel): ReplicaFacts => {
      const address = redisOf(name);
      return { ...address, state: 'online', offset, lagSeconds: 0 };
    };
    return {
      runId: this.runId,
      version: '7.0.15',
      mode: 'standalone',
      activeReplica: false,
      loading: false,
      uptimeSeconds: 60,
      processId: 100,
      refusesWrites: this.refusesWrites,
      role: target === null ? 'master' : 'replica',
      replid: this.replid,
      replid2: this.replid2,
      secondReplOffset: this.secondReplOffset,
      offset,
      priority: this.priority,
      keys: this.keys,
      changes: this.keys,
      link: target && { ...target, up, everUp: up || this.everUp, syncInProgress, readOffset: offset },
      replicas: target === null ? this.streaming.filter((replica) => replica.announced !== null).map(shown) : [],
      minReplicas: this.minReplicas,
      fullSyncsClosed: this.fullSyncsClosed,
      announced: this.announced,
    };
  }
}
