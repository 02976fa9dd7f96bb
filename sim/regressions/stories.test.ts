// What was learned from found seeds, distilled: one small plan each, whose name says what must never happen again.

import { describe, expect, test } from 'vitest';
import { runPlan } from '../command/run.ts';
import type { Outcome } from '../command/run.ts';
import { focusedPlan } from '../mutants/focus.ts';
import { happens, masters, story } from './story.ts';

/** When the last promotion was. */
function promotedAtMs({ lines }: Outcome): number {
  return Number.parseFloat(lines.filter((line) => / promoted /.test(line)).at(-1) ?? '0');
}

describe('in a simulated service', () => {
  test('a master that restarts empty within a moment wipes nobody', () => {
    const told = story([happens({ kind: 'redis_restarted', node: 'r1', data: 'lost' }, 8000, 10)]);
    expect(told.findings).toEqual([]);
    expect(masters(told)).toEqual(['r1', 'r2']);
  });

  test('an agent that is frozen for longer than its lease finds its Redis deposed, and follows', () => {
    const told = story([happens({ kind: 'agent_frozen', node: 'r1' }, 8000, 5000)]);
    expect(told.findings).toEqual([]);
    expect(masters(told).length).toBe(2);
  });

  const TWINS = ['same', 'other'] as const;
  test.each(TWINS)('a second agent of the same name, beside the %s Redis, touches nothing', (redis) => {
    const told = story([happens({ kind: 'agent_twinned', node: 'r1', redis }, 8000, 5000)]);
    expect(told.findings).toEqual([]);
    expect(masters(told)).toEqual(['r1']);
    expect(told.lines.some((line) => line.includes('duplicate_node_name'))).toBe(true);
  });

  test('a machine that sleeps for longer than its lease finds its Redis deposed, and follows', () => {
    const told = story([happens({ kind: 'host_suspended', node: 'r1' }, 8000, 6000)]);
    expect(told.findings).toEqual([]);
    expect(masters(told).length).toBe(2);
  });

  test('a switchover moves the office, and comes back from a target that dies on the way', () => {
    const order = { kind: 'order_switchover', asks: 'r3', to: 'r2', aheadMs: 0 } as const;
    const told = story([happens(order, 8000, 10)]);
    expect(told.findings).toEqual([]);
    expect(masters(told)).toEqual(['r1', 'r2']);
    expect([...told.coverage.orders.keys()]).toEqual(['switchover done']);
    const dies = happens({ kind: 'agent_halted', node: 'r2', how: 'kill', sends: 0 }, 8000, 3000);
    const undone = story([happens(order, 8000, 10), dies]);
    expect(undone.findings).toEqual([]);
    expect([...undone.coverage.orders.keys()]).toEqual(['switchover interrupted target_lost']);
    expect(masters(undone).at(-1)).toBe('r1');
  });

  test('a pause keeps everybody from the office of a dead master, and ends by itself', () => {
    const told = story([
      happens({ kind: 'service_paused', asks: 'r2' }, 6000, 6000),
      happens({ kind: 'redis_killed', node: 'r1', data: 'kept' }, 8000, 6500),
    ]);
    expect(told.findings).toEqual([]);
    expect(masters(told)).toHaveLength(2);
    expect(promotedAtMs(told)).toBeGreaterThan(11_000);
  });

  const GROUNDS = ['late_answers', 'cut_short', 'undone', 'lagging', 'two_operators', 'copied_anew'] as const;
  test.each(GROUNDS)('orders are carried out once, and end once, on the ground of %s', (ground) => {
    const told = [1, 2, 3, 4, 5].flatMap((seed) => runPlan(focusedPlan(ground, seed)).findings);
    expect(told).toEqual([]);
  });

  test('a node that restarts empty behind a slow network is not copied before it is known', () => {
    const told = [39, 59, 68, 78].flatMap((seed) => runPlan(focusedPlan('late_release', seed)).findings);
    expect(told).toEqual([]);
  });
});
