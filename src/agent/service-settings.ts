/** Settings of the service, between the words of an operator and the record: what is shown, and what a change means. */
import { applyPatch, checkPatch, flattened, nested } from '../config/service-settings.ts';
import type { SettingsAnswer, SettingsShown } from '../contract/settings.ts';
import type { SettingsRequest } from '../core/operations/settings.ts';
import { NO_OPERATOR_SETTINGS } from '../core/records.ts';
import type { SettingsRecord } from '../core/records.ts';
import type { State } from '../core/state.ts';
import { changesBetween, documentOf, recordOf } from '../records/settings.ts';

/** What an operator asks for: values by their names, flat or nested; null takes one away. */
export interface AskedSettings {
  readonly patch: Readonly<Record<string, unknown>>;
  readonly asker: string;
  /** Version that they were changed from; null = whichever stands. */
  readonly version: number | null;
}

/** Where no record stands, what the next lease holder would write. */
function recordNow({ records, local }: State): SettingsRecord {
  const version = records.term?.value.settingsVersion ?? 0;
  return records.settings?.value ?? { version, ...local.shared, ...NO_OPERATOR_SETTINGS };
}

/** Null where the service has no settings yet. */
export function shownSettings(state: State): SettingsShown | null {
  const { settings, changes } = state.records;
  if (settings === null) return null;
  const document = documentOf(settings.value);
  return {
    version: settings.value.version,
    document,
    nested: nested(document),
    last: changes?.value.list.at(-1) ?? null,
  };
}

export type Prepared = { readonly request: SettingsRequest } | { readonly answer: SettingsAnswer };

/** The change that is asked for, complete and checked; or the answer that it has already. */
export function prepareChange(
  state: State,
  asked: AskedSettings,
  { id, at }: { readonly id: string; readonly at: number },
): Prepared {
  const before = recordNow(state);
  const known = documentOf(before);
  const checked = checkPatch(flattened(asked.patch));
  if (!checked.ok) return { answer: { answer: 'faults', faults: checked.faults } };
  const { document, faults } = applyPatch(known, checked.patch);
  if (faults.length > 0) return { answer: { answer: 'faults', faults } };
  if (asked.version !== null && asked.version !== before.version) {
    return { answer: { answer: 'refused', reason: 'settings_changed' } };
  }
  const settings = recordOf(document, { version: before.version + 1, change: id });
  const changes = changesBetween(known, documentOf(settings));
  const shown = shownSettings(state);
  if (changes.length === 0 && shown !== null) return { answer: { answer: 'done', settings: shown, changes } };
  const change = { id, version: settings.version, asker: asked.asker, at, changes };
  return { request: { id, settings, change, basedOn: state.records.settings?.znode.version ?? null } };
}
