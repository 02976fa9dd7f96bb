import { describe, expect, test } from 'vitest';
import { Network } from './network.ts';
import type { End, EndEvents } from './network.ts';
import { Host, Process, SkewedClock } from './process.ts';
import { Random } from './random.ts';
import { Scheduler } from './scheduler.ts';

function ears(heard: string[]): EndEvents {
  return {
    onOpen: () => heard.push('open'),
    onFailed: (failure) => heard.push(failure),
    onMessage: (message) => heard.push(String(message)),
    onClosed: (how) => heard.push(how),
  };
}

function twoHosts() {
  const scheduler = new Scheduler();
  const network = new Network(scheduler, new Random(1));
  const hosts = ['a', 'b'].map((name) => new Host(name));
  for (const host of hosts) network.addHost(host);
  const [a, b] = hosts.map((host) => new Process(host.name, host, scheduler));
  const pass = (ms: number): void => scheduler.runUntil(scheduler.nowMs + ms);
  return { scheduler, network, a: a!, b: b!, pass };
}

describe('virtual time', () => {
  test('runs events in the order of their moments, and of their asking within one', () => {
    const scheduler = new Scheduler();
    const ran: number[] = [];
    for (const ms of [5, 1, 5, 3, 1]) scheduler.at(ms, () => ran.push(ms + ran.length / 10));
    scheduler.runUntil(4);
    expect(ran).toEqual([1, 1.1, 3.2]);
    scheduler.runUntil(9);
    expect(ran).toEqual([1, 1.1, 3.2, 5.3, 5.4]);
  });
});

describe('a process', () => {
  test('that thaws sends what it was about to send, then runs timers, then reads what arrived', () => {
    const { scheduler, a, pass } = twoHosts();
    const did: string[] = [];
    a.haltBeforeSend('freeze', 1);
    a.deliver(() => {
      a.sends(() => did.push('first send'));
      a.sends(() => did.push('second send'));
    });
    a.deliver(() => did.push('arrival'));
    a.timer(10, () => did.push('timer'));
    pass(20);
    expect(did).toEqual(['first send']);
    scheduler.after(0, () => a.thaw());
    pass(1);
    expect(did).toEqual(['first send', 'second send', 'timer', 'arrival']);
  });

  test('sees time pass at the rate of its own clock', () => {
    const { scheduler, a, pass } = twoHosts();
    const clock = new SkewedClock(a, { rate: 1.1, originMs: 100 });
    const seen: number[] = [];
    clock.after(11, () => seen.push(clock.now(), scheduler.nowMs));
    pass(20);
    expect(seen.map(Math.round)).toEqual([111, 10]);
  });
});

describe('a process that is stopped in the middle of a turn', () => {
  test('sees the time of its thaw in what is left of it, and sends nothing before', () => {
    const { scheduler, a, pass } = twoHosts();
    const clock = new SkewedClock(a, { rate: 1, originMs: 0 });
    const seen: number[] = [];
    a.pauseBeforeLook(1, 500);
    // Whoever looks from above does not stop it.
    expect([clock.shownMs, clock.shownMs, clock.shownMs]).toEqual([0, 0, 0]);
    a.deliver(() => {
      seen.push(clock.now(), clock.now());
      a.sends(() => seen.push(scheduler.nowMs));
    });
    scheduler.at(100, () => a.thaw());
    pass(200);
    expect(seen).toEqual([0, 500]);
    scheduler.at(500, () => a.thaw());
    pass(1000);
    expect(seen).toEqual([0, 500, 500]);
    expect(clock.now()).toBe(1200);
  });
});

describe('a machine that is suspended', () => {
  test('wakes up with a monotonic clock and timers that stood still, and a wall clock that went on', () => {
    const { scheduler, a, pass } = twoHosts();
    const clock = new SkewedClock(a, { rate: 1, originMs: 0 });
    const leadMs = clock.wallNow() - clock.now();
    const fired: number[] = [];
    clock.after(300, () => fired.push(Math.round(scheduler.nowMs)));
    pass(100);
    a.suspend();
    pass(5000);
    expect(clock.now()).toBe(100);
    a.thaw();
    pass(500);
    expect(clock.now()).toBe(600);
    expect(clock.wallNow() - clock.now() - leadMs).toBe(5000);
    expect(fired).toEqual([5300]);
    expect(clock.toTrueMs(clock.now())).toBe(5600);
  });

  test('keeps the time of a process that was stopped in its turn: no clock goes back', () => {
    const { scheduler, a, pass } = twoHosts();
    const clock = new SkewedClock(a, { rate: 1, originMs: 0 });
    pass(100);
    a.pauseBeforeLook(0, 1000);
    expect(clock.now()).toBe(1000);
    a.suspend();
    pass(900);
    a.thaw();
    expect(scheduler.nowMs).toBe(1000);
    expect(clock.now()).toBe(1000);
  });
});

describe('a connection', () => {
  test('is refused where nobody listens, and opens towards a frozen process', () => {
    const { network, a, b, pass } = twoHosts();
    const heard: string[] = [];
    network.connect(a, { host: 'b', port: 1 }, { timeoutMs: 100, events: ears(heard) });
    pass(10);
    network.listen(b, 1, () => ears([]));
    b.freeze();
    network.connect(a, { host: 'b', port: 1 }, { timeoutMs: 100, events: ears(heard) });
    pass(200);
    expect(heard).toEqual(['refused', 'open']);
  });

  test('delivers what was sent during a partition after it, in order', () => {
    const { network, a, b, pass } = twoHosts();
    const heard: string[] = [];
    network.listen(b, 1, () => ears(heard));
    const end = network.connect(a, { host: 'b', port: 1 }, { timeoutMs: 100, events: ears([]) });
    pass(10);
    network.setPath('a', 'b', { state: 'drop' });
    for (const each of ['1', '2', '3']) end.send(each);
    pass(1000);
    expect(heard).toEqual([]);
    network.heal();
    pass(1000);
    expect(heard).toEqual(['1', '2', '3']);
  });

  test('ends by fin or reset when the other process dies, and by nothing when its host loses power', () => {
    const { network, a, b, pass } = twoHosts();
    const heard: string[] = [];
    network.listen(b, 1, () => ears([]));
    network.connect(a, { host: 'b', port: 1 }, { timeoutMs: 100, events: ears(heard) });
    pass(10);
    b.kill();
    pass(10);
    expect(heard[1]).toMatch(/^(fin|reset)$/);
    const other = new Process('b', network.host('b')!, network.scheduler);
    network.listen(other, 1, () => ears([]));
    const silent: string[] = [];
    const end = network.connect(a, { host: 'b', port: 1 }, { timeoutMs: 100, events: ears(silent) });
    pass(10);
    other.host.up = false;
    other.kill('power');
    end.send('into the void');
    pass(1000);
    expect(silent).toEqual(['open']);
    pass(20_000);
    expect(silent).toEqual(['open', 'lost']);
  });

  test('that its kernel gives up brings nothing of what was sent behind what is lost', () => {
    const { network, a, b, pass } = twoHosts();
    const heard: string[][] = [];
    network.listen(b, 1, () => ears((heard[heard.length] = [])));
    const ends = Array.from({ length: 20 }, () => (
      network.connect(a, { host: 'b', port: 1 }, { timeoutMs: 100, events: ears([]) })
    ));
    pass(10);
    network.setPath('a', 'b', { state: 'drop' });
    for (const end of ends) end.send('first');
    pass(14_900);
    network.setPath('a', 'b', { state: 'open' });
    pass(50);
    for (const end of ends) end.send('second');
    pass(500);
    const streams = new Set(heard.map((words) => words.filter((word) => word !== 'open').join()));
    expect([...streams].sort()).toEqual(['', 'first,second']);
  });

  test('that one side forgot ends by reset at the other, though that one only waits: its kernel does not', () => {
    const { network, a, b, pass } = twoHosts();
    const heard: string[] = [];
    let far: End | undefined;
    network.listen(b, 1, (end) => {
      far = end;
      return ears([]);
    });
    const connect = (): End => network.connect(a, { host: 'b', port: 1 }, { timeoutMs: 100, events: ears(heard) });
    connect();
    pass(10);
    network.setPath('b', 'a', { state: 'drop' });
    far?.send('an answer that b gives up');
    pass(20_000);
    expect(heard).toEqual(['open']);
    network.heal();
    pass(2000);
    expect(heard).toEqual(['open', 'reset']);
    connect();
    pass(10);
    b.host.up = false;
    b.kill('power');
    pass(5000);
    b.host.up = true;
    pass(4000);
    expect(heard.slice(2)).toEqual(['open']);
    pass(2000);
    expect(heard.slice(2)).toEqual(['open', 'reset']);
  });
});
