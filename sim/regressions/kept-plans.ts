/**
 * Plans that once found something, shrunk to the faults that it needs and kept as data: plans/*.json, one each.
 *
 * A plan that was kept before the simulator learned something new does without it: what it does not say is neutral.
 */
import type { Plan } from '../plan/plan.ts';

export interface KeptPlan {
  /** What went wrong, in a sentence. */
  readonly sentence: string;
  /** The invariant that it violated. */
  readonly violated: string;
  readonly plan: Plan;
}

/** Three nodes with true clocks, three servers, and nothing that goes wrong. */
export const NEUTRAL_PLAN: Plan = {
  seed: 1,
  nodes: ['r1', 'r2', 'r3'].map((name) => ({ name, priority: 100, clockRate: 1, persistence: 'none' })),
  servers: ['z1', 'z2', 'z3'],
  sessionTimeoutMs: 2000,
  tickMs: 500,
  syncLimit: 4,
  downAfterMs: 1000,
  startFence: true,
  trustRefused: true,
  disklessDelaySeconds: 0,
  disklessLoad: false,
  transferMs: 20,
  loadMs: 20,
  recoveryGraceMs: 3000,
  fenceByKill: false,
  forgetAfterMs: 86_400_000,
  waitReplicas: null,
  settledMs: 5000,
  healAtMs: 15_000,
  endMs: 28_000,
  faults: [],
};

/** A kept plan from its text; throws on what is none, since these files are ours. */
export function keptPlanOf(text: string): KeptPlan {
  const kept = JSON.parse(text) as { sentence: unknown; violated: unknown; plan: Partial<Plan> };
  const { sentence, violated, plan } = kept;
  if (typeof sentence !== 'string' || typeof violated !== 'string') throw new Error('a kept plan has a sentence');
  if (!Array.isArray(plan.faults)) throw new Error(`${sentence}: a kept plan has faults`);
  return { sentence, violated, plan: { ...NEUTRAL_PLAN, ...plan } };
}

export function keptPlanText({ sentence, violated, plan }: KeptPlan): string {
  const { faults, ...rest } = plan;
  const lines = Object.entries(rest).map(([key, value]) => `    ${JSON.stringify(key)}: ${JSON.stringify(value)},`);
  const each = faults.map((fault) => `      ${JSON.stringify(fault)}`);
  return [
    '{',
    `  "sentence": ${JSON.stringify(sentence)},`,
    `  "violated": ${JSON.stringify(violated)},`,
    '  "plan": {',
    ...lines,
    '    "faults": [',
    each.join(',\n'),
    '    ]',
    '  }',
    '}',
    '',
  ].join('\n');
}

/** A file name for a sentence. */
export function slugOf(sentence: string): string {
  return sentence.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '').slice(0, 80);
}
