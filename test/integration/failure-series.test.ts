// Masters that die one after the other: the first failovers are not delayed, the next one waits and says so.

import { afterAll, beforeAll, expect, test } from 'vitest';

import { heal, peace, says } from '../support/healing.ts';
import type { Node, Service } from '../support/service.ts';
import { startService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

let service: Service;

beforeAll(async () => {
  service = await startService({
    tickTimeMs: 200,
    config: { zk_session_timeout_ms: 2000, failover_budget: 2, failover_calm_ms: 4000 },
    redisArgs: ['--repl-diskless-sync-delay', '0'],
  });
});
afterAll(() => service.stop());

async function fallsAndReturns(master: Node): Promise<Node> {
  await master.redis.kill();
  const successor = await waitFor(async () => {
    const found = await service.master();
    return found === master ? null : found;
  }, 'a successor');
  await master.redis.restart();
  await service.settled(2);
  return successor;
}

const falls = async (node: Node): Promise<number> => (await node.agent.view())?.failover.falls ?? -1;
const waits = (): boolean => service.nodes.some((node) => says(node.agent.lines, 'failover_put_off'));

test('two deaths are failed over at once, the third waits, and calm ends the series', async () => {
  const first = (await peace(service)).master;
  const second = await fallsAndReturns(first);
  expect(await falls(second)).toBe(1);
  const third = await fallsAndReturns(second);
  const calmIsFar = (await falls(third)) === 2;
  expect(waits()).toBe(false);
  await third.redis.kill();
  const put = await waitFor(async () => {
    for (const node of service.others(third)) {
      const view = await node.agent.view();
      if (view?.reasons.includes('failover_backoff') === true) return view.failover;
      if (view?.role === 'master') return { falls: 0, resumesInMs: null };
    }
    return null;
  }, 'the next failover is put off');
  // On a machine that took longer than the calm for two failovers nothing is put off, rightly.
  if (calmIsFar && put.falls > 0) {
    expect(put.resumesInMs).not.toBe(null);
    expect(waits()).toBe(true);
  }
  await waitFor(() => service.master(), 'a master all the same');
  const { master } = await heal(service);
  await waitFor(async () => (await falls(master)) === 0, 'the series is over');
});
