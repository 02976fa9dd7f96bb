/**
 * Event names: what the agent says about itself, one line of log each.
 *
 * A closed list: log, HTTP, tests and documentation use these very words. Later versions only add to it, so a
 * filter written today keeps working. Sentences are for people and are never matched on.
 */
export const EVENT_NAMES = [
  'agent_started',
  'agent_stopping',
  'agent_stopped',
  'role_changed',
  'epoch_claimed',
  'claim_lost',
  'lease_adopted',
  'configuration_reloaded',
  'configuration_refused',
  'lease_kept',
  'lease_released',
  'lease_lost',
  'lease_in_doubt',
  'lease_confirmed',
  'session_connected',
  'session_disconnected',
  'session_expired',
  'redis_up',
  'redis_down',
  'redis_restarted',
  'term_restored',
  'settings_restored',
  'redis_loading',
  'fenced',
  'fence_lifted',
  'fence_failed',
  'redis_killed',
  'remote_fenced',
  'frozen',
  'ballot_cast',
  'failover_put_off',
  'death_proved',
  'promoted',
  'announced',
  'following',
  'in_sync_changed',
  'node_registered',
  'parameters_applied',
  'settings_changing',
  'settings_changed',
  'settings_written',
  'complaint_raised',
  'complaint_ended',
  'node_forgotten',
  'forget_ordered',
  'failsafe_started',
  'failsafe_refused',
  'failsafe_ended',
  'promise_given',
  'promise_ended',
  'lease_reclaimed',
  'peer_up',
  'peer_down',
  'full_sync_aborted',
  'rescue_started',
  'rescued',
  'rescue_failed',
  'divergent_data',
  'setting_applied',
  'record_ignored',
  'refused',
  'refusal_ended',
  'enabled',
  'disabled',
  'bootstrap_ordered',
  'failover_ordered',
  'operation_asked',
  'switchover_begun',
  'switchover_undone',
  'order_ended',
  'reinitialized',
  'zookeeper_fault',
  'listening',
  'sentinel_listening',
  'sentinel_fault',
  'services_known',
  'services_unknown',
  'gateway_started',
  'gateway_stopped',
  'http_fault',
  'invariant_broken',
] as const;

/** One line of the log, as `GET /v1/events` gives it: the fields of the event beside these. */
export interface EventLine {
  /** Counts the lines of this agent process from 1. */
  readonly seq: number;
  /** ISO 8601, UTC, by the wall clock of the agent. */
  readonly time: string;
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

/** Lines that an agent still has, oldest first. */
export interface EventsPage {
  /** Random id of the agent process: with another one, `seq` counts anew. */
  readonly instance: string;
  /** What to ask for next, as `after`. */
  readonly next: number;
  /** Lines between what was asked for and the first one given are no longer kept. */
  readonly lost: boolean;
  readonly events: readonly EventLine[];
}

/** One of the closed list of things that can be said to have happened. */
export type EventName = (typeof EVENT_NAMES)[number];
