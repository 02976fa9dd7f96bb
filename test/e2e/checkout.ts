/**
 * A copy of the checkout to install from and to take away again, and a way to run commands in a small world of their
 * own: a PATH that holds exactly the programs that a test names.
 */
import { execFile, execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { accessSync, constants, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

const NOT_COPIED = new Set(['node_modules', '.git', '.tools', '.cache', 'dist', 'coverage']);
/** Ends a command that hangs; none of them is judged by its time. */
const HUNG_AFTER_MS = 110_000;
const OUTPUT_MAX_BYTES = 16 * 1024 * 1024;

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Runs to the end and gives the exit code with what was said; a command that does not exist rejects. */
export function run(command: readonly string[], { cwd, env }: RunOptions): Promise<Outcome> {
  const [program, ...args] = command;
  if (program === undefined) throw new Error('no program named');
  const limits = { timeout: HUNG_AFTER_MS, killSignal: 'SIGKILL', maxBuffer: OUTPUT_MAX_BYTES } as const;
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd, env, ...limits }, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
      else reject(new Error(`${program} did not run to its end`, { cause: error }));
    });
  });
}

/** Where the PATH of this test run has a program. */
export function locate(program: string): string {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch (error) {
      // Not in this folder: the next one is asked.
      if (!(error instanceof Error)) throw error;
    }
  }
  throw new Error(`${program} is not on the PATH`);
}

/** Fills `folder` with links to these programs: with PATH set to it, nothing else exists. */
export async function linkPrograms(folder: string, programs: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const program of programs) await symlink(locate(program), join(folder, program));
}

/** Writes a shell script that plays the part of a program. */
export async function playProgram(path: string, script: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

/** The checkout without what was generated or fetched, and without its history. */
export async function copyCheckout(to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(ROOT)) {
    if (NOT_COPIED.has(entry)) continue;
    await cp(join(ROOT, entry), join(to, entry), { recursive: true, preserveTimestamps: true });
  }
}

/** Builds dist/ in a copy, with the packages of the checkout. */
export async function buildCopy(copy: string): Promise<void> {
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: copy, timeout: HUNG_AFTER_MS });
  await rm(join(copy, 'node_modules'));
}

/** Numbers of the processes of which this is true; one that cannot be looked at ended, or is another user's. */
export function processesWhere(holds: (id: string) => boolean): readonly string[] {
  return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).filter((id) => {
    try {
      return holds(id);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return false;
    }
  });
}
