/**
 * The record of a service's settings, and the document that operators see: the same values under the names of the
 * configuration file.
 */
import type { SettingChange, SettingsDocument, ZoneRule } from '../contract/settings.ts';
import type { NodeTags, SettingsRecord, SharedSettings, Thresholds } from '../core/records.ts';

const THRESHOLDS: Readonly<Record<string, keyof Thresholds>> = {
  down_after_ms: 'downAfterMs',
  election_settle_ms: 'electionSettleMs',
  recovery_grace_ms: 'recoveryGraceMs',
  complaint_after_ms: 'complaintAfterMs',
  failover_budget: 'failoverBudget',
  failover_calm_ms: 'failoverCalmMs',
  unwritable_after_ms: 'unwritableAfterMs',
  forget_after_ms: 'forgetAfterMs',
};

const TAGS: Readonly<Record<string, keyof NodeTags>> = {
  priority: 'priority',
  zone: 'zone',
  never_master: 'neverMaster',
  no_read: 'noRead',
};

const NO_TAGS: NodeTags = { priority: null, zone: null, neverMaster: null, noRead: null };

/** In the order in which an operator reads it. */
export function documentOf(record: SettingsRecord): SettingsDocument {
  const document: Record<string, string | number | boolean> = {
    durability: record.durability,
    wait_replicas: record.waitReplicas,
    on_ensemble_loss: record.onEnsembleLoss,
    priority_lag_bytes: record.priorityLagBytes,
  };
  for (const [key, member] of Object.entries(THRESHOLDS)) {
    const value = record.thresholds[member];
    if (value !== undefined) document[key] = value;
  }
  if (record.zones !== 'ignore') document['zones'] = record.zones;
  if (record.parallelSyncs !== 0) document['parallel_syncs'] = record.parallelSyncs;
  for (const node of Object.keys(record.nodes).sort()) {
    for (const [tag, member] of Object.entries(TAGS)) {
      const value = record.nodes[node]?.[member] ?? null;
      if (value !== null) document[`nodes.${node}.${tag}`] = value;
    }
  }
  for (const parameter of Object.keys(record.redis).sort()) {
    document[`redis.${parameter}`] = record.redis[parameter] ?? '';
  }
  return document;
}

/** The record that a checked document means. */
export function recordOf(document: SettingsDocument, { version, change }: {
  readonly version: number;
  readonly change: string;
}): SettingsRecord {
  const nodes: Record<string, NodeTags> = {};
  const redis: Record<string, string> = {};
  const thresholds: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(document)) {
    const end = key.lastIndexOf('.');
    const threshold = THRESHOLDS[key];
    if (threshold !== undefined) thresholds[threshold] = value;
    if (key.startsWith('redis.')) redis[key.slice('redis.'.length)] = String(value);
    if (!key.startsWith('nodes.')) continue;
    const node = key.slice('nodes.'.length, end);
    const tag = TAGS[key.slice(end + 1)];
    if (tag !== undefined) nodes[node] = { ...(nodes[node] ?? NO_TAGS), [tag]: value };
  }
  return {
    version,
    change,
    durability: document['durability'] as SharedSettings['durability'],
    waitReplicas: document['wait_replicas'] as number,
    onEnsembleLoss: document['on_ensemble_loss'] as SharedSettings['onEnsembleLoss'],
    priorityLagBytes: document['priority_lag_bytes'] as number,
    thresholds,
    zones: document['zones'] as ZoneRule | undefined ?? 'ignore',
    parallelSyncs: document['parallel_syncs'] as number | undefined ?? 0,
    nodes,
    redis,
  };
}

/** What a change did, key by key. */
export function changesBetween(before: SettingsDocument, after: SettingsDocument): readonly SettingChange[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const text = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value));
  return keys
    .map((key) => ({ key, old: text(before[key]), new: text(after[key]) }))
    .filter((change) => change.old !== change.new);
}
