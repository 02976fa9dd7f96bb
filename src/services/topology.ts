/**
 * A service as its records tell it, to whoever is no agent of it. Pure.
 *
 * An agent sees its own service's Redis; here there are records alone. They suffice for what matters: the master is
 * confirmed while one session holds both the lease and the announcement. What only a look at Redis could tell (offsets,
 * lags) is not told; a replica is down when its agent says so or is gone, and attached when the term has it in sync.
 */
import type { Topology, TopologyAgent, TopologyMaster, TopologyReplica } from '../contract/topology.ts';
import type { MemberFacts, ServiceFacts } from './facts.ts';

/** No node is called so: whoever reads records is none of them. */
const NOBODY = '';

export interface Reading {
  readonly service: string;
  readonly nowMs: number;
  /** What replicas are told to count as missing by; nobody is missing here, only gone. */
  readonly downAfterMs: number;
}

function masterOf({ lease, announcedBy }: ServiceFacts): TopologyMaster | null {
  if (lease === null) return null;
  const { name, host, port, runId, owner } = lease;
  return owner === announcedBy ? { name, host, port, runId } : null;
}

function replicaOf(member: MemberFacts, inSync: readonly string[]): TopologyReplica {
  const { name, redis, runId, priority, takesReads } = member;
  const gone = runId === null;
  const attached = gone ? null : { online: inSync.includes(name), offset: 0, lagSeconds: 0 };
  return { name, ...redis, runId, priority, attached, gone, takesReads };
}

export function topologyOf(facts: ServiceFacts, { service, nowMs, downAfterMs }: Reading): Topology {
  const { lease, term, members } = facts;
  const master = masterOf(facts);
  const sorted = [...members.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const inSync = term?.inSync ?? [];
  return {
    nowMs,
    service,
    self: NOBODY,
    seesEnsemble: true,
    epoch: term?.epoch ?? 0,
    master,
    lastMaster: term?.master ?? null,
    planned: facts.ordered || term?.handsOver === true,
    elected: master === null ? (lease?.name ?? null) : null,
    masterHeard: master !== null,
    heardAgoMs: 0,
    replicas: sorted.filter(({ name }) => name !== master?.name).map((member) => replicaOf(member, inSync)),
    agents: sorted.flatMap(({ name, sentinel }): TopologyAgent[] => (sentinel === null ? [] : [{ name, ...sentinel }])),
    liveAgents: members.size,
    nodes: term?.nodes ?? [],
    downAfterMs,
  };
}
