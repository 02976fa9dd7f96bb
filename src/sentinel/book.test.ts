/** Several services behind one port: who is found under which name, and what is told of whom. */
import { describe, expect, test } from 'vitest';
import type { Topology } from '../contract/topology.ts';
import { Book } from './book.ts';

const A = { name: 'a', host: '10.0.0.1', port: 6379, runId: 'run-a' };
const B = { name: 'b', host: '10.0.0.2', port: 6379, runId: 'run-b' };
const attached = { online: true, offset: 0, lagSeconds: 0 };

/** As records tell it, of a service whose master is `a`. */
function seen(service: string, change: Partial<Topology> = {}): Topology {
  return {
    nowMs: 1000, service, self: '', seesEnsemble: true, epoch: 4, master: A, lastMaster: A, planned: false,
    elected: null, masterHeard: true, heardAgoMs: 0, liveAgents: 2, nodes: ['a', 'b'], downAfterMs: 2000,
    replicas: [{ ...B, priority: 100, attached, gone: false, takesReads: true }], agents: [], ...change,
  };
}
const SWITCHED: Partial<Topology> = {
  master: B, lastMaster: B, epoch: 5, replicas: [{ ...A, priority: 100, attached, gone: false, takesReads: true }],
};
const LOST: Partial<Topology> = { master: null, masterHeard: false };

class Stage {
  own: Topology | null;
  current = true;
  private readonly told: string[] = [];
  readonly book: Book;

  constructor({ own = null, ownNames = [] }: { own?: Topology | null; ownNames?: readonly string[] } = {}) {
    this.own = own;
    this.book = new Book({
      topology: () => this.own,
      ownNames,
      namesOf: (service) => (service === 'shop' ? ['shop', 'mymaster'] : [service]),
      others: { knows: () => this.current, provedAgoMs: 7 },
      aliases: false,
      show: (host) => host,
      now: () => 2000,
      publish: (events) => this.told.push(...events.map(({ channel, payload }) => `${channel} ${payload}`)),
    });
  }

  take(service: string, change: Partial<Topology> | null, news = true): string[] {
    this.book.take(service, change === null ? null : seen(service, change), news);
    return this.told.splice(0);
  }
}

describe('names', () => {
  test('find each service under its own, and those that it has besides', () => {
    const { book } = new Stage();
    book.take('shop', seen('shop'), false);
    book.take('cache', seen('cache', SWITCHED), false);
    expect(book.find('mymaster')?.service).toBe('shop');
    expect(book.find('cache')?.master).toEqual(B);
    expect(book.find('other')).toBeNull();
    expect(book.served().map(({ name }) => name)).toEqual(['shop', 'mymaster', 'cache']);
  });

  test('of the own service belong to it alone', () => {
    const stage = new Stage({ own: { ...seen('shop', SWITCHED), self: 'a' }, ownNames: ['mymaster', 'cache'] });
    expect(stage.take('cache', {})).toEqual([]);
    expect(stage.book.find('cache')?.service).toBe('shop');
    expect(stage.book.served()).toHaveLength(2);
  });

  test('a service that never had a master is nobody yet', () => {
    const stage = new Stage();
    expect(stage.take('new', { master: null, lastMaster: null })).toEqual([]);
    expect(stage.book.find('new')).toBeNull();
    expect(stage.take('new', {})[0]).toBe('+monitor master new 10.0.0.1 6379 quorum 2');
  });
});

describe('events', () => {
  test('of a failover: the switch once, then the replicas of the new master', () => {
    const stage = new Stage();
    expect(stage.take('cache', {}, false)).toEqual([]);
    expect(stage.take('cache', LOST)).toEqual([
      '+sdown master cache 10.0.0.1 6379', '+odown master cache 10.0.0.1 6379 #quorum 2/2',
    ]);
    const told = stage.take('cache', SWITCHED);
    const switched = told.indexOf('+switch-master cache 10.0.0.1 6379 10.0.0.2 6379');
    expect(switched).toBeGreaterThan(-1);
    expect(told.indexOf('+slave slave 10.0.0.1:6379 10.0.0.1 6379 @ cache 10.0.0.2 6379')).toBeGreaterThan(switched);
    expect(stage.take('cache', SWITCHED)).toEqual([]);
  });

  test('of a service that is removed and comes back: as if its master had changed, if it did', () => {
    const stage = new Stage();
    stage.take('cache', {}, false);
    expect(stage.take('cache', null)).toEqual(['-monitor master cache 10.0.0.1 6379']);
    expect(stage.take('cache', null)).toEqual([]);
    expect(stage.book.find('cache')).toBeNull();
    expect(stage.book.served()).toEqual([]);
    expect(stage.take('cache', SWITCHED)).toContain('+switch-master cache 10.0.0.1 6379 10.0.0.2 6379');
    stage.take('cache', null);
    const back = stage.take('cache', SWITCHED);
    expect(back[0]).toBe('+monitor master cache 10.0.0.2 6379');
    expect(back.some((event) => event.startsWith('+switch-master'))).toBe(false);
  });
});

test('what is not vouched for has no master, and is told of by nobody', () => {
  const stage = new Stage();
  stage.take('cache', {}, false);
  stage.current = false;
  expect(stage.book.find('cache')).toMatchObject({ master: null, blind: true, known: A });
  stage.current = true;
  expect(stage.book.find('cache')).toMatchObject({ master: A, blind: false, heardAgoMs: 7 });
  expect(stage.take('cache', {})).toEqual([]);
});
