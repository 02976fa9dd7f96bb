/** "Refused with a reason code, touching nothing": servers of the wrong kind. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startFakeRedis } from '../support/fake-redis.ts';
import { refuses, Stage } from '../support/scene.ts';
import { waitFor } from '../support/wait-for.ts';

const stage = new Stage();
beforeAll(stage.open);
afterEach(stage.clear);
afterAll(stage.close);

test('a Redis in cluster mode is refused with cluster_mode and not touched', async () => {
  const scene = await stage.scene();
  const redis = await scene.redis({ args: ['--cluster-enabled', 'yes'] });
  const before = await redis.cmd('CONFIG', 'GET', '*');
  const agent = await scene.agent({ name: 'a', redis });
  await refuses(agent, 'cluster_mode');
  expect(await redis.cmd('CONFIG', 'GET', '*')).toEqual(before);
  expect((await redis.cmd('ROLE') as unknown[])[0]).toBe('master');
  expect(await scene.children(scene.root), 'nothing was decided').not.toContain('term');
  expect(await scene.data(scene.masterRecord)).toBeNull();
  expect(agent.alive).toBe(true);
});

const SETTINGS = { 'min-replicas-to-write': '0', 'min-replicas-max-lag': '10' };

const KINDS = [
  // KeyDB calls such a server `master` until it replicates from somebody; only its configuration tells.
  {
    what: 'a KeyDB with active-replica that follows nobody yet',
    reason: 'active_replica',
    info: { redis_version: '6.3.4', executable: '/usr/bin/keydb-server' },
    config: { 'active-replica': 'yes' },
  },
  {
    what: 'a KeyDB with active-replica that follows another',
    reason: 'active_replica',
    info: {
      redis_version: '6.3.4',
      role: 'active-replica',
      master_host: '192.0.2.1',
      master_port: '6379',
      master_link_status: 'down',
    },
    config: { 'active-replica': 'yes' },
  },
  { what: 'a Redis 6.0', reason: 'redis_too_old', info: { redis_version: '6.0.16' }, config: {} },
  { what: 'a Redis 5', reason: 'redis_too_old', info: { redis_version: '5.0.14' }, config: {} },
];

for (const { what, reason, info, config } of KINDS) {
  test(`${what} is refused with ${reason} and gets no command that changes anything`, async () => {
    const scene = await stage.scene();
    const redis = await startFakeRedis({ info, config: { ...SETTINGS, ...config } });
    scene.atEnd(() => redis.stop());
    const agent = await scene.agent({ name: 'a', redis });
    await refuses(agent, reason);
    const { looks } = redis;
    await waitFor(() => redis.looks > looks + 2, 'the agent goes on looking');
    agent.signal('SIGTERM');
    expect(await agent.exited).toBe(0);
    expect(redis.touched).toEqual([]);
    expect(await scene.children(scene.root)).not.toContain('term');
  });
}

test('the same fake of a supported version is taken: what is refused is the kind, not the fake', async () => {
  const scene = await stage.scene();
  const redis = await startFakeRedis({ info: {}, config: SETTINGS });
  scene.atEnd(() => redis.stop());
  const agent = await scene.agent({ name: 'a', redis });
  await waitFor(() => redis.touched.length > 0, 'a supported server to be touched');
  expect(await agent.view()).not.toBeNull();
});
