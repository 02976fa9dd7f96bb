// After an outage of the ensemble: every session ended, and the records of the members come back one by one.

import { describe, expect, test } from 'vitest';

import { inPeace } from './testing/peace.ts';
import type { Village } from './testing/village.ts';
import {
  ballot, frozenFacts, kept, member, reads, readsBallot, readsLease, run, sessionOf, settings, sight, world,
} from './testing/world.ts';

const back = world('b', 'candidate', {
  own: sight(frozenFacts('b')),
  record: { members: [member('b')], ballots: [ballot('b')], masterRecord: null },
});
const { electionSettleMs } = settings('b');

test('the first who is back waits for the in-sync node whose record is not there yet, and loses to its data', () => {
  const alone = run(back, readsLease(null), electionSettleMs - 1);
  expect(alone.does).not.toContain('claim');
  expect([...alone.state.reasons]).toContain('awaiting_ballots');
  const record = kept(member('c'), { owner: sessionOf('c') });
  const joined = run(alone.state, reads({ record: 'members', name: 'c', kept: record }));
  expect(joined.does).not.toContain('claim');
  expect(run(joined.state, readsBallot(ballot('c', { offset: 2000 }))).does).not.toContain('claim');
});

test('it does not wait for longer than the settling time', () => {
  expect(run(back, readsLease(null), electionSettleMs).does).toContain('claim');
});

describe('a master that is back before the others keeps them in sync while they stream', () => {
  function aloneBack(): [Village, ReturnType<Village['ensembleBack']>] {
    const village = inPeace();
    village.ensembleDown();
    village.pass(20_000);
    const letIn = village.ensembleBack('expired');
    letIn('a');
    village.pass(500);
    return [village, letIn];
  }
  test('so that one succeeds it when it dies', () => {
    const [village, letIn] = aloneBack();
    village.killRedis('a');
    village.killAgent('a');
    village.pass(200);
    letIn('b', 'c');
    village.pass(60_000);
    expect(village.writable()).toHaveLength(1);
  });
  test('so that one succeeds it when its agent is cut off again', () => {
    const [village, letIn] = aloneBack();
    village.cutOff('a');
    village.pass(100);
    letIn('b', 'c');
    village.pass(60_000);
    expect(village.writable()).toHaveLength(1);
  });
});

test('one that is cut off from it by then is not kept for the stream of another', () => {
  const village = inPeace(['a', 'b', 'd']);
  village.order('d', { order: 'disable' });
  village.pass(1000);
  village.ensembleDown();
  village.pass(10_000);
  const letIn = village.ensembleBack('expired');
  letIn('a');
  village.pass(200);
  village.redis('a').unreachableFor.add('b');
  village.pass(300);
  village.redis('a').write(5000);
  village.pass(1500);
  village.killRedis('a');
  village.killAgent('a');
  village.pass(100);
  letIn('b', 'd');
  village.pass(30_000);
  expect(village.writable()).toEqual([]);
});
