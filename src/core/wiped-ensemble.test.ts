// A wiped ensemble: epochs go on above what anybody remembers (I1).

import { describe, expect, test } from 'vitest';

import { timeoutMs } from './queries.ts';
import type { RedisSight } from './facts.ts';
import type { Member } from './records.ts';
import { NO_RECORDS } from './records.ts';
import { inPeace as settled } from './testing/peace.ts';
import { Village } from './testing/village.ts';
import {
  EPOCH, kept, masterFacts, member, only, reads, run, settings, SHARED, sight, START_MS, term, world,
} from './testing/world.ts';

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

describe('the term is put back by whoever remembers it', () => {
  test('and the replicas with the data win over a master that came back empty', () => {
    const village = inPeace();
    village.killAgent('a');
    wipe(village);
    village.redis('a').restart('lost');
    village.pass(8000);
    village.start('a');
    for (const name of ['b', 'c']) village.cutOff(name, false);
    village.pass(9000);
    const [master = ''] = village.writable();
    expect(['b', 'c']).toContain(master);
    expect(village.redis(master).offset).toBeGreaterThanOrEqual(1000);
  });

  const remembering = (version: number | null) => member('b', { rememberedEpoch: EPOCH, rememberedVersion: version });
  const forgotten = (change: Parameters<typeof world>[2] = {}) =>
    world('b', 'starting', {
      memory: { term: term(), version: 7, settings: { version: 1, ...SHARED } },
      record: {
        lease: null, term: null, masterRecord: null, settings: null, nodes: [],
        members: [member('a'), remembering(7), member('c')],
      },
      ...change,
    });

  test('with its settings, under its old epoch', () => {
    const played = run(forgotten(), 0);
    expect(only(played, 'write_term')).toMatchObject({ term: term(), version: null, settings: SHARED });
    expect(played.says).toContain('term_restored');
    expect(played.does).not.toContain('claim');
  });

  test('by the one whose memory is the latest', () => {
    const later = kept(member('c', { rememberedEpoch: EPOCH, rememberedVersion: 8 }), { owner: 98n });
    const played = run(forgotten(), reads({ record: 'members', name: 'c', kept: later }), 60_000);
    expect(played.does).not.toContain('write_term');
  });

  test('not before the others had their time to come, and a master that has not heard of it has given up', () => {
    const alone = forgotten({
      record: { lease: null, term: null, masterRecord: null, settings: null, nodes: [], members: [remembering(7)] },
      role: { name: 'starting', sinceMs: START_MS },
    });
    // What the server granted, not what was asked for.
    const waitMs = Math.max(settings('b').bootstrapSettleMs, timeoutMs(alone));
    expect(run(alone, waitMs - 1).does).not.toContain('write_term');
    expect(run(alone, waitMs).does).toContain('write_term');
    const reconnected = { ...alone, connectedAtMs: START_MS + 500 };
    expect(run(reconnected, waitMs).does).not.toContain('write_term');
    expect(run(reconnected, waitMs + 500).does).toContain('write_term');
  });

  test('and nobody makes a first start of a service that somebody remembers', () => {
    const fresh = forgotten({ memory: null, rememberedEpoch: 0 });
    const played = run({ ...fresh, records: { ...fresh.records, members: new Map([
      ...fresh.records.members, ['b', kept(member('b'), { owner: 98n })],
      ['c', kept(member('c', { rememberedEpoch: EPOCH, rememberedVersion: 3 }), { owner: 99n })],
    ]) } }, 60_000);
    expect(played.does).not.toContain('claim');
    expect([...played.state.reasons]).toContain('awaiting_bootstrap');
  });
});

test('an agent puts back the term that it remembers, also beside a dead Redis', () => {
  const village = settled();
  village.ensembleDown();
  village.pass(500);
  village.killRedis('a');
  village.pass(20_000);
  village.ensembleBack('wiped')('a', 'b', 'c');
  village.pass(60_000);
  expect(village.writable()).toHaveLength(1);
});

describe('a master that lived on promises goes on with its term', () => {
  test('with its in-sync set: one of it succeeds when it dies before they are back', () => {
    const village = settled();
    village.ensembleDown();
    village.pass(20_000);
    const letIn = village.ensembleBack('wiped');
    letIn('a');
    village.pass(500);
    village.killRedis('a');
    village.killAgent('a');
    village.pass(200);
    letIn('b', 'c');
    village.pass(60_000);
    expect(village.writable()).toHaveLength(1);
  });
  test('and the others remember its epoch, should the ensemble be wiped once more', () => {
    const village = settled();
    village.ensembleDown();
    village.pass(20_000);
    village.ensembleBack('wiped')('a');
    village.pass(500);
    village.ensembleDown();
    village.pass(5000);
    village.ensembleBack('wiped')('b', 'c');
    village.pass(60_000);
    expect(village.writable()).toHaveLength(1);
  });
});

test('who promised and restarted together with its Redis is bound when the term is put back', () => {
  const village = settled(['a', 'b', 'c'], { failsafePromiseMs: 30_000 });
  village.ensembleDown();
  village.pass(20_000);
  village.killAgent('b');
  village.redis('b').restart('kept');
  const letIn = village.ensembleBack('wiped');
  village.start('b');
  letIn('c');
  const startMs = village.nowMs;
  while (village.nowMs < startMs + 40_000) {
    village.pass(50);
    if (village.writable().includes('a')) village.redis('a').write(10);
    if (village.nowMs < startMs + 18_000) expect(village.epochs).toEqual([1]);
  }
});

test('data and process are published while its Redis hangs, and not when another one loads', () => {
  const record = { term: null, lease: null, masterRecord: null, members: [] };
  const published = (change: Partial<RedisSight>, of = masterFacts()): Member => {
    const own = sight({ ...of, runId: 'run-b' }, change);
    return only(run(world('b', 'starting', { own, record }), 0), 'write_member').member;
  };
  expect(published({ silentSinceMs: START_MS }).dataset).toMatchObject({ role: 'master', hasKeys: true });
  expect(published({ silentSinceMs: START_MS }).runId).toBe('run-b');
  expect(published({ silentSinceMs: START_MS, current: false }).runId).toBeNull();
  expect(published({ link: 'refused', silentSinceMs: null }).runId).toBeNull();
  expect(published({ silentSinceMs: START_MS }, masterFacts({ loading: true, keys: 0 })).dataset).toBeNull();
  expect(published({ link: 'refused', silentSinceMs: null }).dataset).toBeNull();
});
