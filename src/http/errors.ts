/**
 * Errors of our own HTTP paths: a stable code, the status that carries it, what happened and what to do about it.
 *
 * Answered as `{"error": code, "message": ..., "next": ...}`. Programs match on the code; sentences may change.
 */
export interface HttpError {
  readonly status: number;
  readonly message: string;
  readonly next: string;
}

export const HTTP_ERRORS = {
  not_found: {
    status: 404,
    message: 'There is nothing at this path.',
    next: 'docs/http.md lists every path; /v1/view tells most.',
  },
  method_not_allowed: {
    status: 405,
    message: 'This path does not take this method.',
    next: 'Use a method of the Allow header.',
  },
  upgrade_required: {
    status: 426,
    message: 'This path is for the streams between agents.',
    next: 'Send the Upgrade header that this answer names.',
  },
  bad_hello: {
    status: 400,
    message: 'The headers that introduce the other agent are missing or not valid.',
    next: 'Check that both agents are Dictator and of compatible versions.',
  },
  too_many_peers: {
    status: 503,
    message: 'This agent holds as many streams of other agents as it may.',
    next: 'Find out who opens them; it accepts another one when one has ended.',
  },
  bad_question: {
    status: 400,
    message: 'The body is not the question of a master for a promise.',
    next: 'Check that both agents are Dictator and of compatible versions.',
  },
  question_unanswered: {
    status: 504,
    message: 'The agent did not decide in time.',
    next: 'Ask again; an agent that stops answers nothing.',
  },
  bad_check: {
    status: 400,
    message: 'lag is not a number of bytes.',
    next: 'Send lag=1048576, or lag=1MB.',
  },
  bad_events_query: {
    status: 400,
    message: 'after and wait_ms must be whole numbers.',
    next: 'Send the number that the last answer gave as next.',
  },
  body_too_large: {
    status: 413,
    message: 'The body of the request is longer than any order needs.',
    next: 'Send no body.',
  },
  url_too_long: {
    status: 414,
    message: 'The URL is longer than any order needs.',
    next: 'Shorten it.',
  },
  not_loopback: {
    status: 403,
    message: 'This order is taken from the host of the agent only, and not from a web page.',
    next: 'Call it on that host, by 127.0.0.1.',
  },
  master_missing: {
    status: 400,
    message: 'The order does not name the node that becomes master.',
    next: 'Add ?master=NAME.',
  },
  bootstrap_refused: {
    status: 412,
    message: 'The bootstrap was refused.',
    next: 'The reason says why.',
  },
  bootstrap_timeout: {
    status: 504,
    message: 'The bootstrap has not finished in time; it may still do so.',
    next: 'Look at /v1/view before ordering again.',
  },
  node_missing: {
    status: 400,
    message: 'The order does not name the node to forget.',
    next: 'Send {"node": NAME} to /forget, or add ?node=NAME to /v1/forget.',
  },
  forget_refused: {
    status: 412,
    message: 'The node was not forgotten.',
    next: 'The reason says why.',
  },
  forget_timeout: {
    status: 504,
    message: 'The node has not been forgotten in time; it may still be.',
    next: 'Look at nodes in /v1/view before ordering again.',
  },
  bad_order: {
    status: 400,
    message: 'The body of the order is not valid.',
    next: 'Send JSON with the fields that docs/operations.md names, or no body.',
  },
  bad_maintenance: {
    status: 400,
    message: 'What /disable was told of the maintenance is not valid.',
    next: 'Send owner, reason (both at most 200 characters) and, where it shall end by itself, for_s.',
  },
  bad_time: {
    status: 422,
    message: 'The time is past, or too far ahead.',
    next: 'Name a time of the next 31 days, with its zone.',
  },
  operation_refused: {
    status: 412,
    message: 'The order was refused; nothing was changed.',
    next: 'The reason says why.',
  },
  no_such_operation: {
    status: 404,
    message: 'There is nothing to take back.',
    next: 'Look at operation in /v1/view.',
  },
  operation_interrupted: {
    status: 503,
    message: 'The operation was begun and not completed.',
    next: 'The result names the master that was found; look at it before ordering again.',
  },
  operation_unavailable: {
    status: 503,
    message: 'The order cannot be given now; nothing was changed.',
    next: 'The reason says why.',
  },
  operation_unknown: {
    status: 503,
    message: 'The operation has not ended in time; it may still.',
    next: 'Look at operation and lastOperation in /v1/view before ordering again.',
  },
  ask_the_master: {
    status: 421,
    message: 'Only the agent of the master can say whether a switchover would succeed.',
    next: 'Ask the agent of the node that master in /v1/view names, on its host.',
  },
  no_settings: {
    status: 502,
    message: 'The service has no settings yet.',
    next: 'They are written by its first master.',
  },
  bad_settings: {
    status: 422,
    message: 'The settings have faults; every one of them is listed. Nothing was changed.',
    next: 'Correct them. docs/operations/settings.md describes every setting.',
  },
  redis_not_asked: {
    status: 503,
    message: 'The Redis of this node does not answer.',
    next: 'Ask the agent of another node, or repeat it when this one answers.',
  },
  settings_conflict: {
    status: 409,
    message: 'The settings were changed by somebody else meanwhile; nothing was changed.',
    next: 'Look at them again, and repeat the change if it is still wanted.',
  },
  internal_error: {
    status: 500,
    message: 'The agent failed to answer; its log says why.',
    next: 'Report it with the log.',
  },
} as const satisfies Record<string, HttpError>;

/** One of the closed list of HTTP errors. */
export type HttpErrorCode = keyof typeof HTTP_ERRORS;
