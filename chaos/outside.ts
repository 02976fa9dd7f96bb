/**
 * Gives the run a world of its own, and takes it away again.
 *
 * The run proper is a child in new network, mount and process namespaces. It is the first process in there: when it
 * ends, for whatever reason, the kernel ends every other one, and with the last of them go all namespaces, interfaces
 * and mounts; all its files are on a mount of its own. What is left to remove out here are control groups (and on
 * loopback a folder). Nothing of it needs root where the kernel lets users have namespaces.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Options } from './plan/options.ts';
import { removeCgroups, removeStaleCgroups } from './world/cgroup.ts';
import { refusal } from './world/run.ts';

/** First argument of the child. */
export const INSIDE = '--inside';
/** How the child learns where it is: as JSON. */
export const PLACE_VARIABLE = 'CHAOS_PLACE';

export interface Place {
  readonly kind: 'namespaces' | 'loopback';
  /** Part of every name; the process id makes it our own. */
  readonly label: string;
  readonly folder: string;
  /** Why there are no namespaces. */
  readonly because: string | null;
  readonly seed: number;
}

const LABEL = 'chaos';
/** Exists everywhere; in its mount namespace the run puts a file system of its own in its place. */
export const OWN_MOUNT = '/run';
const NAMESPACES = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
/** So long may the child take to end what it started, after that it is killed. */
const LEAVE_MS = 8000;
const EXIT_BY_SIGNAL = 128;
/** The scenario needs what this machine does not permit; stderr says what. */
export const EXIT_NOT_PERMITTED = 69;

/** How to come into namespaces of one's own; or why that is not possible. */
type WayIn = { readonly command: readonly string[] } | { readonly because: string };

async function wayIn(loopback: boolean): Promise<WayIn> {
  if (loopback) return { because: 'asked for' };
  const asRoot = ['unshare', ...NAMESPACES, '--'];
  const refusedRoot = await refusal([...asRoot, 'true']);
  if (refusedRoot === null) return { command: asRoot };
  const asUser = ['unshare', '--map-root-user', ...NAMESPACES, '--'];
  const refusedUser = await refusal([...asUser, 'true']);
  return refusedUser === null ? { command: asUser } : { because: refusedUser };
}

export async function outside(options: Options, args: readonly string[]): Promise<number> {
  const label = `${LABEL}${process.pid}`;
  removeStaleCgroups(LABEL);
  const way = await wayIn(options.loopback);
  if (options.scenario === 'cutoff' && 'because' in way) {
    process.stderr.write(`chaos: cutoff is not possible here: it needs network namespaces: ${way.because}\n`);
    return EXIT_NOT_PERMITTED;
  }
  const folder = 'command' in way ? `${OWN_MOUNT}/${label}` : mkdtempSync(join(tmpdir(), `dictator-${label}-`));
  const place: Place = {
    kind: 'command' in way ? 'namespaces' : 'loopback',
    because: 'command' in way ? null : way.because,
    label,
    folder,
    seed: options.seed,
  };
  const command = 'command' in way ? way.command : [];
  // Killed ourselves we could end nobody; then the kernel does it.
  const program = 'setpriv';
  const self = [process.execPath, process.argv[1] ?? '', INSIDE, ...args];
  const rest = ['--pdeathsig', 'KILL', '--', ...command, ...self];
  try {
    return await new Promise<number>((resolve, reject) => {
      const child = spawn(program, rest, {
        // A session of its own: Ctrl-C is for us, who ask the child to leave by closing its input.
        detached: true,
        stdio: ['pipe', 'inherit', 'inherit'],
        env: { ...process.env, [PLACE_VARIABLE]: JSON.stringify(place) },
      });
      const ended = { by: 0 };
      const leave = (signal: number): void => {
        ended.by ||= EXIT_BY_SIGNAL + signal;
        child.stdin.end();
        setTimeout(() => child.kill('SIGKILL'), LEAVE_MS).unref();
      };
      process.on('SIGINT', () => leave(2));
      process.on('SIGTERM', () => leave(15));
      process.on('SIGHUP', () => leave(1));
      child.once('error', reject);
      child.once('exit', (code) => resolve(ended.by || (code ?? 1)));
    });
  } finally {
    if (!('command' in way)) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 20 });
    removeCgroups(`${label}-`);
  }
}
