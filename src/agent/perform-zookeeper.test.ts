// Actions on ZooKeeper as transactions: which operations, in which order, and when an action is done.

import { describe, expect, test } from 'vitest';

import type { Outcome } from '../core/inputs.ts';
import { SHARED, ballot, lease, masterRecord, member, term } from '../core/testing/world.ts';
import { servicePaths } from '../records/paths.ts';
import { Mirror } from './mirror.ts';
import { isZooKeeperAction, performOnZooKeeper } from './perform-zookeeper.ts';
import type { ZooKeeperAction } from './perform-zookeeper.ts';
import type { ZkAnswer, ZkRequest } from '../zookeeper/index.ts';

const PATHS = servicePaths('shop');
const STAT = {
  czxid: 4n, mzxid: 1n, ctimeMs: 0, mtimeMs: 0, version: 3, cversion: 0, aversion: 0, ephemeralOwner: 9n,
  dataLength: 0, numChildren: 0, pzxid: 1n,
};

function perform(action: ZooKeeperAction, answers: (request: ZkRequest) => ZkAnswer = () => ({ ok: true })) {
  const requests: ZkRequest[] = [];
  const waiting: (() => void)[] = [];
  const outcomes: Outcome[] = [];
  const zk = {
    submit(request: ZkRequest, done: (answer: ZkAnswer) => void): void {
      requests.push(request);
      waiting.push(() => done(answers(request)));
    },
    close: () => undefined,
    abandon: () => undefined,
  };
  const events: string[] = [];
  const mirror = new Mirror(zk, PATHS, {
    onRead: ({ record }) => events.push(record),
    onUnreadable: () => undefined,
    onSynced: () => undefined,
  });
  let nowMs = 50;
  performOnZooKeeper(
    action, { zk, paths: PATHS, mirror, self: 'b', now: () => nowMs }, (outcome) => outcomes.push(outcome),
  );
  nowMs = 90;
  for (const next of waiting) next();
  const ops = requests.flatMap((request) => (request.op === 'multi' ? request.ops : []));
  return { requests, ops, outcomes, events };
}

/** What a transaction does, without its data. */
const shape = (action: ZooKeeperAction) =>
  perform(action).ops.map((op) => [op.op, op.path, 'version' in op ? op.version : 'ephemeral' in op && op.ephemeral]);

describe('transactions', () => {
  const unasked = { settings: null, settingsVersion: null } as const;
  const claim = { kind: 'claim', lease: lease('b'), term: term(), ...unasked } as const;
  test('a claim creates the lease and writes the term with its version', () => {
    expect(shape({ ...claim, termVersion: 7, removeLease: false, removeRecord: false, record: null })).toEqual([
      ['create', PATHS.lease, true],
      ['setData', PATHS.term, 7],
    ]);
  });

  test('the first claim creates the term', () => {
    expect(shape({ ...claim, termVersion: null, removeLease: false, removeRecord: false, record: null })).toEqual([
      ['create', PATHS.lease, true],
      ['create', PATHS.term, false],
    ]);
  });

  test('a claim creates the settings of the service, or checks that they are the ones that it obeys', () => {
    const plain = { ...claim, termVersion: 7, removeLease: false, removeRecord: false, record: null };
    const settings = { version: 1, ...SHARED };
    expect(shape({ ...plain, settings })).toContainEqual(['create', PATHS.settings, false]);
    expect(shape({ ...plain, settingsVersion: 4 })).toContainEqual(['check', PATHS.settings, 4]);
    expect(shape({ kind: 'write_term', term: term(), version: 7, settings })).toEqual([
      ['create', PATHS.settings, false],
      ['setData', PATHS.term, 7],
    ]);
  });

  test('an adoption replaces lease and record in the same transaction', () => {
    const record = masterRecord('b');
    expect(shape({ ...claim, termVersion: 0, removeLease: true, removeRecord: true, record })).toEqual([
      ['delete', PATHS.lease, false],
      ['delete', PATHS.masterRecord, false],
      ['create', PATHS.lease, true],
      ['setData', PATHS.term, 0],
      ['create', PATHS.masterRecord, true],
    ]);
  });

  test('a release deletes lease and record, and leaves the ballot that does not stand', () => {
    const refusing = ballot('b', { refusal: 'redis_unreachable' });
    const goes = { removeRecord: true, termVersion: 7, term: null } as const;
    const release = { kind: 'release', ballot: refusing, ballotExists: false, ...goes } as const;
    expect(shape(release)).toEqual([
      ['delete', PATHS.masterRecord, false],
      ['delete', PATHS.lease, false],
      ['create', PATHS.of('ballots', 'b'), true],
      ['check', PATHS.term, 7],
    ]);
    expect(shape({ ...release, ballotExists: true }).at(-2)).toEqual(['setData', PATHS.of('ballots', 'b'), false]);
  });

  test('an order is stored beside the results that its giver knows, and beside none where it knows of none', () => {
    const order = {
      id: 'order-1', kind: 'switchover', target: 'b', from: null, epoch: 1, asker: 'test', askedAt: 1,
      scheduledAt: null, deadline: 2, withinMs: 1, force: false, phase: 'waiting', instance: null,
    } as const;
    const stored = (resultsVersion: number | null) => shape({ kind: 'store_order', order, resultsVersion });
    expect(stored(3)).toEqual([['create', PATHS.order, false], ['check', PATHS.results, 3]]);
    expect(stored(null)).toEqual([['create', PATHS.order, false], ['create', PATHS.results, false]]);
  });

  test('our own member record is created, set, or replaced as a whole', () => {
    const path = PATHS.of('members', 'b');
    const written = (how: 'create' | 'set' | 'replace') => shape({ kind: 'write_member', member: member('b'), how });
    expect(written('create')).toEqual([['create', path, true]]);
    expect(written('set')).toEqual([['setData', path, false]]);
    expect(written('replace')).toEqual([['delete', path, false], ['create', path, true]]);
  });

  test('the master record is created, or replaced in one transaction', () => {
    const announced = (replace: boolean) =>
      shape({ kind: 'announce', record: masterRecord('b'), replace, termVersion: 7 });
    const checks = [['check', PATHS.term, 7], ['check', PATHS.lease, false]];
    expect(announced(false)).toEqual([...checks, ['create', PATHS.masterRecord, true]]);
    expect(announced(true)).toEqual([
      ...checks,
      ['delete', PATHS.masterRecord, false],
      ['create', PATHS.masterRecord, true],
    ]);
  });
});

describe('an action is done when what it did is known', () => {
  const write: ZooKeeperAction = { kind: 'write_term', term: term(), version: 7 };

  test('every changed path is read behind the transaction, then the outcome is told with the moment of sending', () => {
    const { requests, outcomes, events } = perform(
      write, ({ op }) => (op === 'multi' ? { ok: true } : { ok: false, code: 'NO_NODE' }),
    );
    expect(requests.map(({ op }) => op)).toEqual(['multi', 'read']);
    expect(events).toEqual(['term']);
    expect(outcomes).toEqual([{ result: 'done', sentAtMs: 50 }]);
  });

  test('a refused transaction is told with its code, and looked at all the same', () => {
    const { outcomes, requests } = perform(write, () => ({ ok: false, code: 'BAD_VERSION' }));
    expect(requests.map(({ op }) => op)).toEqual(['multi', 'read']);
    expect(outcomes).toEqual([{ result: 'failed', code: 'BAD_VERSION' }]);
  });
});

describe('a heartbeat', () => {
  const beat = (answers: (request: ZkRequest) => ZkAnswer) => perform({ kind: 'heartbeat' }, answers);

  test('is sync, then the lease; it is heard as of its sending', () => {
    const { requests, outcomes } = beat(
      ({ op }) => (op === 'read' ? { ok: true, data: Buffer.from(''), stat: STAT } : { ok: true }),
    );
    expect(requests).toEqual([{ op: 'sync', path: PATHS.lease }, { op: 'read', path: PATHS.lease }]);
    expect(outcomes).toEqual([{ result: 'heard', sentAtMs: 50, lease: { owner: 9n, czxid: 4n } }]);
  });

  test('that finds no lease is heard too', () => {
    const { outcomes } = beat(({ op }) => (op === 'read' ? { ok: false, code: 'NO_NODE' } : { ok: true }));
    expect(outcomes).toEqual([{ result: 'heard', sentAtMs: 50, lease: null }]);
  });

  test('whose sync failed proves nothing, whatever the read said', () => {
    const { outcomes } = beat(
      ({ op }) => (op === 'sync' ? { ok: false, code: 'CONNECTION_LOSS' } : { ok: true, stat: STAT }),
    );
    expect(outcomes).toEqual([{ result: 'failed', code: 'NOT_SYNCED' }]);
  });
});

test('what is not of ZooKeeper is told apart', () => {
  expect(isZooKeeperAction({ kind: 'heartbeat' })).toBe(true);
  expect(isZooKeeperAction({ kind: 'freeze' })).toBe(false);
});
