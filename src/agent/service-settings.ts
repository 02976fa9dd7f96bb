/** Settings of the service, between the words of an operator and the record: what is shown, and what a change means. */
import { nested } from '../config/service-settings.ts';
import type { AskedSettings, SettingFault, SettingsAnswer, SettingsShown } from '../contract/settings.ts';
import type { SettingsRequest } from '../core/operations/settings.ts';
import { NO_OPERATOR_SETTINGS } from '../core/records.ts';
import type { SettingsRecord } from '../core/records.ts';
import { lastVersion } from '../core/service-settings.ts';
import type { State } from '../core/state.ts';
import { changedSettings } from '../records/settings-change.ts';
import { documentOf } from '../records/settings.ts';

/** Where no record stands, what the next lease holder would write. */
function recordNow(state: State): SettingsRecord {
  const { records, local } = state;
  return records.settings?.value ?? { version: lastVersion(state), ...local.shared, ...NO_OPERATOR_SETTINGS };
}

/** Null where the service has no settings yet. */
export function shownSettings({ records: { settings } }: State): SettingsShown | null {
  return settings === null ? null : { version: settings.value.version, nested: nested(documentOf(settings.value)) };
}

export type Prepared = { readonly request: SettingsRequest } | { readonly answer: SettingsAnswer };

/**
 * The change that is asked for, complete and checked, or the answer that it has already. `refused`: what our Redis
 * would not take.
 */
export function prepareChange(
  state: State,
  asked: AskedSettings,
  { refused, ...by }: { readonly id: string; readonly at: number; readonly refused: readonly SettingFault[] },
): Prepared {
  const changed = changedSettings(recordNow(state), asked, by);
  const faults = [...(changed.is === 'faulty' ? changed.faults : []), ...refused];
  if (changed.is === 'faulty' || faults.length > 0) return { answer: { answer: 'faults', faults } };
  if (changed.is === 'outdated') return { answer: { answer: 'refused', reason: 'settings_changed' } };
  const { record: settings, change } = changed;
  const shown = shownSettings(state);
  if (change.changes.length === 0 && shown !== null) return { answer: { answer: 'done', settings: shown } };
  return { request: { id: by.id, settings, change, basedOn: state.records.settings?.znode.version ?? null } };
}
