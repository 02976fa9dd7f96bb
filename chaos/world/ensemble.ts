/** Three ZooKeeper servers, each on a host of its own. */
import { join } from 'node:path';
import { startZooKeeper } from '../../test/support/zookeeper-server.ts';
import type { ZooKeeperServer } from '../../test/support/zookeeper-server.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import type { Host } from './network.ts';
import type { Site } from './site.ts';
import type { Ensemble } from './subject.ts';

const TICK_MS = 500;
const SERVERS = 3;
/** In ticks: below what the agents warn of, 2 T. */
const SYNC_LIMIT = 5;
const INIT_LIMIT = 40;
const START_TIMEOUT_MS = 60_000;

export class ZooKeepers implements Ensemble {
  readonly addresses: readonly string[];
  readonly servers: readonly ZooKeeperServer[];

  constructor(addresses: readonly string[], servers: readonly ZooKeeperServer[]) {
    this.addresses = addresses;
    this.servers = servers;
  }

  get hosts(): readonly { readonly host: string; readonly port: number }[] {
    return this.servers.map(({ port }, index) => ({ host: this.addresses[index] ?? '', port }));
  }

  get size(): number {
    return this.servers.length;
  }

  async leader(): Promise<number | null> {
    const modes = await Promise.all(this.servers.map(async (server) => (
      server.running ? await server.mode() : null
    )));
    const index = modes.findIndex((mode) => mode === 'leader');
    return index < 0 ? null : index;
  }

  async whenLed(): Promise<void> {
    await waitFor(async () => await this.leader() !== null, 'the ensemble has a leader', START_TIMEOUT_MS);
  }

  async kill(index: number): Promise<void> {
    await this.servers[index]?.kill();
  }

  async restart(index: number): Promise<void> {
    await this.servers[index]?.restart();
  }

  signal(index: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
    const server = this.servers[index];
    if (server?.running !== true) return;
    if (signal === 'SIGSTOP') server.freeze();
    else server.thaw();
  }
}

export async function startEnsemble(site: Site): Promise<ZooKeepers> {
  const places: { readonly host: Host; readonly client: number; readonly peers: string }[] = [];
  for (let id = 1; id <= SERVERS; id += 1) {
    const host = await site.host(`zk${id}`);
    places.push({ host, client: site.port(2181), peers: `${site.port(2888)}:${site.port(3888)}` });
  }
  const members = Object.fromEntries(places.map(({ host, peers }, index) => (
    [`server.${index + 1}`, `${host.address}:${peers}`]
  )));
  const servers = await Promise.all(places.map(({ host, client }, index) => startZooKeeper({
    tickTimeMs: TICK_MS,
    port: client,
    host: host.address,
    prefix: host.prefix,
    dataDir: join(site.folder, host.name),
    serverId: index + 1,
    config: { initLimit: INIT_LIMIT, syncLimit: SYNC_LIMIT, ...members },
    waitUntilServing: false,
  })));
  const ensemble = new ZooKeepers(places.map(({ host }) => host.address), servers);
  await ensemble.whenLed();
  return ensemble;
}
