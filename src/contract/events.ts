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
  'redis_loading',
  'fenced',
  'fence_lifted',
  'fence_failed',
  'remote_fenced',
  'frozen',
  'ballot_cast',
  'death_proved',
  'promoted',
  'announced',
  'following',
  'in_sync_changed',
  'node_registered',
  'settings_written',
  'peer_up',
  'peer_down',
  'full_sync_aborted',
  'divergent_data',
  'setting_applied',
  'record_ignored',
  'refused',
  'refusal_ended',
  'enabled',
  'disabled',
  'bootstrap_ordered',
  'zookeeper_fault',
  'listening',
  'http_fault',
  'invariant_broken',
] as const;

/** One of the closed list of things that can be said to have happened. */
export type EventName = (typeof EVENT_NAMES)[number];
