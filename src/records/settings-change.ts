/**
 * What a change of a service's settings means for its record: the same for an agent that is asked over HTTP and for the
 * command line that writes to the ensemble itself.
 */
import { applyPatch, checkPatch, flattened } from '../config/service-settings.ts';
import type { AskedSettings, SettingFault, SettingsChange } from '../contract/settings.ts';
import type { SettingsRecord } from '../core/records.ts';
import { changesBetween, documentOf, recordOf } from './settings.ts';

export type ChangedSettings =
  /** `change` names nothing where the record says already what is asked for. */
  | { readonly is: 'changed'; readonly record: SettingsRecord; readonly change: SettingsChange }
  /** All of them at once. */
  | { readonly is: 'faulty'; readonly faults: readonly SettingFault[] }
  /** The version that it was made for is not this one. */
  | { readonly is: 'outdated' };

/** `id` is unique among all changes of the service; `at` the time of day in milliseconds. */
export function changedSettings(
  before: SettingsRecord,
  { patch, asker, version }: AskedSettings,
  { id, at }: { readonly id: string; readonly at: number },
): ChangedSettings {
  const checked = checkPatch(flattened(patch));
  if (!checked.ok) return { is: 'faulty', faults: checked.faults };
  const known = documentOf(before);
  const { document, faults } = applyPatch(known, checked.patch);
  if (faults.length > 0) return { is: 'faulty', faults };
  if (version !== null && version !== before.version) return { is: 'outdated' };
  const record = recordOf(document, { version: before.version + 1, change: id });
  const changes = changesBetween(known, documentOf(record));
  return { is: 'changed', record, change: { id, version: record.version, asker, at, changes } };
}
