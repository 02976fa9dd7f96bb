/**
 * The pause: an operator works on the service, and nothing is to happen by itself.
 *
 * While it lasts nobody is promoted in the place of a master, and no master gives up because its Redis hangs, refuses
 * writes or is hard to reach. What protects the data goes on: a lease that is lost is lost, and its Redis is fenced.
 * Operators' own orders are carried out. A pause says who, why and until when, and it is never believed past its end.
 */
import type { State } from '../state.ts';
import type { Turn } from '../turn.ts';

export function isPaused({ operations: { pause }, nowMs }: State): boolean {
  return pause !== null && nowMs < pause.endsAtMs;
}

/** Says that it holds, and wakes when it ends. */
export function explainPause(turn: Turn): void {
  const { pause } = turn.state.operations;
  if (pause === null || !isPaused(turn.state)) return;
  turn.refuse('service_paused');
  turn.wakeAt(pause.endsAtMs);
}
