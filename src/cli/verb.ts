/**
 * A verb: one file below `verbs/`, one entry in the table of `verbs.ts`. Parsing, help, completion and the page of the
 * verbs are made from what stands here, so that a new verb needs nothing else.
 */
import type { ExitCode } from '../contract/errors.ts';
import type { FlagName, FlagValues } from './flags.ts';
import type { Io } from './io.ts';

/** One command line, taken apart. */
export interface Call {
  /** Words behind the verb. */
  readonly args: readonly string[];
  readonly flags: FlagValues;
  readonly io: Io;
  /** The table itself, for those verbs that speak about verbs. */
  readonly verbs: readonly Verb[];
}

/** The headings of help, in its order. */
export const VERB_GROUPS = ['Look', 'Understand', 'Act', 'Set up'] as const;

export type VerbGroup = (typeof VERB_GROUPS)[number];

export interface Verb {
  /** One word, or two: `config check`. */
  readonly name: string;
  /** Another name for the same. */
  readonly alias?: string;
  readonly group: VerbGroup;
  /** How usage calls its words: `SERVICE`, `[SERVICE]`, `bash|zsh`; empty for none. */
  readonly args: string;
  readonly argsMin: number;
  readonly argsMax: number;
  /** What it does, without a full stop: a line of help. */
  readonly summary: string;
  /** Paragraphs for who asks for help on this verb. */
  readonly details: readonly string[];
  readonly flags: readonly FlagName[];
  /** Flags without which it cannot run. */
  readonly needs?: readonly FlagName[];
  readonly examples: readonly string[];
  readonly run: (call: Call) => ExitCode | Promise<ExitCode>;
}
