/**
 * Bounds of the Sentinel port: no caller, however many, slow or hostile, costs the agent more than this.
 *
 * The agent holds a lease on the same event loop. What a flood may take of it is bounded per turn, not per client.
 */
export const SENTINEL_LIMITS = {
  /** Before a client proved who it is: arguments of one request, and bytes of all of them together. */
  guestArgumentsMax: 10,
  guestRequestBytesMax: 16 * 1024,
  /** Afterwards. */
  argumentsMax: 1024,
  requestBytesMax: 64 * 1024,
  /** Longest line: an inline request, or the header of a part. */
  lineBytesMax: 16 * 1024,
  /** What a subscriber may have been told and not yet read; one slower than that is cut. */
  outputBytesMax: 1024 * 1024,
  /** The same of all clients together, answers among it, which are long where services are many. */
  outputBytesOfAllMax: 16 * 1024 * 1024,
  /** Answers that wait for a client; beyond it nothing more is read from it until it read them. */
  outputBytesPause: 64 * 1024,
  /** Answers to one client before others come first. */
  outputBytesPerTurn: 16 * 1024,
  /** Channels and patterns of one client. Every event is held against every pattern of everybody. */
  channelsMax: 128,
  patternsMax: 32,
  /** Questions for a master that are held back until there is one; those beyond it are answered at once. */
  heldQuestionsMax: 256,
  /** Longest channel, pattern or name that is kept for a client. */
  keptTextMax: 512,
  /** Wrong passwords on one connection before it is closed. */
  authFailuresMax: 10,
  /** A client that must prove who it is and does not: closed after this. */
  guestTimeoutMs: 10_000,
  /** Requests of one client that are answered before others come first. */
  requestsPerTurn: 32,
  /** Requests of all clients that are answered before the rest of the agent comes first. */
  requestsPerTurnOfAll: 256,
  /** The same in milliseconds: some answers are long. */
  turnMs: 4,
  /** Connections accepted in one interval; those beyond it are closed as they come. */
  acceptsPerInterval: 500,
  acceptIntervalMs: 1000,
  /** Pause between two attempts to listen on a port that is taken: doubled from the first up to the second. */
  listenRetryMinMs: 1000,
  listenRetryMaxMs: 30_000,
  /** Silence after which the kernel asks whether the other end is still there. */
  keepAliveMs: 60_000,
} as const;

export type SentinelLimits = { readonly [K in keyof typeof SENTINEL_LIMITS]: number };
