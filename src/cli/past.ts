/**
 * What a service's records keep of its past: the epochs of its lineage, the planned operation that stands and those
 * that ended, a pause. Read leniently: words of a later version are shown as they are.
 */
import * as v from 'valibot';
import type { SettingsChange } from '../contract/settings.ts';
import type { Ensemble, ServiceRecords } from './ensemble.ts';

const textOrNull = v.optional(v.nullable(v.string()), null);
const numberOrNull = v.optional(v.nullable(v.number()), null);

const orderSchema = v.object({
  id: v.string(),
  kind: v.string(),
  target: textOrNull,
  asker: textOrNull,
  askedAt: numberOrNull,
  scheduledAt: numberOrNull,
  deadline: numberOrNull,
  phase: textOrNull,
});

const resultSchema = v.object({
  id: v.string(),
  kind: v.string(),
  target: textOrNull,
  asker: textOrNull,
  epoch: numberOrNull,
  outcome: v.string(),
  reason: textOrNull,
  gapMs: numberOrNull,
  master: textOrNull,
  endedAt: numberOrNull,
});

const resultsSchema = v.object({ list: v.array(resultSchema) });

const changesSchema = v.object({
  list: v.array(v.object({
    id: v.string(),
    version: v.number(),
    asker: v.string(),
    at: numberOrNull,
    changes: v.array(v.object({ key: v.string(), old: textOrNull, new: textOrNull })),
  })),
});

const pauseSchema = v.object({ owner: v.string(), reason: v.string(), since: v.number(), until: v.number() });

export interface Past {
  readonly service: string;
  readonly epoch: number | null;
  readonly master: string | null;
  /** When the term was last written; ms since 1970, by the ensemble's clock. */
  readonly termWrittenAt: number | null;
  /** Masters whose replication history is still in the lineage, oldest first. */
  readonly epochs: readonly { readonly epoch: number; readonly replid: string; readonly offset: number }[];
  readonly order: Readonly<v.InferOutput<typeof orderSchema>> | null;
  /** Operations that ended, oldest first. */
  readonly operations: readonly Readonly<v.InferOutput<typeof resultSchema>>[];
  readonly pause: Readonly<v.InferOutput<typeof pauseSchema>> | null;
  /** Changes of the service's settings, oldest first. */
  readonly changes: readonly SettingsChange[];
}

type Raw = Readonly<Partial<Record<'order' | 'results' | 'pause' | 'changes', unknown>>>;

export function pastOf(records: ServiceRecords, raw: Raw): Past {
  const { service, term, lease } = records;
  return {
    service,
    epoch: term?.value.epoch ?? null,
    master: lease?.value.node ?? null,
    termWrittenAt: term?.writtenMs ?? null,
    epochs: onePerEpoch(term?.value.lineage ?? []),
    order: readAs(orderSchema, raw.order),
    operations: readAs(resultsSchema, raw.results)?.list ?? [],
    pause: readAs(pauseSchema, raw.pause),
    changes: readAs(changesSchema, raw.changes)?.list ?? [],
  };
}

type Epochs = Past['epochs'];

/** A Redis that gets its first replica begins a new history: of those of one epoch the latest counts. */
function onePerEpoch(lineage: Epochs): Epochs {
  return lineage.filter(({ epoch }, at) => lineage[at + 1]?.epoch !== epoch);
}

function readAs<T>(schema: v.GenericSchema<unknown, T>, value: unknown): T | null {
  const parsed = v.safeParse(schema, value);
  return parsed.success ? parsed.output : null;
}

/** Null where the ensemble has no such service. */
export async function readPast(ensemble: Ensemble, service: string): Promise<Past | null> {
  const [records, order, results, pause, changes] = await Promise.all([
    ensemble.read(service, 'summary'),
    ensemble.json(service, 'order'),
    ensemble.json(service, 'results'),
    ensemble.json(service, 'pause'),
    ensemble.json(service, 'changes'),
  ]);
  if (records.term === null && records.live.length === 0) return null;
  return pastOf(records, { order, results, pause, changes });
}
