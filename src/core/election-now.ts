/** The election of this moment: what the records hold of ballots and electors, put to the one rule of all. */
import { waitReplicasOf } from './durable.ts';
import type { Elector, ElectionOutcome } from './election.ts';
import { electionOutcome } from './election.ts';
import { agentIsGone } from './queries.ts';
import type { Ballot, Term } from './records.ts';
import { inForce } from './service-settings.ts';
import type { State } from './state.ts';

/**
 * Who may be waited for. After an outage of the ensemble all sessions end at once: a node of the in-sync set that has
 * no record now may be about to write it again, with more data than we hold.
 */
function electors(state: State, term: Term): Elector[] {
  const { members } = state.records;
  const absent = term.inSync.filter((name) => !members.has(name)).map((name) => ({ name, live: true }));
  const present = [...members.values()].map(({ value }) => ({
    name: value.name,
    live: !agentIsGone(state, value.name, value.instance),
  }));
  return [...present, ...absent];
}

/** The processes that living agents manage, by node: those that their agents know to be dead are none. */
export function runningProcesses(state: State): ReadonlyMap<string, string> {
  const running = new Map<string, string>();
  for (const { value } of state.records.members.values()) {
    const { name, instance, runId } = value;
    if (runId !== null && !agentIsGone(state, name, instance)) running.set(name, runId);
  }
  return running;
}

export function electionOf(
  state: State,
  term: Term,
  elapsedMs: number,
): { readonly outcome: ElectionOutcome; readonly ballots: readonly Ballot[] } {
  const { electionSettleMs: settleMs } = state.settings;
  const ballots = [...state.records.ballots.values()].map((kept) => kept.value);
  const rules = { waitReplicas: waitReplicasOf(state), lagBytes: inForce(state).priorityLagBytes };
  const outcome = electionOutcome({ term, ballots, electors: electors(state, term), elapsedMs, settleMs, rules });
  return { outcome, ballots };
}
