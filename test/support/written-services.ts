/**
 * Services that exist in ZooKeeper alone: records as agents would write them, by one session, without any agent or
 * Redis. For whoever reads the services of an ensemble and is to be given many of them.
 */
import { encodeMasterRecord, encodeRecord } from '../../src/records/codec.ts';
import { servicePaths } from '../../src/records/paths.ts';
import { connectZooKeeper } from '../../src/zookeeper/index.ts';
import type { MultiOp, ZooKeeperClient } from '../../src/zookeeper/index.ts';
import { waitFor } from './wait-for.ts';
import { playedLease, playedMember, playedNode, playedTerm, addressOf } from './played-service.ts';

const NAMES = ['redis1', 'redis2', 'redis3'] as const;
/** What the server grants of it. */
const SESSION_TIMEOUT_MS = 120_000;
/** Part of it that one attempt to connect may take: a server that is starting accepts, and answers nobody. */
const CONNECT_DEADLINE_SHARE = 1 / 60;
/** Services that are written in one go. */
const BATCH = 50;

/** What a service of this master consists of. */
function records(service: string, master: string, epoch: number): MultiOp[] {
  const paths = servicePaths(service);
  const persistent = (path: string, value: object | null = null): MultiOp => (
    { op: 'create', path, data: value === null ? '' : encodeRecord(value) }
  );
  const ephemeral = (path: string, data: string): MultiOp => ({ op: 'create', path, data, ephemeral: true });
  return [
    persistent(paths.root),
    persistent(paths.published),
    ...(['members', 'nodes', 'ballots'] as const).map((folder) => persistent(paths.folder(folder))),
    persistent(paths.term, termOf(master, epoch)),
    ephemeral(paths.lease, encodeRecord({ ...playedLease(master), epoch })),
    ephemeral(paths.masterRecord, announcement(master)),
    ...NAMES.flatMap((name) => [
      persistent(paths.of('nodes', name), playedNode(name)),
      ephemeral(paths.of('members', name), encodeRecord({ ...playedMember(name), sentinel: addressOf(name, 26379) })),
    ]),
  ];
}

function termOf(master: string, epoch: number): object {
  const redis = addressOf(master, 6379);
  const inSync = NAMES.filter((name) => name !== master);
  return { ...playedTerm(), epoch, master: { name: master, runId: `run-${master}`, redis }, inSync };
}

function announcement(master: string): string {
  const { host, port } = addressOf(master, 6379);
  return encodeMasterRecord({ host, port: String(port), name: master });
}

export class WrittenServices {
  private readonly zk: ZooKeeperClient;

  private constructor(zk: ZooKeeperClient) {
    this.zk = zk;
  }

  static async open(port: number): Promise<WrittenServices> {
    const zk = await new Promise<ZooKeeperClient>((resolve) => {
      const client = connectZooKeeper({
        hosts: [{ host: '127.0.0.1', port }],
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
        connectDeadlineShare: CONNECT_DEADLINE_SHARE,
      }, {
        onConnected: () => resolve(client),
        onDisconnected: () => undefined,
        onExpired: () => undefined,
        onWatch: () => undefined,
      });
    });
    for (const path of ['/dictator', '/services/redis']) await zk.mkdirp(path);
    return new WrittenServices(zk);
  }

  /** A server that was away is waited for. */
  private async connected(): Promise<void> {
    await waitFor(() => this.zk.state === 'connected', 'the writer of services to have its session again');
  }

  /** Writes them with redis1 as their master. */
  async write(services: readonly string[]): Promise<void> {
    await this.connected();
    for (let from = 0; from < services.length; from += BATCH) {
      await Promise.all(services.slice(from, from + BATCH).map((service) => (
        this.zk.multi(records(service, 'redis1', 7))
      )));
    }
  }

  /** Its master is gone. */
  async lose(service: string): Promise<void> {
    await this.connected();
    const { lease, masterRecord } = servicePaths(service);
    await this.zk.multi([{ op: 'delete', path: lease }, { op: 'delete', path: masterRecord }]);
  }

  /** Another one is claimed and announced, in the two steps that agents take. */
  async promote(service: string, master: string, epoch: number): Promise<void> {
    await this.connected();
    const { lease, masterRecord, term } = servicePaths(service);
    await this.zk.multi([
      { op: 'create', path: lease, data: encodeRecord({ ...playedLease(master), epoch }), ephemeral: true },
      { op: 'setData', path: term, data: encodeRecord(termOf(master, epoch)) },
    ]);
    await this.zk.create(masterRecord, announcement(master), { ephemeral: true });
  }

  /** Takes everything of it away. */
  async remove(service: string): Promise<void> {
    await this.connected();
    const { root, published } = servicePaths(service);
    await this.zk.multi([...await this.below(root), ...await this.below(published)].map((path) => (
      { op: 'delete' as const, path }
    )));
  }

  private async below(path: string): Promise<string[]> {
    const names = await this.zk.getChildren(path);
    const deeper = await Promise.all(names.map((name) => this.below(`${path}/${name}`)));
    return [...deeper.flat(), path];
  }

  async close(): Promise<void> {
    await this.zk.close();
  }
}
