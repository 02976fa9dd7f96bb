/**
 * Formats of the records, and validation of what others wrote.
 *
 * Whatever lies in ZooKeeper may be anything: another program's data, a newer version's, half a file. A record is
 * read completely or not at all; unknown members are ignored, so that agents of two releases work side by side.
 */
import * as v from 'valibot';
import { REASONS } from '../contract/reasons.ts';
import type { ReasonCode } from '../contract/reasons.ts';
import { SETTINGS_NODES_MAX, SETTINGS_REDIS_MAX, SETTINGS_TEXT_MAX, ZONE_RULES } from '../contract/settings.ts';
import { OPERATION_KINDS, OUTCOMES } from '../contract/operations.ts';
import { RESULTS_MAX } from '../core/operations/records.ts';
import type { OrderRecord, PauseRecord, ResultsRecord } from '../core/operations/records.ts';
import { CHANGES_MAX } from '../core/records.ts';
import type {
  Ballot, ChangesRecord, Lease, MasterRecord, Member, NodeRecord, SettingsRecord, Term,
} from '../core/records.ts';
import { LINEAGE_ENTRIES_MAX } from '../core/lineage.ts';

/** Longest name, address or id that is taken from a record. */
const TEXT_LENGTH_MAX = 512;
/** Most nodes of one service. */
export const NODES_MAX = 64;

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(TEXT_LENGTH_MAX));
const optionalText = v.nullable(v.pipe(v.string(), v.maxLength(TEXT_LENGTH_MAX)));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const offset = v.pipe(v.number(), v.safeInteger());
const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535));
const address = v.object({ host: text, port });
const names = v.pipe(v.array(text), v.maxLength(NODES_MAX));

const reason = v.custom<ReasonCode>((value) => typeof value === 'string' && Object.hasOwn(REASONS, value));

export const leaseSchema: v.GenericSchema<unknown, Lease> = v.object({
  epoch: count,
  node: text,
  instance: text,
  http: address,
  redis: address,
  runId: text,
});

const lineageEntry = v.object({ epoch: count, replid: text, offset });

const termMaster = v.object({ name: text, runId: text, redis: address });

const pendingClaim = v.object({
  epoch: count,
  node: text,
  former: v.optional(v.nullable(termMaster), null),
  inSync: v.optional(names, []),
});

const termObject = v.object({
  epoch: count,
  master: v.nullable(termMaster),
  nodes: names,
  inSync: names,
  lineage: v.pipe(v.array(lineageEntry), v.maxLength(LINEAGE_ENTRIES_MAX)),
  pending: v.nullable(pendingClaim),
  designated: v.nullable(text),
  handOver: v.optional(v.nullable(v.object({ from: v.object({ name: text, runId: text }), to: text })), null),
  falls: v.optional(count, 0),
  settingsVersion: count,
});

/** What no writer of ours ever writes, and no reader could act on. */
function isCoherent(term: v.InferOutput<typeof termObject>): boolean {
  const pendingIsPresent = term.pending === null || term.pending.epoch === term.epoch;
  return pendingIsPresent && !term.inSync.includes(term.master?.name ?? '');
}

export const termSchema: v.GenericSchema<unknown, Term> = v.pipe(
  v.unknown(),
  termObject,
  v.check(isCoherent, 'contradicts itself'),
);

const settingText = v.pipe(v.string(), v.maxLength(SETTINGS_TEXT_MAX));
const tags = v.object({
  priority: v.optional(v.nullable(count), null),
  zone: v.optional(v.nullable(settingText), null),
  neverMaster: v.optional(v.nullable(v.boolean()), null),
  noRead: v.optional(v.nullable(v.boolean()), null),
});
const duration = v.optional(count);
const thresholds = v.object({
  downAfterMs: duration,
  electionSettleMs: duration,
  recoveryGraceMs: duration,
  complaintAfterMs: duration,
  failoverBudget: duration,
  failoverCalmMs: duration,
  unwritableAfterMs: duration,
  forgetAfterMs: duration,
});

export const settingsSchema: v.GenericSchema<unknown, SettingsRecord> = v.object({
  version: v.pipe(count, v.minValue(1)),
  durability: v.picklist(['async', 'durable']),
  waitReplicas: v.pipe(count, v.minValue(1)),
  onEnsembleLoss: v.picklist(['fence', 'continue']),
  priorityLagBytes: count,
  change: v.optional(v.nullable(text), null),
  thresholds: v.optional(thresholds, {}),
  zones: v.optional(v.picklist(ZONE_RULES), 'ignore'),
  parallelSyncs: v.optional(count, 0),
  nodes: v.optional(v.pipe(v.record(text, tags), v.maxEntries(SETTINGS_NODES_MAX)), {}),
  redis: v.optional(v.pipe(v.record(text, settingText), v.maxEntries(SETTINGS_REDIS_MAX)), {}),
});

const settingChange = v.object({ key: text, old: v.nullable(v.string()), new: v.nullable(v.string()) });

export const changesSchema: v.GenericSchema<unknown, ChangesRecord> = v.object({
  list: v.pipe(v.array(v.object({
    id: text,
    version: count,
    asker: text,
    at: v.nullable(count),
    changes: v.array(settingChange),
  })), v.maxLength(CHANGES_MAX)),
});

export const memberSchema: v.GenericSchema<unknown, Member> = v.object({
  name: text,
  instance: text,
  http: address,
  redis: address,
  sentinel: v.optional(address),
  runId: v.nullable(text),
  priority: v.optional(v.nullable(count), null),
  dataset: v.nullable(
    v.object({
      role: v.picklist(['master', 'replica']),
      replid: text,
      replid2: v.nullable(text),
      hasKeys: v.boolean(),
      priority: count,
      masterHost: optionalText,
      masterPort: v.nullable(count),
    }),
  ),
  zone: v.optional(optionalText, null),
  noRead: v.optional(v.boolean(), false),
  refusesWrites: v.optional(v.boolean(), false),
  complainsOf: v.optional(v.nullable(count), null),
  rememberedEpoch: count,
  rememberedVersion: v.optional(v.nullable(count), null),
});

const maintenance = v.object({
  owner: text,
  reason: text,
  since: count,
  until: v.nullable(count),
  forMs: v.nullable(count),
});

export const nodeSchema: v.GenericSchema<unknown, NodeRecord> = v.object({
  name: text,
  epoch: count,
  replid: text,
  offset,
  runId: text,
  inSync: v.boolean(),
  whole: v.optional(v.boolean(), false),
  disabled: v.boolean(),
  maintenance: v.optional(v.nullable(maintenance), null),
  zone: v.optional(optionalText, null),
});

export const ballotSchema: v.GenericSchema<unknown, Ballot> = v.object({
  name: text,
  epoch: count,
  runId: v.string(),
  replid: v.string(),
  replid2: v.nullable(text),
  secondReplOffset: offset,
  offset,
  priority: count,
  standing: v.picklist(['frozen', 'linked', 'incumbent', 'designated']),
  holds: v.optional(v.picklist(['whole', 'stream', 'disk', 'nothing']), 'nothing'),
  refusal: v.nullable(reason),
  deathProof: v.nullable(text),
});

export const orderSchema: v.GenericSchema<unknown, OrderRecord> = v.object({
  id: text,
  kind: v.picklist(OPERATION_KINDS),
  target: v.nullable(text),
  from: v.nullable(text),
  epoch: v.nullable(count),
  asker: text,
  askedAt: count,
  scheduledAt: v.nullable(count),
  deadline: count,
  withinMs: count,
  force: v.boolean(),
  phase: v.picklist(['waiting', 'running']),
  instance: v.nullable(text),
});

/** The word of a later release is no reason to lose the list. */
const knownReason = v.pipe(
  v.nullable(text),
  v.transform((code): ReasonCode | null => (code !== null && v.is(reason, code) ? code : null)),
);

const result = v.object({
  id: text,
  kind: v.picklist(OPERATION_KINDS),
  target: v.nullable(text),
  asker: text,
  epoch: count,
  outcome: v.picklist(OUTCOMES),
  reason: knownReason,
  gapMs: v.nullable(count),
  master: v.nullable(text),
  endedAt: v.nullable(count),
});

export const resultsSchema: v.GenericSchema<unknown, ResultsRecord> = v.object({
  list: v.pipe(v.array(result), v.maxLength(RESULTS_MAX)),
});

export const pauseSchema: v.GenericSchema<unknown, PauseRecord> = v.object({
  owner: text,
  reason: text,
  since: count,
  until: count,
  forMs: count,
});

/** The original wrote the port as a string; other writers of such records use a number. */
const portText = v.pipe(
  v.union([v.string(), v.number()]),
  v.transform(String),
  v.regex(/^\d{1,5}$/),
);

export const masterRecordSchema: v.GenericSchema<unknown, MasterRecord> = v.object({
  host: text,
  port: portText,
  name: v.optional(v.string(), ''),
});
