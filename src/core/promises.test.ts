// Promises, as those see them who give them: what is promised binds, also across a restart of the agent.

import { describe, expect, test } from 'vitest';

import { EPOCHS_AHEAD_MAX } from './promises.ts';
import type { FailsafeQuestion } from '../contract/failsafe.ts';
import {
  ballot, EPOCH, instanceOf, kept, linkTo, masterFacts, only, readsLease, redisOf, REPLID,
  replicaFacts, run, runIdOf, sight, sessionOf, settings, START_MS, T_MS, term, world,
} from './testing/world.ts';

const question: FailsafeQuestion = {
  service: 'shop',
  node: 'b',
  from: { name: 'a', instance: instanceOf('a') },
  epoch: EPOCH,
  redis: redisOf('a'),
  runId: runIdOf('a'),
  replid: REPLID,
  inSync: true,
  promiseMs: 5000,
};
const asks = (change: Partial<FailsafeQuestion> = {}) =>
  ({ kind: 'failsafe_asked', id: 1, question: { ...question, ...change } }) as const;
const answerOf = (played: ReturnType<typeof run>) => only(played, 'answer_question').answer;

describe('the giver', () => {
  test('promises, and from then on neither votes nor claims', () => {
    const given = run(world('b', 'replica'), asks());
    expect(answerOf(given)).toEqual({ promised: true, promiseMs: 5000 });
    const bound = run(given.state, readsLease(null), 4999);
    expect(bound.does).not.toContain('freeze');
    expect(bound.state.role.name).toBe('replica');
    expect([...bound.state.reasons]).toContain('failsafe_promised');
    expect(bound.state.wakeAtMs).toBeLessThanOrEqual(START_MS + 5000);
    expect(run(bound.state, 1).state.role.name).toBe('candidate');
  });

  test('promises no longer than its own limit, which is what it waits out after a restart', () => {
    const state = world('b', 'replica', { settings: settings('b', { failsafePromiseMs: 3000 }) });
    expect(answerOf(run(state, asks()))).toEqual({ promised: true, promiseMs: 3000 });
  });

  test('is free again when the master gave up in order', () => {
    const given = run(world('b', 'replica'), asks());
    const refusing = kept(ballot('a', { refusal: 'redis_unreachable' }), { owner: sessionOf('a') });
    const released = run(given.state, readsLease(null), {
      kind: 'record_read', read: { record: 'ballots', name: 'a', kept: refusing },
    });
    expect(released.says).toContain('promise_ended');
    expect(released.state.role.name).toBe('candidate');
  });

  test.each<[string, Parameters<typeof world>, Partial<FailsafeQuestion>, string]>([
    ['another node', ['b', 'replica'], { node: 'c' }, 'wrong_node'],
    ['another service', ['b', 'replica'], { service: 'bank' }, 'wrong_node'],
    ['a master of the past', ['b', 'replica'], { epoch: EPOCH - 1 }, 'later_epoch'],
    ['while it is a candidate', ['b', 'candidate'], {}, 'contending'],
    ['while it is master itself', ['a', 'master'], { node: 'a', from: { name: 'b', instance: 'x' } }, 'contending'],
    ['while its ballot stands', ['b', 'replica', { record: { ballots: [ballot('b')] } }], {}, 'contending'],
    ['while it may have won without knowing', ['b', 'replica', {
      claimed: { epoch: EPOCH + 1, deposed: null, takeover: false, fenced: false, adopt: false, former: null, atMs: 0 },
    }], {}, 'contending'],
    ['when the lease is another\'s', ['b', 'replica'], { from: { name: 'c', instance: 'x' } }, 'lease_ended'],
    ['an earlier process of the holder', ['b', 'replica'], { from: { name: 'a', instance: 'x' } }, 'lease_ended'],
    ['when it sees no lease', ['b', 'replica', { record: { lease: null } }], {}, 'lease_ended'],
    ['when its link is down', ['b', 'replica', {
      own: sight(replicaFacts('b', { link: { ...replicaFacts('b').link!, up: false } })),
    }], {}, 'not_streaming'],
    ['when it has another history', ['b', 'replica'], { replid: 'other' }, 'not_streaming'],
    ['when the master is another process', ['b', 'replica'], { runId: 'run-new' }, 'not_streaming'],
  ])('says no to %s', (_what, [of, role, change], asked, reason) => {
    const played = run(world(of, role, change), asks(asked));
    expect(answerOf(played)).toEqual({ promised: false, reason });
    expect(played.state.promise).toBe(null);
  });

  test('outside the in-sync set it need not stream: it cannot be promoted', () => {
    const state = world('b', 'replica', { own: sight(null) });
    expect(answerOf(run(state, asks({ inSync: false })))).toMatchObject({ promised: true });
  });

  test('a restarted one, who knows nothing and sees no ensemble, promises by what its Redis does', () => {
    const change = { record: { lease: null, term: null }, session: null, synced: false };
    expect(answerOf(run(world('b', 'starting', change), asks()))).toMatchObject({ promised: true });
  });
});

describe('the restarted agent', () => {
  const fresh = { startedAtMs: START_MS, registeredAtStart: true, record: { lease: null } } as const;

  test('waits out the longest promise that it may have given', () => {
    const played = run(world('b', 'replica', fresh), T_MS - 1);
    expect(played.state.role.name).toBe('replica');
    expect([...played.state.reasons]).toContain('failsafe_promised');
    expect(run(played.state, 1).state.role.name).toBe('candidate');
  });

  test.each<[string, Parameters<typeof world>[2]]>([
    ['it was not registered when it began', { ...fresh, registeredAtStart: false }],
    ['the term names its own node as master', { ...fresh, record: { lease: null, term: term({
      master: { name: 'b', runId: 'run-old', redis: redisOf('b') }, inSync: ['c'],
    }) } }],
    ['the master gave up in order', {
      ...fresh, record: { lease: null, ballots: [ballot('a', { refusal: 'redis_hung' })] },
    }],
  ])('does not wait when %s', (_what, change) => {
    expect(run(world('b', 'replica', change), 1).state.role.name).toBe('candidate');
  });

  test('keeps its Redis from a master that restarted empty while it waits', () => {
    const own = sight(replicaFacts('b', { link: { ...replicaFacts('b').link!, up: false, syncInProgress: true } }));
    const remote = sight(masterFacts({ runId: 'run-new', keys: 0 }));
    expect(run(world('b', 'replica', { ...fresh, own, remote }), 1).does).toContain('freeze');
  });

  test('leaves an address where another process answers, though it may not stand', () => {
    const remote = sight(masterFacts({ runId: 'run-new', keys: 0 }));
    const own = sight(replicaFacts('b', { link: linkTo(redisOf('a'), { up: false }) }));
    const played = run(world('b', 'replica', { ...fresh, own, remote }), 1);
    expect(played.does).toContain('freeze');
    expect(played.state.role.name).toBe('replica');
  });
});

test('a question lifts the epoch that is remembered only for a master of the service, and not by much', () => {
  const silent = run(world('b', 'replica'), { kind: 'session_disconnected' }).state;
  const remembered = (name: string, epoch: number): number => {
    return run(silent, asks({ from: { name, instance: instanceOf(name) }, epoch })).state.rememberedEpoch;
  };
  expect(remembered('a', EPOCH + 1)).toBe(EPOCH + 1);
  expect(remembered('z', EPOCH + 1)).toBeLessThanOrEqual(EPOCH);
  expect(remembered('a', EPOCH + EPOCHS_AHEAD_MAX)).toBe(EPOCH + EPOCHS_AHEAD_MAX);
  expect(remembered('a', EPOCH + EPOCHS_AHEAD_MAX + 1)).toBeLessThanOrEqual(EPOCH);
});
