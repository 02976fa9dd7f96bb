// Whoever is deposed is fenced, also where who claimed dies before it promotes; and nobody keeps it writable.

import { describe, expect, test } from 'vitest';

import type { ActionKind } from './actions.ts';
import type { RedisFacts } from './facts.ts';
import { inPeace } from './testing/peace.ts';
import { Village } from './testing/village.ts';
import {
  facts, leaseOf, linkTo, redisOf, remoteAnswers, remoteSees, replicaFacts, run, sight, termOf, world,
} from './testing/world.ts';

/** For how long more than one Redis takes writes in the time to come. */
function overlapMs(village: Village, forMs: number): number {
  let ms = 0;
  for (let i = 0; i < forMs; i += 10) {
    village.pass(10);
    if (village.writable().length > 1) ms += 10;
  }
  return ms;
}

/** Goes on until this agent is about to do one of these, and dies there. */
function passUntilDead(village: Village, name: string, ...kinds: readonly ActionKind[]): void {
  let deaths = 0;
  village.interrupt = (by, { kind }) => by === name && kinds.includes(kind) && deaths++ === 0;
  for (let i = 0; i < 6000 && deaths === 0; i++) village.pass(5);
  expect(deaths).toBe(1);
}

/** The agent of `a` dies, its Redis lives; that of `b` dies right behind its claim, before it fences. */
function claimThenCrash(village: Village): void {
  village.killAgent('a', 0);
  passUntilDead(village, 'b', 'remote_fence_reversibly');
}

describe('a master whose successor died right behind its claim is fenced', () => {
  test('by that successor, whose agent restarts', () => {
    const village = inPeace();
    village.order('c', { order: 'disable' });
    village.pass(1000);
    claimThenCrash(village);
    village.start('b');
    expect(overlapMs(village, 20_000)).toBe(0);
  });

  test('by the next one', () => {
    const village = inPeace(['a', 'b', 'c', 'd']);
    village.order('d', { order: 'disable' });
    village.pass(1000);
    claimThenCrash(village);
    expect(overlapMs(village, 20_000)).toBe(0);
  });

  test('while a replica without an agent keeps it writable', () => {
    const village = inPeace(['a', 'b', 'c', 'd']);
    village.killAgent('d', 0);
    claimThenCrash(village);
    village.start('b');
    expect(overlapMs(village, 20_000)).toBe(0);
  });

  test('by that successor, whose Redis came back from its disk before it stood', () => {
    const village = inPeace(['a', 'b', 'd']);
    village.killAgent('d', 0);
    village.pass(300);
    village.killAgent('a', 0);
    village.redis('b').restart('kept');
    passUntilDead(village, 'b', 'remote_fence_reversibly', 'remote_fence_hard');
    village.start('b');
    expect(overlapMs(village, 20_000)).toBe(0);
  });
});

test('the target of a switchover that restarts behind its claim has the last byte, or the old one serves on', () => {
  const village = inPeace();
  village.pass(2000);
  let crashed = false;
  village.interrupt = (by, action) => {
    if (by === 'a' && action.kind === 'fence_reversibly' && !crashed) village.redis('a').write(500);
    if (crashed || by !== 'b' || action.kind !== 'remote_fence_reversibly') return false;
    village.redis('a').unreachableFor.add('b');
    return (crashed = true);
  };
  const request = {
    id: 'it', kind: 'switchover', target: 'b', from: null, asker: 't', askedAt: village.nowMs + village.wallLeadMs,
    scheduledAt: null, force: false,
  } as const;
  village.order('a', { order: 'operation', request });
  village.pass(300);
  village.start('b');
  village.pass(8000);
  village.redis('a').unreachableFor.clear();
  village.pass(8000);
  const [master = ''] = village.writable();
  expect(village.redis(master).offset).toBeGreaterThanOrEqual(1500);
});

describe('a disabled replica', () => {
  const from = (own: RedisFacts) => run(
    world('c', 'replica', { enabled: false, own: sight(own) }), 0, leaseOf('b', 6), termOf('b', 6),
    remoteSees({ seen: 'opened' }), remoteAnswers(facts('b')),
  );

  test('leaves a deposed master that streams on: its successor may not reach it', () => {
    expect(from(replicaFacts('c')).does).toContain('freeze');
  });

  test('stays with its successor, and with a server that its operator had it follow', () => {
    expect(from(replicaFacts('c', { link: linkTo(redisOf('b')) })).does).not.toContain('freeze');
    expect(from(replicaFacts('c', { link: linkTo({ host: '10.9.9.9', port: 6379 }) })).does).not.toContain('freeze');
  });

  const unproven = (own: RedisFacts) => run(
    world('c', 'replica', { enabled: false, own: sight(own) }), { kind: 'session_disconnected' }, 3999, 2,
  );

  test('leaves its master without proof from the ensemble', () => {
    expect(unproven(replicaFacts('c')).does).toContain('freeze');
    const elsewhere = linkTo({ host: '10.9.9.9', port: 6379 });
    expect(unproven(replicaFacts('c', { link: elsewhere })).does).not.toContain('freeze');
  });
});

test('an ordered failover whose node dies behind its claim leaves the election as it was', () => {
  const village = inPeace();
  village.redis('a').unreachableFor.add('c');
  village.pass(3000);
  village.redis('a').write(5000);
  village.pass(1000);
  village.killAgent('b', 0);
  village.killRedis('a');
  village.killAgent('a', 0);
  village.pass(12_000);
  const request = {
    id: 'it', kind: 'failover', target: 'c', from: null, asker: 't', askedAt: village.nowMs + village.wallLeadMs,
    scheduledAt: null, force: true,
  } as const;
  village.order('c', { order: 'operation', request });
  passUntilDead(village, 'c', 'promote');
  village.start('c');
  village.pass(300);
  village.start('b');
  village.pass(60_000);
  expect(village.writable()).toEqual(['b']);
});

describe('a claim that begins a lineage is taken up again', () => {
  const crashesOnce = (village: Village, name: string): void => {
    passUntilDead(village, name, 'promote');
    village.start(name);
    village.pass(60_000);
  };

  test('by whom an operator named', () => {
    const village = inPeace();
    for (const name of ['a', 'c']) {
      village.killRedis(name);
      village.killAgent(name, 0);
    }
    village.pass(20);
    village.order('b', { order: 'bootstrap', master: 'b' });
    crashesOnce(village, 'b');
    expect(village.writable()).toEqual(['b']);
  });

  test('by the first master of all', () => {
    const village = new Village(['a', 'b', 'c'], { bootstrapSettleMs: 100 });
    for (const name of ['a', 'b', 'c']) village.redis(name).target = { host: '127.0.0.1', port: 1 };
    crashesOnce(village, 'a');
    expect(village.writable()).toHaveLength(1);
  });
});
