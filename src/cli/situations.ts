/**
 * The named situations of a service: why there is no failover, what would happen now, what is odd. A closed list, and
 * one pure function that says which of them hold.
 *
 * A reason (`contract/reasons.ts`) is what one agent says of itself; a situation is what a reader concludes from all
 * of them together. The list only grows. `docs/cli.md` explains each; a test compares.
 */
import type { ServiceFacts } from './facts.ts';
import { electionRules, masterRules, memberRules } from './situation-rules.ts';

export type Severity = 'error' | 'warning' | 'info';

export interface Situation {
  readonly severity: Severity;
  readonly what: string;
  readonly next: string;
}

export const SITUATIONS = {
  ensemble_unreachable: {
    severity: 'error',
    what: 'The ensemble does not answer here: there is no failover while the agents cannot reach it either.',
    next: 'Check zk_hosts, the ensemble and the network. The state shown is that of one agent.',
  },
  service_unformed: {
    severity: 'warning',
    what: 'The service has no term: its first start is not over.',
    next: 'Look at the reasons of the nodes; conflicting datasets wait for: dictator bootstrap --master NAME',
  },
  two_masters: {
    severity: 'error',
    what: 'More than one node says that it is master and is not fenced.',
    next: 'Ask again: two moments were seen at once. If it stays, stop the Redis that is not in the master record.',
  },
  views_disagree: {
    severity: 'warning',
    what: 'Agents name different epochs.',
    next: 'Ask again in a second. If it stays, look at the session of the agents that are behind.',
  },
  foreign_master_record: {
    severity: 'error',
    what: 'The master record belongs to a session that is not the lease holder.',
    next: 'An original agent still serves this service: disable it when you are ready to move.',
  },
  master_unreachable: {
    severity: 'error',
    what: 'The agent of the master does not answer, and no replica streams from its Redis.',
    next: 'Nothing: its lease ends with its session, then a replica takes over. Look at that host.',
  },
  master_agent_silent: {
    severity: 'warning',
    what: 'The agent of the master does not answer here, but its lease and its Redis live.',
    next: 'There is no failover while its session lives. Check the agent and its HTTP port.',
  },
  master_redis_down: {
    severity: 'error',
    what: 'The Redis of the master does not answer its agent.',
    next: 'A replica takes over by itself. If none does, look at the reasons of the nodes.',
  },
  master_fenced: {
    severity: 'error',
    what: 'The Redis of the master is fenced: it takes no write.',
    next: 'Look at the reasons of the master.',
  },
  self_isolated: {
    severity: 'error',
    what: 'An agent has no session while the ensemble answers here.',
    next: 'Check the network between that host and the ensemble. A master that stays so fences itself.',
  },
  failsafe_active: {
    severity: 'warning',
    what: 'The master goes on without the ensemble, on the promises of the other nodes.',
    next: 'Bring the ensemble back; no node can take over meanwhile.',
  },
  election_running: {
    severity: 'warning',
    what: 'There is no master and an election is under way.',
    next: 'Wait a few seconds and ask again.',
  },
  no_promotable_replica: {
    severity: 'error',
    what: 'No node can take over from the master.',
    next: 'Bring back or enable a replica, and wait until it is in sync.',
  },
  no_master: {
    severity: 'error',
    what: 'There is no master, and nobody stands for election.',
    next: 'Look at the reasons of the nodes: each says what it waits for.',
  },
  failover_put_off: {
    severity: 'warning',
    what: 'Masters fell one after the other; the next failover is put off.',
    next: 'Find what kills them. docs/reasons.md: failover_backoff.',
  },
  replica_missing: {
    severity: 'warning',
    what: 'A registered node has no live agent.',
    next: 'Start it; a node that is gone for good is forgotten after forget_after_ms.',
  },
  replica_not_in_sync: {
    severity: 'warning',
    what: 'A live replica is not in the in-sync set: it is not promoted automatically.',
    next: 'Look at its link and its reasons; it joins when it follows with its link up.',
  },
  replica_disabled: {
    severity: 'info',
    what: 'An operator disabled a node: it is never promoted.',
    next: 'dictator enable NODE, when it should take part again.',
  },
  service_paused: {
    severity: 'warning',
    what: 'An operator paused the service: nobody is promoted or gives up by itself.',
    next: 'Wait for its end, or end it: dictator resume.',
  },
  operation_standing: {
    severity: 'info',
    what: 'A planned operation is under way, or waits for its time.',
    next: 'dictator history shows its result when it has ended.',
  },
  rescue_running: {
    severity: 'info',
    what: 'A node copies data that the master does not have, before it follows.',
    next: 'Wait; rescue.timeout_ms bounds it.',
  },
  clock_suspect: {
    severity: 'error',
    what: 'A clock runs differently: a record is from the future, or a master counts past its own deadline.',
    next: 'Check the clock source and whether the machine was suspended: dictator doctor measures the rate.',
  },
  record_unreadable: {
    severity: 'warning',
    what: 'A record in ZooKeeper is not ours or not valid; it is ignored.',
    next: 'Look at the named path.',
  },
} as const satisfies Record<string, Situation>;

export type SituationCode = keyof typeof SITUATIONS;

export interface FoundSituation {
  readonly code: SituationCode;
  /** What exactly: names, numbers. Empty where the situation says it all. */
  readonly about: readonly string[];
}

const SEVERITY_ORDER: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };

/** Every situation that holds, the gravest first, else in the order of the table. */
export function situationsOf(facts: ServiceFacts): readonly FoundSituation[] {
  const found = new Map<SituationCode, readonly string[]>();
  for (const rules of [electionRules, masterRules, memberRules]) {
    for (const { code, about } of rules(facts)) found.set(code, about);
  }
  const order = Object.keys(SITUATIONS) as SituationCode[];
  return order
    .flatMap((code) => {
      const about = found.get(code);
      return about === undefined ? [] : [{ code, about }];
    })
    .toSorted((a, b) => SEVERITY_ORDER[SITUATIONS[a.code].severity] - SEVERITY_ORDER[SITUATIONS[b.code].severity]);
}
