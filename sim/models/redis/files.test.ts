import { describe, expect, test } from 'vitest';
import type { Persistence } from './options.ts';
import { Stage } from './testing/stage.ts';

function pair(persistence: Persistence) {
  const stage = new Stage();
  const [m, r] = [stage.node('m', { persistence }), stage.node('r', { persistence })];
  stage.follow(m, r);
  stage.client(m).write([1, 2]);
  stage.pass(1100);
  return { stage, m, r };
}

describe('a restart', () => {
  test('from nothing is empty, with a history of its own', () => {
    const { stage, m } = pair('none');
    const { replid, runId } = m.server;
    m.restart();
    expect(stage.info(m)).toMatchObject({ keys: 0, replication: { role: 'master', replid2: null, offset: 0 } });
    expect(m.server.replid).not.toBe(replid);
    expect(m.server.runId).not.toBe(runId);
  });

  test('of a server that never saves has the file of its last full sync', () => {
    const { m, r } = pair('unsaved');
    const { replid } = m.server;
    r.restart();
    expect(r.ids).toEqual([]);
    expect(r.server.state).toMatchObject({ replid2: replid });
    const { stage, m: master, r: replica } = pair('unsaved');
    stage.ask(replica, ['REPLICAOF', 'NO', 'ONE']);
    replica.server.expireKeys(1);
    stage.follow(master, replica);
    stage.client(master).write([3]);
    stage.pass(5);
    replica.restart();
    expect(replica.ids).toEqual([1, 2]);
  });

  test('from RDB has what was saved, and shows as a second id whose it is and up to where', () => {
    const { stage, m, r } = pair('rdb');
    stage.ask(m, ['SAVE']);
    const { replid, offset } = m.server;
    stage.client(m).write([3]);
    stage.pass(5);
    for (const node of [m, r]) {
      if (node === r) stage.ask(r, ['SAVE']);
      const at = node === r ? r.server.offset : offset;
      node.restart();
      expect(stage.replication(node)).toMatchObject({
        role: 'master', replid2: replid, secondReplOffset: at + 1, offset: at,
      });
      expect(node.ids).toEqual(node === r ? [1, 2, 3] : [1, 2]);
    }
  });

  test('in order, with all replicas at the same offset, costs no full sync', () => {
    const { stage, m, r } = pair('rdb');
    m.server.shutdown();
    m.start();
    stage.until(() => !r.server.linkUp, 'the link is down');
    stage.until(() => r.server.linkUp, 'the link is up');
    expect(r.server.link.fullSyncs).toBe(1);
    expect(r.server.replid).toBe(m.server.replid);
  });

  test('from RDB without ever having had a replica tells nothing about its history', () => {
    const stage = new Stage();
    const m = stage.node('m', { persistence: 'rdb' });
    stage.client(m).write([1]);
    stage.pass(5);
    stage.ask(m, ['SAVE']);
    m.restart();
    expect(stage.info(m)).toMatchObject({ keys: 1, replication: { replid2: null, offset: 0 } });
  });

  test('from AOF has every write, offset 0 and a history of its own', () => {
    const { stage, m } = pair('aof');
    stage.client(m).write([3]);
    stage.pass(5);
    m.restart();
    expect(stage.info(m)).toMatchObject({ keys: 3, replication: { role: 'master', replid2: null, offset: 0 } });
  });

  test('from AOF after a loss of power has what was synced to disk in the last second', () => {
    const { stage, m } = pair('aof');
    stage.until(() => m.disk.aofSynced?.size === 2, 'a sync');
    stage.client(m).write([3]);
    stage.pass(5);
    m.process.kill('power');
    m.start();
    stage.pass(100);
    expect(m.ids).toEqual([1, 2]);
  });

  test('as a replica by its configuration file keeps id and position, and never had a link', () => {
    const { stage, m, r } = pair('rdb');
    stage.ask(r, ['SAVE']);
    const { replid, offset } = r.server;
    stage.network.setPath('r', 'm', { state: 'drop' });
    r.restart({ replicaOf: { host: 'm', port: 6379 } });
    expect(stage.replication(r)).toMatchObject({ replid, offset, link: { up: false, downSinceSeconds: -1 } });
    stage.network.heal();
    stage.until(() => r.server.linkUp, 'the link is up');
    expect(r.server.link.fullSyncs).toBe(0);
    expect(m.server.replid).toBe(replid);
  });

  test('answers LOADING until its files are read', () => {
    const { stage, m } = pair('aof');
    m.process.kill();
    m.start({ loadMs: 1000 });
    expect(stage.ask(m, ['PING'], ['REPLICAOF', 'NO', 'ONE'])).toEqual(['LOADING', 'LOADING']);
    expect(stage.info(m).loading).toBe(true);
    expect(m.server.acknowledges()).toBe(false);
    stage.pass(2000);
    expect(m.server.acknowledges()).toBe(true);
  });

  test('in the middle of a full sync finds the old append-only file', () => {
    const { stage, m, r } = pair('aof');
    const x = stage.node('x');
    stage.ask(r, ['REPLICAOF', 'x', '6379']);
    r.process.slowMs = 0;
    stage.until(() => r.server.loading, 'loading');
    r.restart();
    expect(r.ids).toEqual(m.ids);
    expect(x.ids).toEqual([]);
  });
});

describe('a full disk', () => {
  test('makes a master refuse every write once saving has failed, and PING too', () => {
    const { stage, m } = pair('rdb');
    m.disk.full = true;
    stage.ask(m, ['BGSAVE']);
    stage.pass(200);
    expect(stage.ask(m, ['SET', '9', 'x'], ['PING'])).toEqual(['MISCONF', 'MISCONF']);
    expect(stage.ask(m, ['INFO'])[0]).toContain('rdb_last_bgsave_status:err');
    expect(m.server.acknowledges()).toBe(false);
    m.disk.full = false;
    stage.until(() => m.server.acknowledges(), 'it takes writes again');
  });

  test('makes a master refuse writes behind the first that cannot be appended', () => {
    const { stage, m } = pair('aof');
    m.disk.full = true;
    expect(stage.ask(m, ['SET', '8', 'x'])).toEqual(['OK']);
    expect(stage.ask(m, ['SET', '9', 'x'])).toEqual(['MISCONF']);
    m.restart();
    expect(m.ids).toEqual([1, 2]);
  });
});
