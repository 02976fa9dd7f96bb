// Back-off: the first failovers of a series are not delayed, the next ones for longer each time, and it ends.

import { describe, expect, test } from 'vitest';

import { backoffMs, BACKOFF_FIRST_MS, BACKOFF_MAX_MS, rankedMs } from './backoff.ts';
import type { State } from './state.ts';
import {
  ballot, frozenFacts, only, readsBallot, roleIs, run, sight, START_MS, term, world,
} from './testing/world.ts';
import type { Change } from './testing/world.ts';
import { Village } from './testing/village.ts';
import { project } from './view.ts';

describe('the pause', () => {
  test.each([
    [0, 0], [1, 0], [2, 0], [3, 1000], [4, 2000], [5, 4000], [6, 8000], [7, 16_000], [8, 30_000], [9, 30_000],
    [1e6, 30_000],
  ])('after %i falls with a budget of three: %i ms', (falls, pauseMs) => {
    expect(backoffMs(term({ falls }), 3)).toBe(pauseMs);
  });

  test('does not pass anybody over who could not claim during it', () => {
    expect(rankedMs(500, 0, 1000)).toBe(500);
    expect(rankedMs(7000, 0, 1000)).toBe(7000);
    expect(rankedMs(29_000, 30_000, 1000)).toBe(1000);
    expect(rankedMs(30_000, 30_000, 1000)).toBe(1000);
    expect(rankedMs(32_500, 30_000, 1000)).toBe(2500);
  });
});

/** `b` has voted, as everybody else, and would win. */
function elected(falls: number, mine = ballot('b'), change: Change = {}): State {
  const refusing = ballot('a', { refusal: 'redis_unreachable' });
  const ballots = [refusing, mine, ballot('c', { offset: 900 })];
  const record = { lease: null, masterRecord: null, term: term({ falls }), ballots };
  return world('b', 'candidate', { own: sight(frozenFacts('b')), record, ...change });
}

describe('an election', () => {
  test('within the budget is not delayed, and counts', () => {
    expect(only(run(elected(0), 0), 'claim').term.falls).toBe(1);
    expect(only(run(elected(2), 0), 'claim').term.falls).toBe(3);
  });

  test('beyond it waits, says so with the time at which it goes on, and then counts on', () => {
    const waits = run(elected(4), 0);
    expect(waits.does).not.toContain('claim');
    expect(waits.state.reasons).toContain('failover_backoff');
    expect(waits.says).toContain('failover_put_off');
    expect(project(waits.state).failover).toEqual({ falls: 4, resumesInMs: 2000 });
    expect(waits.state.wakeAtMs).toBeLessThanOrEqual(START_MS + 2000);
    const still = run(waits.state, 1990);
    expect(still.does).not.toContain('claim');
    expect(still.says).not.toContain('failover_put_off');
    const goesOn = run(still.state, 10);
    expect(only(goesOn, 'claim').term.falls).toBe(5);
    expect(goesOn.state.reasons).not.toContain('failover_backoff');
  });

  test('is put off by everybody, not by the winner alone', () => {
    const own = sight(frozenFacts('c', { offset: 900 }));
    const other = world('c', 'candidate', { records: elected(4).records, own });
    expect(run(other, 0).state.reasons).toContain('failover_backoff');
  });

  test('that an incumbent wins is never put off, and counts nothing', () => {
    const state = elected(9, ballot('b', { standing: 'frozen' }));
    const back = run(state, readsBallot(ballot('a', { standing: 'incumbent' })));
    expect(back.state.reasons).not.toContain('failover_backoff');
  });
});

describe('the count', () => {
  const master = (falls: number, servesMs: number): State => {
    const state = world('a', 'master', { record: { term: term({ falls }) } });
    return { ...state, role: { ...roleIs(state, 'master'), sinceMs: START_MS - servesMs } };
  };

  test('ends with a master that has served for long enough, by one write', () => {
    expect(run(master(3, 29_000), 0).does).not.toContain('write_term');
    expect(run(master(3, 29_000), 0).state.wakeAtMs).toBeLessThanOrEqual(START_MS + 1000);
    expect(only(run(master(3, 30_000), 0), 'write_term').term.falls).toBe(0);
    expect(run(master(0, 30_000), 0).does).not.toContain('write_term');
  });
});

describe('a service whose masters die one after the other', () => {
  function series(deaths: number): { gapsMs: readonly number[]; village: Village } {
    const village = new Village(['a', 'b', 'c'], { bootstrapSettleMs: 100 });
    village.pass(1000);
    village.redis('a').write(1000);
    village.pass(4000);
    const gapsMs: number[] = [];
    for (let death = 0; death < deaths; death++) {
      const [master = 'nobody'] = village.writable();
      village.killRedis(master);
      const fromMs = village.nowMs;
      while (village.writable().length === 0 && village.nowMs - fromMs < 60_000) village.pass(5);
      gapsMs.push(village.nowMs - fromMs);
      village.redis(master).restart('kept');
      // In sync again, as a supervisor's restart would have it, and well before it counts as calm.
      while (village.ensemble.records.term?.value.inSync.length !== 2) village.pass(50);
    }
    return { gapsMs, village };
  }

  test('gets three failovers at once, then pauses that grow; a restarted agent does not forget them', () => {
    const { gapsMs, village } = series(5);
    expect(Math.max(...gapsMs.slice(0, 3))).toBeLessThan(500);
    expect(gapsMs[3]).toBeGreaterThanOrEqual(BACKOFF_FIRST_MS);
    expect(gapsMs[4]).toBeGreaterThanOrEqual(2 * BACKOFF_FIRST_MS);
    expect(gapsMs[4]).toBeLessThan(2 * BACKOFF_FIRST_MS + 500);
    for (const name of ['a', 'b', 'c']) {
      village.killAgent(name);
      village.start(name);
    }
    expect(village.ensemble.records.term?.value.falls).toBe(5);
  });

  test('is calm again after a while: nothing is put off any more', () => {
    const { village } = series(4);
    village.pass(BACKOFF_MAX_MS + 5000);
    expect(village.ensemble.records.term?.value.falls).toBe(0);
    const [master = 'nobody'] = village.writable();
    village.killRedis(master);
    village.pass(500);
    expect(village.writable()).toHaveLength(1);
  });

  test('hand-overs do not count', () => {
    const village = new Village(['a', 'b', 'c'], { bootstrapSettleMs: 100 });
    village.pass(1000);
    village.redis('a').write(1000);
    village.pass(4000);
    const [master = 'nobody'] = village.writable();
    village.order(master, { order: 'disable' });
    village.pass(2000);
    expect(village.writable()).not.toEqual([master]);
    expect(village.ensemble.records.term?.value.falls).toBe(0);
  });
});
