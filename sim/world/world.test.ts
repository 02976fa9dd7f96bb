import { describe, expect, test } from 'vitest';
import { drawPlan } from '../plan/plan.ts';
import { World } from './world.ts';

describe('a simulated service', () => {
  test('runs the same way twice from one seed', () => {
    const [a, b] = [1, 1].map((seed) => new World(drawPlan(seed), false).run());
    expect(a?.digest).toBe(b?.digest);
    expect(a?.events).toBe(b?.events);
  });

  test('takes writes, elects masters and heals when nothing and when something breaks', () => {
    const calm = new World({ ...drawPlan(3), faults: [] }, false).run();
    expect(calm.violations).toEqual([]);
    expect(calm.coverage.events.get('promoted')).toBe(1);
    expect(calm.coverage.acknowledged).toBeGreaterThan(1000);
    const { violations, coverage } = new World(drawPlan(1), false).run();
    expect(violations).toEqual([]);
    expect(coverage.faults.size).toBeGreaterThan(2);
  });
});
