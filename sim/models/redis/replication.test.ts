import { describe, expect, test } from 'vitest';
import { Stage } from './testing/stage.ts';

const CLOSED = ['REPLICAOF', '127.0.0.1', '1'] as const;

function pair(options = {}) {
  const stage = new Stage();
  const [m, r] = [stage.node('m', options), stage.node('r', options)];
  stage.follow(m, r);
  return { stage, m, r };
}

describe('the stream', () => {
  test('brings every write to the replicas, at the same offset', () => {
    const { stage, m, r } = pair();
    const client = stage.client(m);
    client.write([1, 2, 3]);
    client.write([4]);
    stage.pass(10);
    expect(r.ids).toEqual([1, 2, 3, 4]);
    expect(r.server.data).toBe(m.server.data);
    expect(stage.replication(r)).toMatchObject({
      role: 'replica', offset: m.server.offset, replid: m.server.replid,
      link: { up: true, readOffset: m.server.offset },
    });
  });

  test('counts nothing before the first replica was attached', () => {
    const stage = new Stage();
    const m = stage.node('m');
    stage.client(m).write([1, 2, 3]);
    stage.pass(5);
    expect(stage.info(m)).toMatchObject({ keys: 3, replication: { offset: 0 } });
  });

  test('a server without a backlog takes a new replication id with its first replica', () => {
    const stage = new Stage();
    const [m, r] = [stage.node('m'), stage.node('r')];
    const before = m.server.replid;
    stage.follow(m, r);
    expect(m.server.replid).not.toBe(before);
  });

  test('keep-alives and expired keys move the offset, of a fenced master too', () => {
    const { stage, m } = pair();
    stage.ask(m, ['CONFIG', 'SET', 'min-replicas-max-lag', '2', 'min-replicas-to-write', '1000000']);
    const { offset } = m.server;
    stage.pass(10_000);
    expect(m.server.offset).toBe(offset + 14);
    m.server.expireKeys(1);
    expect(m.server.offset).toBe(offset + 14 + 23 + 30);
  });

  test('a replica acknowledges once a second, and at once when WAIT asks', () => {
    const { stage, m, r } = pair();
    const client = stage.client(m);
    stage.pass(1100);
    client.write([1], 1);
    stage.pass(5);
    expect(client.heard.map(({ kind }) => kind)).toEqual(['written', 'waited']);
    expect(m.acknowledged.map(({ id, viaWait }) => [id, viaWait])).toEqual([[1, 0], [1, 1]]);
    r.process.freeze();
    client.write([2], 1);
    stage.pass(600);
    expect(client.heard.at(-1)).toMatchObject({ kind: 'waited', replicas: 0 });
  });

  test('a replica that is told the address which it follows already does nothing', () => {
    const { stage, m, r } = pair();
    r.server.link.bytesPerMs = 0.1;
    stage.client(m).write(Array.from({ length: 400 }, (_, i) => i));
    stage.pass(5);
    const unread = r.server.link.unreadBytes;
    expect(stage.ask(r, ['REPLICAOF', 'm', '6379'])).toEqual(['OK Already connected to specified master']);
    expect(r.server.link.unreadBytes).toBe(unread);
  });
});

describe('identity', () => {
  test('NO ONE begins a history that continues the old one; the other replica continues too', () => {
    const stage = new Stage();
    const [m, a, b] = [stage.node('m'), stage.node('a'), stage.node('b')];
    stage.follow(m, a, b);
    stage.client(m).write([1, 2]);
    stage.pass(5);
    stage.pass(1000);
    const { replid, offset } = m.server;
    stage.ask(a, CLOSED);
    stage.ask(b, CLOSED);
    expect(stage.replication(a)).toMatchObject({ replid, offset, link: { up: false, downSinceSeconds: 0 } });
    stage.ask(a, ['REPLICAOF', 'NO', 'ONE']);
    expect(stage.replication(a)).toMatchObject({ role: 'master', replid2: replid, secondReplOffset: offset + 1 });
    const fullSyncs = b.server.link.fullSyncs;
    stage.follow(a, b);
    expect(b.server.link.fullSyncs).toBe(fullSyncs);
    expect(stage.replication(b)).toMatchObject({ replid: a.server.replid, replid2: replid });
  });

  test('who went on alone after the others were promoted needs a full sync, for one keep-alive as well', () => {
    const stage = new Stage();
    const [m, a, b] = [stage.node('m'), stage.node('a'), stage.node('b')];
    stage.follow(m, a, b);
    stage.client(m).write([1]);
    stage.pass(5);
    stage.ask(a, CLOSED, ['REPLICAOF', 'NO', 'ONE']);
    m.server.expireKeys(1);
    stage.pass(5);
    stage.follow(a, m);
    expect(m.server.link.fullSyncs).toBe(1);
    expect(m.ids).toEqual([1]);
  });

  test('the deposed master continues where nothing was added to its history', () => {
    const { stage, m, r } = pair();
    stage.client(m).write([1]);
    stage.pass(5);
    stage.ask(m, CLOSED);
    stage.pass(5);
    stage.ask(r, CLOSED, ['REPLICAOF', 'NO', 'ONE']);
    stage.client(r).write([2]);
    stage.follow(r, m);
    expect(m.server.link.fullSyncs).toBe(0);
    stage.pass(10);
    expect(m.ids).toEqual([1, 2]);
  });

  test('a master that was alone for longer than its backlog lives gets a new id, unless that time is 0', () => {
    const { stage, m, r } = pair({ backlogTtlSeconds: 3 });
    stage.ask(r, CLOSED);
    const before = m.server.replid;
    stage.pass(6000);
    expect(stage.replication(m)).toMatchObject({ replid2: null });
    expect(m.server.replid).not.toBe(before);
    const other = pair({ backlogTtlSeconds: 3 });
    other.stage.ask(other.m, ['CONFIG', 'SET', 'repl-backlog-ttl', '0']);
    other.stage.ask(other.r, CLOSED);
    const kept = other.m.server.replid;
    other.stage.pass(6000);
    expect(other.m.server.replid).toBe(kept);
  });

  test('what the backlog has lost costs a full sync', () => {
    const { stage, m, r } = pair({ backlogBytes: 1000 });
    stage.ask(r, CLOSED);
    stage.client(m).write(Array.from({ length: 20 }, (_, i) => i));
    stage.pass(5);
    stage.follow(m, r);
    expect(r.server.link.fullSyncs).toBe(2);
    expect(r.ids).toEqual(m.ids);
  });
});

describe('unread bytes', () => {
  test('are lost when the replica is told to leave, and applied when the link may end by itself', () => {
    for (const waits of [false, true]) {
      const { stage, m, r } = pair();
      r.server.link.bytesPerMs = 1000;
      const client = stage.client(m);
      for (let at = 0; at < 3000; at += 100) client.write(Array.from({ length: 100 }, (_, i) => at + i));
      stage.pass(20);
      expect(m.acknowledged).toHaveLength(3000);
      m.process.kill();
      if (waits) stage.until(() => !stage.replication(r).link!.up, 'the link ends');
      stage.ask(r, CLOSED);
      const kept = r.ids.length;
      if (waits) expect(kept).toBe(3000);
      else expect(kept).toBeLessThan(3000);
      expect(r.ids).toEqual(Array.from({ length: kept }, (_, i) => i));
    }
  });

  test('a stalled replica reads its sockets in any order: the order to leave may come before the stream', () => {
    const seen = new Set<number>();
    for (let seed = 0; seed < 20; seed++) {
      const stage = new Stage(seed);
      const [m, r] = [stage.node('m'), stage.node('r')];
      stage.follow(m, r);
      const link = stage.link(r);
      r.server.stall(400);
      stage.client(m).write([1]);
      stage.pass(5);
      link.send([CLOSED], 1000, () => undefined);
      stage.pass(500);
      seen.add(r.ids.length);
    }
    expect(seen).toEqual(new Set([0, 1]));
  });
});

describe('a full sync', () => {
  test('waits for the diskless delay, during which leaving costs nothing', () => {
    const stage = new Stage();
    const [m, r] = [stage.node('m', { disklessDelaySeconds: 5 }), stage.node('r')];
    stage.client(r).write([7]);
    stage.pass(5);
    stage.ask(r, ['REPLICAOF', 'm', '6379']);
    stage.pass(4000);
    expect(stage.replication(r).link).toMatchObject({ up: false, syncInProgress: false });
    expect(stage.replication(m).replicas).toMatchObject([{ state: 'wait_bgsave' }]);
    stage.ask(r, CLOSED);
    expect(r.ids).toEqual([7]);
  });

  test('waits behind the sync fence for as long as it is closed', () => {
    const stage = new Stage();
    const [m, r] = [stage.node('m', { disklessDelaySeconds: 86_400 }), stage.node('r')];
    stage.client(r).write([7]);
    stage.ask(r, ['REPLICAOF', 'm', '6379']);
    stage.pass(30_000);
    expect(r.ids).toEqual([7]);
    stage.ask(m, ['CONFIG', 'SET', 'repl-diskless-sync-max-replicas', '1']);
    stage.until(() => stage.replication(r).link?.up === true, 'the link is up');
    expect(r.ids).toEqual([]);
  });

  test('drops the old data when loading begins, refuses REPLICAOF from then on, and a crash leaves nothing', () => {
    const stage = new Stage();
    const [m, r] = [stage.node('m'), stage.node('r', { loadMs: 500 })];
    stage.client(m).write([1, 2, 3]);
    stage.client(r).write([7, 8]);
    stage.pass(5);
    stage.ask(r, ['REPLICAOF', 'm', '6379']);
    stage.until(() => r.server.loading, 'loading');
    expect(stage.info(r)).toMatchObject({ loading: true, replication: { link: { up: false, syncInProgress: true } } });
    expect(stage.ask(r, CLOSED, ['PING'], ['MULTI'], CLOSED, ['EXEC']))
      .toEqual(['LOADING', 'LOADING', 'OK', 'LOADING', 'EXECABORT']);
    expect(r.ids).toEqual([]);
    r.restart();
    expect(r.ids).toEqual([]);
  });

  test('aborted during the transfer costs nothing: data, position and replicas are kept', () => {
    const stage = new Stage();
    const [m, r, x] = [stage.node('m'), stage.node('r'), stage.node('x', { transferMs: 1000 })];
    stage.follow(m, r);
    stage.client(m).write([1]);
    stage.pass(5);
    stage.ask(r, ['REPLICAOF', 'x', '6379']);
    stage.until(() => stage.replication(r).link!.syncInProgress, 'the transfer');
    stage.ask(r, CLOSED);
    expect(r.ids).toEqual([1]);
    expect(stage.replication(r).link).toMatchObject({ readOffset: m.server.offset });
    expect(x.ids).toEqual([]);
    stage.follow(m, r);
    expect(r.server.link.fullSyncs).toBe(1);
  });

  test('makes a replica count as good before the stream has begun', () => {
    const stage = new Stage();
    const [m, r] = [stage.node('m', { startFence: true }), stage.node('r', { loadMs: 700 })];
    stage.ask(r, ['REPLICAOF', 'm', '6379']);
    expect(m.server.acknowledges()).toBe(false);
    stage.until(() => m.server.acknowledges(), 'enough replicas');
    expect(r.server.linkUp).toBe(false);
    stage.client(m).write([1]);
    expect(stage.replication(m).replicas).toMatchObject([{ state: 'online', offset: 0 }]);
    expect(r.ids).toEqual([]);
    stage.until(() => r.server.linkUp, 'the link is up');
    stage.pass(10);
    expect(r.ids).toEqual([1]);
  });

  test('is acknowledged at once, which begins no stream before the master has noticed that its child ended', () => {
    const stage = new Stage();
    const [m, r] = [stage.node('m'), stage.node('r', { loadMs: 1 })];
    stage.ask(r, ['REPLICAOF', 'm', '6379']);
    const state = (): string | undefined => stage.replication(m).replicas[0]?.state;
    stage.until(() => r.server.linkUp, 'the link is up');
    expect(state()).toBe('wait_bgsave');
    stage.until(() => state() === 'online', 'the child is gone');
    stage.client(m).write([1]);
    stage.pass(10);
    expect(r.ids).toEqual([]);
    stage.pass(1000);
    expect(r.ids).toEqual([1]);
  });

  test('kills the BGSAVE of who takes it, and INFO says nothing about that', () => {
    const stage = new Stage();
    const [, r] = [stage.node('m'), stage.node('r', { persistence: 'rdb', bgsaveMs: 5000 })];
    stage.client(r).write([7]);
    stage.pass(5);
    stage.ask(r, ['BGSAVE'], ['REPLICAOF', 'm', '6379']);
    stage.until(() => r.server.linkUp, 'the link is up');
    stage.pass(9000);
    expect(r.disk.rdb?.data.size).toBe(0);
    expect(stage.ask(r, ['INFO'])[0]).toContain('rdb_last_bgsave_status:ok');
  });

  test('from an empty restarted master wipes the replica that still follows it', () => {
    const { stage, m, r } = pair();
    stage.client(m).write([1, 2]);
    stage.pass(5);
    m.restart();
    stage.until(() => r.server.linkUp && r.server.replid === m.server.replid, 'the link is up');
    expect(r.ids).toEqual([]);
  });

  test('that was received before its replica was stopped is of the process that sent it, which is gone by then', () => {
    const stage = new Stage();
    const [m, r] = [stage.node('m'), stage.node('r')];
    stage.client(r).write([7]);
    stage.ask(r, ['REPLICAOF', 'm', '6379']);
    const { runId } = m.server;
    stage.until(() => m.server.state.child !== null, 'a full sync');
    r.process.freeze();
    stage.until(() => m.server.state.child === null, 'all is sent');
    m.restart();
    r.process.thaw();
    stage.until(() => r.replaced.length > 0, 'loading');
    expect(r.replaced.map(({ fromRunId }) => fromRunId)).toEqual([runId]);
    expect(m.server.runId).not.toBe(runId);
  });

  test('is not given by a replica whose own link is down', () => {
    const { stage, m, r } = pair();
    const x = stage.node('x');
    stage.ask(r, CLOSED);
    stage.ask(x, ['REPLICAOF', 'r', '6379']);
    stage.pass(5000);
    expect(x.server.link).toMatchObject({ phase: 'waiting', fullSyncs: 0 });
    expect(m.server.state.replicas.size).toBe(0);
  });

  test('reaches a replica of a replica, which then gets the stream through it', () => {
    const { stage, m, r } = pair();
    const x = stage.node('x');
    stage.follow(r, x);
    stage.client(m).write([1]);
    stage.pass(10);
    expect(x.ids).toEqual([1]);
    expect(x.server.replid).toBe(m.server.replid);
  });
});
