import { describe, expect, test } from 'vitest';
import { plant, plantAll } from '../../mutants/mutant.ts';
import { focusedPlan } from '../../mutants/focus.ts';
import { ALL_MUTANTS, MUTANTS } from '../../mutants/table.ts';
import { sourceOf } from './build.ts';
import { hunt } from './hunt.ts';
import { mutantsTable } from './table-text.ts';

/** A build of its own and a few worlds: seconds, or minutes where the machine is busy. */
const HUNT_TIMEOUT_MS = 180_000;

describe('the mutants', () => {
  const named = ALL_MUTANTS.map((mutant) => [mutant.name, mutant] as const);

  test.each(named)('%s: its text is there, once', (_name, mutant) => {
    expect(plantAll(mutant, sourceOf).size).toBeGreaterThan(0);
    expect(mutant.replace).not.toBe(mutant.find);
  });

  test('are many, and no two are the same', () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(25);
    expect(new Set(ALL_MUTANTS.map(({ name }) => name)).size).toBe(ALL_MUTANTS.length);
  });

  test('are not planted where the text is missing, or not the only one', () => {
    expect(plant({ find: 'a', replace: 'b' }, 'xyz')).toEqual({ ok: false, found: 0 });
    expect(plant({ find: 'a', replace: 'b' }, 'xaya')).toEqual({ ok: false, found: 2 });
    expect(plant({ find: 'a', replace: '$&' }, 'xay')).toEqual({ ok: true, text: 'x$&y' });
  });

  test('are looked for in plans that are the same every time', () => {
    expect(focusedPlan('cut_off', 7)).toEqual(focusedPlan('cut_off', 7));
    expect(focusedPlan('cut_off', 7)).not.toEqual(focusedPlan('cut_off', 8));
  });

  test('are noticed: one of them, from its table to its end', async () => {
    const number = MUTANTS.findIndex(({ by }) => by.includes('I8'));
    const hunted = await hunt(MUTANTS[number]!, number, 20);
    expect(hunted.finding?.invariant).toBe('I8');
    expect(mutantsTable([hunted])).toContain('| I8 |');
  }, HUNT_TIMEOUT_MS);
});
