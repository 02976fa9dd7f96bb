/**
 * A client as a user would build it: watches the published master record and writes to the address that it names.
 */
import { servicePaths } from '../src/records/paths.ts';
import { connectZooKeeper, isZooKeeperError } from '../src/zookeeper/index.ts';
import type { ZooKeeperClient } from '../src/zookeeper/index.ts';
import type { AcceptedWrite } from './write-probe.ts';
import { WriteProbe } from './write-probe.ts';

const SESSION_TIMEOUT_MS = 10_000;

export interface PublishedClientOptions {
  readonly zookeeperPort: number;
  readonly service: string;
  readonly everyMs: number;
  readonly onAccepted: (write: AcceptedWrite) => void;
}

export class PublishedClient {
  private readonly path: string;
  private readonly zookeeper: ZooKeeperClient;
  private readonly probe: WriteProbe;

  constructor({ zookeeperPort, service, everyMs, onAccepted }: PublishedClientOptions) {
    this.path = servicePaths(service).masterRecord;
    this.probe = new WriteProbe({ port: null, everyMs, key: 'bench:published', onAccepted });
    this.zookeeper = connectZooKeeper(
      { hosts: [{ host: '127.0.0.1', port: zookeeperPort }], sessionTimeoutMs: SESSION_TIMEOUT_MS },
      {
        onConnected: ({ fresh }) => void this.look(fresh),
        onDisconnected: () => undefined,
        onExpired: () => undefined,
        onWatch: () => void this.look(false),
      },
    );
  }

  async stop(): Promise<void> {
    this.probe.stop();
    await this.zookeeper.close();
  }

  /** No record: the old address stays, as a client has nothing better to try. */
  private async look(fresh: boolean): Promise<void> {
    try {
      if (fresh) await this.zookeeper.addWatch(this.path, 'persistent');
      const { data } = await this.zookeeper.getData(this.path);
      const record = JSON.parse(data.toString('utf8')) as { port: string };
      this.probe.aim(Number(record.port));
    } catch (error) {
      // Gone between event and read, or the connection was: another event follows either.
      if (!isZooKeeperError(error)) throw error;
    }
  }
}
