import { describe, expect, test } from 'vitest';
import type { Fault } from '../plan/faults.ts';
import type { Plan } from '../plan/plan.ts';
import { NEUTRAL_PLAN } from '../regressions/kept-plans.ts';
import { RUNS_MAX, shrink } from './shrink.ts';

const killed = (node: string, atMs: number, forMs = 2000): Fault => ({ kind: 'agent_killed', node, atMs, forMs });
const ten = Array.from({ length: 10 }, (_, i) => killed(i === 3 || i === 8 ? 'r2' : 'r1', 6000 + 500 * i));
const plan: Plan = { ...NEUTRAL_PLAN, faults: ten };
const hitsOfR2 = ({ faults }: Plan): number => faults.filter((fault) => 'node' in fault && fault.node === 'r2').length;

describe('shrinking a failing plan', () => {
  test('leaves the faults that are needed, and no others', () => {
    const { plan: small, runs } = shrink(plan, (smaller) => hitsOfR2(smaller) === 2);
    expect(small.faults.map(({ atMs }) => atMs)).toEqual([7500, 10_000]);
    expect(runs).toBeLessThan(RUNS_MAX);
  });

  test('shortens what is left, and the time after it', () => {
    const long = (smaller: Plan): boolean => smaller.faults.some(({ forMs }) => forMs >= 400);
    const { plan: small } = shrink(plan, long);
    expect(small.faults.map(({ forMs }) => forMs)).toEqual([500]);
    expect(small.healAtMs).toBeLessThan(plan.healAtMs);
    expect(plan.endMs - small.endMs).toBe(plan.healAtMs - small.healAtMs);
  });

  test('leaves a plan alone that fails only whole', () => {
    const { plan: small } = shrink(plan, ({ faults, healAtMs }) => (
      faults.length === 10 && healAtMs === plan.healAtMs && faults.every(({ forMs }) => forMs === 2000)
    ));
    expect(small).toEqual(plan);
  });

  test('ends after so many runs, whatever it is told', () => {
    const endless: Plan = { ...plan, faults: Array.from({ length: 400 }, (_, i) => killed('r1', 6000 + i, 1e9)) };
    expect(shrink(endless, ({ faults }) => faults.length === 400).runs).toBe(RUNS_MAX);
  });
});
