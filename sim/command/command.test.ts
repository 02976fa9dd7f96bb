import { describe, expect, test } from 'vitest';
import { drawPlan } from '../plan/plan.ts';
import { keptPlanOf, keptPlanText, NEUTRAL_PLAN, slugOf } from '../regressions/kept-plans.ts';
import { DEFAULTS, parseOptions } from './options.ts';
import { runBatch } from './pool.ts';
import { traceText, TRACE_LINES } from './report.ts';
import { runPlan } from './run.ts';

describe('the command line', () => {
  test('says what to run', () => {
    expect(parseOptions([])).toEqual(DEFAULTS);
    expect(parseOptions(['--seeds', '20', '--from=7', '--jobs', '2'])).toEqual(
      { ...DEFAULTS, seeds: 20, from: 7, jobs: 2 },
    );
    expect(parseOptions(['--seed', '73', '--trace'])).toEqual({ ...DEFAULTS, seed: 73, trace: true });
  });

  test.each([
    [['--seeds', 'many'], '--seeds: a number'],
    [['--jobs', '0'], '--jobs: a number'],
    [['--plan'], '--plan: something must follow'],
    [['--seed', '1', '--plan', 'x'], 'one of them'],
    [['--keep', 'a sentence'], 'of which'],
    [['fast'], 'unknown: fast'],
  ])('refuses %j', (args, why) => {
    expect(parseOptions(args)).toContain(why);
  });
});

describe('a run', () => {
  test('that breaks the simulated world is a finding, not the end of all runs', () => {
    const { findings } = runPlan({ ...NEUTRAL_PLAN, faults: [{ kind: 'moon', atMs: 5, forMs: 5 } as never] });
    expect(findings.map(({ invariant }) => invariant)).toEqual(['crash']);
  });

  test('of several plans adds up what they covered', () => {
    const plan = { ...NEUTRAL_PLAN, healAtMs: 6000, endMs: 7000 };
    const total = runBatch([{ name: 'a', plan, twice: true }, { name: 'b', plan, twice: false }]);
    expect(total.failures).toEqual([]);
    expect(total.runs).toBe(2);
    expect(total.coverage.events.get('promoted')).toBe(2);
  });

  test('is shown up to the violation, in its last lines', () => {
    const lines = Array.from({ length: 100 }, (_, i) => `${(i * 10).toFixed(1).padStart(9)} ms  r1  line ${i}`);
    expect(traceText(lines, 900, true).split('\n')).toHaveLength(100);
    const shown = traceText(lines, 900, false).split('\n');
    expect(shown).toHaveLength(TRACE_LINES);
    expect(shown.at(-1)).toContain('line 90');
  });
});

describe('a kept plan', () => {
  test('comes back from its file as it was', () => {
    const kept = { sentence: 'Something was lost', violated: 'I4', plan: drawPlan(5) };
    expect(keptPlanOf(keptPlanText(kept))).toEqual(kept);
    expect(slugOf(kept.sentence)).toBe('something-was-lost');
  });

  test('does without what was not known when it was kept', () => {
    const text = '{"sentence": "Old", "violated": "I2", "plan": {"seed": 3, "faults": []}}';
    expect(keptPlanOf(text).plan).toEqual({ ...NEUTRAL_PLAN, seed: 3 });
  });
});
