/** What a simulated agent is started with: the configuration's defaults, and what the plan drew. */
import type { Settings } from '../../src/core/state.ts';
import type { NodePlan, Plan } from '../plan/plan.ts';
import { AGENT_PORT, REDIS_PORT, SERVICE } from './agent-place.ts';

export function settingsOf(plan: Plan, node: NodePlan, instance: string): Settings {
  return {
    service: SERVICE,
    name: node.name,
    instance,
    redis: { host: node.name, port: REDIS_PORT },
    http: { host: node.name, port: AGENT_PORT },
    priority: null,
    sessionTimeoutMs: plan.sessionTimeoutMs,
    downAfterMs: plan.downAfterMs,
    loadingTimeoutMs: 30_000,
    fenceMarginMs: null,
    trustRefused: plan.trustRefused,
    bootstrapSettleMs: 2000,
    expectedNodes: plan.nodes.length,
    electionSettleMs: 1000,
    shutdownTimeoutMs: 10_000,
    onStop: 'switchover',
    neverMaster: false,
    zone: null,
    noRead: false,
    recoveryGraceMs: plan.recoveryGraceMs,
    shared: {
      durability: plan.waitReplicas === null ? 'async' : 'durable',
      waitReplicas: plan.waitReplicas ?? 1,
      onEnsembleLoss: 'fence',
      priorityLagBytes: 0,
    },
    unwritableAfterMs: 2000,
    complaintAfterMs: 5000,
    failoverBudget: 3,
    failoverCalmMs: 30_000,
    failsafePromiseMs: null,
    forgetAfterMs: plan.forgetAfterMs,
    fenceByKill: plan.fenceByKill,
    publishReplicas: false,
    rescueMode: 'on',
  };
}
