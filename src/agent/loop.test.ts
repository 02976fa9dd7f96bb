// The loop: one input at a time, one timer, and a broken invariant ends it.

import { describe, expect, test } from 'vitest';

import type { Action } from '../core/actions.ts';
import type { WallClock } from '../contract/clock.ts';
import type { Input } from '../core/inputs.ts';
import {
  kept, lease, masterFacts, masterRecord, member, sessionOf, settings, term as termOf,
} from '../core/testing/world.ts';
import type { Wanted } from '../core/wanted.ts';
import { Loop, TICK_MAX_MS } from './loop.ts';

function stage() {
  const timers: { readonly delayMs: number; readonly callback: () => void; cancelled: boolean }[] = [];
  const time = { nowMs: 1000, wallLeadMs: 5 };
  const clock: WallClock = {
    now: () => time.nowMs,
    wallNow: () => time.nowMs + time.wallLeadMs,
    after(delayMs, callback) {
      const timer = { delayMs, callback, cancelled: false };
      timers.push(timer);
      return () => void (timer.cancelled = true);
    },
  };
  const actions: Action[] = [];
  const watched: Wanted[] = [];
  const crashes: unknown[] = [];
  const reactions: Input[] = [];
  const hooks = { onPerform: (_action: Action): void => undefined };
  const loop: Loop = new Loop(settings('a'), clock, {
    perform(action) {
      actions.push(action);
      hooks.onPerform(action);
      for (const input of reactions.splice(0)) loop.post(input);
    },
    watch: (wanted) => watched.push(wanted),
    crash: (error) => crashes.push(error),
  });
  const pending = () => timers.filter(({ cancelled }) => !cancelled);
  return { loop, time, timers, pending, actions, watched, crashes, reactions, hooks };
}

const CONNECTED: Input = { kind: 'session_connected', sessionId: sessionOf('a'), timeoutMs: 6000 };

test('an input is looked at, its actions are performed, and what shall be watched is said', () => {
  const { loop, actions, watched } = stage();
  loop.post(CONNECTED);
  expect(loop.state.session?.timeoutMs).toBe(6000);
  expect(actions.map((action) => action.kind === 'report' && action.event)).toContain('session_connected');
  expect(watched).toHaveLength(1);
});

test.each([
  ['overdue', (time: { nowMs: number; wallLeadMs: number }): void => void (time.nowMs += TICK_MAX_MS * 10)],
  ['asleep', (time: { nowMs: number; wallLeadMs: number }): void => void (time.wallLeadMs += 1000)],
])('who looks from outside finds decided what was %s', (_what, pass) => {
  const { loop, time, watched } = stage();
  loop.post(CONNECTED);
  loop.catchUp();
  const turns = watched.length;
  pass(time);
  loop.catchUp();
  expect(watched.length).toBeGreaterThan(turns);
  expect(loop.state.nowMs).toBe(time.nowMs);
  if (time.wallLeadMs > 1000) expect(loop.state.sleptAtMs).toBe(time.nowMs);
});

test('what an action posts waits for its turn: the core is never re-entered', () => {
  const { loop, reactions, watched } = stage();
  reactions.push({ kind: 'session_disconnected' }, CONNECTED);
  loop.post(CONNECTED);
  expect(loop.state.session?.connected).toBe(true);
  expect(watched).toHaveLength(3);
});

test('there is one timer at a time, for the next full second at the latest that is not too near', () => {
  const { loop, pending, time } = stage();
  loop.post({ kind: 'tick' });
  loop.post(CONNECTED);
  expect(pending()).toHaveLength(1);
  expect(pending()[0]!.delayMs).toBeLessThanOrEqual(TICK_MAX_MS);
  time.nowMs += 500;
  pending()[0]!.callback();
  expect(loop.state.nowMs).toBe(1500);
});

test('a sleep too short to lose the lease, but long enough to fence too late, is noticed', () => {
  const { loop, time } = stage();
  loop.post(CONNECTED);
  time.wallLeadMs += 150;
  loop.post({ kind: 'tick' });
  expect(loop.state.sleptAtMs).toBe(1000);
});

test('a wall clock that ran ahead of ours tells that the machine slept', () => {
  const { loop, time } = stage();
  loop.post(CONNECTED);
  time.nowMs += 10;
  time.wallLeadMs += 1;
  loop.post({ kind: 'tick' });
  expect(loop.state.sleptAtMs).toBe(Number.NEGATIVE_INFINITY);
  time.wallLeadMs += 60_000;
  loop.post({ kind: 'tick' });
  expect(loop.state.sleptAtMs).toBe(1010);
});

test('one that was set back may have hidden a sleep', () => {
  const { loop, time } = stage();
  loop.post(CONNECTED);
  time.wallLeadMs -= 300;
  loop.post({ kind: 'tick' });
  expect(loop.state.sleptAtMs).toBe(1000);
});

describe('a process that is stopped between deciding and doing', () => {
  const ofA = { owner: sessionOf('a') };
  const BECOMES_MASTER: readonly Input[] = [
    CONNECTED,
    { kind: 'record_read', read: { record: 'members', name: 'a', kept: kept(member('a'), ofA) } },
    { kind: 'record_read', read: { record: 'term', kept: kept(termOf(), { version: 7 }) } },
    { kind: 'record_read', read: { record: 'lease', kept: kept(lease('a'), ofA) } },
    { kind: 'records_synced' },
    { kind: 'own_redis', event: { seen: 'opened' } },
    { kind: 'own_redis', event: { seen: 'answered', facts: masterFacts() } },
  ];
  const isSaid = (action: Action, event: string): boolean => action.kind === 'report' && action.event === event;

  /** What is done from the promotion on, when `pause` happens while an action is carried out. */
  function doneAfter(pause: (staged: ReturnType<typeof stage>, action: Action) => void): readonly string[] {
    const staged = stage();
    staged.hooks.onPerform = (action) => pause(staged, action);
    for (const input of BECOMES_MASTER) staged.loop.post(input);
    const from = staged.actions.findIndex((action) => isSaid(action, 'promoted'));
    const done = staged.actions.slice(from).map(({ kind }) => kind);
    return done.filter((kind) => kind === 'announce' || kind === 'fence_reversibly');
  }

  test('not stopped, it announces', () => {
    expect(doneAfter(() => undefined)).toEqual(['announce']);
  });

  test('drops what needs power once its time is over, and fences', () => {
    expect(doneAfter(({ time }, action) => {
      if (isSaid(action, 'promoted')) time.nowMs += 20_000;
    })).toEqual(['fence_reversibly']);
  });

  test('the same when the machine slept, which the monotonic clock does not count', () => {
    expect(doneAfter(({ time }, action) => {
      if (isSaid(action, 'promoted')) time.wallLeadMs += 20_000;
    })).toEqual(['fence_reversibly']);
  });

  test('what slipped through is followed by the fence at once, with no timer in between', () => {
    expect(doneAfter(({ time }, action) => {
      if (action.kind === 'announce') time.nowMs += 20_000;
    })).toEqual(['announce', 'fence_reversibly']);
  });
});

test('a broken invariant stops the loop and is handed on; nothing is looked at afterwards', () => {
  const { loop, crashes, actions, pending } = stage();
  loop.post({ kind: 'tick' });
  loop.post({ kind: 'own_redis', event: { seen: 'answered', facts: masterFacts() } });
  const from = actions.length;
  // Two members that contradict each other can only come from a bug: the mirror lets no such term through.
  const term = { epoch: 1, master: { name: 'a', runId: 'r', redis: { host: 'h', port: 1 } }, inSync: ['a'] };
  const rest = { lineage: [], pending: null, designated: null, handOver: null, falls: 0, settingsVersion: 0 };
  const contradiction = { ...term, nodes: ['a'], ...rest };
  const znode = { version: 0, owner: 0n, czxid: 1n, format: 1 };
  loop.post({ kind: 'record_read', read: { record: 'term', kept: { value: contradiction, znode } } });
  expect(crashes).toMatchObject([{ name: 'InvariantError' }]);
  expect(pending()).toHaveLength(0);
  loop.post(CONNECTED);
  expect(actions.length).toBe(from);
});

test('a stopped loop looks at nothing and has no timer', () => {
  const { loop, pending, actions } = stage();
  loop.post({ kind: 'tick' });
  loop.stop();
  const record = { value: masterRecord('a'), znode: { version: 0, owner: 0n, czxid: 1n, format: 1 } };
  loop.post({ kind: 'record_read', read: { record: 'masterRecord', kept: record } });
  expect(loop.state.records.masterRecord).toBe(null);
  expect(pending()).toHaveLength(0);
  expect(actions.filter(({ kind }) => kind !== 'report')).toEqual([]);
});
