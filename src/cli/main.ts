/** Entry of the executable: gives the program the real outside, and ends the process with its exit code. */
import { spawn } from 'node:child_process';
import { hostname, userInfo } from 'node:os';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { readFile } from '../config/read-file.ts';
import { EXIT } from '../contract/errors.ts';
import { dictator, type Agent } from './dictator.ts';
import { editWith } from './editor.ts';
import { tuneForSmallFootprint } from './engine.ts';
import type { Edited, Io } from './io.ts';
import { report } from './report.ts';

/** Width of a terminal that does not tell its own. */
const COLUMNS = 80;
const ROWS = 24;

const { stdin, stdout, stderr } = process;

/** Reads one line; null where stdin or stderr is no terminal, or ends. */
function ask(question: string): Promise<string | null> {
  if (!stdin.isTTY || !stderr.isTTY) return Promise.resolve(null);
  return new Promise((resolve) => {
    const lines = createInterface({ input: stdin, output: stderr });
    lines.once('close', () => resolve(null));
    lines.question(question, (answer) => {
      resolve(answer);
      lines.close();
    });
  });
}

/** One pair of listeners, however often a verb waits. */
const stopping: { asked?: Promise<void> } = {};

function interrupted(): Promise<void> {
  stopping.asked ??= new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  return stopping.asked;
}

/** What the command prints is talk: our stdout is data. */
function shell(command: string, env: Readonly<Record<string, string>>): Promise<number | string> {
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 2, 2], env: { ...process.env, ...env } });
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'ended'));
  });
}

function whoami(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch (error) {
    // A container may run under a number that has no name.
    if (error instanceof Error && 'code' in error) return `uid ${String(process.getuid?.())}@${hostname()}`;
    throw error;
  }
}

function edit(text: string): Promise<Edited | null> {
  const canEdit = stdin.isTTY && stdout.isTTY;
  return Promise.resolve(canEdit ? editWith(process.env['VISUAL'] ?? process.env['EDITOR'] ?? 'vi', text) : null);
}

const io: Io = {
  stdout: (text) => stdout.write(text),
  stderr: (text) => stderr.write(text),
  env: process.env,
  readFile,
  terminal: {
    stdout: stdout.isTTY,
    stderr: stderr.isTTY,
    // A serial line, or a terminal that nobody looks at, has a size of 0.
    get columns() { return stdout.isTTY && stdout.columns > 0 ? stdout.columns : COLUMNS; },
    get rows() { return stdout.isTTY && stdout.rows > 0 ? stdout.rows : ROWS; },
  },
  clock: {
    now: () => performance.now(),
    wallNow: () => Date.now(),
    after: (delayMs, callback) => {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  },
  whoami: whoami(),
  interrupted,
  edit,
  ask,
  shell,
};

function loadAgent(): Promise<Agent> {
  tuneForSmallFootprint();
  return import('./run.ts');
}

// `dictator list | head -1`: the reader has what it wants. Data that a full disk did not take is a failure.
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.done);
  stderr.write(`dictator: the output could not be written: ${error.message}\n`);
  process.exit(EXIT.failed);
});

/** Ends once it is known whether what was printed could be written. */
function leave(exitCode: number): void {
  setImmediate(() => process.exit(exitCode));
}

dictator(process.argv.slice(2), io, loadAgent).then(
  leave,
  (error: unknown) => {
    const details = error instanceof Error ? (error.stack ?? error.message).split('\n') : [String(error)];
    process.exit(report({ code: 'internal_error', details }, io));
  },
);
