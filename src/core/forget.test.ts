// Forgetting nodes: who is gone for good is no longer counted, and no longer asked.

import { describe, expect, test } from 'vitest';

import {
  only, run, SHARED, member, masterFacts, attached, settings, sight, START_MS, term, world,
} from './testing/world.ts';
import type { Change } from './testing/world.ts';

const FORGET_MS = 60_000;

/** `c` is registered, out of the set, and without a record for as long as the rule asks. */
function master(change: Change = {}, of: Parameters<typeof settings>[1] = {}) {
  const base = world('a', 'master', {
    settings: settings('a', { forgetAfterMs: FORGET_MS, ...of }),
    own: sight(masterFacts({ replicas: [attached('b')] })),
    record: { term: term({ inSync: ['b'] }), members: [member('a'), member('b')] },
    ...change,
  });
  const absent = new Map([['c', START_MS - FORGET_MS]]);
  return base.role.name === 'master' ? { ...base, role: { ...base.role, absent } } : base;
}

const orders = (node: string) => ({ kind: 'order', order: { order: 'forget', node } }) as const;

test('a node that was gone for forget_after_ms is left out of the next term, and it is said', () => {
  const played = run(master(), 0);
  expect(only(played, 'write_term').term.nodes).toEqual(['a', 'b']);
  expect(played.says).toContain('node_forgotten');
});

test('not before its time, which is waited for', () => {
  const state = master({}, { forgetAfterMs: FORGET_MS + 500 });
  const played = run(state, 0);
  expect(played.does).not.toContain('write_term');
  expect(played.state.wakeAtMs).toBeLessThanOrEqual(START_MS + 500);
});

test.each<[string, Change, Parameters<typeof settings>[1]]>([
  ['it has a member record', { record: { term: term({ inSync: ['b'] }) } }, {}],
  ['the ensemble is silent', { session: { id: 97n, timeoutMs: 6000, connected: false } }, {}],
  ['WAIT needs it', { record: {
    term: term({ inSync: ['b'] }),
    members: [member('a'), member('b')],
    settings: { version: 1, ...SHARED, durability: 'durable', waitReplicas: 2 },
  } }, {}],
])('never when %s', (_what, change, of) => {
  const written = run(master(change, of), 0).actions.filter((action) => action.kind === 'write_term');
  for (const { term: next } of written) expect(next.nodes).toContain('c');
});

describe('an operator\'s order', () => {
  const young = (change: Change = {}) => {
    const state = master(change);
    return state.role.name === 'master' ? { ...state, role: { ...state.role, absent: new Map() } } : state;
  };
  const refusalOf = (played: ReturnType<typeof run>) => only(played, 'answer_order').refusal;

  test('is carried out at once, and answered when the term says so', () => {
    const ordered = run(young(), orders('c'));
    expect(only(ordered, 'write_term').term.nodes).toEqual(['a', 'b']);
    expect(ordered.does).not.toContain('answer_order');
  });

  test.each<[string, string, string | null]>([
    ['a node with a living agent', 'b', 'node_in_use'],
    ['the master itself', 'a', 'node_in_use'],
    ['one that nobody knows', 'z', null],
  ])('for %s is answered', (_what, node, refusal) => {
    expect(refusalOf(run(young(), orders(node)))).toBe(refusal);
  });

  test('is refused by whoever is not the master, and while the ensemble is silent', () => {
    expect(refusalOf(run(world('b', 'replica'), orders('c')))).toBe('not_lease_holder');
    const silent = young({ session: { id: 97n, timeoutMs: 6000, connected: false } });
    expect(refusalOf(run(silent, orders('c')))).toBe('zookeeper_unreachable');
  });

  test('is refused where too few would be left', () => {
    const record = { term: term({ nodes: ['a', 'c'], inSync: [] }), members: [member('a')] };
    expect(refusalOf(run(young({ record }), orders('c')))).toBe('too_few_nodes');
  });

  test('is refused in durable mode while nobody else in sync holds for sure what that node may hold', () => {
    const record = {
      term: term({ nodes: ['a', 'b', 'c', 'd'], inSync: ['b'] }), members: [member('a'), member('b'), member('d')],
      settings: { version: 1, ...SHARED, durability: 'durable', waitReplicas: 2 },
    } as const;
    const own = sight(masterFacts({ replicas: [attached('b')] }));
    expect(refusalOf(run(young({ own, record }), orders('c')))).toBe('durability_unproved');
  });
});
