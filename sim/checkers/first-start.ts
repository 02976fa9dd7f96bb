/** A first start: the first master of a service, as the records know it. */
import type { Committed, NodeSight } from './checker.ts';

export function isFirstStart({ before, after }: { readonly before: Committed; readonly after: Committed }): boolean {
  return before.term === null && after.term !== null && after.lease !== null;
}

/** Nobody beside it could say that there was a term: where the ensemble lost it, too, its office went with that. */
export function isForgotten({ agent, agentRunsSinceMs }: NodeSight): boolean {
  return agent === null || agentRunsSinceMs === null || agent.rememberedEpoch === 0;
}
