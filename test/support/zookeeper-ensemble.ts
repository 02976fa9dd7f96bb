// Three (or more) real ZooKeeper servers that form one ensemble on this machine.

import { freePort } from './free-port.ts';
import { startZooKeeper, type ZooKeeperServer, type ZooKeeperServerOptions } from './zookeeper-server.ts';
import { waitFor } from './wait-for.ts';

export interface ZooKeeperEnsemble {
  /** By server id minus 1. A session's id carries the id of the server that created it in its highest byte. */
  readonly servers: readonly ZooKeeperServer[];
  readonly hosts: readonly { host: string; port: number }[];
  leader(): Promise<ZooKeeperServer>;
  followers(): Promise<ZooKeeperServer[]>;
  /** Resolves when all running servers serve, one of them as leader. */
  whenServing(): Promise<void>;
  stop(): Promise<void>;
}

export interface ZooKeeperEnsembleOptions extends Pick<ZooKeeperServerOptions, 'tickTimeMs' | 'java' | 'fsync'> {
  /** Default 3. */
  readonly size?: number;
  /** In ticks. Default 10. */
  readonly syncLimit?: number;
}

export async function startZooKeeperEnsemble(options: ZooKeeperEnsembleOptions = {}): Promise<ZooKeeperEnsemble> {
  const { size = 3, syncLimit = 10, ...serverOptions } = options;
  const members: Record<string, string> = {};
  for (let id = 1; id <= size; id += 1) {
    members[`server.${String(id)}`] = `127.0.0.1:${String(await freePort())}:${String(await freePort())}`;
  }
  const starts = Object.keys(members).map((_, index) =>
    startZooKeeper({
      ...serverOptions,
      config: { initLimit: 100, syncLimit, ...members },
      serverId: index + 1,
      waitUntilServing: false,
    }));
  const ensemble = new Ensemble(await Promise.all(starts));
  try {
    await ensemble.whenServing();
  } catch (error) {
    await ensemble.stop();
    throw error;
  }
  return ensemble;
}

class Ensemble implements ZooKeeperEnsemble {
  readonly servers: readonly ZooKeeperServer[];

  constructor(servers: readonly ZooKeeperServer[]) {
    this.servers = servers;
  }

  get hosts(): { host: string; port: number }[] {
    return this.servers.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  async leader(): Promise<ZooKeeperServer> {
    return await waitFor(async () => (await this.#inMode('leader'))[0], 'the ensemble has a leader');
  }

  async followers(): Promise<ZooKeeperServer[]> {
    return await this.#inMode('follower');
  }

  async whenServing(): Promise<void> {
    await waitFor(async () => {
      const running = this.servers.filter((server) => server.running);
      const modes = await Promise.all(running.map((server) => server.mode()));
      // A leader that was frozen and deposed believes for a while that it still is one.
      return modes.every((mode) => mode !== null) && modes.filter((mode) => mode === 'leader').length === 1;
    }, 'every running server of the ensemble serves', 40_000);
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  async #inMode(wanted: string): Promise<ZooKeeperServer[]> {
    const running = this.servers.filter((server) => server.running);
    const modes = await Promise.all(running.map((server) => server.mode()));
    return running.filter((_, index) => modes[index] === wanted);
  }
}
