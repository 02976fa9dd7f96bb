/** The settings of a service as a table, beside what this node's own configuration says. Pure. */
import type { Config } from '../../config/config.ts';
import type { SettingChange, SettingsChange, SettingsDocument } from '../../contract/settings.ts';
import { timeOf } from '../act/times.ts';
import { printable, table } from '../terminal.ts';
import type { Paint } from '../terminal.ts';

export interface ShownSettings {
  readonly service: string;
  readonly version: number;
  readonly document: SettingsDocument;
  readonly last: SettingsChange | null;
}

/** A value of this node's own configuration that the service overrides. */
export interface Overridden {
  readonly key: string;
  readonly own: string | number | boolean;
  readonly service: string | number | boolean;
}

function ownValues(config: Config): Readonly<Record<string, string | number | boolean | null>> {
  const { shared, node } = config;
  const tags = `nodes.${node.name}`;
  return {
    durability: shared.durability,
    wait_replicas: shared.waitReplicas,
    on_ensemble_loss: shared.onEnsembleLoss,
    priority_lag_bytes: shared.priorityLagBytes,
    down_after_ms: config.downAfterMs,
    election_settle_ms: config.electionSettleMs,
    recovery_grace_ms: config.recoveryGraceMs,
    complaint_after_ms: config.complaintAfterMs,
    failover_budget: config.failoverBudget,
    failover_calm_ms: config.failoverCalmMs,
    unwritable_after_ms: config.unwritableAfterMs,
    forget_after_ms: config.forgetAfterMs,
    [`${tags}.priority`]: node.priority,
    [`${tags}.zone`]: node.zone,
    [`${tags}.never_master`]: node.neverMaster,
    [`${tags}.no_read`]: node.noRead,
  };
}

export function overriddenBy(document: SettingsDocument, config: Config | null): readonly Overridden[] {
  if (config === null) return [];
  return Object.entries(ownValues(config)).flatMap(([key, own]) => {
    const service = document[key];
    return service === undefined || own === null || own === service ? [] : [{ key, own, service }];
  });
}

export function renderSettings(shown: ShownSettings, overridden: readonly Overridden[], paint: Paint): string {
  const { service, version, document, last } = shown;
  const at = last?.at ?? null;
  const when = at === null ? '' : `${timeOf(at)} `;
  const who = last === null ? '' : `, changed ${when}by ${printable(last.asker)}`;
  const own = new Map(overridden.map(({ key, own: value }) => [key, `${String(value)}, overridden`]));
  const rows = Object.entries(document).map(([key, value]) => {
    return [printable(key), printable(String(value)), paint('yellow', printable(own.get(key) ?? ''))];
  });
  const headings = ['SETTING', 'VALUE', ...(own.size > 0 ? ['OWN CONFIGURATION'] : [''])];
  const body = table([headings.map((name) => paint('bold', name)), ...rows]);
  return `${printable(service)}: settings version ${version}${who}\n\n${body}`;
}

/** One line per value: `durability: "async" -> "durable"`. */
export function renderChanges(changes: readonly SettingChange[]): string {
  const shown = (value: string | null): string => (value === null ? 'not set' : printable(value));
  return changes.map(({ key, old, new: now }) => `${printable(key)}: ${shown(old)} -> ${shown(now)}\n`).join('');
}

/** For `show`: what of this node's own configuration does not count; nothing where all of it does. */
export function renderOverridden(overridden: readonly Overridden[]): string {
  if (overridden.length === 0) return '';
  const lines = overridden.map(({ key, own, service }) => {
    return `  ${printable(key)}: ${printable(String(service))}, not ${printable(String(own))}\n`;
  });
  const head = 'the settings of the service override this node\'s own configuration (dictator settings show):';
  return `\n${head}\n${lines.join('')}`;
}
