// What can go wrong with a request, as stable codes. The server's numbers come from ZooKeeper's KeeperException.Code;
// the codes without a number are decided here, on the client's side.

const SERVER_CODES = {
  [-1]: 'SYSTEM_ERROR',
  [-2]: 'RUNTIME_INCONSISTENCY',
  [-3]: 'DATA_INCONSISTENCY',
  [-4]: 'CONNECTION_LOSS',
  [-5]: 'MARSHALLING_ERROR',
  [-6]: 'UNIMPLEMENTED',
  [-7]: 'OPERATION_TIMEOUT',
  [-8]: 'BAD_ARGUMENTS',
  [-13]: 'NEW_CONFIG_NO_QUORUM',
  [-14]: 'RECONFIG_IN_PROGRESS',
  [-100]: 'API_ERROR',
  [-101]: 'NO_NODE',
  [-102]: 'NO_AUTH',
  [-103]: 'BAD_VERSION',
  [-108]: 'NO_CHILDREN_FOR_EPHEMERALS',
  [-110]: 'NODE_EXISTS',
  [-111]: 'NOT_EMPTY',
  [-112]: 'SESSION_EXPIRED',
  [-113]: 'INVALID_CALLBACK',
  [-114]: 'INVALID_ACL',
  [-115]: 'AUTH_FAILED',
  [-118]: 'SESSION_MOVED',
  [-119]: 'NOT_READONLY',
  [-120]: 'EPHEMERAL_ON_LOCAL_SESSION',
  [-121]: 'NO_WATCHER',
  [-122]: 'REQUEST_TIMEOUT',
  [-123]: 'RECONFIG_DISABLED',
  [-124]: 'SESSION_CLOSED_REQUIRE_SASL_AUTH',
  [-125]: 'QUOTA_EXCEEDED',
  [-127]: 'THROTTLED',
} as const;

/**
 * - `CONNECTION_LOSS`: not connected (nothing was sent), or the connection ended before the answer came (the request
 *   may or may not have been executed).
 * - `OPERATION_TIMEOUT`: no answer within `requestTimeoutMs`; it may or may not have been, or yet be, executed.
 * - `QUEUE_FULL`, `TOO_LARGE`, `CLOSED`: refused here, nothing was sent.
 * - `UNKNOWN`: a number this client does not know; see `serverCode`.
 */
export type ZooKeeperErrorCode =
  (typeof SERVER_CODES)[keyof typeof SERVER_CODES] | 'QUEUE_FULL' | 'TOO_LARGE' | 'CLOSED' | 'UNKNOWN';

export class ZooKeeperError extends Error {
  override readonly name = 'ZooKeeperError';
  readonly code: ZooKeeperErrorCode;
  /** The path as the caller gave it; '' for a request without one. */
  readonly path: string;
  /** In a rejected `multi`: which operation was refused, counted from 0. */
  readonly index: number | undefined;
  /** The server's number, where the server answered. */
  readonly serverCode: number | undefined;

  constructor(code: ZooKeeperErrorCode, path: string, details: { index?: number; serverCode?: number } = {}) {
    super(`${code}${details.serverCode !== undefined && code === 'UNKNOWN' ? ` ${String(details.serverCode)}` : ''}` +
      (path === '' ? '' : ` ${path}`));
    this.code = code;
    this.path = path;
    this.index = details.index;
    this.serverCode = details.serverCode;
  }
}

/** The error for a number the server answered with. */
export function serverError(serverCode: number, path: string, index?: number): ZooKeeperError {
  const known: Readonly<Record<number, ZooKeeperErrorCode>> = SERVER_CODES;
  return new ZooKeeperError(known[serverCode] ?? 'UNKNOWN', path, {
    serverCode,
    ...(index === undefined ? {} : { index }),
  });
}

export function isZooKeeperError(error: unknown, code?: ZooKeeperErrorCode): error is ZooKeeperError {
  return error instanceof ZooKeeperError && (code === undefined || error.code === code);
}
