/** What a verb may touch of the outside: injectable, so that tests see every byte that is printed. */
import type { ReadFile } from '../config/read-file.ts';
import type { WallClock } from '../contract/clock.ts';
import type { Failure } from './report.ts';

/** What is known of the terminal; a stream that is none gets no colour and no moving line. */
export interface Terminal {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly columns: number;
  readonly rows: number;
}

export interface Edited {
  readonly text: string;
  readonly file: string;
  readonly discard: () => void;
}

export interface Io {
  /** Data: what a script may read. */
  readonly stdout: (text: string) => void;
  /** Talk: what a person reads. */
  readonly stderr: (text: string) => void;
  /** Gets every failure besides, where a program is to be told of it (`--json`). */
  readonly failed?: (failure: Failure) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: ReadFile;
  readonly terminal: Terminal;
  readonly clock: WallClock;
  /** Who types, as `user@host`: named in what is ordered. */
  readonly whoami: string;
  /** Resolves when the user wants an endless verb to end (SIGINT or SIGTERM, the second of which ends it at once). */
  readonly interrupted: () => Promise<void>;
  /** Runs a command of the shell with variables besides ours; its exit code, or the signal or error that ended it. */
  readonly shell: (command: string, env: Readonly<Record<string, string>>) => Promise<number | string>;
  /**
   * Opens the user's editor on a text; null where there is none, or it failed. The file stays until it is discarded, so
   * that nothing that was typed is lost.
   */
  readonly edit: (text: string) => Promise<Edited | null>;
  /** Asks on the terminal; null where nobody can answer. */
  readonly ask: (question: string) => Promise<string | null>;
}
