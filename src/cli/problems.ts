/**
 * What the records alone say is wrong with a service or a node: a closed list of codes, cheap enough to be computed
 * for thousands of services from a summary of each.
 */
import type { ServiceRecords } from './ensemble.ts';
import type { ServiceFacts } from './facts.ts';
import type { AgentView } from './live.ts';

export const PROBLEMS = {
  paused: 'paused by an operator: nobody is promoted or gives up by itself',
  no_term: 'no agent has formed this service yet',
  no_lease: 'no node holds the lease: there is no master',
  promoting: 'the master of this epoch has claimed and not finished its promotion',
  gone: 'registered, and no live agent',
  agent_silent: 'its agent has a session and did not answer',
  not_in_sync: 'not in the in-sync set: it is not promoted automatically',
  disabled: 'disabled by an operator',
  never_seen: 'live, and not registered yet',
  record_unreadable: 'a record in ZooKeeper is not ours or not valid',
} as const;

export type Problem = keyof typeof PROBLEMS;

export const isProblem = (code: string): code is Problem => Object.hasOwn(PROBLEMS, code);

export interface FoundProblem {
  readonly problem: Problem;
  /** Null: it concerns the service. */
  readonly node: string | null;
}

/** Problems of a service as its records show them, those of the service first. */
export function problemsOf(records: ServiceRecords, nowMs: number): readonly FoundProblem[] {
  const { lease, term, unreadable } = records;
  const found: FoundProblem[] = [];
  if (pausedUntil(records, nowMs) !== null) found.push({ problem: 'paused', node: null });
  if (term === null) found.push({ problem: 'no_term', node: null });
  else if (lease === null) found.push({ problem: 'no_lease', node: null });
  else if (term.value.pending !== null) found.push({ problem: 'promoting', node: term.value.pending.node });
  if (unreadable.length > 0) found.push({ problem: 'record_unreadable', node: null });
  for (const name of new Set([...(term?.value.nodes ?? []), ...records.live])) {
    for (const problem of problemsOfNode(records, name)) found.push({ problem, node: name });
  }
  return found;
}

/** When the pause that holds now ends, or null where none holds. */
function pausedUntil({ pause }: ServiceRecords, nowMs: number): number | null {
  const until = pause?.value.until ?? 0;
  return until > nowMs ? until : null;
}

/** A pause is wanted: the service is no worse for it. */
export const isDefect = ({ problem }: FoundProblem): boolean => problem !== 'paused';

function problemsOfNode({ lease, term, live, nodes }: ServiceRecords, name: string): Problem[] {
  const found: Problem[] = [];
  const registered = term?.value.nodes.includes(name) ?? false;
  if (registered && !live.includes(name)) found.push('gone');
  if (term !== null && !registered) found.push('never_seen');
  const holds = [lease?.value.node, term?.value.master?.name, ...(term?.value.inSync ?? [])].includes(name);
  if (registered && live.includes(name) && !holds) found.push('not_in_sync');
  if (nodes.get(name)?.value.disabled === true) found.push('disabled');
  return found;
}

/** The same as one agent has read the records. */
function problemsAsSeen({ nodes, members, inSync, master }: AgentView, name: string): Problem[] {
  if (!nodes.includes(name)) return nodes.length > 0 && members.includes(name) ? ['never_seen'] : [];
  if (!members.includes(name)) return ['gone'];
  return master === null || master.name === name || inSync.includes(name) ? [] : ['not_in_sync'];
}

/** Problems of one node, with what is known of its agent. */
export function nodeProblems({ records, silent, views }: ServiceFacts, name: string): readonly Problem[] {
  if (records === null) {
    const disabled: Problem[] = views.get(name)?.enabled === false ? ['disabled'] : [];
    const [view] = views.values();
    return view === undefined ? disabled : [...problemsAsSeen(view, name), ...disabled];
  }
  const found = problemsOfNode(records, name);
  return silent.includes(name) ? [...found, 'agent_silent'] : found;
}
