// The ensemble falls silent: promises stand in for it, and in no order of events do two masters take writes. (The
// village throws whenever two Redises take writes, or an epoch is claimed twice.)

import { describe, expect, test } from 'vitest';

import { ASK_AFTER_PART, PROMISE_COUNTED, RENEW_PART } from './failsafe.ts';
import { RECLAIM_GRACE_MS } from './promises.ts';
import { Village } from './testing/village.ts';
import {
  answer, EPOCH, kept, masterFacts, only, readsLease, redisOf, run, SHARED, sight, settings, START_MS, T_MS,
  term, world,
} from './testing/world.ts';

const NAMES = ['a', 'b', 'c'] as const;

function inPeace(names: readonly string[] = NAMES, change: Parameters<typeof settings>[1] = {}): Village {
  const village = new Village(names, { bootstrapSettleMs: 100, ...change });
  village.pass(1000);
  village.redis('a').write(1000);
  village.pass(7000);
  expect(village.writable()).toEqual(['a']);
  return village;
}

/** Lets time pass in small pieces, and shows what takes writes in each. */
function writableThrough(village: Village, ms: number): readonly string[] {
  const seen = new Set<string>();
  for (let passed = 0; passed < ms; passed += 50) seen.add(village.pass(50).writable().join());
  return [...seen];
}

describe('the ensemble is down', () => {
  test.each(['kept', 'expired'] as const)('writes go on for 3 T and after it is back with sessions %s', (sessions) => {
    const village = inPeace();
    village.ensembleDown();
    expect(writableThrough(village, 3 * T_MS)).toEqual(['a']);
    expect(village.agent('a').state.failsafe?.confirmed).toEqual(['b', 'c']);
    expect(village.agent('b').state.promise?.to).toBe('a');
    const letIn = village.ensembleBack(sessions);
    for (const name of ['b', 'c', 'a']) {
      letIn(name);
      expect(writableThrough(village, 700)).toEqual(['a']);
    }
    expect(writableThrough(village, 2 * T_MS)).toEqual(['a']);
    expect(village.agent('a').state.failsafe).toBe(null);
    expect(village.epochs).toEqual(sessions === 'kept' ? [1] : [1, 2]);
    expect(village.ensemble.records.term?.value.inSync).toEqual(['b', 'c']);
    expect(village.followed()).toEqual({ a: 'itself', b: 'a', c: 'a' });
  });

  test('of two nodes, and of one that is alone, writes go on as well', () => {
    for (const names of [['a', 'b'], ['a']]) {
      const village = inPeace(names);
      village.ensembleDown();
      expect(writableThrough(village, 3 * T_MS)).toEqual(['a']);
      village.ensembleBack('expired')(...names);
      expect(writableThrough(village, 2 * T_MS)).toEqual(['a']);
    }
  });

  test('with one registered node unreachable the master is fenced by F, and serves when that node is back', () => {
    const village = inPeace();
    village.agent('c').deaf = true;
    village.ensembleDown();
    village.pass(T_MS * (2 / 3));
    expect(village.writable()).toEqual([]);
    expect(village.agent('a').state.failsafe?.refused).toEqual([{ node: 'c', reason: 'agent_silent' }]);
    expect([...village.agent('a').state.reasons]).toContain('failsafe_refused');
    village.ensembleBack('kept')(...NAMES);
    village.pass(2000);
    expect(village.writable()).toEqual(['a']);
    expect(village.epochs).toEqual([1]);
  });

  test('a node that is back in time to promise lifts the fence before the ensemble is back', () => {
    const village = inPeace();
    village.killAgent('c');
    village.ensembleDown();
    village.pass(T_MS);
    expect(village.writable()).toEqual([]);
    village.start('c');
    village.pass(1000);
    expect(village.writable()).toEqual(['a']);
    expect(village.agent('c').state.promise?.to).toBe('a');
  });

  test('a replica whose link is down promises nothing, because it could be promoted with less', () => {
    const village = inPeace();
    village.ensembleDown();
    village.killRedis('c');
    village.pass(2 * T_MS);
    expect(village.agent('a').state.failsafe?.refused).toEqual([{ node: 'c', reason: 'not_streaming' }]);
    expect(village.writable()).toEqual([]);
  });

  test('on_ensemble_loss: continue goes on without the silent node, and says so', () => {
    const village = inPeace(NAMES, { shared: { ...SHARED, onEnsembleLoss: 'continue' } });
    for (const name of ['b', 'c']) village.agent(name).deaf = true;
    village.ensembleDown();
    expect(writableThrough(village, 3 * T_MS)).toContain('a');
    expect(village.writable()).toEqual(['a']);
    // Both replicas left: nobody promised, nobody proved; the dead-man is lowered because the operator chose so.
    expect(village.followed()).toMatchObject({ b: 'nobody', c: 'nobody' });
    expect([...village.agent('a').state.reasons]).toContain('unconfirmed');
    village.ensembleBack('kept')(...NAMES);
    village.agent('b').deaf = false;
    village.pass(2 * T_MS);
    expect(village.writable()).toEqual(['a']);
    expect(village.redis('a').minReplicas).toBe(1);
  });

  test('a master whose Redis dies meanwhile is succeeded as soon as the ensemble is back', () => {
    const village = inPeace();
    village.ensembleDown();
    village.pass(2 * T_MS);
    village.killRedis('a');
    village.pass(1000);
    village.ensembleBack('kept')(...NAMES);
    village.pass(1000);
    expect(['b', 'c']).toContain(village.writable()[0]);
  });

  test('an ensemble that comes back empty finds the same master, and the epoch does not go back', () => {
    const village = inPeace();
    village.ensembleDown();
    village.pass(2 * T_MS);
    const letIn = village.ensembleBack('wiped');
    for (const name of NAMES) {
      letIn(name);
      expect(writableThrough(village, 500)).toEqual(['a']);
    }
    village.pass(2 * T_MS);
    expect(village.writable()).toEqual(['a']);
    expect(village.epochs).toEqual([1, 2]);
    expect(village.ensemble.records.term?.value.nodes).toEqual(['a', 'b', 'c']);
  });
});

describe('promises bind', () => {
  test('the ensemble comes back for the others alone: nobody claims while the master counts on them', () => {
    const village = inPeace();
    village.ensembleDown();
    village.pass(2 * T_MS);
    const letIn = village.ensembleBack('expired');
    letIn('b', 'c');
    // The village throws if both take writes; the master stops first, then somebody succeeds.
    village.pass(RECLAIM_GRACE_MS + 2 * T_MS);
    expect(['b', 'c']).toContain(village.writable()[0]);
    letIn('a');
    village.pass(3000);
    expect(village.followed()['a']).toBe(village.writable()[0]);
  });

  test.each(['b', 'c'])('%s restarts with its promise given, and keeps it', (name) => {
    const village = inPeace();
    village.ensembleDown();
    village.pass(2 * T_MS);
    village.killAgent(name);
    village.start(name);
    village.ensembleBack('expired')('b', 'c');
    for (const other of ['b', 'c']) village.agent(other).deaf = true;
    let untilMs = village.agent('a').state.failsafe?.untilMs ?? 0;
    expect(untilMs).toBeGreaterThan(village.nowMs);
    while (village.nowMs < untilMs - 1000) {
      village.pass(50);
      untilMs = Math.max(untilMs, village.agent('a').state.failsafe?.untilMs ?? 0);
      expect(village.epochs).toEqual([1]);
    }
    village.pass(3 * T_MS);
    expect(village.epochs).toEqual([1, 2]);
  });

  test('all agents but the master\'s restart during the outage, and the ensemble forgets the lease', () => {
    const village = inPeace();
    village.ensembleDown();
    village.pass(2 * T_MS);
    for (const name of ['b', 'c']) {
      village.killAgent(name);
      village.start(name);
    }
    const letIn = village.ensembleBack('expired');
    letIn('c');
    village.pass(1000);
    letIn('b');
    village.pass(1000);
    letIn('a');
    expect(writableThrough(village, 2 * T_MS)).toEqual(['a']);
  });

  test('the master\'s agent restarts during the outage: fenced, and nobody else takes writes meanwhile', () => {
    const village = inPeace();
    village.ensembleDown();
    village.pass(2 * T_MS);
    village.killAgent('a');
    village.start('a');
    village.pass(T_MS);
    expect(village.writable()).toEqual([]);
    village.ensembleBack('expired')(...NAMES);
    village.pass(2 * T_MS);
    expect(village.writable()).toHaveLength(1);
  });

  test('a replica bound by a promise streams on beyond F, and leaves when it ends', () => {
    const village = inPeace();
    village.ensembleDown();
    village.pass(3 * T_MS);
    expect(village.followed()['b']).toBe('a');
    village.agent('b').deaf = true;
    village.pass(T_MS + 100);
    expect(village.followed()['b']).toBe('nobody');
    expect(village.writable()).toEqual([]);
  });
});

describe('the asker', () => {
  const askingAt = Math.ceil(T_MS * ASK_AFTER_PART);
  const agents = new Map(['b', 'c'].map((name) => [name, { http: redisOf(name), redis: redisOf(name) }]));
  const asking = () => run(world('a', 'master', { agents, own: sight(masterFacts({ offset: 0 })) }), askingAt);
  const yes = (promiseMs: number) => ({ promised: true, promiseMs }) as const;
  const asked = (state: Parameters<typeof answer>[0], b: number | null, c: number | null, sentAtMs?: number) =>
    answer(state, 'ask_promises', {
      result: 'asked',
      sentAtMs: sentAtMs ?? state.nowMs,
      answers: [{ node: 'b', answer: b === null ? null : yes(b) }, { node: 'c', answer: c === null ? null : yes(c) }],
    });

  test('asks after two heartbeats went unanswered, not before', () => {
    expect(run(world('a', 'master', { agents }), askingAt - 1).does).not.toContain('ask_promises');
    const { questions } = only(asking(), 'ask_promises');
    expect(questions.map(({ question: { node } }) => node)).toEqual(['b', 'c']);
  });

  test('does not turn without a pause while the answers are on their way', () => {
    const { state } = asking();
    const { state: waiting } = run(state, 1);
    expect(waiting.inFlight.has('ask_promises')).toBe(true);
    expect(waiting.wakeAtMs).toBeGreaterThan(waiting.nowMs + 1);
  });

  test('who is alone promises itself anew when it is due, not in the next turn', () => {
    const alone = kept(term({ nodes: ['a'], inSync: [] }), { version: 8 });
    const state = world('a', 'master', { own: sight(masterFacts({ offset: 0 })) });
    const { state: covered } = run({ ...state, records: { ...state.records, term: alone } }, askingAt);
    expect(covered.failsafe?.untilMs).toBe(covered.nowMs + PROMISE_COUNTED * covered.failsafe!.round!.promiseMs);
    expect(covered.wakeAtMs).toBeGreaterThan(covered.nowMs + 1);
  });

  test('counts the shortest promise, from sending, and asks again in time', () => {
    const { state } = asking();
    const late = run(state, 300, asked(run(state, 300).state, T_MS, 4000, state.nowMs));
    expect(late.state.failsafe?.untilMs).toBe(state.nowMs + PROMISE_COUNTED * 4000);
    expect(late.state.wakeAtMs).toBeLessThanOrEqual(state.nowMs + RENEW_PART * 4000);
    expect(late.says).toContain('failsafe_started');
  });

  test('one silence is enough to rest on nothing', () => {
    const { state } = asking();
    const played = run(state, asked(state, T_MS, null));
    expect(played.state.failsafe?.untilMs).toBe(Number.NEGATIVE_INFINITY);
    expect(run(played.state, 1501).does).toContain('fence_reversibly');
  });

  test('an answer to an earlier office, or to no question that is on its way, extends nothing', () => {
    const { state } = asking();
    const answered = asked(state, T_MS, T_MS);
    const once = run(state, answered).state;
    expect(run(once, 1000, answered).state.failsafe?.untilMs).toBe(once.failsafe?.untilMs);
    const role = { ...state.role, epoch: EPOCH + 1 } as typeof state.role;
    const later = run({ ...state, role, rememberedEpoch: EPOCH + 1 }, answered).state;
    expect(later.failsafe?.untilMs ?? Number.NEGATIVE_INFINITY).toBe(Number.NEGATIVE_INFINITY);
  });

  test('after a sleep what was promised before counts no more', () => {
    const { state } = asking();
    const covered = run(state, asked(state, T_MS, T_MS)).state;
    const slept = run(covered, { kind: 'slept' });
    expect(slept.does).toContain('fence_reversibly');
  });

  test('a node that a term on its way registers is asked, too', () => {
    const offered = { nodes: ['a', 'b', 'c', 'd'], inSync: ['b', 'c', 'd'], atMs: START_MS };
    const known = new Map([...agents, ['d', { http: redisOf('d'), redis: redisOf('d') }]]);
    const state = world('a', 'master', { agents: known, offered });
    const { questions } = only(run(state, askingAt), 'ask_promises');
    expect(questions.map(({ question: { node, inSync } }) => [node, inSync])).toContainEqual(['d', true]);
  });

  test('a node registered while it is under way voids what was promised without it', () => {
    const { state } = asking();
    const covered = run(state, asked(state, T_MS, T_MS)).state;
    const more = kept(term({ nodes: ['a', 'b', 'c', 'd'] }), { version: 8 });
    const wider = run(covered, { kind: 'record_read', read: { record: 'term', kept: more } });
    expect(wider.state.failsafe?.untilMs).toBe(Number.NEGATIVE_INFINITY);
    expect(wider.does).toContain('ask_promises');
  });

  test('an answer that knows a later epoch fences at once, whatever was promised before, even with continue', () => {
    const shared = { ...SHARED, onEnsembleLoss: 'continue' } as const;
    const base = world('a', 'master', { agents, settings: settings('a', { shared }) });
    const first = run(base, askingAt).state;
    const covered = run(first, asked(first, T_MS, T_MS), RENEW_PART * T_MS).state;
    const refused = { promised: false, reason: 'later_epoch' } as const;
    const answers = [{ node: 'b', answer: refused }, { node: 'c', answer: null }];
    const sentAtMs = covered.nowMs;
    const played = run(covered, answer(covered, 'ask_promises', { result: 'asked', sentAtMs, answers }));
    expect(played.does).toContain('fence_reversibly');
  });

  test('a master that was restarted, or made a replica, rests on no promise', () => {
    const { state } = asking();
    const covered = run(state, asked(state, T_MS, T_MS)).state;
    const other = run(covered, { kind: 'own_redis', event: { seen: 'answered', facts: masterFacts({ runId: 'x' }) } });
    expect(other.state.failsafe).toBe(null);
  });

  test('a session that ended costs no power while promises hold, and all of it when another lease is seen', () => {
    const { state } = asking();
    const covered = run(state, asked(state, T_MS, T_MS)).state;
    const expired = run(covered, { kind: 'session_expired' });
    expect(expired.state.role.name).toBe('master');
    expect(expired.does).not.toContain('fence_reversibly');
    const held = { ...covered.records.lease!.value, node: 'b', instance: 'instance-b', epoch: 6 };
    const others = kept(held, { owner: 9n });
    const lost = run(expired.state, readsLease(others));
    expect(lost.says).toContain('lease_lost');
    expect(lost.does).toContain('fence_reversibly');
  });

  test('without promises a session that ended costs all power at once', () => {
    const { state } = asking();
    expect(run(state, { kind: 'session_expired' }).says).toContain('lease_lost');
  });

  test('an order to stop ends it, and leaves nothing writable that nobody answers for', () => {
    const { state } = asking();
    const expired = run(run(state, asked(state, T_MS, T_MS)).state, 3000, { kind: 'session_expired' }).state;
    const stopped = run(expired, { kind: 'order', order: { order: 'stop' } });
    expect(stopped.state.failsafe).toBe(null);
    expect(stopped.does).toContain('fence_reversibly');
  });
});

test('a master without a lease asks again after a pause, not at every answer', () => {
  const base = world('a', 'master');
  const failsafe = {
    sinceMs: START_MS, runId: 'run-a', nodes: ['b', 'c'], untilMs: START_MS + 4000, byChoice: false,
    round: { sentAtMs: START_MS, endedAtMs: START_MS, promiseMs: 6000 }, confirmed: ['b', 'c'], refused: [],
  };
  const own = sight(masterFacts(), { silentSinceMs: START_MS - 100 });
  const records = { ...base.records, lease: null, masterRecord: null };
  let played = run({ ...base, failsafe, lastProofMs: START_MS - 5000, own, records }, 0);
  let heartbeats = 0;
  for (; heartbeats < 50 && played.state.inFlight.has('heartbeat'); heartbeats++) {
    const heard = { result: 'heard', sentAtMs: START_MS, lease: null } as const;
    played = run(played.state, answer(played.state, 'heartbeat', heard));
  }
  expect(heartbeats).toBeLessThan(3);
});
