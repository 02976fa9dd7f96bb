// What /proc proves of our own Redis: stopped for 250 ms hangs, dead is dead at once, and a stopped one may be killed.

import { describe, expect, test } from 'vitest';

import { FENCE_MIN_REPLICAS as FENCE } from './fencing.ts';
import type { State } from './state.ts';
import {
  frozenFacts, masterFacts, only, ownAnswers, ownSees, readsLease, run, settings, sight, world,
} from './testing/world.ts';

const stopped = ownSees({ seen: 'process', is: 'stopped' });
const running = ownSees({ seen: 'process', is: 'running' });
const dead = ownSees({ seen: 'process', is: 'dead' });
const master = (fenceByKill = false, own = masterFacts()): State =>
  world('a', 'master', { settings: settings('a', { fenceByKill }), own: sight(own) });

describe('evidence of the kernel', () => {
  test('a Redis that is stopped for 250 ms without a break is taken as hung, long before down_after_ms', () => {
    const before = run(master(), stopped, 200, stopped, 49);
    expect(before.does).not.toContain('release');
    expect(before.state.wakeAtMs).toBeLessThanOrEqual(before.state.nowMs + 1);
    const after = run(before.state, 1);
    expect(after.does).toEqual(expect.arrayContaining(['fence_hard', 'release']));
    expect([...after.state.reasons]).toContain('redis_hung');
  });

  test('a break begins the count again, and so does an answer', () => {
    expect(run(master(), stopped, 200, running, stopped, 200).does).not.toContain('release');
    expect(run(master(), stopped, 200, ownAnswers(masterFacts()), stopped, 200).does).not.toContain('release');
  });

  test('a dead process is dead, though a child of it keeps its connections open', () => {
    const played = run(master(), dead);
    expect(only(played, 'release').ballot).toMatchObject({ refusal: 'redis_unreachable' });
  });

  test('who is stopped does not stand in an election', () => {
    const played = run(master(), stopped, 250, readsLease(null), 50);
    expect(played.state.role.name).toBe('starting');
    expect(played.does).not.toContain('cast_ballot');
  });
});

describe('fence_by_kill', () => {
  const afterLoss = (state: State): ReturnType<typeof run> => run(state, stopped, 250, readsLease(null), 50);

  test('kills a stopped master when its lease is lost, not before', () => {
    const stoppedOnly = run(master(true), stopped, 250);
    expect(stoppedOnly.does).not.toContain('kill_redis');
    expect(only(run(stoppedOnly.state, readsLease(null)), 'kill_redis')).toBeDefined();
  });

  test('kills it at F, too, when nobody can say whose the lease is', () => {
    const played = run(master(true), { kind: 'session_disconnected' }, 3900, stopped, 99);
    expect(played.does).not.toContain('kill_redis');
    expect(run(played.state, 151).does).toContain('kill_redis');
  });

  test.each<[string, State]>([
    ['without the option', master()],
    ['a server that was seen fenced: it acknowledges nothing', master(true, masterFacts({ minReplicas: FENCE }))],
    ['a replica', master(true, frozenFacts('a'))],
  ])('does not kill %s', (_what, state) => {
    expect(afterLoss(state).does).not.toContain('kill_redis');
  });

  test('does not kill one that runs again', () => {
    const played = run(master(true), stopped, 250, running, readsLease(null), 50);
    expect(played.does).not.toContain('kill_redis');
  });

  test('says when nothing proves which process it is, and only where that matters', () => {
    const unproved = ownSees({ seen: 'process_proof', ok: false });
    expect([...run(master(true), unproved).state.reasons]).toContain('proc_not_trusted');
    expect([...run(master(), unproved).state.reasons]).toEqual([]);
    expect([...run(master(true), ownSees({ seen: 'process_proof', ok: true })).state.reasons]).toEqual([]);
  });
});
