/**
 * The agents' log lines in words for people who watch for the first time. What they would not miss is left out: the
 * log has it.
 */
import type { EventName } from '../../src/contract/events.ts';
import type { LogLine } from '../../test/support/agent-process.ts';
import type { LiveEvent } from './model.ts';

type Words = Pick<LiveEvent, 'text' | 'tone'>;
type Teller = (line: LogLine) => Words | null;

const plain = (text: string): Words => ({ text, tone: 'plain' });
const good = (text: string): Words => ({ text, tone: 'good' });
const bad = (text: string): Words => ({ text, tone: 'bad' });

const TELLERS: Partial<Record<EventName, Teller>> = {
  agent_started: () => plain('agent started'),
  agent_stopped: () => plain('agent stopped'),
  epoch_claimed: ({ epoch }) => plain(`won the election: epoch ${shown(epoch)}`),
  lease_adopted: ({ epoch }) => good(`took its lease over again: epoch ${shown(epoch)}`),
  lease_released: ({ because }) => plain(`gives mastership up: ${shown(because)}`),
  lease_lost: () => bad('is master no longer'),
  lease_in_doubt: () => bad('has no proof of its lease any more'),
  lease_confirmed: () => good('its lease is confirmed again'),
  session_disconnected: () => bad('lost its connection to ZooKeeper'),
  session_expired: () => bad('its session with ZooKeeper has expired'),
  redis_down: ({ link }) => bad(link === 'hung' ? 'its Redis does not answer' : 'lost the connection to its Redis'),
  redis_restarted: ({ keys }) => plain(`its Redis was restarted, keys: ${shown(keys)}`),
  redis_loading: () => plain('its Redis is loading'),
  fence_lifted: () => plain('its Redis accepts writes again'),
  fence_failed: () => bad('could not fence its Redis'),
  remote_fenced: () => bad('fenced the Redis of the old master'),
  death_proved: () => plain('proved that the old master is dead'),
  promoted: ({ epoch }) => good(`is the new master: epoch ${shown(epoch)}`),
  announced: ({ name }) => good(`clients find ${shown(name)} in ZooKeeper now`),
  following: ({ master }) => plain(`follows ${shown(master)}`),
  full_sync_aborted: () => bad('refused a full copy from a server that is not the recorded one'),
  divergent_data: () => bad('its Redis holds other data'),
  in_sync_changed: inSyncChanged,
  invariant_broken: () => bad('found a fault in itself and stops'),
};

function inSyncChanged(line: LogLine): Words | null {
  const names = line['in_sync'];
  if (!Array.isArray(names)) return null;
  return names.length === 0 ? plain('has no replica in sync') : plain(`in sync with it: ${names.join(', ')}`);
}

/** Null for what is not worth a line. */
export function inWords(line: LogLine): Words | null {
  // A line that counts repetitions names no fields.
  if (line['repeated'] !== undefined) return null;
  return TELLERS[line.event as EventName]?.(line) ?? null;
}

function shown(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '?';
}
