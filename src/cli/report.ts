/**
 * How a verb ends that did not succeed: code, what, detail and next step on stderr, and the exit code. A program that
 * asked for JSON gets the same on stdout, where the verb itself had no data for it.
 */
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

/** What may be touched to tell a failure. */
export type Told = Pick<Io, 'stderr' | 'failed'>;

export function report(failure: Failure, io: Told): ExitCode {
  const { code, details = [], next } = failure;
  const error = ERRORS[code];
  io.stderr(`dictator: ${error.what} (${code})\n`);
  for (const detail of details) io.stderr(`  ${printable(detail)}\n`);
  io.stderr(`  ${printable(next ?? error.next)}\n`);
  io.failed?.(failure);
  return error.exitCode;
}

/** Runs a verb for a program: a verb that failed and printed nothing leaves its first failure as one line of JSON. */
export async function forPrograms(io: Io, run: (io: Io) => ExitCode | Promise<ExitCode>): Promise<ExitCode> {
  let prints = 0;
  const failures: Failure[] = [];
  const exitCode = await run({
    ...io,
    stdout: (text) => {
      prints += 1;
      io.stdout(text);
    },
    failed: (failure) => void failures.push(failure),
  });
  const [first] = failures;
  if (prints === 0 && first !== undefined) io.stdout(`${JSON.stringify(documentOf(first))}\n`);
  return exitCode;
}

function documentOf({ code, details = [], next }: Failure): object {
  const error = ERRORS[code];
  return { v: 1, error: code, message: error.what, details, next: next ?? error.next };
}
