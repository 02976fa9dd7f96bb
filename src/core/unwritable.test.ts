// A master whose Redis refuses every write for a reason of its own hands over, if somebody else is better off.

import { describe, expect, test } from 'vitest';

import type { State } from './state.ts';
import { Village } from './testing/village.ts';
import {
  attached, masterFacts, member, NAMES, only, ownAnswers, run, settings, START_MS, term, world,
} from './testing/world.ts';

const full = masterFacts({ refusesWrites: true });
/** Less than the time that a lease lasts unheard. */
const AFTER_MS = 2000;

/** The master in peace, whose Redis answers from now on that it refuses writes; the last good answer is 200 ms old. */
function refusing(others: Readonly<Record<string, boolean>> = {}, inSync: readonly string[] = ['b', 'c']): State {
  const members = NAMES.map((name) => member(name, { refusesWrites: others[name] ?? false }));
  const own = settings('a', { unwritableAfterMs: AFTER_MS });
  const state = world('a', 'master', { record: { members, term: term({ inSync }) }, settings: own });
  return { ...state, own: { ...state.own, answeredAtMs: START_MS - 200 } };
}

describe('a master that refuses writes', () => {
  test('goes on for unwritable_after_ms, counted from the last answer that was well', () => {
    const before = run(refusing(), ownAnswers(full), AFTER_MS - 201);
    expect(before.state.role.name).toBe('master');
    expect([...before.state.reasons]).toContain('redis_refuses_writes');
    expect(before.state.wakeAtMs).toBeLessThanOrEqual(START_MS + AFTER_MS - 200);
    const after = run(before.state, 1);
    expect(after.state.role).toMatchObject({ name: 'stepping_down', because: 'unwritable', alone: false });
    expect(after.does).toContain('fence_reversibly');
  });

  test('keeps its office while the ensemble is silent, also where it was about to give it away', () => {
    const silent = { kind: 'session_disconnected' } as const;
    expect(run(refusing(), silent, ownAnswers(full), AFTER_MS).state.role.name).toBe('master');
    const stepping = run(refusing(), ownAnswers(full), AFTER_MS);
    expect(stepping.state.role.name).toBe('stepping_down');
    expect(run(stepping.state, silent, 500).state.role.name).toBe('master');
  });

  test('says in its ballot why it does not stand', () => {
    const stepping = run(refusing(), ownAnswers(full), { kind: 'tick' }, AFTER_MS);
    const fenced = run(stepping.state, ownAnswers({ ...full, minReplicas: 1_000_000 }));
    expect(only(fenced, 'release').ballot).toMatchObject({ refusal: 'redis_refuses_writes' });
  });

  test('is forgotten when it takes writes again', () => {
    const played = run(refusing(), ownAnswers(full), 1000, ownAnswers(masterFacts()), AFTER_MS);
    expect(played.state.role.name).toBe('master');
    expect(played.state.own.refusesSinceMs).toBe(null);
  });

  test('stays where nobody in sync is better off', () => {
    const played = run(refusing({ b: true, c: true }), ownAnswers(full), AFTER_MS);
    expect(played.state.role.name).toBe('master');
    expect([...played.state.reasons]).toContain('no_better_replica');
  });

  test('counts only those in sync', () => {
    const played = run(refusing({ b: true }, ['b']), ownAnswers({ ...full, replicas: [attached('b')] }), AFTER_MS);
    expect(played.state.role.name).toBe('master');
  });
});

describe('in a whole service', () => {
  function inPeace(): Village {
    const village = new Village(['a', 'b', 'c'], { bootstrapSettleMs: 100 });
    village.pass(1000);
    village.redis('a').write(1000);
    village.pass(2000);
    expect(village.roles()['a']).toBe('master');
    return village;
  }

  test('the healthy replica takes over, also against the order of names, and nothing is lost', () => {
    const village = inPeace();
    village.redis('b').refusesWrites = true;
    village.pass(1000);
    village.redis('a').refusesWrites = true;
    village.pass(7000);
    expect(village.writable()).toEqual(['c']);
    expect(village.followed()).toEqual({ a: 'c', b: 'c', c: 'itself' });
    expect(village.epochs).toEqual([1, 2]);
    expect(village.redis('a').fullSyncs).toBe(0);
  });

  test('with every disk full nobody moves', () => {
    const village = inPeace();
    for (const name of ['a', 'b', 'c']) village.redis(name).refusesWrites = true;
    village.pass(20_000);
    expect(village.epochs).toEqual([1]);
    village.redis('c').refusesWrites = false;
    village.pass(1000);
    expect(village.writable()).toEqual(['c']);
  });
});

test('one that an outage kept in office stands again when it takes writes', () => {
  const down = run(refusing(), ownAnswers(full), AFTER_MS);
  expect(down.state.role.name).toBe('stepping_down');
  expect(down.state.unwritableEpoch).not.toBeNull();
  const served = run(down.state, { kind: 'session_disconnected' }, 0);
  expect(served.state.role.name).toBe('master');
  expect(served.state.unwritableEpoch).toBeNull();
});
