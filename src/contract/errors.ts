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
  notAllowed: 4,
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
    next: 'Run dictator show before you repeat it.',
    exitCode: EXIT.outcomeUnknown,
  },
  not_allowed: {
    what: 'The agent does not take this order from here. Nothing was done.',
    next: 'Give it on the host of that agent.',
    exitCode: EXIT.notAllowed,
  },
  ensemble_unreachable: {
    what: 'No server of the ensemble gave a session in time.',
    next: 'Check zk_hosts or --zk, the ensemble and the network; --agent URL asks one agent instead.',
    exitCode: EXIT.failed,
  },
  service_unknown: {
    what: 'The ensemble has no service of that name.',
    next: 'Run: dictator list',
    exitCode: EXIT.failed,
  },
  confirmation_needed: {
    what: 'This needs a yes, and nobody can be asked. Nothing was done.',
    next: 'Look at the plan, then repeat it with --yes.',
    exitCode: EXIT.usage,
  },
  not_confirmed: {
    what: 'The answer was not yes. Nothing was done.',
    next: 'Repeat it when you are sure.',
    exitCode: EXIT.refused,
  },
  order_refused: {
    what: 'The order was refused. Nothing was changed.',
    next: 'Look at the reason; docs/reasons.md says what to do about each.',
    exitCode: EXIT.refused,
  },
  order_interrupted: {
    what: 'The operation was begun and not completed.',
    next: 'Run dictator show: it names the master that there is now. Then decide whether to repeat it.',
    exitCode: EXIT.failed,
  },
  order_cancelled: {
    what: 'Somebody took the order back before it was begun. Nothing was changed.',
    next: 'Run dictator history: it names who asked for what.',
    exitCode: EXIT.refused,
  },
  order_not_taken: {
    what: 'No agent began the order in time, so it was taken back. Nothing was changed.',
    next: 'Run dictator explain: the agent that would carry it out is not there, or has no session.',
    exitCode: EXIT.failed,
  },
  order_unknown: {
    what: 'The order was given, but nobody could say in time what came of it.',
    next: 'Run dictator history before you repeat it: the result is recorded when there is one.',
    exitCode: EXIT.outcomeUnknown,
  },
  not_in_time: {
    what: 'A node was not in sync again in time.',
    next: 'Run dictator explain: it says what keeps the node out. Nothing further was done.',
    exitCode: EXIT.failed,
  },
  service_in_use: {
    what: 'The service is in use. Nothing was deleted.',
    next: 'Stop its agents, wait until their sessions have ended (dictator show), and repeat it.',
    exitCode: EXIT.refused,
  },
  services_refused: {
    what: 'Not every service could be moved. Nothing was begun.',
    next: 'Look at the reasons, or leave those services out.',
    exitCode: EXIT.refused,
  },
  services_left: {
    what: 'One service failed, so no further one was begun.',
    next: 'Look at that service first; then name those that are left: --service NAME,NAME',
    exitCode: EXIT.failed,
  },
  command_failed: {
    what: 'The command failed on a node. Nothing further was done.',
    next: 'Correct it, then go on with --skip and the nodes that are done.',
    exitCode: EXIT.failed,
  },
  not_ready: {
    what: 'The service is not in a state for this. Nothing was begun.',
    next: 'Run dictator explain.',
    exitCode: EXIT.refused,
  },
  settings_invalid: {
    what: 'The settings have faults; every one of them is listed. Nothing was changed.',
    next: 'Correct them. docs/operations/settings.md describes every setting.',
    exitCode: EXIT.usage,
  },
  unhealthy: {
    what: 'The checks found errors.',
    next: 'Correct them; each finding says how.',
    exitCode: EXIT.failed,
  },
  internal_error: {
    what: 'Dictator failed in a way that it should not.',
    next: 'Report it, with the message and the log.',
    exitCode: EXIT.failed,
  },
} as const satisfies Record<string, OperatingError>;

/** One of the closed list of operating errors. */
export type ErrorCode = keyof typeof ERRORS;
