/** What a verb may touch of the outside: injectable, so that tests see every byte that is printed. */
import type { ReadFile } from '../config/read-file.ts';

export interface Io {
  /** Data: what a script may read. */
  readonly stdout: (text: string) => void;
  /** Talk: what a person reads. */
  readonly stderr: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: ReadFile;
}
