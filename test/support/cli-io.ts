/** An outside for verbs under test: remembers every byte that is printed, and plays terminal, clock and user. */
import type { Io, Terminal } from '../../src/cli/io.ts';
import type { FileRead } from '../../src/config/read-file.ts';

/** Wall clock of played tests: 2026-11-23, midnight UTC. */
export const PLAYED_NOW_MS = Date.UTC(2026, 10, 23);

export interface PlayedIo {
  readonly io: Io;
  readonly printed: { out: string; err: string };
  /** Names of the files that were read. */
  readonly read: string[];
}

export interface PlayedOutside {
  readonly env?: Readonly<Record<string, string>>;
  readonly readFile?: (name: string) => FileRead;
  readonly terminal?: Partial<Terminal>;
  /** What the user types; null: nobody is there. */
  readonly answer?: string | null;
  /** What the user makes of a text; null: there is no editor. */
  readonly edit?: (text: string) => string | null;
  readonly interrupted?: Promise<void>;
  readonly shell?: Io['shell'];
}

export function playedIo(outside: PlayedOutside = {}): PlayedIo {
  const printed = { out: '', err: '' };
  const read: string[] = [];
  const io: Io = {
    stdout: (text) => void (printed.out += text),
    stderr: (text) => void (printed.err += text),
    env: outside.env ?? {},
    readFile: (name) => {
      read.push(name);
      return outside.readFile?.(name) ?? { ok: false, reason: 'does not exist' };
    },
    terminal: { stdout: false, stderr: false, columns: 80, rows: 24, ...outside.terminal },
    clock: {
      now: () => performance.now(),
      wallNow: () => PLAYED_NOW_MS,
      after: (delayMs, callback) => {
        const timer = setTimeout(callback, delayMs);
        return () => clearTimeout(timer);
      },
    },
    shell: outside.shell ?? (() => Promise.resolve(0)),
    whoami: 'ann@laptop',
    interrupted: () => outside.interrupted ?? new Promise(() => undefined),
    edit: (text) => {
      const written = outside.edit?.(text) ?? null;
      if (written === null) return Promise.resolve(null);
      return Promise.resolve({ text: written, file: '/tmp/x/settings', discard: () => undefined });
    },
    ask: () => Promise.resolve(outside.answer ?? null),
  };
  return { io, printed, read };
}
