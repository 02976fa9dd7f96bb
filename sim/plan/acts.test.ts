import { describe, expect, test } from 'vitest';
import { hasOperators, isAct } from './acts.ts';
import { drawPlan } from './plan.ts';

const plans = Array.from({ length: 200 }, (_, i) => drawPlan(i + 1));

describe('what operators do', () => {
  test('is drawn in a share of the plans; the others have faults only', () => {
    const busy = plans.filter(({ seed }) => hasOperators(seed));
    expect(busy.length).toBe(50);
    for (const { faults } of busy) expect(faults.some(isAct)).toBe(true);
    for (const { seed, faults } of plans) if (!hasOperators(seed)) expect(faults.some(isAct)).toBe(false);
  });

  test('happens while the service is up and before everything is put right, in the order of time', () => {
    for (const { faults, settledMs, healAtMs } of plans) {
      const moments = faults.map(({ atMs }) => atMs);
      expect(moments).toEqual([...moments].sort((a, b) => a - b));
      for (const { atMs } of faults.filter(isAct)) {
        expect(atMs).toBeGreaterThanOrEqual(settledMs);
        expect(atMs).toBeLessThan(healAtMs);
      }
    }
  });

  test('is of every kind', () => {
    const kinds = new Set(plans.flatMap(({ faults }) => faults.filter(isAct).map(({ kind }) => kind)));
    expect([...kinds].sort()).toEqual([
      'master_disabled', 'master_stopped', 'order_cancelled', 'order_failover', 'order_reinitialize',
      'order_switchover', 'service_paused', 'service_resumed',
    ]);
  });
});
