/**
 * Reads the records of services from ZooKeeper, as fast as one session carries them: requests go out without waiting
 * for each other, within a bound. A command line that looks changes nothing; one that acts writes by `transact` alone.
 */
import * as v from 'valibot';
import { performance } from 'node:perf_hooks';
import type { HostPort } from '../config/config.ts';
import type {
  Ballot, ChangesRecord, Lease, MasterRecord, Member, NodeRecord, RecordRead, SettingsRecord, Term,
} from '../core/records.ts';
import type { OrderRecord, PauseRecord, ResultsRecord } from '../core/operations/records.ts';
import { decodeRecord, encodeRecord, RECORD_BYTES_MAX } from '../records/codec.ts';
import { servicePaths } from '../records/paths.ts';
import type { Folder, ServicePaths } from '../records/paths.ts';
import { connectZooKeeper, isZooKeeperError } from '../zookeeper/index.ts';
import type { MultiOp, ZooKeeperClient, ZooKeeperErrorCode } from '../zookeeper/index.ts';

/** Longest search for a server that answers. */
const CONNECT_TIMEOUT_MS = 4000;
/** The session of a verb: as long as the longest pause of an ensemble that elects its leader. */
const SESSION_TIMEOUT_MS = 10_000;
/** An ensemble that is asked for thousands of services may be slower than one that is asked for a lease. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Requests under way at once; the client's own bound is 1,000. */
const IN_FLIGHT_MAX = 500;
const ROOT = '/dictator';
/** What a transaction is refused with when somebody else was faster. */
export const RACED: readonly ZooKeeperErrorCode[] = ['BAD_VERSION', 'NO_NODE', 'NODE_EXISTS', 'NOT_EMPTY'];

/** A record with the facts of its znode that a reader shows. */
export interface Stamped<T> {
  readonly value: T;
  /** Wall clock of the ensemble when it was last written; ms since 1970. */
  readonly writtenMs: number;
  readonly version: number;
  /** Session that owns it, 0n for a persistent one. */
  readonly owner: bigint;
  /** Of the record: one that is newer than ours is read, and never written over. */
  readonly format: number;
}

export interface ServiceRecords {
  readonly service: string;
  readonly lease: Stamped<Lease> | null;
  readonly term: Stamped<Term> | null;
  readonly settings: Stamped<SettingsRecord> | null;
  readonly masterRecord: Stamped<MasterRecord> | null;
  /** The planned operation that stands; only where all was read. */
  readonly order: Stamped<OrderRecord> | null;
  /** Void past its end, whoever finds it. */
  readonly pause: Stamped<PauseRecord> | null;
  /** Names of the live agents; their records are in `members` only where all was read. */
  readonly live: readonly string[];
  readonly members: ReadonlyMap<string, Stamped<Member>>;
  readonly nodes: ReadonlyMap<string, Stamped<NodeRecord>>;
  readonly ballots: ReadonlyMap<string, Stamped<Ballot>>;
  /** Paths whose data is not a record of ours. */
  readonly unreadable: readonly string[];
}

export interface StoredSettings {
  readonly settings: Stamped<SettingsRecord> | null;
  readonly changes: Stamped<ChangesRecord> | null;
  /** Something that is no record of ours stands in the place of one of them. */
  readonly isUnreadable: boolean;
}

/** How much of a service is read: what `list` shows of thousands, or everything. */
export type Depth = 'summary' | 'all';

export class Ensemble {
  readonly #zk: ZooKeeperClient;
  #inFlight = 0;
  readonly #waiting: (() => void)[] = [];

  private constructor(zk: ZooKeeperClient) {
    this.#zk = zk;
  }

  /** A session, or null where no server of the ensemble gave one in time. */
  static open(hosts: readonly HostPort[], sessionTimeoutMs = SESSION_TIMEOUT_MS): Promise<Ensemble | null> {
    return new Promise((resolve) => {
      const options = { hosts, sessionTimeoutMs, requestTimeoutMs: REQUEST_TIMEOUT_MS };
      const zk = connectZooKeeper(options, {
        onConnected: () => {
          clearTimeout(timer);
          resolve(new Ensemble(zk));
        },
        onDisconnected: () => undefined,
        onExpired: () => undefined,
        onWatch: () => undefined,
      });
      const timer = setTimeout(() => {
        void zk.close();
        resolve(null);
      }, CONNECT_TIMEOUT_MS);
    });
  }

  /** What the ensemble granted of the session timeout that was asked for. */
  get sessionTimeoutMs(): number {
    return this.#zk.sessionTimeoutMs;
  }

  close(): Promise<void> {
    return this.#zk.close();
  }

  /** Names of all services, sorted. */
  async services(): Promise<readonly string[]> {
    return (await this.#children(ROOT)).toSorted();
  }

  /** Milliseconds that one read takes there and back. */
  async roundTripMs(): Promise<number> {
    const beganMs = performance.now();
    await this.#zk.sync('/');
    return performance.now() - beganMs;
  }

  /** JSON of one znode of a service, for what a reader knows no strict format of; null where there is none. */
  async json(service: string, name: string): Promise<unknown> {
    const found = await this.#data(`${servicePaths(service).root}/${name}`);
    if (found === null || found.data.length > RECORD_BYTES_MAX) return null;
    try {
      return JSON.parse(found.data.toString('utf8'));
    } catch (error) {
      // Somebody else's data.
      if (error instanceof SyntaxError) return null;
      throw error;
    }
  }

  async read(service: string, depth: Depth): Promise<ServiceRecords> {
    const paths = servicePaths(service);
    const unreadable: string[] = [];
    const one = (path: string): Promise<Stamped<unknown> | null> => this.#record(paths, path, unreadable);
    const all = depth === 'all';
    const nothing = Promise.resolve(null);
    const [lease, term, live, pause, order, settings, masterRecord, members, ballots] = await Promise.all([
      one(paths.lease),
      one(paths.term),
      this.#children(paths.folder('members')),
      one(paths.pause),
      all ? one(paths.order) : nothing,
      all ? one(paths.settings) : nothing,
      all ? one(paths.masterRecord) : nothing,
      all ? this.#folder(paths, 'members', unreadable) : new Map(),
      all ? this.#folder(paths, 'ballots', unreadable) : new Map(),
    ]);
    const registered = (term as Stamped<Term> | null)?.value.nodes ?? [];
    const nodes = all
      ? await this.#folder(paths, 'nodes', unreadable)
      : await this.#named(paths, { folder: 'nodes', names: registered }, unreadable);
    return {
      service,
      lease: lease as Stamped<Lease> | null,
      term: term as Stamped<Term> | null,
      settings: settings as Stamped<SettingsRecord> | null,
      masterRecord: masterRecord as Stamped<MasterRecord> | null,
      order: order as Stamped<OrderRecord> | null,
      pause: pause as Stamped<PauseRecord> | null,
      live: live.toSorted(),
      members: members as ReadonlyMap<string, Stamped<Member>>,
      nodes: nodes as ReadonlyMap<string, Stamped<NodeRecord>>,
      ballots: ballots as ReadonlyMap<string, Stamped<Ballot>>,
      unreadable,
    };
  }

  /** The operation that stands, read first, and those that ended: whatever is gone from the one is in the other. */
  async operations(service: string): Promise<{
    readonly order: Stamped<OrderRecord> | null;
    readonly results: Stamped<ResultsRecord> | null;
  }> {
    const paths = servicePaths(service);
    const [order, results] = await Promise.all([paths.order, paths.results].map((path) => {
      return this.#record(paths, path, []);
    }));
    return { order: order as Stamped<OrderRecord> | null, results: results as Stamped<ResultsRecord> | null };
  }

  /** The settings, and the list of who changed what, read after them. */
  async settings(service: string): Promise<StoredSettings> {
    const paths = servicePaths(service);
    const unreadable: string[] = [];
    const [settings, changes] = await Promise.all([paths.settings, paths.changes].map((path) => {
      return this.#record(paths, path, unreadable);
    }));
    return {
      settings: settings as Stamped<SettingsRecord> | null,
      changes: changes as Stamped<ChangesRecord> | null,
      isUnreadable: unreadable.length > 0,
    };
  }

  /** All or nothing; rejects with the code of the write that was refused. */
  async transact(ops: readonly MultiOp[]): Promise<void> {
    await this.#bounded(() => this.#zk.multi(ops));
  }

  /** For compare-and-set; null where nothing is there. */
  async versionOf(path: string): Promise<number | null> {
    return (await this.#bounded(() => this.#zk.exists(path)))?.version ?? null;
  }

  /**
   * Keeps a place of the service for this session, as long as it lives: one user at a time has it. Gives who has it
   * instead; null: we have it, also where we had it before. No agent looks at it.
   */
  async keep(service: string, place: 'rolling', { id, asker }: {
    readonly id: string;
    readonly asker: string;
  }): Promise<string | null> {
    const path = `${servicePaths(service).root}/${place}`;
    const op = { op: 'create' as const, path, data: JSON.stringify({ id, asker }), ephemeral: true };
    if (await this.#unlessRaced([op])) return null;
    const parsed = v.safeParse(holderSchema, await this.json(service, place));
    if (!parsed.success) return 'somebody';
    return parsed.output.id === id ? null : parsed.output.asker;
  }

  /** Changes the registry record of a node that has no agent; false where somebody else wrote it, or it has one now. */
  async rewriteNode(
    service: string,
    node: string,
    { value, version, change }: Stamped<NodeRecord> & { readonly change: object },
  ): Promise<boolean> {
    const path = servicePaths(service).of('nodes', node);
    return this.#unlessRaced([{ op: 'setData', path, data: encodeRecord({ ...value, ...change }), version }]);
  }

  /** Deletes all records of a service in one transaction; false where somebody wrote one meanwhile. */
  async remove(service: string): Promise<boolean> {
    const { root, published } = servicePaths(service);
    const inside = await this.#tree(root);
    const outside = await this.#tree(published);
    // Its parent belongs to the readers of the master record; an empty one is left by whoever wrote there last.
    const emptied = outside.length === 1 ? outside : [];
    return this.#unlessRaced([...inside, ...emptied].map((path) => ({ op: 'delete' as const, path })));
  }

  /** Paths of a tree, the deepest first; none where it is not there. */
  async #tree(path: string): Promise<readonly string[]> {
    const names = await this.#bounded(() => unlessMissing(this.#zk.getChildren(path)));
    if (names === null) return [];
    const below = await Promise.all(names.toSorted().map((name) => this.#tree(`${path}/${name}`)));
    return [...below.flat(), path];
  }

  async #unlessRaced(ops: readonly MultiOp[]): Promise<boolean> {
    try {
      await this.transact(ops);
      return true;
    } catch (error) {
      if (RACED.some((code) => isZooKeeperError(error, code))) return false;
      throw error;
    }
  }

  async #folder(paths: ServicePaths, folder: Folder, unreadable: string[]): Promise<Map<string, Stamped<unknown>>> {
    const names = (await this.#children(paths.folder(folder))).toSorted();
    return this.#named(paths, { folder, names }, unreadable);
  }

  async #named(
    paths: ServicePaths,
    { folder, names }: { readonly folder: Folder; readonly names: readonly string[] },
    unreadable: string[],
  ): Promise<Map<string, Stamped<unknown>>> {
    const records = await Promise.all(names.map((name) => this.#record(paths, paths.of(folder, name), unreadable)));
    const entries = names.flatMap((name, index) => {
      const record = records[index];
      return record ? [[name, record] as const] : [];
    });
    return new Map(entries);
  }

  async #record(paths: ServicePaths, path: string, unreadable: string[]): Promise<Stamped<unknown> | null> {
    const key = paths.keyOf(path);
    const found = await this.#data(path);
    if (found === null || key === null) return null;
    const { owner, version, czxid, writtenMs } = found;
    const kept: RecordRead['kept'] = decodeRecord(key, found.data, { owner, version, czxid })?.kept ?? null;
    if (kept === null) unreadable.push(path);
    return kept === null ? null : { value: kept.value, writtenMs, version, owner, format: kept.znode.format };
  }

  async #data(path: string): Promise<RawRecord | null> {
    const found = await this.#bounded(() => unlessMissing(this.#zk.getData(path)));
    if (found === null) return null;
    const { ephemeralOwner: owner, version, czxid, mtimeMs: writtenMs } = found.stat;
    return { data: found.data, owner, version, czxid, writtenMs };
  }

  async #children(path: string): Promise<readonly string[]> {
    return (await this.#bounded(() => unlessMissing(this.#zk.getChildren(path)))) ?? [];
  }

  async #bounded<T>(ask: () => Promise<T>): Promise<T> {
    // Whoever is woken takes over the place of the one that ended.
    if (this.#inFlight >= IN_FLIGHT_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#inFlight += 1;
    try {
      return await ask();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#inFlight -= 1;
      else next();
    }
  }
}

const holderSchema = v.object({ id: v.string(), asker: v.string() });

interface RawRecord {
  readonly data: Buffer;
  readonly owner: bigint;
  readonly version: number;
  readonly czxid: bigint;
  readonly writtenMs: number;
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (isZooKeeperError(error, 'NO_NODE')) return null;
    throw error;
  }
}
