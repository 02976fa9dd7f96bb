/**
 * A mutant: one bug planted into the protocol by replacing one text of one file. The text must be there exactly once:
 * when the code changes under a mutant, nothing is planted silently, and whoever changed it sees which mutant to mend.
 */
import type { Invariant } from '../checkers/checker.ts';
import type { Focus } from './focus.ts';

/** One text of one file, and what stands there instead. */
export interface Planting {
  /** Below src/. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutant extends Planting {
  /** What the planted bug does, as a sentence. */
  readonly name: string;
  /** Where a second line of defence does the same work: it is off as well, or the bug would show nothing. */
  readonly also?: readonly Planting[];
  /** Who is expected to notice. */
  readonly by: readonly Invariant[];
  readonly focus: Focus;
}

export type Planted =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly found: number };

/** The text of the file with the bug in it. */
export function plant({ find, replace }: Pick<Planting, 'find' | 'replace'>, text: string): Planted {
  const parts = text.split(find);
  return parts.length === 2 ? { ok: true, text: parts.join(replace) } : { ok: false, found: parts.length - 1 };
}

/** Every file that the mutant changes, with its new text; throws where a text to replace is not there once. */
export function plantAll(mutant: Mutant, read: (file: string) => string): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const planting of [mutant, ...(mutant.also ?? [])]) {
    const { file } = planting;
    const planted = plant(planting, texts.get(file) ?? read(file));
    if (!planted.ok) throw new Error(`"${mutant.name}": its text is ${planted.found} times in src/${file}`);
    texts.set(file, planted.text);
  }
  return texts;
}
