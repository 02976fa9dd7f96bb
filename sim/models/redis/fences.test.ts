import { describe, expect, test } from 'vitest';
import { deadMan, fenceSequence, reversibleFence } from '../../../src/redis/commands.ts';
import { PORT, Stage } from './testing/stage.ts';

const VERSION = '7.0.15';

function trio(seed = 1, options = {}) {
  const stage = new Stage(seed);
  const [m, a, b] = [stage.node('m', options), stage.node('a', options), stage.node('b', options)];
  stage.follow(m, a, b);
  return { stage, m, a, b };
}

/** Ten clients that queue this many batches of 100 writes each at a stopped server, before or after the fence. */
function queueAtFrozen(seed: number, fence: 'none' | 'hard' | 'reversible') {
  const { stage, m } = trio(seed);
  const clients = Array.from({ length: 10 }, () => stage.client(m));
  const link = stage.link(m);
  m.process.freeze();
  let id = 0;
  const queue = (): void => {
    for (const client of clients) client.write(Array.from({ length: 100 }, () => ++id));
  };
  for (let i = 0; i < 3; i++) queue();
  stage.pass(5);
  if (fence === 'hard') link.send(fenceSequence({ host: 'a', port: PORT }), 1000, () => undefined);
  if (fence === 'reversible') link.send(reversibleFence(VERSION), 1000, () => undefined);
  stage.pass(5);
  queue();
  stage.pass(2000);
  stage.scheduler.after(0, () => m.process.thaw());
  stage.pass(50);
  const clientsHeard = clients.reduce((sum, { heard }) => sum + heard.length, 0);
  return { executed: m.ids.length, acknowledged: m.acknowledged.length, clientsHeard };
}

describe('a stopped server', () => {
  test('runs what was queued when it thaws', () => {
    expect(queueAtFrozen(1, 'none')).toMatchObject({ executed: 4000, acknowledged: 4000 });
  });

  test('may run a batch of each connection before the fence, and acknowledges none of them', () => {
    const runs = Array.from({ length: 10 }, (_, seed) => queueAtFrozen(seed, 'hard'));
    expect(runs.some(({ executed }) => executed > 0)).toBe(true);
    for (const { acknowledged, executed, clientsHeard } of runs) {
      expect(acknowledged + clientsHeard).toBe(0);
      expect(executed).toBeLessThanOrEqual(10 * 200);
    }
  });

  test('acknowledges the first batches where the fence only refuses writes', () => {
    const runs = Array.from({ length: 10 }, (_, seed) => queueAtFrozen(seed, 'reversible'));
    expect(runs.some(({ acknowledged }) => acknowledged > 0)).toBe(true);
    for (const { acknowledged } of runs) expect(acknowledged).toBeLessThanOrEqual(10 * 200);
  });

  test('acknowledges what it had executed when it was stopped, before it reads the fence', () => {
    const { stage, m } = trio();
    const [one, two] = [stage.client(m), stage.client(m)];
    const link = stage.link(m);
    m.server.stall(50);
    one.write([1]);
    two.write([2]);
    stage.pass(5);
    m.process.haltBeforeSend('freeze', 1);
    stage.pass(100);
    expect(m.process.frozen).toBe(true);
    link.send(fenceSequence(null), 1000, () => undefined);
    stage.pass(1000);
    const before = m.acknowledged.length;
    stage.scheduler.after(0, () => m.process.thaw());
    stage.pass(5);
    expect(before).toBeLessThan(2);
    expect(m.acknowledged.map(({ id }) => id).sort()).toEqual([1, 2]);
    expect(m.server.role).toBe('replica');
  });

  test('checks its replicas in the cron only, behind the first batches that it reads', () => {
    const { stage, m, a, b } = trio();
    stage.ask(m, ...deadMan(1, VERSION));
    const client = stage.client(m);
    m.process.freeze();
    client.write([1]);
    for (const replica of [a, b]) replica.process.freeze();
    stage.pass(5000);
    stage.scheduler.after(0, () => m.process.thaw());
    stage.pass(2);
    expect(m.acknowledged.map(({ id }) => id)).toEqual([1]);
    stage.pass(10);
    expect(m.server.acknowledges()).toBe(false);
  });
});

describe('CLIENT KILL', () => {
  test('ends everybody else but the replicas: other agents read a closed connection', () => {
    const { stage, m } = trio();
    const endings: string[] = [];
    stage.link(m, endings);
    const client = stage.client(m);
    expect(stage.ask(m, ...fenceSequence(null))).toEqual([
      'OK', 'QUEUED', 'QUEUED', 'QUEUED', ['OK', 2, 0],
    ]);
    stage.pass(2);
    expect([...endings, ...client.endings]).toEqual(['fin', 'fin']);
    expect(m.server.state.replicas.size).toBe(2);
  });
});

describe('min-replicas-to-write', () => {
  test('refuses at once when the last replica left, and within two seconds of max-lag when it hangs', () => {
    const { stage, m, a, b } = trio();
    stage.ask(m, ...deadMan(1, VERSION));
    a.process.kill();
    stage.pass(2);
    expect(m.server.acknowledges()).toBe(true);
    b.process.freeze();
    const fromMs = stage.scheduler.nowMs;
    stage.until(() => !m.server.acknowledges(), 'it refuses');
    const tookMs = stage.scheduler.nowMs - fromMs;
    expect(tookMs).toBeGreaterThan(1000);
    expect(tookMs).toBeLessThanOrEqual(4000);
    stage.client(m).write([1]);
    stage.pass(2);
    expect(m.ids).toEqual([]);
    b.process.thaw();
    stage.until(() => m.server.acknowledges(), 'it takes writes again');
    b.process.kill();
    stage.pass(2);
    expect(m.server.acknowledges()).toBe(false);
  });

  test('is void while max-lag is 0', () => {
    const { stage, m } = trio();
    stage.ask(m, ...reversibleFence(VERSION));
    expect(m.server.acknowledges()).toBe(false);
    stage.ask(m, ['CONFIG', 'SET', 'min-replicas-max-lag', '0']);
    expect(m.server.acknowledges()).toBe(true);
  });

  test('survives REPLICAOF and NO ONE, but no restart', () => {
    const { stage, m } = trio();
    stage.ask(m, ...reversibleFence(VERSION), ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE']);
    expect(m.server.acknowledges()).toBe(false);
    m.restart();
    expect(m.server.acknowledges()).toBe(true);
    m.restart({ startFence: true });
    expect(m.server.acknowledges()).toBe(false);
  });

  test('does not fire while one replica stays', () => {
    const { stage, m, a } = trio();
    stage.ask(m, ...deadMan(1, VERSION));
    stage.ask(a, ['REPLICAOF', 'NO', 'ONE']);
    stage.pass(10_000);
    expect([m.server.acknowledges(), a.server.acknowledges()]).toEqual([true, true]);
  });

  test('turns a replica busy for long into refusals, and it is good again once it acknowledges', () => {
    const { stage, m, a, b } = trio();
    stage.ask(m, ...deadMan(1, VERSION));
    a.process.kill();
    b.server.stall(5000);
    stage.until(() => !m.server.acknowledges(), 'it refuses');
    stage.until(() => m.server.acknowledges(), 'it takes writes again');
  });
});

describe('CLIENT PAUSE', () => {
  test('WRITE holds writes back until it expires, and then they meet the role of that moment', () => {
    const { stage, m } = trio();
    const client = stage.client(m);
    stage.ask(m, ['CLIENT', 'PAUSE', '200', 'WRITE']);
    client.write([1]);
    stage.pass(100);
    expect(client.heard).toEqual([]);
    expect(stage.ask(m, ['PING'])).toEqual(['PONG']);
    stage.pass(200);
    expect(client.heard).toMatchObject([{ kind: 'written', error: null }]);
    stage.ask(m, ['CLIENT', 'PAUSE', '1000', 'WRITE']);
    client.write([2]);
    stage.ask(m, ['REPLICAOF', 'a', '6379'], ['CLIENT', 'UNPAUSE']);
    stage.pass(5);
    expect(client.heard.at(-1)).toMatchObject({ kind: 'written', error: { code: 'READONLY' } });
  });

  test('ALL looks like a hang: the fence waits too, and what was queued before it runs', () => {
    const { stage, m } = trio();
    const link = stage.link(m);
    const client = stage.client(m);
    stage.ask(m, ['CLIENT', 'PAUSE', '1500', 'ALL']);
    client.write([1]);
    stage.pass(5);
    link.send(reversibleFence(VERSION), 3000, () => undefined);
    stage.pass(1000);
    expect([m.server.acknowledges(), m.ids.length]).toEqual([false, 0]);
    stage.pass(1000);
    expect(m.server.acknowledges()).toBe(false);
  });

  test('stops expirations, but not keep-alives', () => {
    const { stage, m } = trio();
    stage.ask(m, ['CLIENT', 'PAUSE', '20000', 'WRITE']);
    const { offset } = m.server;
    m.server.expireKeys(5);
    stage.pass(10_000);
    expect(m.server.offset).toBe(offset + 14);
  });
});

describe('a script', () => {
  test('is silence at first, then BUSY to fences, until it is killed', () => {
    const { stage, m } = trio();
    m.server.runScript(60_000, false);
    expect(stage.ask(m, ['PING'])).toEqual(['silent']);
    stage.pass(5000);
    expect(stage.ask(m, ['INFO'], ...reversibleFence(VERSION))).toEqual(['BUSY', 'BUSY', 'BUSY']);
    expect(stage.ask(m, ...fenceSequence(null))).toEqual(['OK', 'BUSY', 'BUSY', 'BUSY', 'EXECABORT']);
    expect(m.server.acknowledges()).toBe(false);
    expect(stage.ask(m, ['SCRIPT', 'KILL'], ['PING'])).toEqual(['OK', 'PONG']);
  });

  test('that has written cannot be killed', () => {
    const { stage, m } = trio();
    m.server.runScript(8000, true);
    stage.pass(6000);
    expect(stage.ask(m, ['SCRIPT', 'KILL'])).toEqual(['UNKILLABLE']);
    stage.pass(3000);
    expect(m.server.acknowledges()).toBe(true);
  });
});

describe('WAIT', () => {
  test('ends with an error when the master becomes a replica', () => {
    const { stage, m, a, b } = trio();
    for (const replica of [a, b]) replica.process.freeze();
    const client = stage.client(m);
    client.write([1], 1);
    stage.pass(5);
    stage.ask(m, ['REPLICAOF', '127.0.0.1', '1']);
    expect(client.heard.at(-1)).toMatchObject({ kind: 'waited', error: { code: 'UNBLOCKED' } });
    expect(client.endings).toEqual(['fin']);
  });

  test('counts a replica that acknowledged and then lost its memory', () => {
    const { stage, m, a, b } = trio(1, { persistence: 'rdb' });
    a.server.bgsave();
    stage.pass(200);
    b.process.freeze();
    const client = stage.client(m);
    client.write([1], 1);
    stage.pass(5);
    expect(client.heard.at(-1)).toMatchObject({ kind: 'waited', replicas: 1 });
    m.process.kill();
    a.restart();
    expect(a.ids).toEqual([]);
  });
});
