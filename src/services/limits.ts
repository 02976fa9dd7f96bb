/** Bounds of whoever answers for every service of an ensemble. */
export const SERVICES_LIMITS = {
  /** Services that are answered for; those beyond it, by name, are left out and that is said. */
  servicesMax: 5000,
  /** Nodes of one service whose records are read. */
  nodesMax: 64,
  /** Reads under way at once: few, so that neither the ensemble nor the rest of this process notices. */
  readsUnderWay: 16,
  /** Pause before a read that the ensemble did not answer is tried again. */
  retryMs: 1000,
} as const;

/** How often the ensemble is asked whether its answers still count, as a part of the session timeout. */
export const PROOF_PART = 1 / 3;
