// What was learned from found seeds, distilled: one small plan each, whose name says what must never happen again.

import { describe, expect, test } from 'vitest';
import { runPlan } from '../command/run.ts';
import { focusedPlan } from '../mutants/focus.ts';
import { happens, masters, story } from './story.ts';

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

  test('a node that restarts empty behind a slow network is not copied before it is known', () => {
    const told = [39, 59, 68, 78].flatMap((seed) => runPlan(focusedPlan('late_release', seed)).findings);
    expect(told).toEqual([]);
  });
});
