// Everything that the simulator once found, run again: seeds, and the plans that were kept.

import { describe, expect, test } from 'vitest';
import { keptPlans } from '../command/files.ts';
import { runPlan } from '../command/run.ts';
import { drawPlan } from '../plan/plan.ts';
import { REGRESSION_SEEDS } from './seeds.ts';

describe('a seed that once found something', () => {
  test.each(REGRESSION_SEEDS.map(({ seed, sentence }) => [sentence, seed] as const))('%s (seed %i)', (_name, seed) => {
    expect(runPlan(drawPlan(seed)).findings).toEqual([]);
  });
});

describe('a kept plan', () => {
  test.each(keptPlans().map(({ sentence, plan }) => [sentence, plan] as const))('%s', (_name, plan) => {
    expect(runPlan(plan).findings).toEqual([]);
  });
});
