// A wiped ensemble: epochs go on above what anybody remembers (I1).

import { expect, test } from 'vitest';

import { NO_RECORDS } from './records.ts';
import { Village } from './testing/village.ts';
import { EPOCH, member, only, reads, kept, run, world } from './testing/world.ts';

/** Nothing is left of any record, and every session is new. */
function wipe(village: Village): void {
  for (const name of village.inhabitants.keys()) village.cutOff(name);
  village.ensemble.records = NO_RECORDS;
}

function inPeace(): Village {
  const village = new Village(['a', 'b', 'c'], { bootstrapSettleMs: 100 }).pass(1000);
  village.redis('a').write(1000);
  return village.pass(2500);
}

const epochNow = (village: Village): number => village.ensemble.records.term?.value.epoch ?? 0;

test('a replica remembers the epochs that it only read of', () => {
  const village = inPeace();
  village.killRedis('a');
  village.pass(3000);
  expect(village.writable()).toEqual(['b']);
  const before = epochNow(village);
  village.killAgent('a');
  village.killAgent('b');
  wipe(village);
  village.pass(8000);
  village.start('b');
  village.cutOff('c', false);
  // A restarted agent keeps what an earlier one may have promised.
  village.pass(9000);
  expect(village.writable()).toEqual(['b']);
  expect(epochNow(village)).toBeGreaterThan(before);
});

test('an agent that comes late and remembers more lifts the epoch; the master stays', () => {
  const village = inPeace();
  for (const name of ['b', 'a'] as const) {
    village.killAgent(name);
    village.start(name);
    village.pass(7000);
  }
  const before = epochNow(village);
  wipe(village);
  village.pass(8000);
  for (const name of ['a', 'b']) {
    village.killAgent(name);
    village.start(name);
  }
  village.epochs.length = 0;
  village.pass(9000);
  const [master = ''] = village.writable();
  expect(epochNow(village)).toBe(1);
  village.cutOff('c', false);
  village.pass(3000);
  expect(epochNow(village)).toBeGreaterThan(before);
  expect(village.writable()).toEqual([master]);
  expect(village.agent(master).state.role).toMatchObject({ name: 'master', epoch: epochNow(village) });
});

test('the master of a term that began too low claims once more, above what a member remembers', () => {
  const state = world('a', 'master');
  const late = kept(member('b', { rememberedEpoch: 40 }), { owner: 98n });
  const played = run(state, reads({ record: 'members', name: 'b', kept: late }));
  const claim = only(played, 'claim');
  expect(claim.term).toMatchObject({ epoch: 41, master: { name: 'a' }, inSync: ['b', 'c'] });
  expect(claim).toMatchObject({ removeLease: true, record: { name: 'a' } });
});

test('in peace nobody publishes what the term says anyway', () => {
  const village = inPeace();
  for (const { value } of village.ensemble.records.members.values()) expect(value.rememberedEpoch).toBe(0);
  expect(world('b', 'replica').rememberedEpoch).toBe(EPOCH);
});
