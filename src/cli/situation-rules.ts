/**
 * The rules behind the named situations: each looks at the facts and says whether its situation holds, and of whom.
 * Situations of one subject stand in one function, in the order in which an operator would look.
 */
import { timeOf } from './act/times.ts';
import type { ServiceFacts } from './facts.ts';
import type { AgentView } from './live.ts';
import { operationText } from './operation-text.ts';
import { plannedText } from './render-topology.ts';
import type { FoundSituation } from './situations.ts';
import {
  epochOf, inSyncOf, maintenanceOf, masterOf, masterViewOf, operationOf, pauseOf,
} from './topology.ts';

/** A record further in the future than this was written by a clock that nobody should trust. */
const FUTURE_MAX_MS = 5000;
/** Ballots that are older belong to an election that is over. */
const CANDIDATE_ROLES: ReadonlySet<string> = new Set(['candidate', 'promoting']);

type Rules = (facts: ServiceFacts) => readonly FoundSituation[];

const when = (holds: boolean, code: FoundSituation['code'], about: readonly string[] = []): FoundSituation[] =>
  holds ? [{ code, about }] : [];

const forAny = (code: FoundSituation['code'], about: readonly string[]): FoundSituation[] =>
  when(about.length > 0, code, about);

/** Who could be master, and who is. */
export const electionRules: Rules = (facts) => {
  const { records, ensemble } = facts;
  const views = [...facts.views.values()];
  const master = masterOf(facts);
  const unformed = records !== null && records.term === null;
  const candidates = views.filter(({ role }) => CANDIDATE_ROLES.has(role)).map(({ node }) => node.name);
  const voted = [...(records?.ballots ?? [])]
    .filter(([, { value }]) => value.epoch === epochOf(facts) && value.refusal === null)
    .map(([name]) => name);
  const standing = [...new Set([...candidates, ...voted])].filter((name) => !heldBack(facts, name)).sort();
  const headless = master === null && !unformed && ensemble === 'read';
  return [
    ...when(ensemble === 'silent', 'ensemble_unreachable'),
    ...when(unformed, 'service_unformed'),
    ...when(headless && standing.length > 0, 'election_running', standing.map((name) => `${name} stands`)),
    ...when(headless && standing.length === 0, 'no_master', lastMasterOf(facts)),
    ...planned(facts),
    ...noSuccessor(facts, master),
    ...failoverPutOff(views),
  ];
};

/** Whether a node that is ready to stand waits for an operator: no election comes of it. */
function heldBack(facts: ServiceFacts, name: string): boolean {
  return pauseOf(facts) !== null || whyNot(facts, name) === 'node_disabled';
}

function planned(facts: ServiceFacts): FoundSituation[] {
  const pause = pauseOf(facts);
  const order = operationOf(facts);
  const minutes = Math.ceil(((pause?.until ?? 0) - facts.nowMs) / 60_000);
  const what = order === null ? '' : operationText(order.kind, order.target ?? 'the best replica');
  const due = order?.scheduledAt ? `, due ${timeOf(order.scheduledAt)}` : '';
  return [
    ...when(pause !== null, 'service_paused', [`by ${pause?.owner}, for ${minutes} more min: ${pause?.reason}`]),
    ...when(order !== null, 'operation_standing', [`${what}, ${order?.phase}${due}, by ${order?.asker}`]),
  ];
}

function lastMasterOf({ records }: ServiceFacts): string[] {
  const last = records?.term?.value.master;
  return last === null || last === undefined ? [] : [`the last one was ${last.name}`];
}

/** Members of the in-sync set that an election would take now, by name. */
export function successorsOf(facts: ServiceFacts): readonly string[] {
  return inSyncOf(facts).filter((name) => whyNot(facts, name) === null);
}

/** Why an election would pass a node over, as a code, or null where it would not. */
export function whyNot({ records, views }: Pick<ServiceFacts, 'records' | 'views'>, name: string): string | null {
  if (records !== null && !records.live.includes(name)) return 'gone';
  if (records?.nodes.get(name)?.value.disabled === true || views.get(name)?.enabled === false) return 'node_disabled';
  if (records?.members.get(name)?.value.priority === 0) return 'priority_zero';
  // The master that the term names stands for election like a member of the set.
  const holds = records?.term?.value.master?.name === name || inSyncOf({ records, views }).includes(name);
  return holds ? null : 'not_in_sync';
}

function noSuccessor(facts: ServiceFacts, master: string | null): FoundSituation[] {
  const nodes = facts.records?.term?.value.nodes ?? [...facts.views.values()][0]?.nodes ?? [];
  if (master === null || successorsOf(facts).length > 0) return [];
  const others = nodes.filter((name) => name !== master);
  const about = others.map((name) => `${name}: ${whyNot(facts, name) ?? 'unknown'}`);
  return [{ code: 'no_promotable_replica', about: about.length > 0 ? about : ['no other node is registered'] }];
}

function failoverPutOff(views: readonly AgentView[]): FoundSituation[] {
  const waits = views.flatMap(({ failover }) => failover.resumesInMs === null ? [] : [failover.resumesInMs]);
  const falls = Math.max(0, ...views.map(({ failover }) => failover.falls));
  return when(waits.length > 0, 'failover_put_off', [
    `${falls} failovers in a row; it goes on in ${Math.ceil(Math.max(0, ...waits) / 1000)} s`,
  ]);
}

/** How the master is. */
export const masterRules: Rules = (facts) => {
  const { records } = facts;
  const views = [...facts.views.values()];
  const name = masterOf(facts);
  const view = masterViewOf(facts);
  const replicas = views.filter(({ node }) => node.name !== name);
  const streaming = replicas.some(({ redis }) => redis.linkUp);
  const silent = name !== null && facts.silent.includes(name);
  const recordOwner = records?.masterRecord?.owner;
  const foreign = recordOwner !== undefined && recordOwner !== records?.lease?.owner;
  const claims = views.filter(({ role, redis, fence }) => {
    return role === 'master' && redis.role === 'master' && redis.reachable && fence === 'none';
  });
  return [
    ...when(claims.length > 1, 'two_masters', claims.map(({ node, epoch }) => `${node.name}, epoch ${epoch}`)),
    ...when(foreign, 'foreign_master_record', foreignAbout(facts)),
    ...when(silent && replicas.length > 0 && !streaming, 'master_unreachable', [`${name}`]),
    ...when(silent && (streaming || replicas.length === 0), 'master_agent_silent', [`${name}`]),
    ...when(view?.redis.reachable === false, 'master_redis_down', [`${name}`]),
    ...fencedMaster(view),
    ...forAny('failsafe_active', views.flatMap(({ node, failsafe }) => {
      return failsafe === null ? [] : [`${node.name}, by ${failsafe.by}`];
    })),
  ];
};

function fencedMaster(view: AgentView | undefined): FoundSituation[] {
  if (view?.role !== 'master' || view.fence === 'none') return [];
  return [{ code: 'master_fenced', about: [`${view.node.name}: ${view.fence}`] }];
}

function foreignAbout({ records }: ServiceFacts): string[] {
  const record = records?.masterRecord?.value;
  return record === undefined ? [] : [`it names ${record.name}, ${record.host}:${record.port}`];
}

/** How the other nodes are, and what they see. */
export const memberRules: Rules = (facts) => {
  const { records, ensemble } = facts;
  const views = [...facts.views.values()];
  const cutOff = ensemble === 'read' ? views.filter(({ session }) => !session.connected) : [];
  const registered = records?.term?.value.nodes ?? [];
  const missing = registered.filter((name) => records?.live.includes(name) === false);
  const behind = registered.filter((name) => {
    return !missing.includes(name) && name !== masterOf(facts) && whyNot(facts, name) === 'not_in_sync';
  });
  const disabled = new Set([
    ...views.filter(({ enabled }) => !enabled).map(({ node }) => node.name),
    ...[...(records?.nodes ?? [])].filter(([, { value }]) => value.disabled).map(([name]) => name),
  ]);
  const epochs = new Set(views.map(({ epoch }) => epoch));
  return [
    ...forAny('self_isolated', cutOff.map(({ node }) => node.name)),
    ...when(epochs.size > 1, 'views_disagree', views.map(({ node, epoch }) => `${node.name}: epoch ${epoch}`)),
    ...forAny('replica_missing', missing),
    ...forAny('replica_not_in_sync', behind),
    ...forAny('replica_disabled', [...disabled].sort().map((name) => {
      const why = maintenanceOf(facts, name);
      return why === null ? name : `${name} ${plannedText(why)}`;
    })),
    ...forAny('rescue_running', views.filter(({ rescue }) => rescue.running).map(({ node }) => node.name)),
    ...forAny('clock_suspect', clockSuspects(facts)),
    ...forAny('record_unreadable', records?.unreadable ?? []),
  ];
};

function clockSuspects({ records, views, nowMs }: ServiceFacts): string[] {
  const stamps = [...(records?.nodes ?? [])].map(([name, { writtenMs }]) => ({ name, aheadMs: writtenMs - nowMs }));
  const ahead = stamps.filter(({ aheadMs }) => aheadMs > FUTURE_MAX_MS).map(({ name, aheadMs }) => {
    return `the record of ${name} was written ${Math.round(aheadMs / 1000)} s from now, by the ensemble's clock`;
  });
  const late = [...views.values()].filter(isPastItsDeadline).map(({ node, lease }) => {
    return `${node.name} heard of its lease ${lease.heardAgoMs} ms ago and takes writes`;
  });
  return [...ahead, ...late];
}

/** A master without promises takes writes for less than its session timeout after it last heard of its lease. */
function isPastItsDeadline({ role, fence, lease, session, failsafe, redis }: AgentView): boolean {
  const serves = role === 'master' && redis.role === 'master' && fence === 'none' && failsafe === null;
  return serves && session.timeoutMs > 0 && (lease.heardAgoMs ?? 0) > session.timeoutMs;
}
