/**
 * A mutant: one bug planted into the protocol by replacing one text of one file. The text must be there exactly once:
 * when the code changes under a mutant, nothing is planted silently, and whoever changed it sees which mutant to mend.
 */
import type { Invariant } from '../checkers/checker.ts';
import type { Focus } from './focus.ts';

export interface Mutant {
  /** What the planted bug does, as a sentence. */
  readonly name: string;
  /** Below src/. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Who is expected to notice. */
  readonly by: readonly Invariant[];
  readonly focus: Focus;
}

export type Planted =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly found: number };

/** The text of the file with the bug in it. */
export function plant({ find, replace }: Pick<Mutant, 'find' | 'replace'>, text: string): Planted {
  const parts = text.split(find);
  return parts.length === 2 ? { ok: true, text: parts.join(replace) } : { ok: false, found: parts.length - 1 };
}
