// Planned switchovers that something comes in between of, on real servers: whoever dies or restarts, and when, the
// order has one result that is true, one node is master, and nothing that was acknowledged is lost.

import { describe, expect, test } from 'vitest';

import { failureStage } from '../support/failure-stage.ts';
import type { FailureStage } from '../support/failure-stage.ts';
import { heal, listen, peace, says, untilSaidAnew } from '../support/healing.ts';
import { give } from '../support/orders.ts';
import type { Ordered } from '../support/orders.ts';
import type { Node } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Writers } from '../support/writers.ts';

const DURABLE = { durability: 'durable', wait_replicas: 1 };
/** By then a replica that stands still is behind by more than a switchover waits for. */
const LAG_SECONDS = 4;

/** How the service is found after an order: healed, with one result of this order that every agent shows. */
async function endOf(stage: FailureStage, { body, status }: Ordered): Promise<Node> {
  const { result } = body;
  expect([200, 412, 503]).toContain(status);
  expect(result?.id).toBeTruthy();
  const { master } = await heal(stage.service);
  for (const node of stage.service.nodes) {
    await waitFor(async () => {
      const view = await node.agent.view();
      return view !== null && view.operation === null && view.lastOperation?.id === result?.id;
    }, `${node.name} shows how the order ended`);
    expect((await node.agent.view())?.lastOperation?.outcome).toBe(result?.outcome);
  }
  expect(result?.outcome === 'done').toBe(status === 200);
  if (result?.outcome === 'done') expect(result.target).toBe(result.master);
  return master;
}

/** Of what WAIT confirmed: on a starved machine an agent may be late, and what follows is no planned switchover. */
async function nothingLost(writers: Writers, master: Node): Promise<void> {
  await writers.progress(master, 50);
  await writers.stop();
  expect(await writers.missingOn(master.redis)).toEqual([]);
}

describe('a switchover', () => {
  const stage = failureStage();

  test('whose target loses its Redis before it claims ends with the old master in its office', async () => {
    const { master, replicas: [target, other] } = await heal(stage.service);
    const writers = stage.writeTo(stage.service.nodes, { batch: 2, wait: 1 });
    await writers.progress(master, 100);
    await untilSaidAnew(master, 'lease_released');
    const lines = listen(master);
    // Its agent stands still, so the lease that it was given stays where nobody takes it.
    target.agent.signal('SIGSTOP');
    const answer = give(other, '/switchover', { candidate: target.name });
    await waitFor(() => says(lines(), 'lease_released', { because: 'switchover' }), 'the lease is given away');
    await target.redis.kill();
    const ordered = await answer;
    expect(ordered.body.result).toMatchObject({ outcome: 'interrupted', reason: 'target_lost', master: master.name });
    await writers.progress(master, 50);
    expect(await endOf(stage, ordered)).toBe(master);
    await nothingLost(writers, master);
  });

  test('whose master dies in its middle, agent and Redis, moves the office and has one result', async () => {
    const { master, replicas: [target, other] } = await heal(stage.service);
    await untilSaidAnew(master, 'lease_released');
    const lines = listen(master);
    target.agent.signal('SIGSTOP');
    const answer = give(other, '/switchover', { candidate: target.name });
    await waitFor(() => says(lines(), 'lease_released', { because: 'switchover' }), 'the lease is given away');
    await Promise.all([master.agent.kill(), master.redis.kill()]);
    target.agent.signal('SIGCONT');
    const successor = await stage.successorOf(master);
    const writers = stage.writeTo(stage.service.nodes, { batch: 2, wait: 1 });
    await writers.progress(successor, 50);
    const after = await endOf(stage, await answer);
    expect(after).not.toBe(master);
    await nothingLost(writers, after);
  });

  test.each([
    ['the master restarts as it begins', 'switchover_begun', 'master'],
    ['the master restarts when it has given the lease away', 'lease_released', 'master'],
    ['the target restarts when it has claimed', 'epoch_claimed', 'target'],
  ] as const)('loses nothing and ends once when the agent of %s', async (_when, event, who) => {
    const { master, replicas: [target, other] } = await heal(stage.service);
    const writers = stage.writeTo(stage.service.nodes, { batch: 2, wait: 1 });
    await writers.progress(master, 100);
    const victim = who === 'master' ? master : target;
    await untilSaidAnew(victim, event);
    const lines = listen(victim);
    const answer = give(other, '/switchover', { candidate: target.name });
    await waitFor(() => says(lines(), event), event);
    await victim.agent.kill();
    victim.agent.restart();
    const after = await endOf(stage, await answer);
    await nothingLost(writers, after);
    expect(writers.overlap(master, target).filter(({ node }) => node !== after.name)).toEqual([]);
  });

  test('to a replica that stands still is refused, and the master goes on', async () => {
    const { master, replicas: [target, other] } = await heal(stage.service);
    target.redis.freeze();
    const lag = async (): Promise<number> => {
      const info = String(await master.redis.cmd('INFO', 'replication'));
      const line = info.split('\r\n').find((each) => each.includes(`port=${String(target.redis.port)},`));
      return Number(/lag=(\d+)/.exec(line ?? 'lag=99')?.[1]);
    };
    await waitFor(async () => await lag() >= LAG_SECONDS, 'it is behind');
    const ordered = await give(other, '/switchover', { candidate: target.name });
    expect(ordered.status).toBe(412);
    expect(['lag_too_high', 'not_in_sync']).toContain(ordered.body.reason);
    expect(await endOf(stage, ordered)).toBe(master);
  });

  test('with every replica disabled is refused, to one of them and to the best', async () => {
    const { master, replicas } = await heal(stage.service);
    for (const { agent } of replicas) expect((await agent.http('/disable'))?.status).toBe(200);
    await waitFor(async () => (await master.agent.view())?.inSync.length === 0, 'nobody is in sync');
    const [named] = replicas;
    expect((await give(master, '/switchover', { candidate: named.name })).body.reason).toBe('node_disabled');
    const best = await give(master, '/switchover');
    expect(best.body.reason).toBe('no_candidate');
    for (const { agent } of replicas) expect((await agent.http('/enable'))?.status).toBe(200);
    expect(await endOf(stage, best)).toBe(master);
  });
});

describe('in durable mode a switchover', () => {
  const stage = failureStage({ config: DURABLE });

  test('goes there and back, and keeps what WAIT confirmed and what it did not', async () => {
    const { master, replicas: [target] } = await heal(stage.service);
    const epoch = (await master.agent.view())?.epoch ?? 0;
    const confirmed = stage.writeTo(stage.service.nodes, { wait: 1, batch: 2 });
    const others = stage.writeTo(stage.service.nodes, { batch: 2 });
    await confirmed.progress(master, 50);
    await others.progress(master, 50);
    for (const to of [target, master]) {
      const { status, body } = await give(to, '/switchover', { candidate: to.name });
      expect([status, body.result?.outcome]).toEqual([200, 'done']);
      await confirmed.progress(to, 30);
      expect((await peace(stage.service)).master).toBe(to);
    }
    await nothingLost(confirmed, master);
    // Unless a starved machine brought about more than was ordered.
    if ((await master.agent.view())?.epoch === epoch + 2) await nothingLost(others, master);
  });
});
