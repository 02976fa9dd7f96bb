/** The built program as a user types it: a process of its own, with what it printed and its exit code. */
import { spawn } from 'node:child_process';

const PROGRAM = 'dist/dictator.cjs';

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export function startCommand(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const printed = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (printed.out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (printed.err += chunk));
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, ...printed })));
  return { child, printed, ended };
}

export const runCommand = (...args: readonly string[]): Promise<Ended> => startCommand(args).ended;
