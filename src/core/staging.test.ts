// Staged full syncs: who waits, for how long, and what needs none.

import { expect, test } from 'vitest';

import type { ReplicaFacts } from './facts.ts';
import { TURN_PASSES_MS } from './staging.ts';
import {
  attached, frozenFacts, masterFacts, remoteAnswers, run, SHARED, sight, START_MS, world,
} from './testing/world.ts';
import type { Run } from './testing/world.ts';
import { POLL_WAITING_MS, wanted } from './wanted.ts';

/** So far behind that no backlog reaches back. */
const FAR_AHEAD = 10_000_000_000;

interface Scene {
  readonly parallelSyncs: number;
  readonly replicas: readonly ReplicaFacts[];
  readonly masterOffset?: number;
  /** How long this node has waited, so that the list is one that was asked for since; null: it just begins to. */
  readonly forMs?: number | null;
}

/** What the agent of a frozen replica does beside this master. */
function beside(node: string, { parallelSyncs, replicas, masterOffset = FAR_AHEAD, forMs = 500 }: Scene): Run {
  const master = masterFacts({ offset: masterOffset, replicas });
  const state = world(node, 'replica', {
    own: sight(frozenFacts(node)),
    remote: sight(master),
    record: { settings: { version: 2, ...SHARED, parallelSyncs } },
    role: { name: 'replica', sinceMs: START_MS - 60_000 },
    syncWait: forMs === null ? null : { sinceMs: START_MS - forMs, lastMs: START_MS - 500 },
  });
  return run(state, remoteAnswers(master));
}

const syncing = attached('c', { state: 'wait_bgsave' });

test('without a bound nobody waits', () => {
  expect(beside('b', { parallelSyncs: 0, replicas: [syncing] }).does).toContain('follow');
});

test('while as many as may are in a full sync, the next one waits, and says so', () => {
  const waiting = beside('b', { parallelSyncs: 1, replicas: [syncing], forMs: 60_000 });
  expect(waiting.does).not.toContain('follow');
  expect([...waiting.state.reasons]).toContain('awaiting_sync_slot');
  expect(waiting.state.wakeAtMs).toBeLessThan(Number.POSITIVE_INFINITY);
  expect(beside('b', { parallelSyncs: 2, replicas: [syncing] }).does).toContain('follow');
});

test('a list from before the wait began counts for nothing: who fell together still stands in it', () => {
  const both = [attached('b'), attached('c')];
  const begins = beside('b', { parallelSyncs: 1, replicas: both, forMs: null });
  expect(begins.does).not.toContain('follow');
  expect(wanted(begins.state).pollRemoteMs).toBe(POLL_WAITING_MS);
  expect(beside('b', { parallelSyncs: 1, replicas: [] }).does).toContain('follow');
});

test('what continues where it was waits for nobody', () => {
  expect(beside('b', { parallelSyncs: 1, replicas: [syncing], masterOffset: 2000 }).does).toContain('follow');
});

test('who waits goes by name, and whoever does not go is overtaken', () => {
  expect(beside('b', { parallelSyncs: 1, replicas: [] }).does).toContain('follow');
  expect(beside('c', { parallelSyncs: 1, replicas: [] }).does).not.toContain('follow');
  expect(beside('c', { parallelSyncs: 1, replicas: [], forMs: TURN_PASSES_MS }).does).toContain('follow');
  expect(beside('c', { parallelSyncs: 1, replicas: [attached('b')] }).does).toContain('follow');
  const { syncWait } = beside('c', { parallelSyncs: 1, replicas: [], forMs: 1000 }).state;
  expect(syncWait).toEqual({ sinceMs: START_MS - 1000, lastMs: expect.any(Number) });
});
