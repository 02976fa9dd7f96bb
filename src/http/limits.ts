/**
 * Bounds of the HTTP server: no caller, however slow or greedy, costs the agent more than this.
 *
 * Peer streams are exempt from the times once they are upgraded; src/peers has bounds of its own for them.
 */
export const HTTP_LIMITS = {
  /** Request line and headers together; more is answered 431. */
  headerBytesMax: 8 * 1024,
  /** Longest URL; more is answered 414. */
  urlLengthMax: 2048,
  /** Longest body; more is answered 413 and the order is not taken. */
  bodyBytesMax: 64 * 1024,
  /** Time for a whole request to arrive, from the connection or from the end of the request before it. */
  requestTimeoutMs: 5000,
  /** How often that time is looked at; each look wakes the process up. */
  requestCheckMs: 2500,
  /** Time that a connection stays open without a request. */
  idleTimeoutMs: 5000,
  /** Time without a byte in either direction: ends a caller that does not read its answer. */
  stalledTimeoutMs: 60_000,
  /** Connections in all, peer streams among them; more are closed as they come. */
  connectionsMax: 512,
  /** Peer streams; more are answered 503. */
  peerStreamsMax: 128,
  /** Pause between two attempts to listen on a port that is taken. */
  listenRetryMs: 1000,
  /** Time that requests under way are given when the server stops. */
  stopGraceMs: 1000,
  /** Longest wait for a bootstrap or a forget; below the stalled timeout, so that the caller gets an answer. */
  orderTimeoutMs: 30_000,
  /** Longest wait for the next line of the log. */
  eventsWaitMaxMs: 20_000,
  /** Longest wait for the agent's answer to a master's question for a promise. */
  failsafeTimeoutMs: 1000,
} as const;

export type HttpLimits = { readonly [K in keyof typeof HTTP_LIMITS]: number };
