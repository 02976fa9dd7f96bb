/**
 * Whom clients believe to be the master: what the service publishes, as far as it can be asked, else what it published
 * last. A client that knows no better goes on writing there.
 */
import { servicePaths } from '../../src/records/paths.ts';
import { connectZooKeeper, isZooKeeperError } from '../../src/zookeeper/index.ts';
import type { Host, ZooKeeperClient } from '../../src/zookeeper/index.ts';
import type { Target } from './writers.ts';

export interface Belief {
  now(): Target | null;
  /** What was believed so many milliseconds ago. */
  before(ageMs: number): Target | null;
  /** Name or address that is published at this moment, null when there is none or nobody to ask. */
  published(): Target | null;
  close(): Promise<void>;
}

/** Longer ago, nobody asks. */
const MEMORY_MAX = 1000;

/** What was believed when. */
export class History {
  private readonly entries: { readonly fromMs: number; readonly target: Target }[] = [];

  learn(target: Target): void {
    const last = this.entries.at(-1);
    if (last?.target.server === target.server) return;
    this.entries.push({ fromMs: performance.now(), target });
    if (this.entries.length > MEMORY_MAX) this.entries.shift();
  }

  before(ageMs: number): Target | null {
    const atMs = performance.now() - ageMs;
    return this.entries.findLast(({ fromMs }) => fromMs <= atMs)?.target ?? this.entries[0]?.target ?? null;
  }

  forget(): void {
    this.entries.length = 0;
  }
}

export interface RecordBelief extends Belief {
  /** From now on the record of another service. */
  turnTo(service: string): void;
}

/** By the master record in ZooKeeper, under a watch. */
export function believeTheRecord(parts: {
  readonly hosts: readonly Host[]; readonly sessionTimeoutMs: number; readonly service: string;
  readonly identify: (host: string, port: number) => Target | null;
}): RecordBelief {
  const history = new History();
  let service = parts.service;
  let published: Target | null = null;
  let closed = false;
  const again = (): void => {
    setTimeout(() => { if (!closed) void look(); }, AGAIN_MS).unref();
  };
  const look = async (): Promise<void> => {
    const path = servicePaths(service).masterRecord;
    try {
      if (await client.exists(path, { watch: true }) === null) {
        published = null;
        return;
      }
      const { data } = await client.getData(path);
      const { host, port } = JSON.parse(data.toString()) as { host: string; port: string };
      published = parts.identify(host, Number(port));
      if (published !== null) history.learn(published);
    } catch (error) {
      if (closed) return;
      if (!isZooKeeperError(error)) throw error;
      again();
    }
  };
  const client: ZooKeeperClient = connectZooKeeper(
    { hosts: [...parts.hosts], sessionTimeoutMs: parts.sessionTimeoutMs },
    {
      onConnected: () => void look(),
      onDisconnected: () => { published = null; },
      onExpired: () => { published = null; },
      onWatch: () => void look(),
    },
  );
  return {
    now: () => history.before(0),
    before: (ageMs) => history.before(ageMs),
    published: () => published,
    turnTo: (next) => {
      service = next;
      published = null;
      history.forget();
      void look();
    },
    close: async () => {
      closed = true;
      await client.close();
    },
  };
}

const AGAIN_MS = 50;
