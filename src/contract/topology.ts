/**
 * The service as one agent sees it, for those who ask where to connect: the Sentinel protocol.
 *
 * Projected from the same state as the published view, in the words of addresses instead of roles. What the agent does
 * not know is missing, never guessed.
 */
export interface TopologyAddress {
  readonly host: string;
  readonly port: number;
}

export interface TopologyMaster extends TopologyAddress {
  readonly name: string;
  /** Null where it is known by a promise alone. */
  readonly runId: string | null;
}

/** A Redis of the service that is not its master. */
export interface TopologyReplica extends TopologyAddress {
  /** Null: attached to the master, but no node of the service. */
  readonly name: string | null;
  readonly runId: string | null;
  readonly priority: number | null;
  /** How the master lists it; null: the master does not, or nobody asked it yet. */
  readonly attached: { readonly online: boolean; readonly offset: number; readonly lagSeconds: number } | null;
  /** Its own agent says that it is gone, or the agent is gone and the master does not list it. */
  readonly gone: boolean;
  /** No operator keeps readers away from it. */
  readonly takesReads: boolean;
}

/** Another agent that answers as a Sentinel. */
export interface TopologyAgent extends TopologyAddress {
  readonly name: string;
}

export interface Topology {
  /** Monotonic milliseconds of the agent that looked. */
  readonly nowMs: number;
  readonly service: string;
  /** Node of the agent that looked. */
  readonly self: string;
  /** The ensemble answered this agent within the last session timeout. */
  readonly seesEnsemble: boolean;
  readonly epoch: number;
  /** The confirmed master; null while there is none, or while this agent cannot know. */
  readonly master: TopologyMaster | null;
  /** The latest one that was recorded. */
  readonly lastMaster: TopologyMaster | null;
  /** There is no master, or is about to be none, by an operator's order. */
  readonly planned: boolean;
  /** Node that holds the lease and is not announced yet: the winner of the election. */
  readonly elected: string | null;
  /** Whether the master itself was asked for its replicas. */
  readonly masterHeard: boolean;
  /** Age of its last answer. */
  readonly heardAgoMs: number;
  readonly replicas: readonly TopologyReplica[];
  readonly agents: readonly TopologyAgent[];
  /** Agents with a session, this one among them. */
  readonly liveAgents: number;
  /** Registered nodes: what majorities are counted over. */
  readonly nodes: readonly string[];
  readonly downAfterMs: number;
}
