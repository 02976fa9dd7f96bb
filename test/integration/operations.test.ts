// Planned operations by HTTP on real servers: switchover, its refusals and interruptions, orders for later, pause,
// a full resync, forgetting a node.

import { describe, expect, test } from 'vitest';

import { failureStage } from '../support/failure-stage.ts';
import type { FailureStage } from '../support/failure-stage.ts';
import { heal, listen, peace, says } from '../support/healing.ts';
import { give } from '../support/orders.ts';
import type { Node } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { untilFollows } from '../support/writers.ts';

/** Far more than any of these may take: what is told apart is "at once" and "by a timeout". */
const GAP_MAX_MS = 1000;
const SOON_MS = 3000;

async function nodesOf(stage: FailureStage): Promise<{ master: Node; replicas: readonly [Node, Node] }> {
  return peace(stage.service);
}

function soon(): string {
  return new Date(Date.now() + SOON_MS).toISOString();
}

describe('a service of three', () => {
  const stage = failureStage();

  test('a switchover to a named replica loses nothing and says how long it took, by any agent', async () => {
    for (const taker of [0, 1, 2]) {
      const { master, replicas: [, target] } = await nodesOf(stage);
      const writers = stage.writeTo(stage.service.nodes, { batch: 2 });
      await writers.progress(master, 300);
      const asked = stage.service.nodes[taker] ?? master;
      const { status, body } = await give(asked, '/switchover', { leader: master.name, candidate: target.name });
      expect(body).toMatchObject({ ok: true, result: { outcome: 'done', target: target.name, master: target.name } });
      expect(status).toBe(200);
      expect(body.result?.gapMs).toBeLessThan(GAP_MAX_MS);
      await writers.progress(target, 100);
      await writers.stop();
      expect(await writers.missingOn(target.redis)).toEqual([]);
      expect(writers.overlap(master, target)).toEqual([]);
      await untilFollows(master, target);
    }
  });

  test('a switchover without a body goes to the best replica', async () => {
    const { master } = await nodesOf(stage);
    const { status, body } = await give(master, '/switchover');
    expect(status).toBe(200);
    expect(body.result?.outcome).toBe('done');
    expect(body.result?.target).not.toBe(master.name);
    expect((await nodesOf(stage)).master.name).toBe(body.result?.target);
  });

  test('what cannot be done is refused with its reason, and changes nothing', async () => {
    const { master, replicas: [one, other] } = await nodesOf(stage);
    const epoch = (await master.agent.view())?.epoch;
    const refused = async (body: object, by = one) => {
      const answer = await give(by, '/switchover', body);
      return [answer.status, answer.body.reason ?? answer.body.error];
    };
    expect(await refused({ candidate: master.name })).toEqual([412, 'target_is_master']);
    expect(await refused({ candidate: 'nobody' })).toEqual([412, 'unknown_node']);
    expect(await refused({ leader: one.name, candidate: other.name })).toEqual([412, 'master_differs']);
    expect(await refused({ candidate: 7 })).toEqual([400, 'bad_order']);
    expect(await refused({ candidate: one.name, scheduled_at: '2001-01-01T00:00:00Z' })).toEqual([422, 'bad_time']);
    expect(await refused({ candidate: one.name, scheduled_at: 'tomorrow' })).toEqual([400, 'bad_order']);
    const failover = await give(one, '/failover', { candidate: one.name });
    expect([failover.status, failover.body.reason]).toEqual([412, 'master_exists']);
    expect((await other.agent.http('/disable'))?.status).toBe(200);
    await waitFor(async () => (await master.agent.view())?.inSync.length === 1, 'the disabled one is out');
    expect((await refused({ candidate: other.name }))[1]).toBe('node_disabled');
    expect((await other.agent.http('/enable'))?.status).toBe(200);
    await nodesOf(stage);
    expect((await master.agent.view())?.epoch).toBe(epoch);
  });

  test('of two operators at once one is served', async () => {
    const { master, replicas: [one, other] } = await nodesOf(stage);
    const before = (await master.agent.view())?.epoch ?? 0;
    const answers = await Promise.all([
      give(one, '/switchover', { candidate: one.name }),
      give(other, '/switchover', { candidate: other.name }),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
    const { master: after } = await nodesOf(stage);
    expect((await after.agent.view())?.epoch).toBe(before + 1);
  });

  test('a target that dies on the way leaves the old master in its office', async () => {
    const { master, replicas: [target, other] } = await nodesOf(stage);
    const writers = stage.writeTo(stage.service.nodes, { batch: 2 });
    await writers.progress(master, 200);
    // Its agent is stopped: it streams, and cannot claim.
    target.agent.signal('SIGSTOP');
    const { status, body } = await give(other, '/switchover', { candidate: target.name });
    target.agent.signal('SIGCONT');
    expect(status).toBe(503);
    expect(body.result).toMatchObject({ outcome: 'interrupted', reason: 'target_lost', master: master.name });
    await writers.progress(master, 100);
    await writers.stop();
    expect(await writers.missingOn(master.redis)).toEqual([]);
    await heal(stage.service);
  });

  test('an order for later is carried out though every agent was restarted, and can be taken back', async () => {
    const { master, replicas: [target, other] } = await nodesOf(stage);
    const cancelled = await give(other, '/switchover', { candidate: target.name, scheduled_at: soon() });
    expect(cancelled.status).toBe(202);
    expect((await master.agent.view())?.operation?.phase).toBe('waiting');
    expect((await give(target, '/switchover', null, 'DELETE')).status).toBe(200);
    expect((await give(target, '/switchover', null, 'DELETE')).status).toBe(404);
    const { status } = await give(other, '/switchover', { candidate: target.name, scheduled_at: soon() });
    expect(status).toBe(202);
    for (const { agent } of stage.service.nodes) {
      await agent.kill();
      agent.restart();
    }
    const last = await waitFor(async () => {
      const view = await other.agent.view();
      return view?.lastOperation?.outcome === 'done' ? view.lastOperation : null;
    }, 'the order was carried out');
    expect(last).toMatchObject({ target: target.name, master: target.name });
    expect((await nodesOf(stage)).master).toBe(target);
  });

  test('while the service is paused a dead master is not replaced; resume ends that', async () => {
    const { master, replicas: [one, other] } = await nodesOf(stage);
    expect((await give(one, '/pause', { owner: 'me', reason: 'new disks', for_s: 600 })).status).toBe(200);
    const view = await waitFor(async () => {
      const seen = await other.agent.view();
      return seen !== null && seen.pause !== null ? seen : null;
    }, 'the pause is known');
    expect(view.pause).toMatchObject({ owner: 'me', reason: 'new disks' });
    expect(view.reasons).toContain('service_paused');
    expect((await give(one, '/switchover')).body.reason).toBe('service_paused');
    const lines = listen(one);
    await master.redis.kill();
    await waitFor(() => says(lines(), 'ballot_cast'), 'an election that nobody wins');
    await waitFor(async () => (await other.agent.view())?.master === null, 'there is no master');
    expect(says(lines(), 'epoch_claimed')).toBe(false);
    expect((await give(other, '/resume')).status).toBe(200);
    await stage.successorOf(master);
    await master.redis.restart();
    await nodesOf(stage);
  });

  test('while it is paused an operator names the next master', async () => {
    const { master, replicas: [one, other] } = await nodesOf(stage);
    expect((await give(one, '/pause', { for_s: 600 })).status).toBe(200);
    for (const { agent } of [one, other]) await waitFor(async () => (await agent.view())?.pause, 'the pause is known');
    await master.agent.kill();
    await master.redis.kill();
    await waitFor(async () => (await other.agent.view())?.master === null, 'there is no master');
    // One that was given too early says so; one whose answer came too late was carried out.
    await waitFor(async () => {
      const { status, body } = await give(other, '/failover', { candidate: one.name, acknowledge_loss: true });
      return status === 200 || body.reason === 'master_exists';
    }, 'the failover');
    expect((await give(other, '/resume')).status).toBe(200);
    await heal(stage.service);
    expect((await nodesOf(stage)).master).toBe(one);
  });

  test('a replica copies everything anew by order', async () => {
    const { master, replicas: [replica] } = await nodesOf(stage);
    const fulls = async () => /sync_full:(\d+)/.exec(String(await master.redis.cmd('INFO', 'stats')))?.[1];
    const before = Number(await fulls());
    const { status, body } = await give(replica, '/reinitialize');
    // The copy may be slower than an order has time, on a busy machine; then the answer says so.
    if (body.result?.reason !== 'resync_running') expect([status, body.result?.outcome]).toEqual([200, 'done']);
    await waitFor(async () => Number(await fulls()) === before + 1, 'a full resync');
    await nodesOf(stage);
    expect((await give(replica, '/reinitialize', { node: master.name })).body.reason).toBe('target_is_master');
  });

  test('any agent takes the order to forget a node', async () => {
    const { master, replicas: [one, other] } = await nodesOf(stage);
    expect((await give(one, '/forget', { node: other.name })).body.reason).toBe('node_in_use');
    await other.agent.kill();
    await other.redis.kill();
    await waitFor(async () => (await master.agent.view())?.members.length === 2, 'its session ended');
    await waitFor(async () => (await master.agent.view())?.inSync.length === 1, 'it is out of the set');
    expect((await give(one, '/forget', { node: other.name })).status).toBe(200);
    expect((await one.agent.view())?.nodes).not.toContain(other.name);
    await other.redis.restart();
    other.agent.restart();
    await nodesOf(stage);
  });
});
