import { expect, test } from 'vitest';
import { Book } from './clients/book.ts';
import type { Fault } from './inject.ts';
import { parseOptions } from './plan/options.ts';
import { lastLine, median, reportText, summarize } from './report.ts';
import type { Summary } from './report.ts';
import type { RoundResult } from './round.ts';

const FAULT: Fault = {
  id: 1, kind: 'redis-killed', victim: 0, role: 'master', detail: '', beganMs: 1000, endedMs: 2000, died: false,
};

function round(change: Partial<RoundResult> = {}): RoundResult {
  return {
    faults: [FAULT],
    gaps: [{ fault: FAULT, gapMs: 40, alone: true }],
    healMs: 100,
    operator: [],
    overlaps: [],
    losses: {
      lost: { plain: 2, wait: 0, stale: 0, fixed: 1 }, during: { 'redis-killed': { plain: 2, fixed: 1 } }, broken: [],
    },
    events: new Map([['promoted', 1]]),
    broken: [],
    ...change,
  };
}

function summaryOf(rounds: readonly RoundResult[], ...args: readonly string[]): Summary {
  const options = parseOptions(args, 5);
  if (typeof options === 'string') throw new Error(options);
  const book = new Book(3);
  for (let i = 0; i < 10; i += 1) book.acknowledged({ key: `${i}`, by: 'plain', server: 0, sentMs: i, ackedMs: i + 1 });
  return summarize({
    options, rounds, book, skipped: 0, network: 'namespaces', leftOut: ['delay'], seconds: 60.4,
    nodes: ['node1', 'node2', 'node3'],
  });
}

test('the last line counts', () => {
  expect(lastLine(summaryOf([round(), round()]))).toBe('chaos: 60 s, 2 faults, 0 broken rules');
  const broken = [{ rule: 'I7 heals', what: 'nobody is master' }];
  expect(lastLine(summaryOf([round({ broken })]))).toBe('chaos: 60 s, 1 faults, 1 broken rules');
  expect(lastLine(summaryOf([round()], '--against', 'sentinel'))).toBe(
    'chaos: sentinel, 60 s, 1 faults, 3 of 10 acknowledged writes lost',
  );
});

test('rounds add up', () => {
  const overlap = { deposed: 0, successor: 1, fromMs: 10, toMs: 25, writes: 3 };
  const summary = summaryOf([
    round({ overlaps: [{ overlap, conditions: false }] }),
    round({ healMs: 300, gaps: [{ fault: FAULT, gapMs: 60, alone: false }] }),
    round({ healMs: null, operator: ['no_promotable_replica'], gaps: [] }),
  ]);
  expect(summary.lost).toEqual({ plain: 6, wait: 0, stale: 0, fixed: 3 });
  expect(summary.lostDuring).toEqual({ 'redis-killed': { plain: 6, fixed: 3 } });
  expect(summary.gaps).toEqual([{
    fault: 'redis-killed', role: 'master', count: 2, medianMs: 50, maxMs: 60, alone: 1, aloneMedianMs: 40,
  }]);
  expect(summary.twoMasters).toEqual({ withinMs: 0, outsideMs: 15, longestMs: 15, writes: 3, times: 1 });
  expect(summary.healing).toMatchObject({ count: 2, medianMs: 200, maxMs: 300, boundMs: 15_000, never: 1 });
  expect(summary.events).toEqual({ promoted: 3 });
});

test('the text names what was left out, what was lost during what, and every broken rule', () => {
  const text = reportText(summaryOf([round({ broken: [{ rule: 'I7 heals', what: 'nobody is master' }] })]));
  expect(text).toContain('Left out here: delay.');
  expect(text).toContain('| lost, acknowledged during redis-killed | 2 | 0 | 0 | 1 |');
  expect(text).toContain('| redis-killed | master | 1 | 40 ms | 40 ms | 1 | 40 ms |');
  expect(text).toContain('BROKEN I7 heals: round 1: nobody is master');
});

test('the median of an even number of values lies between the two in the middle', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});
