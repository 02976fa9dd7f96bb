/** Without the start fence: from when on a Redis that restarted is fenced by its agent. */
import type { NodeSight, Overview } from './checker.ts';

/** From the moment at which the agent and its Redis both run until the fence of an agent that knows what to do. */
const FIRST_COMMAND_MS = 100;
/** From its connection to the ensemble until an agent has read the records. */
const FIRST_LOOK_MS = 600;
/** Where another session holds its name, it first asks the agent of that one, for a second of its clock. */
const ASKS_ANOTHER_MS = 1060;

/**
 * It takes writes until the first command of its agent. One that restarted before its agent, or that its agent sees for
 * the first time while another session holds the name, bears no mark of being that agent's own: the records must say
 * so. `ranMs`: for how long both have run.
 */
export function isNotFencedYet(
  { name, agent, agentStartedMs, redisStartedMs }: NodeSight,
  { nowMs, plan }: Overview,
  ranMs: number,
): boolean {
  if (ranMs <= FIRST_COMMAND_MS) return true;
  const connectedMs = nowMs - (agent?.connectedSinceMs ?? nowMs);
  const isTwinned = plan.faults.some((fault) => fault.kind === 'agent_twinned' && fault.node === name);
  const knowsAfterMs = FIRST_LOOK_MS + (isTwinned ? ASKS_ANOTHER_MS : 0);
  const asks = isTwinned && agent !== null && agent.connectedSinceMs !== null;
  return (agentStartedMs > redisStartedMs || asks) && connectedMs < knowsAfterMs;
}
