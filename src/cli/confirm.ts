/** Dangerous verbs show what they are about to do and ask; scripts say yes beforehand (`--yes`). */
import type { ExitCode } from '../contract/errors.ts';
import { report } from './report.ts';
import { printable } from './terminal.ts';
import type { Call } from './verb.ts';

/** Null: go on. Otherwise the exit code of a verb that did nothing. */
export async function confirm({ flags, io }: Call, plan: readonly string[]): Promise<ExitCode | null> {
  for (const line of plan) io.stderr(`${printable(line)}\n`);
  if (flags.on('yes')) return null;
  const answer = await io.ask('Go on? [y/N] ');
  if (answer === null) return report({ code: 'confirmation_needed' }, io);
  return /^y(?:es)?$/i.test(answer.trim()) ? null : report({ code: 'not_confirmed' }, io);
}
