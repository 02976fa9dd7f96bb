/**
 * A control group for each host, in which its processes can be starved of processor time. The kernel's quota is what
 * makes a starved host: its processes run a few milliseconds, then stand still for most of a tenth of a second.
 */
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';
const PERIOD_US = 100_000;
/** What a starved host gets of one core: 4 %. */
const STARVED_US = 4000;

/** Where groups can be made that limit processor time, by version of the interface; null where they cannot. */
function hierarchy(): { readonly folder: string; readonly version: 1 | 2 } | null {
  const first = join(ROOT, 'cpu');
  if (existsSync(join(first, 'cpu.cfs_quota_us')) || existsSync(join(first, 'cgroup.procs'))) {
    return { folder: first, version: 1 };
  }
  return existsSync(join(ROOT, 'cgroup.controllers')) ? { folder: ROOT, version: 2 } : null;
}

export class Cgroup {
  private readonly folder: string;
  private readonly version: 1 | 2;

  private constructor(folder: string, version: 1 | 2) {
    this.folder = folder;
    this.version = version;
  }

  /** Null where the kernel, or whoever may write there, does not permit it. */
  static open(name: string): Cgroup | null {
    const place = hierarchy();
    if (place === null) return null;
    const group = new Cgroup(join(place.folder, name), place.version);
    try {
      mkdirSync(group.folder, { recursive: true });
      group.starve(false);
      return group;
    } catch (error) {
      // Read-only, not ours, or without the controller: all the same to us.
      if (!(error instanceof Error)) throw error;
      return null;
    }
  }

  add(pid: number): void {
    try {
      writeFileSync(join(this.folder, 'cgroup.procs'), String(pid));
    } catch (error) {
      // The process ended meanwhile.
      if (!(error instanceof Error)) throw error;
    }
  }

  starve(on: boolean): void {
    if (this.version === 2) {
      writeFileSync(join(this.folder, 'cpu.max'), `${on ? STARVED_US : 'max'} ${PERIOD_US}`);
      return;
    }
    writeFileSync(join(this.folder, 'cpu.cfs_period_us'), String(PERIOD_US));
    writeFileSync(join(this.folder, 'cpu.cfs_quota_us'), String(on ? STARVED_US : -1));
  }
}

/** Removes the groups whose name begins so; their processes have to be gone. */
export function removeCgroups(prefix: string): void {
  removeGroups((name) => name.startsWith(prefix));
}

/** Removes what a run left that was killed: groups named after a process that is no more. */
export function removeStaleCgroups(label: string): void {
  removeGroups((name) => {
    const id = new RegExp(`^${label}(\\d+)-`).exec(name)?.[1];
    return id !== undefined && !existsSync(`/proc/${id}`);
  });
}

function removeGroups(unwanted: (name: string) => boolean): void {
  const place = hierarchy();
  if (place === null) return;
  for (const name of readdirSync(place.folder)) {
    if (!unwanted(name)) continue;
    try {
      rmdirSync(join(place.folder, name));
    } catch (error) {
      // A process in it is still on its way out; the group is empty and limits nothing.
      if (!(error instanceof Error)) throw error;
    }
  }
}
