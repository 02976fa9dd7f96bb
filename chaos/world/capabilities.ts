/** What this machine permits, tried out rather than guessed. */
import type { Need } from '../plan/kinds.ts';
import { Cgroup } from './cgroup.ts';
import type { Host, Network } from './network.ts';
import { refusal } from './run.ts';

export interface Capabilities {
  readonly has: ReadonlySet<Need>;
  /** Why the others are not there. */
  readonly missing: Readonly<Partial<Record<Need, string>>>;
}

export interface Surroundings {
  readonly network: Network;
  /** Any host: what can be done to it can be done to all. */
  readonly host: Host;
  /** Whether small disks could be mounted. */
  readonly mounts: boolean;
  readonly cgroupName: string;
}

export async function probeCapabilities(surroundings: Surroundings): Promise<Capabilities> {
  const { network, host, mounts, cgroupName } = surroundings;
  const namespaced = network.kind === 'namespaces';
  const has = new Set<Need>();
  const missing: Partial<Record<Need, string>> = {};
  const note = (need: Need, because: string | null): void => {
    if (because === null) has.add(need);
    else missing[need] = because;
  };
  const attempt = async (action: () => Promise<void>): Promise<string | null> => {
    if (!namespaced) return 'needs network namespaces';
    try {
      await action();
      return null;
    } catch (error) {
      return error instanceof Error ? (error.message.split('\n', 1)[0] ?? error.message) : String(error);
    }
  };
  note('filter', await attempt(async () => {
    const peers = [network.clients];
    await network.filter(host, [
      { kind: 'cut', peers, direction: 'both' },
      { kind: 'loss', percent: 1 },
      { kind: 'reject', ports: [1], peers, how: 'icmp' },
      { kind: 'reject', ports: [1], peers, how: 'reset-all' },
    ]);
    await network.filter(host, []);
  }));
  note('shape', await attempt(async () => {
    await network.shape(host, { kind: 'slow', kbitPerSecond: 1000 });
    await network.shape(host, null);
  }));
  note('netem', await attempt(async () => {
    await network.shape(host, { kind: 'delay', delayMs: 1 });
    await network.shape(host, null);
  }));
  note('mount', mounts ? null : 'no tmpfs may be mounted');
  note('cgroup', Cgroup.open(cgroupName) === null ? 'no control group for processor time may be made' : null);
  note('proxy', namespaced ? 'the packet filter does it' : null);
  return { has, missing };
}

/** Null when a small file system in memory may be mounted there. */
export function mountMemory(folder: string, megabytes: number): Promise<string | null> {
  return refusal(['mount', '-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0755`, 'chaos', folder]);
}
