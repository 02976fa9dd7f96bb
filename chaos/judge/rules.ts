/**
 * The rules: what docs/guarantees.md promises, applied to what clients saw and which faults there were.
 *
 * Each rule is a pure function of the round's record. A rule that has exceptions names them by facts (which fault hit
 * whom when), so that a report can show why something counted as broken, or did not.
 */
import type { Acknowledged, WriteClass } from '../clients/book.ts';
import type { Fault } from '../inject.ts';
import { traitsOf } from '../plan/kinds.ts';
import type { FaultTraits } from '../plan/kinds.ts';
import type { Overlap } from './overlap.ts';

/** What comes so soon after a fault is its doing: a restarted agent has to find its Redis, a thawed one the time. */
const AFTERMATH_MS = 1000;
/** I2's bound where its conditions do not hold: `min-replicas-max-lag + 2 s`, and what the measurement may be late. */
export const OVERLAP_BOUND_MS = 4000 + AFTERMATH_MS;
/** A failover that follows from a fault is through within this; only then is a write lost or safe. */
const CONSEQUENCES_MS = 20_000;
/** Effects may show a moment before the fault is entered into the book. */
const EARLY_MS = 100;

export interface Broken {
  readonly rule: string;
  readonly what: string;
}

function during(fault: Fault, fromMs: number, toMs: number): boolean {
  return fault.beganMs <= toMs && (fault.endedMs ?? Number.POSITIVE_INFINITY) >= fromMs;
}

function hits(fault: Fault, trait: keyof FaultTraits): boolean {
  if (fault.died && (trait === 'losesMemory' || trait === 'mayLose')) return true;
  return traitsOf(fault.kind)[trait] === true;
}

/**
 * Whether I2's conditions held: the deposed Redis executed commands, and its own agent ran or the new master's agent
 * could reach it.
 */
export function conditionsHeld(overlap: Overlap, faults: readonly Fault[]): boolean {
  const { deposed, successor, fromMs, toMs } = overlap;
  const near = faults.filter((fault) => during(fault, fromMs - AFTERMATH_MS, toMs));
  const onDeposed = near.filter(({ victim }) => victim === deposed);
  if (onDeposed.some((fault) => hits(fault, 'stopsRedis'))) return false;
  if (!onDeposed.some((fault) => hits(fault, 'stopsAgent'))) return true;
  return !near.some((fault) => (
    [deposed, successor].includes(fault.victim ?? -1) && (hits(fault, 'hitsNetwork') || hits(fault, 'stopsAgent'))
    && (fault.victim === successor || hits(fault, 'hitsNetwork'))
  ));
}

export function judgeOverlap(overlap: Overlap, faults: readonly Fault[]): Broken | null {
  const lengthMs = overlap.toMs - overlap.fromMs;
  const what = `server ${overlap.deposed + 1} beside ${overlap.successor + 1} for ${lengthMs.toFixed(1)} ms, `
    + `${overlap.writes} writes, at ${overlap.fromMs.toFixed(0)}`;
  if (conditionsHeld(overlap, faults)) return { rule: 'I2 no two writable masters', what };
  return lengthMs > OVERLAP_BOUND_MS ? { rule: 'I2 the overlap ends in time', what } : null;
}

export interface LossContext {
  readonly faults: readonly Fault[];
  readonly durable: boolean;
  readonly waitReplicas: number;
}

/** Faults that may have to do with the loss of a write that was acknowledged then. */
export function facesOf({ ackedMs, sentMs }: Acknowledged, faults: readonly Fault[]): readonly Fault[] {
  return faults.filter((fault) => during(fault, sentMs - EARLY_MS, ackedMs + CONSEQUENCES_MS));
}

/** Why this loss is no more than the failure table says; null: it breaks the rule that is returned instead. */
export function judgeLoss(write: Acknowledged, { faults, durable, waitReplicas }: LossContext): string | null {
  const near = facesOf(write, faults);
  const memoryLosers = new Set(near.filter((fault) => hits(fault, 'losesMemory')).map(({ victim }) => victim));
  if (durable && write.by === 'wait') {
    return memoryLosers.size <= waitReplicas ? 'I4 acknowledged means kept' : null;
  }
  const harmful = near.filter((fault) => hits(fault, 'mayLose'));
  if (harmful.length === 0) return 'nothing is lost without a fault that may lose';
  const struck = new Set(harmful.map(({ victim }) => victim));
  if (write.by === 'wait' && struck.size < 2) return 'one node alone costs no write that WAIT acknowledged';
  return null;
}

export interface LossSummary {
  readonly lost: Readonly<Record<WriteClass, number>>;
  /** Of each class, by the kinds of the faults that lasted when the write was acknowledged. */
  readonly during: Readonly<Record<string, Readonly<Partial<Record<WriteClass, number>>>>>;
  readonly broken: readonly Broken[];
}

/** Examples of losses that a report names one by one. */
const EXAMPLES_MAX = 3;

export function judgeLosses(lost: readonly Acknowledged[], context: LossContext): LossSummary {
  const counts: Record<WriteClass, number> = { plain: 0, wait: 0, stale: 0, fixed: 0 };
  const byFault: Record<string, Partial<Record<WriteClass, number>>> = {};
  const wrong = new Map<string, Acknowledged[]>();
  for (const write of lost) {
    counts[write.by] += 1;
    const active = context.faults.filter((fault) => during(fault, write.sentMs - EARLY_MS, write.ackedMs));
    for (const kind of new Set(active.length === 0 ? ['no fault yet'] : active.map((fault) => fault.kind))) {
      const row = byFault[kind] ?? {};
      byFault[kind] = row;
      row[write.by] = (row[write.by] ?? 0) + 1;
    }
    const rule = judgeLoss(write, context);
    if (rule !== null) wrong.set(rule, [...wrong.get(rule) ?? [], write]);
  }
  const broken = [...wrong].map(([rule, writes]) => ({
    rule,
    what: `${writes.length} writes, such as ${writes.slice(0, EXAMPLES_MAX).map(({ key, server, ackedMs }) => (
      `${key} (server ${server + 1}, at ${ackedMs.toFixed(0)})`
    )).join(', ')}`,
  }));
  return { lost: counts, during: byFault, broken };
}
