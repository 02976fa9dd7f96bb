/**
 * Who could take over from this master, if it gave up now?
 */
import type { RedisFacts } from './facts.ts';
import { attachedReplicas, streams } from './in-sync.ts';
import { ownFacts } from './queries.ts';
import type { Member } from './records.ts';
import type { State } from './state.ts';
import { zoneVerdict } from './zones.ts';

/** Whether a live, enabled, promotable member of the in-sync set exists: else giving up would only end the service. */
export function hasSuccessor(state: State): boolean {
  return successors(state).length > 0;
}

/** The same, of those whose own Redis takes writes: with none, handing over would move the trouble and end nothing. */
export function hasBetterSuccessor(state: State): boolean {
  return successors(state).some((member) => !member.refusesWrites);
}

function successors(state: State): readonly Member[] {
  const term = state.records.term?.value ?? null;
  if (term === null) return [];
  const named = term.inSync.map((name) => state.records.members.get(name)?.value);
  const members = named.filter((member) => member !== undefined);
  return members.filter(
    ({ name, priority }) =>
      priority !== 0 && state.records.nodes.get(name)?.value.disabled !== true &&
      zoneVerdict(state, name, term) !== 'excluded',
  );
}

/** Whether one of them takes writes, streams from us now and complains of nothing: it takes over without loss. */
export function hasStreamingSuccessor(state: State, facts: RedisFacts): boolean {
  const attached = attachedReplicas(state, facts);
  return successors(state).some(
    ({ name, refusesWrites, complainsOf }) => !refusesWrites && complainsOf === null && streams(attached.get(name)),
  );
}

/**
 * A newcomer with a dataset, to whom an empty master that never took a write yields (first start): the node with the
 * data was simply the last to come up. Null when our Redis holds or held anything, or when several such exist.
 */
export function successorWithData(state: State): Member | null {
  const facts = ownFacts(state);
  const term = state.records.term?.value;
  if (facts === null || term === undefined || facts.keys > 0 || facts.changes > 0) return null;
  const holders: Member[] = [];
  for (const { value } of state.records.members.values()) {
    const newcomer = !term.nodes.includes(value.name);
    if (newcomer && value.dataset?.hasKeys === true && value.dataset.role === 'master') holders.push(value);
  }
  return holders.length === 1 ? (holders[0] ?? null) : null;
}
