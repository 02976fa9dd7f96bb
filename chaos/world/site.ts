/** The place of a run: its folder, its network, and how a host with a Redis comes into being there. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Cgroup } from './cgroup.ts';
import { mountMemory } from './capabilities.ts';
import type { Host, Network } from './network.ts';
import { RedisHost } from './redis-host.ts';

/** Small enough to be filled in no time, large enough for what a round writes. */
const DISK_MEGABYTES = 64;
/** Where everybody is 127.0.0.1, ports tell them apart: below the range that kernels give to clients. */
const LOOPBACK_PORTS = 20_000;
const LOOPBACK_PORTS_SPREAD = 9000;

/**
 * How the servers keep their data, one after the other: not at all, an AOF, snapshots. A restarted server is another
 * one each time: empty, without a recognisable identity, or with old data and its name.
 */
const PERSISTENCE: readonly (readonly string[])[] = [
  ['appendonly no', 'save ""'],
  ['appendonly yes', 'appendfsync everysec', 'auto-aof-rewrite-min-size 4mb', 'save ""'],
  ['appendonly no', 'save 5 1'],
];

export interface RedisPlace {
  readonly host: Host;
  readonly redis: RedisHost;
  readonly redisPort: number;
  readonly cgroup: Cgroup | null;
}

export class Site {
  readonly folder: string;
  readonly network: Network;
  /** Whether disks may be mounted: in a mount namespace of one's own. */
  readonly mounts: boolean;
  /** Of the nodes, in their order. */
  readonly cgroups: (Cgroup | null)[] = [];
  private readonly label: string;
  private nextPort: number;

  constructor(parts: Pick<Site, 'folder' | 'network' | 'mounts'> & { readonly label: string }) {
    this.folder = parts.folder;
    this.network = parts.network;
    this.mounts = parts.mounts;
    this.label = parts.label;
    this.nextPort = LOOPBACK_PORTS + (process.pid * 40) % LOOPBACK_PORTS_SPREAD;
  }

  /** The usual port where each host has an address of its own; else one of our own. */
  port(usual: number): number {
    return this.network.kind === 'namespaces' ? usual : this.nextPort++;
  }

  host(name: string): Promise<Host> {
    return this.network.addHost(name);
  }

  async redis(name: string, index: number, settings: readonly string[]): Promise<RedisPlace> {
    const host = await this.host(name);
    const dataDir = join(this.folder, `${name}-disk`);
    mkdirSync(dataDir, { recursive: true });
    if (this.mounts) {
      const refused = await mountMemory(dataDir, DISK_MEGABYTES);
      if (refused !== null) throw new Error(refused);
    }
    const cgroup = Cgroup.open(`${this.label}-${name}`);
    this.cgroups.push(cgroup);
    const redisPort = this.port(6379);
    const redis = new RedisHost({
      host, port: redisPort, folder: this.folder, dataDir, cgroup,
      settings: [...PERSISTENCE[index % PERSISTENCE.length] ?? [], ...settings],
    });
    return { host, redis, redisPort, cgroup };
  }
}
