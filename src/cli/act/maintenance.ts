/** `--for`, `--reason` and `--owner`: what a pause and a maintenance are given. */
import type { ExitCode } from '../../contract/errors.ts';
import { OPERATION_TEXT_MAX } from '../../contract/operations.ts';
import { report } from '../report.ts';
import { duration } from '../terminal.ts';
import type { Call } from '../verb.ts';
import { parseDuration } from './times.ts';

export interface MaintenanceWords {
  readonly owner: string;
  readonly reason: string;
  /** Null: no end was given, and none is the default. */
  readonly forMs: number | null;
}

const NOT_SAID = 'not said';

/** The words, or the exit code of a reported fault. */
export function maintenanceFlags({ flags, io }: Call, { defaultMs, maxMs }: {
  readonly defaultMs: number | null;
  readonly maxMs: number;
}): MaintenanceWords | ExitCode {
  const text = flags.text('for');
  const forMs = text === undefined ? defaultMs : parseDuration(text);
  const isFault = text !== undefined && (forMs === null || forMs < 1000 || forMs > maxMs);
  if (isFault) {
    const details = [`--for takes a duration such as 90s, 30m, 2h or 1d, at most ${duration(maxMs)}`];
    return report({ code: 'usage', details }, io);
  }
  const owner = flags.text('owner') ?? io.whoami;
  const reason = flags.text('reason') ?? NOT_SAID;
  if ([owner, reason].some(({ length }) => length > OPERATION_TEXT_MAX)) {
    return report({ code: 'usage', details: [`--owner and --reason: at most ${OPERATION_TEXT_MAX} characters`] }, io);
  }
  return { owner, reason, forMs };
}
