// A process that was stopped for longer than its lease: what it does first when it goes on, and what it drops.

import { describe, expect, test } from 'vitest';

import type { ActionKind } from './actions.ts';
import { TOO_LATE } from './actions.ts';
import { FENCE_MIN_REPLICAS as FENCE, fenceAtMs, notAfterMs, proofEndsAtMs, wantedMinReplicas } from './fencing.ts';
import type { Input } from './inputs.ts';
import type { State } from './state.ts';
import {
  answer, facts, frozenFacts, kept, lease, masterFacts, member, nodeRecord, only, ownAnswers, ownSees, peer, reads,
  readsBallot, readsLease, readsTerm, ballot, redisOf, replicaFacts, roleIs, run, sessionOf, sight, term, world,
} from './testing/world.ts';

/** Longer than the lease, and than everything that is measured from it. */
const STOPPED_MS = 20_000;
const TAKES_POWER: readonly ActionKind[] = ['fence_reversibly', 'fence_hard', 'freeze'];
const OF_REDIS: readonly ActionKind[] = [
  ...TAKES_POWER, 'promote', 'set_min_replicas', 'follow', 'remote_fence_hard', 'remote_fence_reversibly', 'announce',
];

/** What waits in the sockets of a stopped process, or is the first timer to fire. */
function firstInputs(state: State): readonly [string, Input][] {
  const beat = state.inFlight.get('heartbeat');
  const ours = state.records.lease;
  const heard = ours && { owner: ours.znode.owner, czxid: ours.znode.czxid };
  return [
    ['a timer', { kind: 'tick' }],
    ['an old answer of its Redis', ownAnswers(masterFacts())],
    ['the end of its connection to Redis', ownSees({ seen: 'closed' })],
    ['its own lease, as it was', readsLease(ours)],
    ['another lease', readsLease(kept(lease('b', { epoch: 6 }), { owner: sessionOf('b') }))],
    ['the term, as it was', readsTerm(term())],
    ['a member', reads({ record: 'members', name: 'b', kept: kept(member('b'), { owner: sessionOf('b') }) })],
    ['a node', reads({ record: 'nodes', name: 'b', kept: kept(nodeRecord('b')) })],
    ['a ballot', readsBallot(ballot('b'))],
    ['the end of the session', { kind: 'session_expired' }],
    ['the end of the connection', { kind: 'session_disconnected' }],
    ['a reconnection', { kind: 'session_connected', sessionId: sessionOf('a'), timeoutMs: 6000 }],
    ['a hint', { kind: 'peer_hint', name: 'b', hint: 'promoted' }],
    ['a peer that is gone', peer('b', { peer: 'refused' })],
    ['an order', { kind: 'order', order: { order: 'enable' } }],
    [
      'the answer to a heartbeat that was sent before',
      { kind: 'action_done', id: beat?.id ?? 0, outcome: { result: 'heard', sentAtMs: state.nowMs, lease: heard } },
    ],
  ];
}

function afterThaw(state: State, input: Input): readonly ActionKind[] {
  const thawed = run({ ...state, nowMs: state.nowMs + STOPPED_MS }, input);
  return thawed.does.filter((kind) => OF_REDIS.includes(kind));
}

describe('a thawed master fences before anything else, whatever it looks at first', () => {
  const state = run(world('a', 'master'), 1000).state;
  test.each(firstInputs(state))('%s', (what, input) => {
    if (what.startsWith('the end of its connection')) return expect(afterThaw(state, input)).toEqual([]);
    expect(afterThaw(state, input)[0]).toBe('fence_reversibly');
  });

  test('an answer that was sent in time but is read late does not undo it', () => {
    const asked = run(world('a', 'master'), 1000).state;
    const thawed = run({ ...asked, nowMs: asked.nowMs + STOPPED_MS }, firstInputs(asked).at(-1)![1]);
    expect(roleIs(thawed.state, 'master').inDoubt).toBe(true);
  });
});

test('a thawed replica leaves its master before anything else', () => {
  expect(afterThaw(world('b', 'replica'), { kind: 'tick' })[0]).toBe('freeze');
});

describe('a command that gives power and was sent just before', () => {
  test('a lifted fence is followed by the fence, though the fence is the last thing that was seen', () => {
    const fenced = world('a', 'master', { own: sight(masterFacts({ minReplicas: FENCE })) });
    const lifting = run(fenced, 0);
    expect(lifting.does).toContain('set_min_replicas');
    expect(afterThaw(lifting.state, { kind: 'tick' })).toEqual(['fence_reversibly']);
  });

  test('a promotion is followed by the fence, though a replica is the last thing that was seen', () => {
    const promoting = run(world('a', 'promoting', { own: sight(frozenFacts('a')) }), 0);
    expect(promoting.does).toContain('promote');
    expect(wantedMinReplicas(promoting.state)).toBe(null);
    expect(afterThaw(promoting.state, { kind: 'tick' })).toEqual(['fence_reversibly']);
    const gone = readsLease(kept(lease('b', { epoch: 6 }), { owner: sessionOf('b') }));
    expect(afterThaw(promoting.state, gone)).toContain('fence_reversibly');
  });

  test('nothing is lifted behind a fence that is still on its way', () => {
    const fenced = run(world('a', 'master'), 3500);
    const { znode } = fenced.state.records.lease!;
    const beat = { result: 'heard', sentAtMs: fenced.state.nowMs, lease: { ...znode } } as const;
    const confirmed = run(
      fenced.state, ownAnswers(masterFacts({ minReplicas: FENCE })), answer(fenced.state, 'heartbeat', beat),
    );
    expect(confirmed.does).not.toContain('set_min_replicas');
    expect(run(confirmed.state, answer(confirmed.state, 'fence_reversibly')).does).toContain('set_min_replicas');
  });
});

describe('what may still be done, and until when', () => {
  const master = world('a', 'master');
  test.each<[string, State, ActionKind, number]>([
    ['a promotion ends when the fence is due', master, 'promote', fenceAtMs(master)],
    ['so does every change of the dead-man by a holder', master, 'set_min_replicas', fenceAtMs(master)],
    ['so does an announcement', master, 'announce', fenceAtMs(master)],
    ['so does a fence of somebody else\'s Redis', master, 'remote_fence_hard', fenceAtMs(master)],
    ['a fence of our own never does', master, 'fence_hard', Infinity],
    ['a freeze never does', world('b', 'replica'), 'freeze', Infinity],
    ['following ends with the proof', world('b', 'replica'), 'follow', proofEndsAtMs(world('b', 'replica'))],
    ['a claim is judged by the ensemble', world('b', 'candidate'), 'claim', Infinity],
  ])('%s', (_what, state, kind, until) => {
    expect(notAfterMs(state, kind)).toBe(until);
  });

  test('each action carries its end', () => {
    const promoting = run(world('a', 'promoting', { own: sight(frozenFacts('a')) }), 0);
    expect(only(promoting, 'promote').notAfterMs).toBe(fenceAtMs(promoting.state));
  });

  test('a remote fence that was dropped counts as not asked: nobody is promoted behind it', () => {
    const role = { ...roleIs(world('b', 'promoting'), 'promoting'), deposed: redisOf('a') };
    const state = world('b', 'promoting', {
      role,
      own: sight(frozenFacts('b')),
      remote: sight(facts('a')),
      record: { lease: kept(lease('b'), { owner: sessionOf('b') }) },
    });
    const asked = run(state, 0);
    expect(asked.does).toContain('remote_fence_hard');
    const dropped = run(asked.state, answer(asked.state, 'remote_fence_hard', { result: 'failed', code: TOO_LATE }));
    expect(dropped.does).not.toContain('promote');
    expect(roleIs(dropped.state, 'promoting').remoteFence).not.toBe('answered');
  });
});

test('a replica that was stopped does not follow on the strength of what it knew', () => {
  const frozen = world('b', 'replica', { own: sight(frozenFacts('b')) });
  expect(run(frozen, 0).does).toContain('follow');
  expect(afterThaw(frozen, { kind: 'tick' })).toEqual([]);
  expect(afterThaw(frozen, ownAnswers(replicaFacts('b')))).toEqual(['freeze']);
});
