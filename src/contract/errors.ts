/**
 * Errors of the command line: a stable code, what happened, what to do about it, and the exit code that carries it.
 *
 * Operating errors only: what an operator or the surroundings cause. A programmer's error is an assertion, and a
 * refusal to act has a reason code instead (`reasons.ts`), which comes with `agent_refused`. `docs/errors.md` lists
 * the same codes; a test compares them. The list only grows.
 */

/** Exit codes of every verb. 78 is `EX_CONFIG` of sysexits.h: a supervisor can tell it from a crash. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  outcomeUnknown: 5,
  configuration: 78,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface OperatingError {
  /** What happened. */
  readonly what: string;
  /** What the reader can do. */
  readonly next: string;
  readonly exitCode: ExitCode;
}

export const ERRORS = {
  usage: {
    what: 'The command line is not valid.',
    next: 'Run: dictator help',
    exitCode: EXIT.usage,
  },
  config_invalid: {
    what: 'The configuration has faults; every one of them is listed.',
    next: 'Correct them. docs/configuration.md describes every key.',
    exitCode: EXIT.configuration,
  },
  agent_unreachable: {
    what: 'The agent of this node does not accept connections. Nothing was done.',
    next: 'Start it, or name its configuration with --config, so that http_host and http_port are right.',
    exitCode: EXIT.failed,
  },
  agent_refused: {
    what: 'The agent refused the order. Nothing was done.',
    next: 'Look at the reason; docs/reasons.md says what to do about each.',
    exitCode: EXIT.refused,
  },
  agent_failed: {
    what: 'The agent failed to carry the order out.',
    next: 'Look at its log.',
    exitCode: EXIT.failed,
  },
  not_an_agent: {
    what: 'Something else than a Dictator agent answers at its address.',
    next: 'Correct http_host and http_port, or the --config that names them.',
    exitCode: EXIT.failed,
  },
  outcome_unknown: {
    what: 'The order reached the agent, but its outcome did not come back: it may have been carried out.',
    next: 'Look at /v1/view of the agent before you repeat it.',
    exitCode: EXIT.outcomeUnknown,
  },
  internal_error: {
    what: 'Dictator failed in a way that it should not.',
    next: 'Report it, with the message and the log.',
    exitCode: EXIT.failed,
  },
} as const satisfies Record<string, OperatingError>;

/** One of the closed list of operating errors. */
export type ErrorCode = keyof typeof ERRORS;
