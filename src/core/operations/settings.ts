/**
 * Changing the service's settings: compare and set, by any agent.
 *
 * Whoever asks names the record that the change was made for. It is written only over that one, together with who
 * changed what; of two operators at once the second is refused and looks again. Every agent that reads the new record
 * obeys it from that turn on, and a claim that was decided by the old one fails.
 */
import type { ReasonCode } from '../../contract/reasons.ts';
import type { SettingsChange } from '../../contract/settings.ts';
import { CHANGES_CHARS_MAX, CHANGES_MAX, RECORD_FORMAT } from '../records.ts';
import type { SettingsRecord } from '../records.ts';
import { isUnreadable } from '../service-settings.ts';
import type { State } from '../state.ts';
import type { Turn } from '../turn.ts';

export interface SettingsRequest {
  /** Unique among all changes of the service; the record to write carries it. */
  readonly id: string;
  readonly settings: SettingsRecord;
  readonly change: SettingsChange;
  /** Data version of the record that it was made for; null = there was none. */
  readonly basedOn: number | null;
}

export type SettingsOutcome = 'written' | 'waiting' | ReasonCode;

function whyNot(state: State, request: SettingsRequest): ReasonCode | null {
  const { records } = state;
  if (isUnreadable(state, 'settings')) return 'record_unreadable';
  if ((records.settings?.znode.format ?? 0) > RECORD_FORMAT) return 'record_newer';
  if (records.term === null) return 'awaiting_bootstrap';
  const based = (records.settings?.znode.version ?? null) === request.basedOn;
  return based ? null : 'settings_changed';
}

/** The latest changes, as many as the record may hold. */
export function withChange(before: readonly SettingsChange[], change: SettingsChange): readonly SettingsChange[] {
  const list = [...before, change].slice(-CHANGES_MAX);
  while (list.length > 1 && JSON.stringify(list).length > CHANGES_CHARS_MAX) list.shift();
  return list;
}

/** Brings a change one step further. An answer that was lost changes nothing: what stands was written. */
export function changeSettings(turn: Turn, request: SettingsRequest): SettingsOutcome {
  const { records } = turn.state;
  const written = records.changes?.value.list.some(({ id }) => id === request.id) === true;
  if (written || records.settings?.value.change === request.id) return 'written';
  if (turn.awaits('write_settings')) return 'waiting';
  const refusal = whyNot(turn.state, request);
  if (refusal !== null) return refusal;
  const issued = turn.emit({
    kind: 'write_settings',
    settings: request.settings,
    version: request.basedOn,
    changes: { list: withChange(records.changes?.value.list ?? [], request.change) },
    changesVersion: records.changes?.znode.version ?? null,
  });
  const { version, asker, changes } = request.change;
  if (issued) turn.report('settings_changing', { version, asker, keys: changes.map(({ key }) => key) });
  return 'waiting';
}
