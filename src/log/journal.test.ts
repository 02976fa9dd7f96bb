import { expect, test } from 'vitest';
import type { Clock } from '../contract/clock.ts';
import { JOURNAL_LINES_MAX, JOURNAL_PAGE_MAX, JOURNAL_READERS_MAX, Journal } from './journal.ts';

/** A clock whose waits end when told. */
function handClock(): Clock & { ring: () => void; waits: Set<() => void> } {
  const waits = new Set<() => void>();
  return {
    now: () => 0,
    after: (_delayMs, callback) => {
      waits.add(callback);
      return () => void waits.delete(callback);
    },
    waits,
    ring: () => {
      for (const wait of [...waits]) wait();
    },
  };
}

const ENTRY = { level: 'INFO', event: 'fenced' as const, fields: { why: 'test' }, wallMs: 0 };

test('gives what came after a line, and where to go on', async () => {
  const journal = new Journal(handClock());
  for (let count = 0; count < 3; count += 1) journal.add(ENTRY);
  expect(await journal.after(2, 0)).toEqual({
    next: 3,
    lost: false,
    events: [{ seq: 3, time: '1970-01-01T00:00:00.000Z', level: 'INFO', event: 'fenced', why: 'test' }],
  });
  expect(await journal.after(3, 0)).toEqual({ next: 3, lost: false, events: [] });
});

test('gives everything to a reader of another process', async () => {
  const journal = new Journal(handClock());
  journal.add(ENTRY);
  expect(await journal.after(900, 0)).toMatchObject({ next: 1, events: [{ seq: 1 }] });
});

test('keeps the last lines, and says that others are gone', async () => {
  const journal = new Journal(handClock());
  for (let count = 0; count < JOURNAL_LINES_MAX + 5; count += 1) journal.add(ENTRY);
  const page = await journal.after(0, 0);
  expect(page).toMatchObject({ lost: true, next: 5 + JOURNAL_PAGE_MAX });
  expect(page.events).toHaveLength(JOURNAL_PAGE_MAX);
  expect(await journal.after(5, 0)).toMatchObject({ lost: false });
});

test('wakes who waits, with the line or at the end of the wait', async () => {
  const clock = handClock();
  const journal = new Journal(clock);
  const first = journal.after(0, 1000);
  journal.add(ENTRY);
  expect(await first).toMatchObject({ next: 1 });
  const second = journal.after(1, 1000);
  clock.ring();
  expect(await second).toEqual({ next: 1, lost: false, events: [] });
  expect(clock.waits.size).toBe(0);
});

test('lets only so many wait', async () => {
  const clock = handClock();
  const journal = new Journal(clock);
  const waiting = Array.from({ length: JOURNAL_READERS_MAX }, () => journal.after(0, 1000));
  expect(await journal.after(0, 1000)).toEqual({ next: 0, lost: false, events: [] });
  clock.ring();
  await Promise.all(waiting);
});

test('keeps of a line that is too long what it is about', async () => {
  const journal = new Journal(handClock());
  journal.add({ ...ENTRY, fields: { why: 'x'.repeat(10_000) } });
  const { events } = await journal.after(0, 0);
  expect(events).toEqual([{ seq: 1, time: '1970-01-01T00:00:00.000Z', level: 'INFO', event: 'fenced', cut: true }]);
});
