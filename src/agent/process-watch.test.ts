// The process of our Redis: proved once, looked at only while a question is overdue.

import { expect, test } from 'vitest';

import type { SightEvent } from '../core/facts.ts';
import { facts } from '../core/testing/world.ts';
import type { ProcessPort, ProcessProof, ProcessSight } from './ports.ts';
import { PROCESS_LOOK_MS, ProcessWatch } from './process-watch.ts';

function scene(proof: ProcessProof = { ok: true, startTicks: 7 }) {
  let nowMs = 1000;
  let timers: { atMs: number; call: () => void }[] = [];
  const seen: SightEvent[] = [];
  const asked: string[] = [];
  const kernel = { is: 'stopped' as ProcessSight };
  const after = (delayMs: number, call: () => void): (() => void) => {
    const timer = { atMs: nowMs + delayMs, call };
    timers.push(timer);
    return () => void (timers = timers.filter((each) => each !== timer));
  };
  const process: ProcessPort = {
    prove: ({ pid, ageMs }, done) => {
      asked.push(`prove ${pid} ${ageMs}`);
      after(0, () => done(proof));
    },
    look: (_of, done) => {
      asked.push('look');
      after(0, () => done(kernel.is));
    },
    kill: (_claim, startTicks, done) => {
      asked.push(`kill ${startTicks}`);
      after(0, () => done({ ok: true }));
    },
  };
  const clock = { now: () => nowMs, after };
  const watch = new ProcessWatch({ clock, process, port: 6379, onSight: (event) => seen.push(event) });
  const pass = (ms: number): void => {
    for (const untilMs = nowMs + ms; nowMs <= untilMs; nowMs += 1) {
      const due = timers.filter(({ atMs }) => atMs <= nowMs);
      timers = timers.filter(({ atMs }) => atMs > nowMs);
      for (const { call } of due) call();
    }
  };
  return { watch, pass, seen, asked, kernel, idle: () => timers.length === 0 };
}

const own = facts('a', { processId: 42, uptimeSeconds: 10 });

test('a process is proved once, and in peace not looked at', () => {
  const { watch, pass, seen, asked, idle } = scene();
  for (let i = 0; i < 5; i++) {
    watch.answered(own);
    pass(100);
  }
  expect(asked).toEqual(['prove 42 10000']);
  expect(seen).toEqual([{ seen: 'process_proof', ok: true }]);
  expect(idle()).toBe(true);
  watch.answered({ ...own, runId: 'another', processId: 43 });
  expect(asked.at(-1)).toBe('prove 43 10000');
});

test('while a question is overdue it is looked at every 50 ms, and no longer', () => {
  const { watch, pass, seen, asked, idle } = scene();
  watch.answered(own);
  pass(1);
  watch.unanswered(true);
  pass(3 * PROCESS_LOOK_MS);
  expect(asked.filter((each) => each === 'look')).toHaveLength(3);
  expect(seen.at(-1)).toEqual({ seen: 'process', is: 'stopped' });
  watch.unanswered(false);
  pass(200);
  expect(asked.filter((each) => each === 'look')).toHaveLength(3);
  expect(idle()).toBe(true);
});

test('an answer of the kernel that comes late says nothing', () => {
  const { watch, pass, seen } = scene();
  watch.answered(own);
  pass(1);
  watch.unanswered(true);
  watch.unanswered(false);
  pass(10);
  expect(seen).toEqual([{ seen: 'process_proof', ok: true }]);
});

test('what was not proved is neither looked at nor killed', () => {
  const { watch, pass, asked, seen } = scene({ ok: false, code: 'other_port' });
  watch.answered(own);
  pass(1);
  watch.unanswered(true);
  const results: unknown[] = [];
  watch.kill((result) => results.push(result));
  pass(200);
  expect(asked).toHaveLength(1);
  expect(seen).toEqual([{ seen: 'process_proof', ok: false }]);
  expect(results).toEqual([{ ok: false, code: 'not_proved' }]);
});
