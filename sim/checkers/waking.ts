/**
 * A machine that slept: its timers stood still with its clock, so its agent notices with the next thing that happens,
 * at the latest with its next question to its Redis.
 */
import type { NodeSight, Overview } from './checker.ts';

/** That question is 0.25 s away at most, by a clock that may be slow. */
const ASKS_WITHIN_MS = 300;

/** It woke up so lately that its agent need not know of it; what starves its agent makes the question so much later. */
export function isWaking({ name, agent }: NodeSight, { plan, nowMs }: Overview): boolean {
  const lateMs = nowMs - (agent?.wokeMs ?? Number.NEGATIVE_INFINITY);
  if (lateMs <= ASKS_WITHIN_MS) return true;
  return plan.faults.some((fault) => fault.kind === 'agent_slow' && fault.node === name
    && lateMs <= ASKS_WITHIN_MS + fault.slowMs);
}
