import { describe, expect, test } from 'vitest';

import { HostList, LOOKUPS_MAX, type LookupCallback, type Resolution } from './hosts.ts';

const list = (names: readonly string[], lookup?: (name: string, callback: LookupCallback) => void): HostList =>
  new HostList(names.map((host) => ({ host, port: 2181 })), () => 0.999, lookup);

function resolve(hosts: HostList, name: string, timeoutMs = 5): Promise<Resolution> {
  return new Promise((done) => { hosts.resolve(name, timeoutMs, done); });
}

describe('the rotation', () => {
  test('takes every server once per round', () => {
    const hosts = list(['a', 'b', 'c']);
    const round = (): string[] => [hosts.next(), hosts.next(), hosts.next()].map(({ host }) => host);
    const first = round();
    expect([...first].sort()).toEqual(['a', 'b', 'c']);
    expect(round()).toEqual(first);
  });

  test('begins in an order decided by chance', () => {
    const order = (chance: number): string =>
      new HostList(['a', 'b', 'c'].map((host) => ({ host, port: 1 })), () => chance)
        .entries.map(({ host }) => host).join('');
    expect(order(0)).not.toBe(order(0.999));
  });
});

describe('resolving', () => {
  test('needs no lookup for an address of either family', async () => {
    const hosts = list(['::1'], () => { throw new Error('looked up'); });
    expect(await resolve(hosts, '::1')).toEqual({ address: '::1', fault: null });
    expect(await resolve(hosts, '192.0.2.1')).toEqual({ address: '192.0.2.1', fault: null });
  });

  test('asks again at every attempt and takes the addresses of a name in turn', async () => {
    let lookups = 0;
    const hosts = list(['zk'], (_, callback) => {
      lookups += 1;
      callback(null, [{ address: '192.0.2.1' }, { address: '192.0.2.2' }]);
    });
    const addresses = [await resolve(hosts, 'zk'), await resolve(hosts, 'zk'), await resolve(hosts, 'zk')];
    expect(addresses.map(({ address }) => address)).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.1']);
    expect(lookups).toBe(3);
  });

  test('gives up in time when the resolver is silent, and asks it only once', async () => {
    let lookups = 0;
    const hosts = list(['zk'], () => { lookups += 1; });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      expect(await resolve(hosts, 'zk')).toEqual({ address: null, fault: 'no answer within 5 ms' });
    }
    expect(lookups).toBe(1);
  });

  test('occupies a bounded number of threads', async () => {
    let lookups = 0;
    const names = ['a', 'b', 'c', 'd', 'e'];
    const hosts = list(names, () => { lookups += 1; });
    await Promise.all(names.map((name) => resolve(hosts, name)));
    expect(lookups).toBe(LOOKUPS_MAX);
  });

  test('goes on with the last known address while the resolver is silent or failing, and says so', async () => {
    const answers: ((callback: LookupCallback) => void)[] = [
      (callback) => { callback(null, [{ address: '192.0.2.7' }]); },
      (callback) => { callback(Object.assign(new Error('try again'), { code: 'EAI_AGAIN' }), []); },
      () => undefined,
    ];
    const hosts = list(['zk'], (_, callback) => answers.shift()?.(callback));
    expect(await resolve(hosts, 'zk')).toEqual({ address: '192.0.2.7', fault: null });
    expect(await resolve(hosts, 'zk')).toEqual({ address: '192.0.2.7', fault: 'EAI_AGAIN' });
    expect(await resolve(hosts, 'zk')).toEqual({ address: '192.0.2.7', fault: 'no answer within 5 ms' });
  });

  test('forgets the addresses of a name that no longer exists', async () => {
    const answers: ((callback: LookupCallback) => void)[] = [
      (callback) => { callback(null, [{ address: '192.0.2.7' }]); },
      (callback) => { callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), []); },
    ];
    const hosts = list(['zk'], (_, callback) => answers.shift()?.(callback));
    await resolve(hosts, 'zk');
    expect(await resolve(hosts, 'zk')).toEqual({ address: null, fault: 'ENOTFOUND' });
  });

  test('says nothing after it was cancelled', async () => {
    const pending: LookupCallback[] = [];
    const hosts = list(['zk'], (_, callback) => { pending.push(callback); });
    const cancel = hosts.resolve('zk', 5, () => { throw new Error('called after cancel'); });
    cancel();
    pending[0]?.(null, [{ address: '192.0.2.1' }]);
    expect(await resolve(hosts, 'zk')).toMatchObject({ address: '192.0.2.1' });
  });
});
