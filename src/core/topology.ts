/** The topology: the state in the words of addresses, for whoever asks where to connect. Projected in one place. */
import type { Topology, TopologyAgent, TopologyMaster, TopologyReplica } from '../contract/topology.ts';
import { FENCE_MIN_REPLICAS, fenceAtMs } from './fencing.ts';
import type { RedisFacts, RedisSight, ReplicaFacts } from './facts.ts';
import { sameAddress } from './facts.ts';
import { isFrozen, ourLease, ownRedisHangs, ownRedisIsDead, seesRecords, timeoutMs } from './queries.ts';
import type { Address, Member } from './records.ts';
import type { SteppingDownBecause } from './role.ts';
import type { State } from './state.ts';
import { confirmedMaster } from './view.ts';

/** Proof not older than a session: until then nobody else can have been elected without this agent's knowledge. */
function seesEnsemble(state: State): boolean {
  return seesRecords(state) && state.nowMs - state.lastProofMs < timeoutMs(state);
}

/** A master that fenced itself, or had to, is none to send clients to, however its records stand. */
function refusesOwnOffice(state: State): boolean {
  const { role, nowMs, own } = state;
  if (role.name === 'stepping_down') return !role.alone;
  if (role.name !== 'master') return false;
  const fenced = own.facts !== null && (isFrozen(own.facts) || own.facts.minReplicas === FENCE_MIN_REPLICAS);
  return role.inDoubt || fenced || nowMs >= fenceAtMs(state);
}

function lastMasterOf({ records, memory }: State): TopologyMaster | null {
  const last = records.term?.value.master ?? memory?.term.master ?? null;
  return last === null ? null : { name: last.name, runId: last.runId, ...last.redis };
}

/** Who holds the lease and saw its Redis promoted is the master, also while the record of that is being written. */
function ownOffice(state: State): ReturnType<typeof confirmedMaster> {
  const { role, settings, synced } = state;
  const holds = role.name === 'master' && synced && ourLease(state)?.value.epoch === role.epoch;
  return holds ? { name: settings.name, ...settings.redis } : null;
}

function masterOf(state: State, sees: boolean): TopologyMaster | null {
  const master = confirmedMaster(state) ?? ownOffice(state);
  if (master === null) return null;
  if (master.name === state.settings.name && refusesOwnOffice(state)) return null;
  if (!sees && state.failsafe === null && state.promise === null) return null;
  const lease = state.records.lease?.value;
  const runId = lease?.node === master.name ? lease.runId : null;
  return { ...master, runId: runId ?? lastRunId(state, master.name) };
}

function lastRunId(state: State, name: string): string | null {
  const last = lastMasterOf(state);
  return last?.name === name ? last.runId : null;
}

/** The sight of the master's Redis: our own, or the one that is watched. */
function sightOf({ own, remote, remoteTarget, settings }: State, master: TopologyMaster): RedisSight | null {
  if (master.name === settings.name) return own;
  return sameAddress(remoteTarget, master) ? remote : null;
}

/** What the master said of itself in its present process. */
function masterFacts(sight: RedisSight | null): RedisFacts | null {
  if (sight?.link !== 'open' || !sight.current || sight.silentSinceMs !== null) return null;
  return sight.facts?.role === 'master' ? sight.facts : null;
}

function ownIsGone(state: State): boolean {
  return ownRedisIsDead(state) || ownRedisHangs(state);
}

function attachedAs(listed: readonly ReplicaFacts[], redis: Address): TopologyReplica['attached'] {
  const found = listed.find((each) => sameAddress(each, redis));
  if (found === undefined) return null;
  return { online: found.state === 'online', offset: found.offset, lagSeconds: found.lagSeconds };
}

function replicaOf(state: State, member: Member, listed: readonly ReplicaFacts[]): TopologyReplica {
  const { name, redis, runId, priority, noRead } = member;
  const attached = attachedAs(listed, redis);
  const gone = name === state.settings.name ? ownIsGone(state) : attached === null && runId === null;
  const takesReads = !noRead && state.records.nodes.get(name)?.value.disabled !== true;
  return { name, ...redis, runId, priority, attached, gone, takesReads };
}

function replicasOf(state: State, master: TopologyMaster | null, facts: RedisFacts | null): readonly TopologyReplica[] {
  const listed = facts?.replicas ?? [];
  const ofMembers: TopologyReplica[] = [];
  for (const { value } of state.records.members.values()) {
    if (value.name !== master?.name) ofMembers.push(replicaOf(state, value, listed));
  }
  ofMembers.sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
  const strangers = listed
    .filter((each) => !ofMembers.some((member) => sameAddress(member, each)))
    .map(({ host, port }): TopologyReplica => {
      const attached = attachedAs(listed, { host, port });
      return { name: null, host, port, runId: null, priority: null, attached, gone: false, takesReads: true };
    });
  return [...ofMembers, ...strangers];
}

function agentsOf({ records, settings }: State): readonly TopologyAgent[] {
  const agents: TopologyAgent[] = [];
  for (const { value } of records.members.values()) {
    const { name, sentinel } = value;
    if (sentinel !== undefined && name !== settings.name) agents.push({ name, ...sentinel });
  }
  return agents.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Why an office is given up that nothing is wrong with. */
const BY_ORDER: readonly SteppingDownBecause[] = ['switchover', 'stop', 'disable'];

function isPlanned({ records, role }: State): boolean {
  const order = records.order?.value;
  const ordered = order?.kind === 'switchover' && (order.phase === 'running' || order.scheduledAt === null);
  const leaves = role.name === 'stepping_down' && BY_ORDER.includes(role.because);
  return ordered || leaves || (records.term?.value.handOver ?? null) !== null;
}

/** The topology at the state's present moment. */
export function topologyOf(state: State): Topology {
  const { records, settings, nowMs } = state;
  const sees = seesEnsemble(state);
  const master = masterOf(state, sees);
  const sight = master === null ? null : sightOf(state, master);
  const facts = masterFacts(sight);
  const term = records.term?.value;
  return {
    nowMs,
    service: settings.service,
    self: settings.name,
    seesEnsemble: sees,
    epoch: term?.epoch ?? 0,
    master,
    lastMaster: lastMasterOf(state),
    planned: isPlanned(state),
    elected: sees && master === null ? (records.lease?.value.node ?? null) : null,
    masterHeard: facts !== null,
    heardAgoMs: sight === null || facts === null ? 0 : Math.max(0, Math.round(nowMs - sight.answeredAtMs)),
    replicas: replicasOf(state, master, facts),
    agents: agentsOf(state),
    liveAgents: records.members.size,
    nodes: term?.nodes ?? [],
    downAfterMs: settings.downAfterMs,
  };
}
