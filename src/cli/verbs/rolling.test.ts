/** When a node may be restarted, while others act on the service too. */
import { expect, test } from 'vitest';
import { playedIo } from '../../../test/support/cli-io.ts';
import {
  addressOf, playedFacts, playedLease, playedRecords, playedTerm, playedView, playedViews, stamped,
} from '../../../test/support/played-service.ts';
import type { Desk } from '../act/desk.ts';
import type { ServiceFacts } from '../facts.ts';
import { FlagValues } from '../flags.ts';
import { masterOf } from '../topology.ts';
import type { Call } from '../verb.ts';
import { untilSpared } from './rolling.ts';

/** After redis1 handed over to redis2; whatever else is missing. */
function afterHandOver(): ServiceFacts {
  const master = { name: 'redis2', runId: 'run-redis2', redis: addressOf('redis2', 6379) };
  const attached = ['redis1', 'redis3'].map((name) => {
    return { name, ...addressOf(name, 6379), state: 'online', offset: 1, lagBytes: 0, inSync: true };
  });
  const { redis: replicaRedis } = playedView('redis3');
  return playedFacts({
    records: playedRecords({
      lease: stamped(playedLease('redis2'), 1, 2n),
      term: stamped(playedTerm({ master, inSync: ['redis1', 'redis3'] }), 1),
    }),
    views: playedViews({
      redis1: { role: 'replica', redis: replicaRedis },
      redis2: { role: 'master', replicas: attached, switchover: { candidates: [], gapsMs: [] } },
    }),
  });
}

const BEFORE = playedFacts();
const AFTER = afterHandOver();
const REPLICA_GONE = playedFacts({ views: playedViews({ redis3: null }) });

/** The service as it is seen look by look, the last look for ever; waits take no time. */
function played(looks: readonly ServiceFacts[]) {
  const { io } = playedIo();
  const clock = { ...io.clock, after: (_delayMs: number, callback: () => void) => {
    const timer = setImmediate(callback);
    return () => clearImmediate(timer);
  } };
  const call: Call = { args: [], flags: new FlagValues(new Map()), verbs: [], io: { ...io, clock } };
  const seen = { looks: 0, orders: 0 };
  const never = () => Promise.reject(new Error('not asked for here'));
  const desk: Desk = {
    cancel: never,
    pause: never,
    resume: never,
    give: ({ kind, target }) => {
      seen.orders += 1;
      const result = {
        id: 'a', kind, target, asker: 'ann', epoch: 8, outcome: 'done' as const, reason: null, gapMs: 9,
        master: target, endedAt: 1,
      };
      return Promise.resolve({ ended: 'result', result });
    },
  };
  const factsNow = () => {
    const facts = looks[Math.min(seen.looks, looks.length - 1)] ?? BEFORE;
    seen.looks += 1;
    return Promise.resolve({ ok: true as const, value: facts });
  };
  return { call, found: { service: 'cache', desk, lookout: { factsNow } }, seen };
}

test('a replica is spared at once where all others are in sync', async () => {
  const { call, found, seen } = played([BEFORE]);
  expect(await untilSpared(call, found, 'redis2')).toEqual({ facts: BEFORE });
  expect(seen).toEqual({ looks: 1, orders: 0 });
});

test('a node that somebody made master again while it fell in line hands over once more', async () => {
  const { call, found, seen } = played([BEFORE, AFTER, AFTER, BEFORE, BEFORE, AFTER]);
  const spared = await untilSpared(call, found, 'redis1');
  expect('facts' in spared && masterOf(spared.facts)).toBe('redis2');
  expect(seen.orders).toBe(2);
});

test('a node that becomes master for ever is never spared', async () => {
  const { call, found } = played([BEFORE]);
  expect(await untilSpared(call, found, 'redis1')).toMatchObject({ code: 'not_in_time' });
});

test('no node is spared while another one is out of sync', async () => {
  const { call, found, seen } = played([REPLICA_GONE, REPLICA_GONE, REPLICA_GONE, BEFORE]);
  expect(await untilSpared(call, found, 'redis2')).toEqual({ facts: BEFORE });
  expect(seen.looks).toBeGreaterThan(4);
});
