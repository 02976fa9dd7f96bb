/** Following many services: against an ensemble that the test plays, one answer at a time. */
import { describe, expect, test } from 'vitest';
import type { ZkAnswer, ZkEvents, ZkRequest } from '../zookeeper/index.ts';
import type { Topology } from '../contract/topology.ts';
import { encodeMasterRecord, encodeRecord } from '../records/codec.ts';
import { servicePaths } from '../records/paths.ts';
import { Observer } from './observer.ts';
import type { ServicesLimits } from './observer.ts';

const T = 3000;

interface Znode {
  readonly data: string;
  readonly owner: bigint;
}

/** Znodes, and requests that wait until the test has them answered. */
class Ensemble {
  readonly znodes = new Map<string, Znode>();
  readonly asked: { request: ZkRequest; done: (answer: ZkAnswer) => void }[] = [];
  events: ZkEvents | null = null;
  underWayMax = 0;
  /** Answers of this kind are errors. */
  readonly failing = new Map<ZkRequest['op'], string>();

  answerAll(): void {
    while (this.answerOne());
  }

  answerOne(): boolean {
    this.underWayMax = Math.max(this.underWayMax, this.asked.filter(({ request }) => request.op === 'read').length);
    const next = this.asked.shift();
    if (next === undefined) return false;
    next.done(this.answer(next.request));
    return true;
  }

  private answer(request: ZkRequest): ZkAnswer {
    const code = this.failing.get(request.op);
    if (code !== undefined) return { ok: false, code };
    if (request.op === 'children') {
      const children = [...this.znodes.keys()]
        .filter((path) => path.startsWith(`${request.path}/`))
        .map((path) => path.slice(request.path.length + 1).split('/')[0] ?? '');
      return children.length === 0 ? { ok: false, code: 'NO_NODE' } : { ok: true, children: [...new Set(children)] };
    }
    if (request.op !== 'read') return { ok: true };
    const znode = this.znodes.get(request.path);
    if (znode === undefined) return { ok: false, code: 'NO_NODE' };
    const stat = {
      czxid: 1n, mzxid: 1n, ctimeMs: 0, mtimeMs: 0, version: 0, cversion: 0, aversion: 0,
      ephemeralOwner: znode.owner, dataLength: 0, numChildren: 0, pzxid: 1n,
    };
    return { ok: true, data: Buffer.from(znode.data), stat };
  }

  /** Changes a znode, and tells it. */
  put(path: string, data: string | null, owner = 1n): void {
    if (data === null) this.znodes.delete(path);
    else this.znodes.set(path, { data, owner });
    this.events?.onChanged(path);
  }

  service(name: string, master = 'a'): void {
    const paths = servicePaths(name);
    const redis = { host: `${master}.host`, port: 6379 };
    const of = { epoch: 3, node: master, instance: 'i', http: redis, redis, runId: `run-${master}` };
    this.put(paths.lease, encodeRecord(of));
    const at = { name: master, runId: `run-${master}`, redis };
    const term = { epoch: 3, master: at, nodes: ['a', 'b'], inSync: [], lineage: [], pending: null, designated: null };
    this.put(paths.term, encodeRecord({ ...term, settingsVersion: 0 }), 0n);
    this.put(paths.masterRecord, encodeMasterRecord({ host: redis.host, port: '6379', name: master }));
  }

  gone(name: string): void {
    for (const path of this.znodes.keys()) if (path.includes(`/${name}/`)) this.znodes.delete(path);
    this.events?.onChanged(`/dictator/${name}`);
  }
}

class Stage {
  readonly ensemble = new Ensemble();
  readonly told: string[] = [];
  readonly refused: unknown[] = [];
  nowMs = 0;
  private readonly waits: { dueMs: number; callback: () => void }[] = [];
  readonly observer: Observer;

  constructor(services: readonly string[], limits: Partial<ServicesLimits> = {}) {
    for (const name of services) this.ensemble.service(name);
    this.observer = new Observer({
      openZooKeeper: (events) => {
        this.ensemble.events = events;
        return {
          submit: (request, done) => this.ensemble.asked.push({ request, done }),
          close: (done) => done(),
          abandon: () => undefined,
        };
      },
      clock: {
        now: () => this.nowMs,
        after: (delayMs, callback) => {
          this.waits.push({ dueMs: this.nowMs + delayMs, callback });
          return () => undefined;
        },
      },
      covers: (service) => !service.startsWith('not-'),
      downAfterMs: 2000,
      limits,
      onService: (service, topology, news) => this.told.push(worded(service, topology, news)),
      onSight: (sees) => this.told.push(sees ? 'sees' : 'blind'),
      onRefused: (reason, fields) => this.refused.push([reason, fields]),
    });
  }

  connect(): void {
    this.ensemble.events?.onConnected({ id: 1n, timeoutMs: T });
    this.ensemble.answerAll();
  }

  pass(ms: number): void {
    this.nowMs += ms;
    for (const wait of this.waits.splice(0)) {
      if (wait.dueMs <= this.nowMs) wait.callback();
      else this.waits.push(wait);
    }
  }

  /** What was told since the last time. */
  heard(): string[] {
    this.ensemble.answerAll();
    return this.told.splice(0);
  }
}

function worded(service: string, topology: Topology | null, news: boolean): string {
  const what = topology === null ? 'gone' : (topology.master?.name ?? 'nobody');
  return `${service} ${what}${news ? '' : ' (first)'}`;
}

describe('the first look', () => {
  test('tells every service that is asked for once, and then that it sees', () => {
    const stage = new Stage(['one', 'two', 'not-this']);
    stage.connect();
    expect(stage.heard()).toEqual(['one a (first)', 'two a (first)', 'sees']);
    expect(stage.observer.knows('one')).toBe(true);
    expect(stage.observer.knows('not-this')).toBe(false);
  });

  test('watches two paths, whatever the number of services, and reads few records at once', () => {
    const stage = new Stage(Array.from({ length: 50 }, (_, index) => `s${index}`), { readsUnderWay: 4 });
    stage.ensemble.events?.onConnected({ id: 1n, timeoutMs: T });
    expect(stage.ensemble.asked.filter(({ request }) => request.op === 'watch')).toHaveLength(2);
    stage.ensemble.answerAll();
    expect(stage.heard()).toHaveLength(51);
    expect(stage.ensemble.underWayMax).toBeLessThanOrEqual(4);
  });

  test('leaves out services beyond the bound, and says so', () => {
    const stage = new Stage(['one', 'two', 'three'], { servicesMax: 2 });
    stage.connect();
    expect(stage.heard()).toEqual(['one a (first)', 'three a (first)', 'sees']);
    expect(stage.refused).toEqual([['too_many_services', { services: 3, most: 2 }]]);
    stage.ensemble.service('zero');
    expect(stage.heard()).toEqual([]);
  });

  test('takes in who was left out when there is room again', () => {
    const stage = new Stage(['one', 'two', 'three'], { servicesMax: 2 });
    stage.connect();
    stage.heard();
    for (const late of ['a', 'b']) stage.ensemble.service(late);
    stage.ensemble.gone('one');
    expect(stage.heard()).toEqual(['one gone']);
    stage.pass(1000);
    expect(stage.heard()).toEqual(['a a']);
    expect([stage.observer.knows('three'), stage.observer.knows('two')]).toEqual([true, false]);
    for (const name of ['b', 'three']) stage.ensemble.gone(name);
    stage.pass(1000);
    expect(stage.heard()).toEqual(['three gone']);
    stage.pass(1000);
    expect(stage.heard()).toEqual(['two a']);
    expect(stage.refused.at(-1)).toEqual([null, { services: 2, most: 2 }]);
  });

  test('answers for none where the watch is refused, and tries again', () => {
    const stage = new Stage(['one']);
    stage.ensemble.failing.set('watch', 'UNIMPLEMENTED');
    stage.connect();
    expect(stage.heard()).toEqual([]);
    expect(stage.refused).toEqual([['services_unwatched', { code: 'UNIMPLEMENTED' }]]);
    expect(stage.observer.knows('one')).toBe(false);
    stage.ensemble.failing.clear();
    stage.pass(1000);
    expect(stage.heard()).toEqual(['one a (first)', 'sees']);
    expect(stage.refused.at(-1)).toEqual([null, { services: 1, most: 5000 }]);
  });
});

describe('a change', () => {
  test('is told when it was read, of this service alone', () => {
    const stage = new Stage(['one', 'two']);
    stage.connect();
    stage.heard();
    stage.ensemble.put(servicePaths('one').lease, null);
    expect(stage.heard()).toEqual(['one nobody']);
    stage.ensemble.service('one', 'b');
    expect(stage.heard().at(-1)).toBe('one b');
  });

  test('of records that say nothing of who is master is not even read', () => {
    const stage = new Stage(['one']);
    stage.connect();
    stage.heard();
    const { results, settings } = servicePaths('one');
    for (const path of [results, settings, '/dictator/one/ballots/a']) stage.ensemble.put(path, '{}');
    expect(stage.ensemble.asked).toEqual([]);
  });

  test('that comes while the same record waits to be read costs no second read', () => {
    const stage = new Stage(['one'], { readsUnderWay: 1 });
    stage.connect();
    stage.heard();
    const { lease, term } = servicePaths('one');
    for (let each = 0; each < 100; each += 1) for (const path of [lease, term]) stage.ensemble.events?.onChanged(path);
    // One is under way, and each of the two waits once.
    expect(stage.heard()).toHaveLength(3);
  });

  test('of what exists: a service comes, is removed, comes again', () => {
    const stage = new Stage(['one']);
    stage.connect();
    stage.heard();
    stage.ensemble.events?.onChanged('/dictator/two');
    expect(stage.heard()).toEqual([]);
    stage.ensemble.service('two');
    stage.ensemble.events?.onChanged('/dictator/two');
    expect(stage.heard().at(-1)).toBe('two a');
    stage.ensemble.gone('two');
    expect(stage.heard()).toEqual(['two gone']);
    expect(stage.observer.knows('two')).toBe(false);
  });

  test('that cannot be read is read later, and nothing is vouched for meanwhile', () => {
    const stage = new Stage(['one', 'two']);
    stage.connect();
    stage.heard();
    stage.ensemble.failing.set('read', 'OPERATION_TIMEOUT');
    stage.ensemble.put(servicePaths('one').lease, null);
    stage.heard();
    expect([stage.observer.knows('one'), stage.observer.knows('two')]).toEqual([false, true]);
    stage.ensemble.failing.clear();
    stage.pass(1000);
    expect(stage.heard()).toEqual(['one nobody']);
    expect(stage.observer.knows('one')).toBe(true);
  });

  test('that cannot be read is not made good by another one that can', () => {
    const stage = new Stage(['one']);
    stage.connect();
    stage.heard();
    const { lease, term } = servicePaths('one');
    stage.ensemble.failing.set('read', 'OPERATION_TIMEOUT');
    stage.ensemble.put(lease, null);
    stage.ensemble.events?.onChanged(term);
    stage.ensemble.answerOne();
    stage.ensemble.failing.clear();
    expect(stage.heard()).toEqual([]);
    expect(stage.observer.knows('one')).toBe(false);
    stage.pass(1000);
    expect(stage.heard()).toEqual(['one nobody']);
  });
});

describe('a connection that ends', () => {
  test('ends what is known; after the next one everything is read, and each difference told once', () => {
    const stage = new Stage(['one', 'two', 'three']);
    stage.connect();
    stage.heard();
    stage.ensemble.events?.onDisconnected();
    expect(stage.heard()).toEqual(['blind']);
    expect(stage.observer.knows('one')).toBe(false);
    const { events } = stage.ensemble;
    stage.ensemble.events = null;
    stage.ensemble.service('one', 'b');
    stage.ensemble.gone('two');
    stage.ensemble.events = events;
    stage.connect();
    expect(stage.heard()).toEqual(['two gone', 'one b', 'three a', 'sees']);
  });

  test('drops what was under way: late answers say nothing', () => {
    const stage = new Stage(['one']);
    stage.ensemble.events?.onConnected({ id: 1n, timeoutMs: T });
    const late = stage.ensemble.asked.splice(0);
    stage.ensemble.events?.onDisconnected();
    for (const { done } of late) done({ ok: true });
    expect(stage.ensemble.asked).toEqual([]);
  });

  test('an ensemble that is silent behind an open connection ends it as well', () => {
    const stage = new Stage(['one']);
    stage.connect();
    stage.heard();
    stage.ensemble.failing.set('sync', 'OPERATION_TIMEOUT');
    for (let passed = 0; passed < T; passed += T / 3) {
      expect(stage.observer.knows('one')).toBe(true);
      stage.pass(T / 3);
      stage.ensemble.answerAll();
    }
    expect(stage.observer.knows('one')).toBe(false);
    expect(stage.heard()).toEqual(['blind']);
    stage.ensemble.failing.clear();
    stage.pass(T / 3);
    stage.ensemble.answerAll();
    expect(stage.heard()).toEqual(['sees']);
  });

  test('by order is told to nobody', async () => {
    const stage = new Stage(['one']);
    stage.connect();
    stage.heard();
    await stage.observer.stop();
    expect(stage.heard()).toEqual([]);
    expect(stage.observer.knows('one')).toBe(false);
  });
});
