/**
 * Settings that must be equal within a service: what is in force, whoever's file says what.
 *
 * The problem: an election that one agent counts by `durable` and another by `async` is decided by whoever claims
 * first. So the first lease holder writes its settings beside the term, in the transaction that creates or changes
 * the term, which names their version; everybody obeys that record, and a claim checks that it is still the one that
 * was read. Whose file differs says so (`setting_differs`) and changes nothing. Operators change the record by any
 * agent, against the version that they read (`operations/settings.ts`). One that was deleted is written anew by the
 * lease holder, from its own file.
 */
import { NO_OPERATOR_SETTINGS } from './records.ts';
import type { Kept, OperatorSettings, SettingsRecord, SharedSettings } from './records.ts';
import type { Settings, State } from './state.ts';

/** A node's own configuration, and over it what the service's record says. */
export function overlaid(local: Settings, record: SettingsRecord | null): Settings {
  if (record === null) return local;
  const tags = record.nodes[local.name];
  const given = Object.entries(record.thresholds).filter(([, value]) => value !== undefined);
  return {
    ...local,
    ...Object.fromEntries(given),
    priority: tags?.priority ?? local.priority,
    neverMaster: tags?.neverMaster ?? local.neverMaster,
    zone: tags?.zone ?? local.zone,
    noRead: tags?.noRead ?? local.noRead,
  };
}

/** What operators set for the whole service. */
export function operatorSettings({ records }: State): OperatorSettings {
  return records.settings?.value ?? NO_OPERATOR_SETTINGS;
}

/** What holds now. Without a record it is what our own file says. */
export function inForce(state: State): SharedSettings {
  const { durability, waitReplicas, onEnsembleLoss, priorityLagBytes } =
    state.records.settings?.value ?? state.settings.shared;
  const lagBytes = durability === 'durable' ? 0 : priorityLagBytes;
  return { durability, waitReplicas, onEnsembleLoss, priorityLagBytes: lagBytes };
}

export function isDurable(state: State): boolean {
  return inForce(state).durability === 'durable';
}

/** Our file says something else than the service's record, which is obeyed. */
export function settingDiffers(state: State): boolean {
  const record = state.records.settings?.value;
  const { shared } = state.settings;
  // Whoever changed the settings at runtime meant to: it is shown, and is no reason to worry.
  if (record?.change !== null) return false;
  return (
    record.durability !== shared.durability ||
    record.waitReplicas !== shared.waitReplicas ||
    record.onEnsembleLoss !== shared.onEnsembleLoss ||
    record.priorityLagBytes !== shared.priorityLagBytes
  );
}

/** Whether something that is not a record of ours stands at the top level under this name. */
export function isUnreadable(state: State, record: 'lease' | 'term' | 'settings' | 'changes'): boolean {
  // A node may be called "term", too: only `/dictator/<svc>/<record>` itself is meant.
  return state.unreadable.some((path) => path.split('/').length === 4 && path.endsWith(`/${record}`));
}

/** The record that a lease holder has to write, or null while one stands there, whatever it holds. */
export function missingSettings(state: State): SettingsRecord | null {
  if (state.records.settings !== null || isUnreadable(state, 'settings')) return null;
  // In an ensemble that lost everything they go on with the term.
  if (state.records.term === null && state.memory?.settings) return state.memory.settings;
  return { version: lastVersion(state) + 1, ...state.local.shared, ...NO_OPERATOR_SETTINGS };
}

/**
 * The latest version of settings that anything here speaks of. None is given twice: what is written anew must be later
 * than all that agents remember, or they would put theirs back (`restore.ts`).
 */
export function lastVersion({ records: { term, settings, changes }, memory }: State): number {
  const known = [term?.value.settingsVersion, settings?.value.version, memory?.settings?.version];
  const changed = changes?.value.list.map(({ version }) => version) ?? [];
  return Math.max(0, ...known.map((version) => version ?? 0), ...changed);
}

/** Version that the next term names, together with the record to create or the one to check. */
export function settingsOfClaim(state: State): {
  readonly version: number;
  readonly create: SettingsRecord | null;
  readonly check: Kept<SettingsRecord>['znode']['version'] | null;
} {
  const create = missingSettings(state);
  const kept = state.records.settings;
  const before = state.records.term?.value.settingsVersion ?? 0;
  return { version: create?.version ?? kept?.value.version ?? before, create, check: kept?.znode.version ?? null };
}
