/** How a verb ends that did not succeed: code, what, detail and next step on stderr, and the exit code. */
import { ERRORS } from '../contract/errors.ts';
import type { ErrorCode, ExitCode } from '../contract/errors.ts';
import type { Io } from './io.ts';
import { printable } from './terminal.ts';

/** Detail is one line or several, each about this very case; `next` replaces the table's where it is known better. */
export interface Failure {
  readonly code: ErrorCode;
  readonly details?: readonly string[];
  readonly next?: string | undefined;
}

export function report({ code, details = [], next }: Failure, io: Pick<Io, 'stderr'>): ExitCode {
  const error = ERRORS[code];
  io.stderr(`dictator: ${error.what} (${code})\n`);
  for (const detail of details) io.stderr(`  ${printable(detail)}\n`);
  io.stderr(`  ${printable(next ?? error.next)}\n`);
  return error.exitCode;
}
