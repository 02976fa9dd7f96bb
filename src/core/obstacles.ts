/**
 * What forbids this agent to touch anything at all, whatever the service needs.
 *
 * These are mistakes of configuration or servers of the wrong kind. Acting in spite of them would damage data that
 * may not even belong to this service, so the agent stays in `starting`, says why, and looks again at every input.
 */
import type { ReasonCode } from '../contract/reasons.ts';
import { ownFacts } from './queries.ts';
import type { RedisFacts } from './facts.ts';
import type { Kept, Member } from './records.ts';
import type { State } from './state.ts';

/** Oldest Redis whose `CONFIG`, `ROLE` and `INFO` behave as the protocol needs. */
export const REDIS_VERSION_MIN = { major: 6, minor: 2 } as const;

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function isTooOld(version: string): boolean {
  const min = REDIS_VERSION_MIN;
  if (Number.parseInt(version, 10) > min.major) return false;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < min.major || (major === min.major && minor < min.minor);
}

function ofServer(facts: RedisFacts): ReasonCode | null {
  if (facts.mode === 'cluster') return 'cluster_mode';
  if (facts.activeReplica) return 'active_replica';
  return isTooOld(facts.version) ? 'redis_too_old' : null;
}

/** Two nodes lead to one Redis: whose is it? Its lease says, else the registry, else who came first. */
function isOurs(state: State, other: Kept<Member>, runId: string): boolean {
  const { lease, nodes, members } = state.records;
  const { name } = state.settings;
  if (lease?.value.runId === runId) return lease.value.node === name;
  const registered = [name, other.value.name].filter((each) => nodes.get(each)?.value.runId === runId);
  if (registered.length === 1) return registered[0] === name;
  const own = members.get(name);
  return own !== undefined && own.znode.czxid < other.znode.czxid;
}

function ofNeighbours(state: State, facts: RedisFacts): ReasonCode | null {
  const { settings, records } = state;
  for (const kept of records.members.values()) {
    const { name, redis, runId } = kept.value;
    if (name === settings.name) continue;
    if (runId === facts.runId && !isOurs(state, kept, runId)) return 'duplicate_run_id';
    if (isLoopback(settings.redis.host) && !isLoopback(redis.host)) return 'loopback_host';
  }
  return null;
}

/** A live agent with our name owns our member record. */
export function hasLivingTwin(state: State): boolean {
  const kept = state.records.members.get(state.settings.name);
  if (kept === undefined || kept.znode.owner === state.session?.id) return false;
  return state.twin?.as === 'same' && state.twin.instance === kept.value.instance;
}

/** Another session owns our member record, and nobody has said yet whether its agent lives. */
export function hasUnknownTwin(state: State): boolean {
  const kept = state.records.members.get(state.settings.name);
  if (kept === undefined || kept.znode.owner === state.session?.id) return false;
  const { instance } = kept.value;
  return instance !== state.settings.instance && state.twin?.instance !== instance;
}

/** The agent behind that record does not answer: it may be gone, but only the end of its session proves it. */
export function hasSilentTwin(state: State): boolean {
  const kept = state.records.members.get(state.settings.name);
  if (kept === undefined || kept.znode.owner === state.session?.id) return false;
  return state.twin?.as === 'silent' && state.twin.instance === kept.value.instance;
}

/** The first reason that forbids to act, or null. Needs our Redis to have been seen. */
export function obstacle(state: State): ReasonCode | null {
  if (hasLivingTwin(state)) return 'duplicate_node_name';
  const facts = ownFacts(state);
  if (facts === null) return null;
  return ofServer(facts) ?? ofNeighbours(state, facts);
}
