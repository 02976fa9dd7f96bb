// The mirror: reads what changed, all of it after a reconnection, and never takes what is not ours for ours.

import { describe, expect, test } from 'vitest';

import type { RecordRead } from '../core/records.ts';
import { lease, term } from '../core/testing/world.ts';
import { encodeRecord } from '../records/codec.ts';
import { servicePaths } from '../records/paths.ts';
import { Mirror } from './mirror.ts';
import type { ZkAnswer, ZkRequest } from '../zookeeper/index.ts';

const PATHS = servicePaths('shop');

/** An ensemble that answers when told to, in order. */
function stage() {
  const data = new Map<string, string>();
  const requests: ZkRequest[] = [];
  const waiting: (() => void)[] = [];
  const stat = {
    czxid: 1n, mzxid: 1n, ctimeMs: 0, mtimeMs: 0, version: 3, cversion: 0, aversion: 0, ephemeralOwner: 9n,
    dataLength: 0, numChildren: 0, pzxid: 1n,
  };
  const answerTo = (request: ZkRequest): ZkAnswer => {
    if (request.op === 'read') {
      const text = data.get(request.path);
      return text === undefined ? { ok: false, code: 'NO_NODE' } : { ok: true, data: Buffer.from(text), stat };
    }
    if (request.op !== 'children') return { ok: true };
    const inside = [...data.keys()].filter((path) => path.startsWith(`${request.path}/`));
    return inside.length === 0
      ? { ok: false, code: 'NO_NODE' }
      : { ok: true, children: inside.map((path) => path.slice(request.path.length + 1)) };
  };
  /** How the next requests fail. */
  const failures: string[] = [];
  const reads: RecordRead[] = [];
  const unreadable: (readonly string[])[] = [];
  let synced = 0;
  const zk = {
    submit(request: ZkRequest, done: (answer: ZkAnswer) => void): void {
      requests.push(request);
      waiting.push(() => {
        const code = failures.shift();
        done(code === undefined ? answerTo(request) : { ok: false, code });
      });
    },
    close: (done: () => void) => done(),
    abandon: () => undefined,
  };
  const mirror = new Mirror(zk, PATHS, {
    onRead: (read) => reads.push(read),
    onUnreadable: (paths) => unreadable.push(paths),
    onSynced: () => { synced++; },
  });
  const drain = (): void => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) next();
  };
  return { mirror, data, stat, requests, waiting, failures, reads, unreadable, drain, synced: () => synced };
}

describe('after a connection', () => {
  test('both trees are watched, folders are made, everything is read, then it is synced', () => {
    const { mirror, data, requests, reads, drain, synced } = stage();
    data.set(PATHS.term, encodeRecord(term()));
    data.set(PATHS.of('nodes', 'b'), 'not ours');
    mirror.resync();
    expect(synced()).toBe(0);
    drain();
    expect(synced()).toBe(1);
    expect(requests.filter(({ op }) => op === 'watch').map((each) => 'path' in each && each.path)).toEqual([
      PATHS.root,
      PATHS.published,
    ]);
    expect(requests.filter(({ op }) => op === 'mkdirp').map((each) => 'path' in each && each.path)).toEqual([
      PATHS.published,
      PATHS.folder('members'),
      PATHS.folder('ballots'),
    ]);
    expect(reads.find(({ record }) => record === 'term')?.kept?.value).toEqual(term());
    expect(reads.find(({ record }) => record === 'lease')?.kept).toBe(null);
  });

  test('what vanished meanwhile is told as gone', () => {
    const { mirror, data, reads, drain } = stage();
    const path = PATHS.of('members', 'b');
    data.set(path, JSON.stringify({
      v: 1, name: 'b', instance: 'i', http: { host: 'h', port: 1 }, redis: { host: 'h', port: 2 }, runId: null,
      dataset: null, rememberedEpoch: 0, rememberedVersion: null,
    }));
    mirror.resync();
    drain();
    expect(reads.at(-1)).toMatchObject({ record: 'members', name: 'b', kept: { value: { name: 'b' } } });
    data.delete(path);
    mirror.resync();
    drain();
    expect(reads.at(-1)).toEqual({ record: 'members', name: 'b', kept: null });
  });

  test('what was not answered in time is asked again before it is synced', () => {
    const { mirror, data, failures, reads, drain, synced } = stage();
    data.set(PATHS.term, encodeRecord(term()));
    mirror.resync();
    drain();
    data.set(PATHS.term, encodeRecord({ ...term(), falls: 2 }));
    mirror.resync();
    failures.push(...Array<string>(30).fill('OPERATION_TIMEOUT'));
    drain();
    expect(synced()).toBe(2);
    expect(reads.findLast(({ record }) => record === 'term')?.kept?.value).toMatchObject({ falls: 2 });
  });

  test('a connection that ends on the way leaves everything as it was', () => {
    const { mirror, data, failures, reads, drain, synced } = stage();
    data.set(PATHS.of('members', 'b'), 'not read yet');
    mirror.resync();
    drain();
    const before = reads.length;
    mirror.resync();
    failures.push(...Array<string>(30).fill('CONNECTION_LOSS'));
    drain();
    expect(synced()).toBe(1);
    expect(reads.length).toBe(before);
  });

  test('answers of an earlier connection complete nothing', () => {
    const { mirror, waiting, drain, synced } = stage();
    mirror.resync();
    const lost = waiting.splice(0);
    mirror.resync();
    for (const each of lost) each();
    drain();
    expect(synced()).toBe(1);
  });
});

describe('after an event', () => {
  test('a change is read again until it was', () => {
    const { mirror, data, failures, reads, drain } = stage();
    data.set(PATHS.lease, encodeRecord(lease()));
    mirror.look(PATHS.lease);
    failures.push('OPERATION_TIMEOUT', 'OPERATION_TIMEOUT');
    drain();
    expect(reads.at(-1)?.kept?.value).toEqual(lease());
  });

  test('what is as it was is no news, and what another session made anew is', () => {
    const { mirror, data, stat, reads, drain } = stage();
    data.set(PATHS.lease, encodeRecord(lease()));
    const look = (): number => {
      mirror.look(PATHS.lease);
      drain();
      return reads.length;
    };
    expect([look(), look()]).toEqual([1, 1]);
    stat.ephemeralOwner = 10n;
    expect(look()).toBe(2);
    data.set(PATHS.lease, encodeRecord(lease('b')));
    expect([look(), look()]).toEqual([3, 3]);
  });

  test('what stands there now is read', () => {
    const { mirror, data, reads, drain } = stage();
    data.set(PATHS.lease, encodeRecord(lease()));
    mirror.look(PATHS.lease);
    drain();
    expect(reads).toMatchObject(
      [{ record: 'lease', kept: { value: lease(), znode: { owner: 9n, version: 3, format: 1 } } }],
    );
    data.delete(PATHS.lease);
    mirror.look(PATHS.lease);
    drain();
    expect(reads.at(-1)).toEqual({ record: 'lease', kept: null });
  });

  test('paths that hold no record are not read, and are done at once', () => {
    const { mirror, requests } = stage();
    let done = 0;
    mirror.look('/dictator/shop/members', () => { done++; });
    mirror.look('/elections/shop', () => { done++; });
    expect(requests).toEqual([]);
    expect(done).toBe(2);
  });

  test('a record that cannot be read is named, counts as absent, and is forgotten when it is gone', () => {
    const { mirror, data, reads, unreadable, drain } = stage();
    data.set(PATHS.term, '{"v":1}');
    mirror.look(PATHS.term);
    drain();
    expect(unreadable).toEqual([[PATHS.term]]);
    expect(reads.at(-1)).toEqual({ record: 'term', kept: null });
    mirror.look(PATHS.term);
    drain();
    expect(unreadable).toHaveLength(1);
    data.delete(PATHS.term);
    mirror.look(PATHS.term);
    drain();
    expect(unreadable.at(-1)).toEqual([]);
  });
});
