/** The published view: the state as others may see it, projected in one place. */
import type { FailsafeView, PromiseView, PublishedView, ReplicaView } from '../contract/view.ts';
import { resumesAtMs } from './backoff.ts';
import { attachedReplicas } from './in-sync.ts';
import { FENCE_MIN_REPLICAS, fenceAtMs } from './fencing.ts';
import type { RedisFacts } from './facts.ts';
import { healthOf } from './health.ts';
import { isPaused } from './operations/pause.ts';
import { switchoverView } from './operations/preflight.ts';
import { isEnabled, isFrozen } from './queries.ts';
import { inForce } from './service-settings.ts';
import type { State } from './state.ts';
import { isWhole } from './wholeness.ts';

/** The master whose lease and announcement agree, or the one of the promises that stand in for them. */
export function confirmedMaster(state: State): PublishedView['master'] {
  const { lease, masterRecord } = state.records;
  if (!state.synced) return masterByPromise(state);
  if (lease === null || masterRecord === null) return masterByPromise(state);
  if (lease.znode.owner !== masterRecord.znode.owner) return null;
  return { name: lease.value.node, ...lease.value.redis };
}

/** While the ensemble is silent the promises say who is master: the holder says so itself, the givers of whom. */
function masterByPromise({ nowMs, failsafe, promise, settings, role }: State): PublishedView['master'] {
  const holds = role.name === 'master' && failsafe !== null && nowMs < failsafe.untilMs;
  if (holds) return { name: settings.name, ...settings.redis };
  return promise !== null && nowMs < promise.untilMs ? { name: promise.to, ...promise.redis } : null;
}

function failsafeOf({ failsafe, nowMs }: State): FailsafeView | null {
  if (failsafe === null) return null;
  const { sinceMs, untilMs, byChoice, confirmed, refused } = failsafe;
  const endsInMs = Number.isFinite(untilMs) ? Math.round(untilMs - nowMs) : null;
  const by = byChoice ? 'continue' : 'promises';
  return { sinceAgoMs: Math.round(nowMs - sinceMs), endsInMs, by, confirmed, refused };
}

function promiseOf({ promise, nowMs }: State): PromiseView | null {
  if (promise === null || nowMs >= promise.untilMs) return null;
  return { to: promise.to, epoch: promise.epoch, endsInMs: Math.round(promise.untilMs - nowMs) };
}

function replicasOf(state: State, facts: RedisFacts): readonly ReplicaView[] {
  const names = new Map([...attachedReplicas(state, facts)].map(([name, replica]) => [replica, name]));
  const inSync = state.records.term?.value.inSync ?? [];
  return facts.replicas.map((replica) => {
    const name = names.get(replica);
    return {
      name,
      host: replica.host,
      port: replica.port,
      state: replica.state,
      offset: replica.offset,
      lagBytes: Math.max(0, facts.offset - replica.offset),
      inSync: name !== undefined && inSync.includes(name),
    };
  });
}

function fenceOf(facts: RedisFacts | null): PublishedView['fence'] {
  if (facts === null) return 'none';
  if (isFrozen(facts)) return 'hard';
  return facts.minReplicas === FENCE_MIN_REPLICAS ? 'reversible' : 'none';
}

function redisOf({ own }: State): PublishedView['redis'] {
  const { facts } = own;
  const reachable = own.link === 'open' && own.silentSinceMs === null;
  if (facts === null) return { reachable, role: null, runId: null, replid: null, offset: 0, linkUp: false };
  const { role, runId, replid, offset, link } = facts;
  return { reachable, role, runId, replid, offset, linkUp: link?.up ?? false };
}

function failoverOf(state: State): PublishedView['failover'] {
  const atMs = resumesAtMs(state);
  const resumesInMs = atMs === null ? null : Math.max(0, Math.round(atMs - state.nowMs));
  return { falls: state.records.term?.value.falls ?? 0, resumesInMs };
}

function rescueOf({ rescue, inFlight, nowMs }: State): PublishedView['rescue'] {
  const running = inFlight.has('rescue');
  if (rescue === null) return { running, last: null };
  const { path, bytes, divergentBytes, code, atMs } = rescue;
  return { running, last: { agoMs: Math.round(nowMs - atMs), path, bytes, divergentBytes, code } };
}

function pauseOf(state: State): PublishedView['pause'] {
  const { records: { pause }, operations, nowMs } = state;
  if (pause === null || operations.pause === null || !isPaused(state)) return null;
  const { owner, reason, until } = pause.value;
  return { owner, reason, until, endsInMs: Math.round(operations.pause.endsAtMs - nowMs) };
}

function maintenanceOf({ operations: { maintenance }, nowMs }: State): PublishedView['maintenance'] {
  if (maintenance === null) return null;
  const { record: { owner, reason, until }, endsAtMs } = maintenance;
  return { owner, reason, until, endsInMs: Number.isFinite(endsAtMs) ? Math.round(endsAtMs - nowMs) : null };
}

function operationOf({ records: { order } }: State): PublishedView['operation'] {
  if (order === null) return null;
  const { id, kind, target, asker, scheduledAt, phase } = order.value;
  return { id, kind, target, asker, scheduledAt, phase };
}

function settingsOf(state: State): PublishedView['settings'] {
  return { ...inForce(state), version: state.records.settings?.value.version ?? 0 };
}

export function project(state: State): PublishedView {
  const { settings, session, nowMs, records, role } = state;
  const { facts } = state.own;
  const term = records.term?.value;
  const heard = Number.isFinite(state.lastProofMs);
  return {
    version: 1,
    service: settings.service,
    node: { name: settings.name, ...settings.redis },
    instance: settings.instance,
    enabled: isEnabled(state),
    role: role.name,
    epoch: term?.epoch ?? 0,
    master: confirmedMaster(state),
    fence: fenceOf(facts),
    reasons: [...state.reasons],
    lease: {
      heardAgoMs: heard ? Math.round(nowMs - state.lastProofMs) : null,
      fenceInMs: heard && role.name === 'master' ? Math.round(fenceAtMs(state) - nowMs) : null,
    },
    session: { connected: session?.connected ?? false, timeoutMs: session?.timeoutMs ?? 0 },
    redis: redisOf(state),
    rescue: rescueOf(state),
    settings: settingsOf(state),
    tags: { zone: settings.zone, noRead: settings.noRead, neverMaster: settings.neverMaster },
    failover: failoverOf(state),
    whole: facts !== null && term !== undefined && isWhole(state, facts, term),
    pause: pauseOf(state),
    maintenance: maintenanceOf(state),
    operation: operationOf(state),
    switchover: switchoverView(state),
    lastOperation: records.results?.value.list.at(-1) ?? null,
    inSync: term?.inSync ?? [],
    nodes: term?.nodes ?? [],
    members: [...records.members.keys()].sort(),
    peers: [...state.peers].filter(([, { up }]) => up).map(([name]) => name).sort(),
    replicas: facts === null ? [] : replicasOf(state, facts),
    failsafe: failsafeOf(state),
    promise: promiseOf(state),
    health: healthOf(state),
  };
}
