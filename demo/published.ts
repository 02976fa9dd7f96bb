/**
 * The address that the service publishes, read as clients read it: the master record in ZooKeeper, under a watch.
 */
import { connectZooKeeper } from '../src/zookeeper/index.ts';
import type { ZooKeeperClient } from '../src/zookeeper/index.ts';
import { SERVICE_NAME } from './service.ts';

const PATH = `/services/redis/${SERVICE_NAME}/master`;
const SESSION_TIMEOUT_MS = 5000;
const AGAIN_AFTER_MS = 50;

export interface Published {
  readonly name: string;
  readonly port: number;
  /** performance.now() when we learnt it. */
  readonly atMs: number;
}

export class PublishedMaster {
  /** Null while no master is published. */
  current: Published | null = null;
  private readonly client: ZooKeeperClient;
  private readonly onChange: (now: Published | null) => void;
  private closed = false;

  constructor(zooKeeperPort: number, onChange: (now: Published | null) => void = () => undefined) {
    this.onChange = onChange;
    const hosts = [{ host: '127.0.0.1', port: zooKeeperPort }];
    const look = (): void => { void this.look(); };
    this.client = connectZooKeeper({ hosts, sessionTimeoutMs: SESSION_TIMEOUT_MS }, {
      onConnected: look,
      onDisconnected: () => undefined,
      onExpired: () => undefined,
      onWatch: look,
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.client.close();
  }

  private async look(): Promise<void> {
    try {
      // In this order: a record that appears between the two fires the watch.
      if (await this.client.exists(PATH, { watch: true }) === null) {
        this.learn(null);
        return;
      }
      const { data } = await this.client.getData(PATH);
      const record = JSON.parse(data.toString()) as { name: string; port: string };
      this.learn({ name: record.name, port: Number(record.port), atMs: performance.now() });
    } catch (error) {
      if (this.closed) return;
      if (!(error instanceof Error)) throw error;
      // Gone between the two requests, or no connection: whatever it was, look again.
      setTimeout(() => { if (!this.closed) void this.look(); }, AGAIN_AFTER_MS).unref();
    }
  }

  private learn(now: Published | null): void {
    if (now?.name === this.current?.name && now?.port === this.current?.port) return;
    this.current = now;
    this.onChange(now);
  }
}
