/**
 * The level of each event: one table, so that the same thing is never INFO here and WARN there.
 *
 * DEBUG: how something came about. INFO: the service changed, or this node's part in it. WARN: somebody should look.
 * FATAL: the agent gives up.
 */
import type { EventName } from '../contract/events.ts';
import type { LogLevel } from './logger.ts';

export const EVENT_LEVELS = {
  agent_started: 'INFO',
  agent_stopping: 'INFO',
  agent_stopped: 'INFO',
  role_changed: 'INFO',
  epoch_claimed: 'INFO',
  claim_lost: 'INFO',
  lease_adopted: 'INFO',
  lease_released: 'INFO',
  lease_lost: 'WARN',
  lease_in_doubt: 'WARN',
  lease_confirmed: 'INFO',
  session_connected: 'INFO',
  session_disconnected: 'WARN',
  session_expired: 'WARN',
  redis_up: 'INFO',
  redis_down: 'WARN',
  redis_restarted: 'WARN',
  redis_loading: 'INFO',
  fenced: 'WARN',
  fence_lifted: 'INFO',
  fence_failed: 'WARN',
  remote_fenced: 'WARN',
  frozen: 'INFO',
  ballot_cast: 'INFO',
  failover_put_off: 'WARN',
  death_proved: 'WARN',
  promoted: 'INFO',
  announced: 'INFO',
  following: 'INFO',
  in_sync_changed: 'INFO',
  node_registered: 'INFO',
  settings_written: 'INFO',
  complaint_raised: 'WARN',
  complaint_ended: 'INFO',
  peer_up: 'DEBUG',
  peer_down: 'INFO',
  full_sync_aborted: 'WARN',
  rescue_started: 'WARN',
  rescued: 'WARN',
  rescue_failed: 'WARN',
  divergent_data: 'WARN',
  setting_applied: 'DEBUG',
  record_ignored: 'WARN',
  refused: 'WARN',
  refusal_ended: 'INFO',
  enabled: 'INFO',
  disabled: 'WARN',
  failover_ordered: 'WARN',
  bootstrap_ordered: 'WARN',
  zookeeper_fault: 'WARN',
  listening: 'INFO',
  http_fault: 'WARN',
  invariant_broken: 'FATAL',
} as const satisfies Record<EventName, LogLevel>;

/** Ascending; the position is the weight. */
export const LEVELS: readonly LogLevel[] = ['DEBUG', 'INFO', 'WARN', 'FATAL'];
