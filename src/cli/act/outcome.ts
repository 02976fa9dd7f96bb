/** How an operation ended, as a verb says it: one line or one JSON object on stdout, the exit code, and what to do. */
import { EXIT } from '../../contract/errors.ts';
import type { ErrorCode, ExitCode } from '../../contract/errors.ts';
import type { OperationResult } from '../../contract/operations.ts';
import { operationText } from '../operation-text.ts';
import { report } from '../report.ts';
import type { Told } from '../report.ts';
import { printable, printJson } from '../terminal.ts';
import { reasonText } from '../topology.ts';
import type { Call } from '../verb.ts';
import type { Ended } from './desk.ts';

/** What `--json` prints of every acting verb. */
export interface Outcome {
  readonly service: string;
  readonly operation: string;
  readonly outcome: OperationResult['outcome'] | 'scheduled' | 'not_taken' | 'not_given' | 'unknown';
  readonly reason: string | null;
  readonly target: string | null;
  /** Master when it ended; null = none, or nobody said. */
  readonly master: string | null;
  readonly epoch: number | null;
  readonly gapMs: number | null;
  /** Of the order; null where there was none. */
  readonly id: string | null;
  readonly elapsedMs: number;
}

export interface About {
  readonly service: string;
  readonly operation: string;
  readonly target: string | null;
  readonly elapsedMs: number;
}

export function outcomeOf(ended: Ended, about: About): Outcome {
  const base = {
    ...about, elapsedMs: Math.round(about.elapsedMs), reason: null, master: null, epoch: null, gapMs: null, id: null,
  };
  switch (ended.ended) {
    case 'result': {
      const { outcome, reason, target, master, epoch, gapMs, id } = ended.result;
      return { ...base, outcome, reason, target, master, epoch, gapMs, id };
    }
    case 'done':
      return { ...base, outcome: 'done' };
    case 'scheduled':
      return { ...base, outcome: 'scheduled', id: ended.id };
    case 'refused':
      return { ...base, outcome: 'refused', reason: ended.reason };
    case 'not_given':
      return { ...base, outcome: 'not_given', reason: ended.code };
    case 'not_taken':
    case 'unknown':
      return { ...base, outcome: ended.ended };
  }
}

const ERROR_OF: Readonly<Record<Exclude<Outcome['outcome'], 'done' | 'scheduled' | 'not_given'>, ErrorCode>> = {
  refused: 'order_refused',
  interrupted: 'order_interrupted',
  cancelled: 'order_cancelled',
  not_taken: 'order_not_taken',
  unknown: 'order_unknown',
};

const SUCCESS: readonly Outcome['outcome'][] = ['done', 'scheduled'];

export const isSuccess = ({ outcome }: Outcome): boolean => SUCCESS.includes(outcome);

/** The exit code of an outcome, without a word. */
export function exitOf({ outcome }: Outcome): ExitCode {
  if (outcome === 'refused' || outcome === 'cancelled') return EXIT.refused;
  if (outcome === 'unknown') return EXIT.outcomeUnknown;
  return outcome === 'done' || outcome === 'scheduled' ? EXIT.done : EXIT.failed;
}

/** Prints it, and gives the exit code. `line` is what a person reads of a success. */
export function conclude(ended: Ended, about: About, { call, line }: {
  readonly call: Call;
  readonly line: (outcome: Outcome) => string;
}): ExitCode {
  const { io, flags } = call;
  const outcome = outcomeOf(ended, about);
  if (flags.on('json')) printJson({ v: 1, ...outcome }, io);
  else if (isSuccess(outcome)) io.stdout(`${printable(line(outcome))}\n`);
  return isSuccess(outcome) ? EXIT.done : explain(ended, about, io);
}

/** Says on stderr what did not succeed, why, and what to do; gives the exit code. */
export function explain(ended: Ended, about: About, io: Told): ExitCode {
  const outcome = outcomeOf(ended, about);
  if (ended.ended === 'not_given') {
    return report({ code: ended.code, details: [about.service, ...(ended.why === undefined ? [] : [ended.why])] }, io);
  }
  const { what, next } = explained(outcome, ended);
  return report({ code: ERROR_OF[outcome.outcome as keyof typeof ERROR_OF], details: [what], next }, io);
}

function explained(outcome: Outcome, ended: Ended): { readonly what: string; readonly next: string | undefined } {
  const { service, reason, master, target, operation } = outcome;
  const known = reason === null ? undefined : reasonText(reason);
  const why = [
    ...(reason === null ? [] : [known === undefined ? reason : `${reason}: ${known.what.replace(/\.$/, '')}`]),
    ...(ended.ended === 'unknown' ? [ended.why] : []),
    ...(outcome.outcome === 'interrupted' ? [`the master is ${master ?? 'nobody yet'}`] : []),
  ].join('; ');
  const subject = `${service}: ${target === null ? operation : operationText(operation, target)}`;
  const next = outcome.outcome === 'refused' ? known?.next : undefined;
  return { what: why === '' ? subject : `${subject}: ${why}`, next };
}
