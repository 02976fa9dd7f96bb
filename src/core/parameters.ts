/**
 * Parameters of Redis that the service sets for all its nodes: given to ours at runtime, never written to its file.
 *
 * They are looked at when they changed, when another process of Redis is there, and once in a while, since somebody may
 * have changed them behind our back; what differs is set. What Redis refuses is named and left alone until then.
 */
import { isEnabled, ownFacts } from './queries.ts';
import { operatorSettings } from './service-settings.ts';
import type { Turn } from './turn.ts';

export const APPLY_AGAIN_MS = 60_000;

/** What was given to which process, and what it refused. */
export interface Applied {
  readonly key: string;
  readonly atMs: number;
  /** Null until Redis answered. */
  readonly refused: readonly string[] | null;
}

export function applyParameters(turn: Turn): void {
  const { state } = turn;
  const { redis: parameters } = operatorSettings(state);
  const facts = ownFacts(state);
  if (Object.keys(parameters).length === 0) return turn.update({ applied: null });
  if (facts === null || !state.synced || !isEnabled(state)) return;
  const { applied } = state;
  const key = `${facts.runId} ${JSON.stringify(parameters)}`;
  const isKnown = applied?.key === key;
  if (isKnown && (applied.refused?.length ?? 0) > 0) turn.refuse('redis_parameter_refused');
  const dueMs = isKnown ? applied.atMs + APPLY_AGAIN_MS : turn.now;
  if (turn.now < dueMs) return turn.wakeAt(dueMs);
  if (!turn.emit({ kind: 'apply_parameters', parameters })) return;
  turn.update({ applied: { key, atMs: turn.now, refused: isKnown ? applied.refused : null } });
}

/** Redis answered: some of them it did not take. */
export function noteApplied(turn: Turn, refused: readonly string[]): void {
  const { applied } = turn.state;
  if (applied === null) return;
  turn.update({ applied: { ...applied, refused } });
  if (applied.refused?.join() !== refused.join()) turn.report('parameters_applied', { refused });
}
