/** Node.js 24, which the goals of the agent's footprint are for: found, or obtained through npm's package `node`. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Context } from './context.ts';
import { say } from './context.ts';

/** The version that scripts/setup.sh fetches where a system has none. */
const VERSION = '24.9.0';
const MAJOR = '24';
/** Where setup.sh puts it, and where we do. */
const FOLDERS = [join('.tools', 'node'), join('.tools', 'node24')] as const;
const FETCH_TIMEOUT_MS = 180_000;

/** The program that npm's package brought, if it is of that version and runs here. */
function programIn(folder: string): string | null {
  const modules = join(folder, 'node_modules');
  if (!existsSync(modules)) return null;
  const packages = readdirSync(modules).filter((name) => name === 'node' || name.startsWith('node-'));
  const programs = packages.map((name) => join(modules, name, 'bin', 'node')).filter((path) => existsSync(path));
  return programs.find((path) => versionOf(path).startsWith(`v${MAJOR}.`)) ?? null;
}

function versionOf(program: string): string {
  try {
    return execFileSync(program, ['--version'], { encoding: 'utf8', timeout: 10_000 }).trim();
  } catch (error) {
    // Brought for another processor or another C library: as good as absent.
    say(`${program} does not run: ${error instanceof Error ? error.message : String(error)}`);
    return '';
  }
}

function fetchInto(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const flags = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error'];
  return new Promise((resolve, reject) => {
    const options = { cwd: folder, timeout: FETCH_TIMEOUT_MS };
    const child = execFile('npm', ['install', ...flags, `node@${VERSION}`], options, (error) => {
      process.off('exit', end);
      if (error === null) resolve();
      else reject(new Error(`npm install node@${VERSION}: ${error.message.split('\n')[0] ?? ''}`));
    });
    const end = (): void => void child.kill();
    process.once('exit', end);
  });
}

/** Path of a Node.js 24, or null with a note that says why there is none. */
export async function findNode24(context: Context): Promise<string | null> {
  if (process.versions.node.startsWith(`${MAJOR}.`)) return process.execPath;
  const found = FOLDERS.map(programIn).find((program) => program !== null);
  if (found !== undefined) return found;
  const [, folder] = FOLDERS;
  say(`fetching Node.js ${VERSION} into ${folder}`);
  try {
    await fetchInto(folder);
    const program = programIn(folder);
    if (program !== null) return program;
    throw new Error(`npm's package node@${VERSION} has no program that runs here`);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    context.notes.push(`no Node.js 24 here (${cause}): the agent was measured on the present one alone`);
    return null;
  }
}
