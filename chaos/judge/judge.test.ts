import { describe, expect, test } from 'vitest';
import type { Acknowledged, WriteClass } from '../clients/book.ts';
import { Book } from '../clients/book.ts';
import { GapMeter } from '../clients/gaps.ts';
import { SpanKeeper } from '../clients/spans.ts';
import type { Fault } from '../inject.ts';
import type { FaultKind } from '../plan/kinds.ts';
import { gapsOf } from './gaps.ts';
import { findOverlaps } from './overlap.ts';
import { conditionsHeld, judgeLosses, judgeOverlap } from './rules.ts';

const ROUND_TRIP_MS = 1;

/** One server acknowledges every `everyMs` from one moment to another. */
function series(server: number, fromMs: number, toMs: number, everyMs = 5): Acknowledged[] {
  const writes: Acknowledged[] = [];
  for (let sentMs = fromMs; sentMs + ROUND_TRIP_MS <= toMs; sentMs += everyMs) {
    writes.push({ key: `${server}:${sentMs}`, by: 'fixed', server, sentMs, ackedMs: sentMs + ROUND_TRIP_MS });
  }
  return writes;
}

function overlapsOf(...writes: readonly Acknowledged[][]): ReturnType<typeof findOverlaps> {
  const keeper = new SpanKeeper(3);
  for (const write of writes.flat().sort((a, b) => a.ackedMs - b.ackedMs)) keeper.acknowledged(write);
  const { spans, strays } = keeper.take();
  return findOverlaps(spans, strays);
}

let faults = 0;
function fault(kind: FaultKind, beganMs: number, endedMs: number, victim: number | null = 0): Fault {
  faults += 1;
  return { id: faults, kind, victim, role: 'master', detail: '', beganMs, endedMs, died: false };
}

describe('two writable masters', () => {
  test('one after the other is no overlap, there and back again neither', () => {
    expect(overlapsOf(series(0, 0, 500), series(1, 510, 900), series(0, 1100, 2000))).toEqual([]);
  });

  test('two at the same time are seen for as long as it lasted', () => {
    const [overlap, ...more] = overlapsOf(series(0, 0, 1000), series(1, 602, 2000));
    expect(more).toEqual([]);
    expect(overlap).toMatchObject({ deposed: 0, successor: 1 });
    expect((overlap?.toMs ?? 0) - (overlap?.fromMs ?? 0)).toBeGreaterThan(385);
    expect((overlap?.toMs ?? 0) - (overlap?.fromMs ?? 0)).toBeLessThanOrEqual(398);
  });

  test('a single write of a deposed server beside the new one is seen', () => {
    const stray: Acknowledged = { key: 'stray', by: 'fixed', server: 0, sentMs: 802, ackedMs: 804 };
    expect(overlapsOf(series(0, 0, 500), [stray], series(1, 510, 2000))).toMatchObject([
      { deposed: 0, successor: 1, writes: 1 },
    ]);
  });

  test('an answer that came late proves nothing: the write may have been executed before', () => {
    const late: Acknowledged = { key: 'late', by: 'fixed', server: 0, sentMs: 495, ackedMs: 5000 };
    expect(overlapsOf(series(0, 0, 490), [late], series(1, 510, 6000))).toEqual([]);
  });

  test('nothing is claimed of a server between a refusal and its next acknowledgement', () => {
    const keeper = new SpanKeeper(2);
    for (const write of series(0, 0, 50)) keeper.acknowledged(write);
    keeper.refused(0, 52);
    for (const write of series(1, 55, 70)) keeper.acknowledged(write);
    for (const write of series(0, 75, 100)) keeper.acknowledged(write);
    const { spans, strays } = keeper.take();
    expect(findOverlaps(spans, strays)).toEqual([]);
  });

  test('it breaks a rule where I2 promised otherwise, and anywhere when it lasts too long', () => {
    const overlap = { deposed: 0, successor: 1, fromMs: 10_000, toMs: 10_300, writes: 5 };
    const long = { ...overlap, toMs: 19_000 };
    const cut = fault('cut-from-both', 5000, 20_000);
    const agentStopped = fault('agent-stopped', 5000, 20_000);
    expect(conditionsHeld(overlap, [])).toBe(true);
    expect(conditionsHeld(overlap, [cut])).toBe(true);
    expect(conditionsHeld(overlap, [agentStopped])).toBe(true);
    expect(conditionsHeld(overlap, [agentStopped, cut])).toBe(false);
    expect(conditionsHeld(overlap, [fault('redis-stopped', 5000, 9900)])).toBe(false);
    expect(conditionsHeld(overlap, [fault('redis-stopped', 5000, 8000)])).toBe(true);
    expect(conditionsHeld(overlap, [agentStopped, fault('cut-from-nodes', 0, 20_000, 1)])).toBe(false);
    expect(judgeOverlap(overlap, [cut])?.rule).toBe('I2 no two writable masters');
    expect(judgeOverlap(overlap, [cut, agentStopped])).toBeNull();
    expect(judgeOverlap(long, [cut, agentStopped])?.rule).toBe('I2 the overlap ends in time');
  });
});

describe('lost writes', () => {
  const lost = (by: WriteClass, ackedMs = 1000): Acknowledged => (
    { key: by, by, server: 0, sentMs: ackedMs - 1, ackedMs }
  );
  const rulesOf = (writes: readonly Acknowledged[], near: readonly Fault[], durable = false): readonly string[] => (
    judgeLosses(writes, { faults: near, durable, waitReplicas: 1 }).broken.map(({ rule }) => rule)
  );

  test('without a fault, or with one that costs nothing, none may be lost', () => {
    const nothing = ['nothing is lost without a fault that may lose'];
    expect(rulesOf([lost('plain')], [])).toEqual(nothing);
    expect(rulesOf([lost('plain')], [fault('ensemble-down', 0, 9000, null)])).toEqual(nothing);
    expect(rulesOf([lost('plain')], [fault('agent-killed', 0, 9000)])).toEqual(nothing);
    expect(rulesOf([lost('plain')], [fault('redis-killed', 0, 500)])).toEqual(nothing);
    expect(rulesOf([lost('plain')], [fault('disk-full', 0, 9000)])).toEqual(nothing);
    expect(rulesOf([lost('plain')], [{ ...fault('disk-full', 0, 9000), died: true }])).toEqual([]);
  });

  test('a fault that may lose explains them, before and soon after the acknowledgement', () => {
    expect(rulesOf([lost('plain')], [fault('cut-from-both', 500, 9000)])).toEqual([]);
    expect(rulesOf([lost('plain')], [fault('redis-killed', 1002, 9000)])).toEqual([]);
  });

  test('with WAIT 1 one node alone explains nothing, two do', () => {
    const one = fault('cut-from-both', 500, 9000);
    expect(rulesOf([lost('wait')], [one])).toEqual(['one node alone costs no write that WAIT acknowledged']);
    expect(rulesOf([lost('wait')], [one, fault('redis-killed', 1500, 9000, 1)])).toEqual([]);
  });

  test('in durable mode WAIT keeps its word as long as no more than w nodes lose their memory', () => {
    const killed = fault('redis-killed', 1100, 2000, 1);
    const near = [fault('cut-from-both', 500, 9000), killed];
    expect(rulesOf([lost('wait')], near, true)).toEqual(['I4 acknowledged means kept']);
    expect(rulesOf([lost('wait')], [...near, fault('redis-emptied', 3000, 3100, 2)], true)).toEqual([]);
  });

  test('they are counted by class and by the faults that lasted then', () => {
    const near = [fault('cut-from-both', 500, 9000), fault('loss', 2000, 3000)];
    const summary = judgeLosses([lost('plain'), lost('plain', 2500), lost('stale')], {
      faults: near, durable: false, waitReplicas: 1,
    });
    expect(summary.lost).toEqual({ plain: 2, wait: 0, stale: 1, fixed: 0 });
    expect(summary.during).toEqual({ 'cut-from-both': { plain: 2, stale: 1 }, 'loss': { plain: 1 } });
  });
});

describe('gaps', () => {
  test('a pause of the clients is none, a late answer does not go back in time', () => {
    const meter = new GapMeter();
    for (const ackedMs of [0, 5, 505, 500, 510]) meter.acknowledged({ ackedMs });
    meter.pause();
    meter.acknowledged({ ackedMs: 9000 });
    expect(meter.take()).toEqual([{ fromMs: 5, toMs: 505 }]);
    expect(meter.take()).toEqual([]);
  });

  test('a fault has the longest one that began while it lasted, alone or not', () => {
    const killed = fault('redis-killed', 1000, 2000);
    const later = fault('loss', 6000, 7000);
    const beside = fault('deaf', 6500, 6600);
    const gaps = [{ fromMs: 995, toMs: 1060 }, { fromMs: 1500, toMs: 1520 }, { fromMs: 5000, toMs: 5900 }];
    expect(gapsOf([killed, later, beside], gaps)).toMatchObject([
      { gapMs: 65, alone: true }, { gapMs: 0, alone: false }, { gapMs: 0, alone: false },
    ]);
  });
});

describe('the book', () => {
  test('hands out each write once, knows who acknowledges, and counts by class', () => {
    const book = new Book(2);
    const write: Acknowledged = { key: 'a', by: 'plain', server: 1, sentMs: 10, ackedMs: 11 };
    book.acknowledged(write);
    book.refused(0, 'READONLY', 12);
    expect(book.acknowledging(20)).toBe(1);
    expect(book.acknowledging(5000)).toBeNull();
    expect(book.takeWrites()).toEqual([write]);
    expect(book.takeWrites()).toEqual([]);
    expect(book.totals.plain).toBe(1);
    expect(book.refusals.get('READONLY')).toBe(1);
  });
});
