// The keeper of the entry in the pool of replicas: it turns what stands into what is wanted, whatever stands there.

import { expect, test } from 'vitest';

import type { PoolEntry } from '../core/replica-pool.ts';
import { masterRecord } from '../core/testing/world.ts';
import { encodeMasterRecord } from '../records/codec.ts';
import { servicePaths } from '../records/paths.ts';
import type { ZkAnswer, ZkRequest } from '../zookeeper/index.ts';
import { POOL_RETRY_MS, ReplicaPool } from './replica-pool.ts';

const PATHS = servicePaths('shop');
const PATH = '/services/redis-replicas/shop/b';
const SESSION = 5n;
const STANDS: PoolEntry = { entry: 'stands', record: masterRecord('b'), termVersion: 7 };
const NONE: PoolEntry = { entry: 'none' };
const DATA = encodeMasterRecord(masterRecord('b'));

function stage(before: { readonly data: string; readonly owner: bigint } | null = null) {
  const ensemble = { entry: before, termVersion: 7, session: SESSION };
  const requests: ZkRequest[] = [];
  const waiting: (() => void)[] = [];
  const timers: { readonly delayMs: number; readonly callback: () => void }[] = [];
  const stat = {
    czxid: 1n, mzxid: 1n, ctimeMs: 0, mtimeMs: 0, version: 0, cversion: 0, aversion: 0, dataLength: 0, numChildren: 0,
    pzxid: 1n,
  };
  function answerTo(request: ZkRequest): ZkAnswer {
    const { entry } = ensemble;
    if (request.op === 'read') {
      if (entry === null) return { ok: false, code: 'NO_NODE' };
      return { ok: true, data: Buffer.from(entry.data), stat: { ...stat, ephemeralOwner: entry.owner } };
    }
    if (request.op !== 'multi') return { ok: true };
    for (const op of request.ops) {
      if (op.op === 'check' && op.version !== ensemble.termVersion) return { ok: false, code: 'BAD_VERSION' };
      if (op.op === 'delete') ensemble.entry = null;
      if (op.op === 'create') ensemble.entry = { data: String(op.data), owner: ensemble.session };
    }
    return { ok: true };
  }
  const zk = {
    submit(request: ZkRequest, done: (answer: ZkAnswer) => void): void {
      requests.push(request);
      waiting.push(() => done(answerTo(request)));
    },
    close: (done: () => void) => done(),
    abandon: () => undefined,
  };
  const clock = {
    now: () => 0,
    after(delayMs: number, callback: () => void) {
      timers.push({ delayMs, callback });
      return () => void timers.splice(0);
    },
  };
  const pool = new ReplicaPool({ zk, paths: PATHS, clock, self: 'b' });
  const drain = (): void => {
    // A bound: whoever asks again and again fails here.
    for (let next = waiting.shift(); next !== undefined && requests.length < 50; next = waiting.shift()) {
      next();
    }
  };
  const multis = () => requests.flatMap((request) => (request.op === 'multi' ? [request.ops.map(({ op }) => op)] : []));
  return { pool, ensemble, requests, waiting, timers, drain, multis };
}

test('reads and watches its own entry alone, and asks for nothing that stands already', () => {
  const { pool, requests, drain, multis } = stage({ data: DATA, owner: SESSION });
  pool.connected(SESSION);
  pool.want(STANDS);
  drain();
  expect(requests.map(({ op }) => op)).toEqual(['mkdirp', 'watch', 'read']);
  expect(requests.at(1)).toEqual({ op: 'watch', path: PATH });
  pool.want({ ...STANDS, termVersion: 8 });
  expect(multis()).toEqual([]);
});

test('creates it, and removes it in the moment in which it must not stand', () => {
  const { pool, ensemble, drain } = stage();
  pool.connected(SESSION);
  drain();
  pool.want(STANDS);
  drain();
  expect(ensemble.entry).toEqual({ data: DATA, owner: SESSION });
  pool.want(NONE);
  drain();
  expect(ensemble.entry).toBe(null);
});

test('says what the original says: strings alone', () => {
  expect(DATA).toBe('{"host": "10.0.0.b", "port": "6379", "name": "b"}');
});

test.each([
  ['an earlier process', { data: DATA, owner: 3n }],
  ['another address', { data: '{}', owner: SESSION }],
])('replaces the entry of %s in one transaction', (_of, before) => {
  const { pool, ensemble, drain, multis } = stage(before);
  pool.want(STANDS);
  pool.connected(SESSION);
  drain();
  expect(multis()).toEqual([['check', 'delete', 'create']]);
  expect(ensemble.entry).toEqual({ data: DATA, owner: SESSION });
});

test('leaves alone what is not its to change', () => {
  const { pool, ensemble, drain } = stage({ data: 'x', owner: 3n });
  pool.connected(SESSION);
  pool.want({ entry: 'left' });
  drain();
  expect(ensemble.entry).toEqual({ data: 'x', owner: 3n });
});

test('a decision under a term that has passed creates nothing, and is made anew', () => {
  const { pool, ensemble, timers, drain } = stage();
  ensemble.termVersion = 8;
  pool.connected(SESSION);
  pool.want(STANDS);
  drain();
  expect(ensemble.entry).toBe(null);
  expect(timers.map(({ delayMs }) => delayMs)).toEqual([POOL_RETRY_MS]);
  pool.want({ ...STANDS, termVersion: 8 });
  timers[0]?.callback();
  drain();
  expect(ensemble.entry).not.toBe(null);
});

test('what is wanted while a request is under way follows it', () => {
  const { pool, ensemble, drain, multis } = stage();
  pool.connected(SESSION);
  drain();
  pool.want(STANDS);
  pool.want(NONE);
  drain();
  expect(multis()).toEqual([['check', 'create'], ['delete']]);
  expect(ensemble.entry).toBe(null);
});

test('an entry that somebody removed stands again', () => {
  const { pool, ensemble, drain } = stage();
  pool.connected(SESSION);
  pool.want(STANDS);
  drain();
  ensemble.entry = null;
  pool.changed('/services/redis-replicas/shop/c');
  pool.changed(PATH);
  drain();
  expect(ensemble.entry).not.toBe(null);
});

test('answers of an earlier connection say nothing', () => {
  const { pool, ensemble, waiting, drain, multis } = stage({ data: DATA, owner: SESSION });
  pool.want(STANDS);
  pool.connected(SESSION);
  const late = waiting.splice(0);
  ensemble.session = SESSION + 1n;
  pool.connected(ensemble.session);
  ensemble.entry = { data: DATA, owner: SESSION };
  for (const answer of late) answer();
  expect(multis()).toEqual([]);
  drain();
  expect(multis()).toEqual([['check', 'delete', 'create']]);
});

test('once stopped it does nothing more', () => {
  const { pool, requests, drain } = stage();
  pool.connected(SESSION);
  pool.stop();
  pool.want(STANDS);
  drain();
  expect(requests.map(({ op }) => op)).toEqual(['mkdirp', 'watch', 'read']);
});
