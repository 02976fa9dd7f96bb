// The whole ensemble is away for several session timeouts: as long as all nodes reach one another the service does not
// notice (I6); with one of them silent the master is fenced in time, unless the operator chose otherwise.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { FENCE_MIN_REPLICAS } from '../../src/core/fencing.ts';
import { heal, listen, peace, says, story } from '../support/healing.ts';
import type { Node, Service } from '../support/service.ts';
import { startService } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { minReplicas, Writers } from '../support/writers.ts';

const T_MS = 2000;
const settings = { tickTimeMs: 200, redisArgs: ['--repl-diskless-sync-delay', '0'] } as const;
const config = { zk_session_timeout_ms: T_MS, down_after_ms: 1000 };

let service: Service;
let writers: Writers | null = null;

beforeAll(async () => {
  service = await startService({ ...settings, config });
});
afterEach(async () => {
  await writers?.stop();
  writers = null;
});
afterAll(() => service.stop());

async function outageLasts(master: Node, ms: number): Promise<void> {
  await waitFor(async () => ((await master.agent.view())?.failsafe?.sinceAgoMs ?? 0) >= ms, `an outage of ${ms} ms`);
}

async function outageIsOver(master: Node): Promise<void> {
  await waitFor(async () => {
    const view = await master.agent.view();
    return view?.session.connected === true && view.failsafe === null && view.role === 'master';
  }, 'the master to be confirmed by the ensemble');
}

test.each<[string, () => Promise<void> | void, () => Promise<void> | void]>([
  ['killed, and started again', () => service.zookeeper.kill(), () => service.zookeeper.restart()],
  ['frozen, and thawed: every session has ended', () => service.zookeeper.freeze(), () => service.zookeeper.thaw()],
])('the ensemble is %s after 3 T: no write is refused or lost, the same node is master', async (_how, fail, mend) => {
  const { master, replicas: [replica] } = await heal(service);
  writers = new Writers([master]);
  await writers.progress(master, 100);
  const lines = listen(master);
  await fail();
  await outageLasts(master, 3 * T_MS);
  const view = await master.agent.view();
  expect(view, story(service)).toMatchObject({ role: 'master', master: { name: master.name }, fence: 'none' });
  expect(view?.failsafe).toMatchObject({ by: 'promises', refused: [] });
  expect(view?.failsafe?.confirmed).toEqual(service.others(master).map(({ name }) => name));
  expect((await replica.agent.view())?.promise).toMatchObject({ to: master.name });
  expect((await replica.agent.view())?.master).toMatchObject({ name: master.name });
  await mend();
  await outageIsOver(master);
  const after = await peace(service);
  await writers.progress(master, 100);
  await writers.stop();
  expect(after.master, story(service)).toBe(master);
  expect(writers.refused, story(service)).toEqual([]);
  expect(says(lines(), 'lease_in_doubt'), story(service)).toBe(false);
  expect(await writers.missingOn(master.redis)).toEqual([]);
});

test('a registered node is silent as well: fenced by F, healed when the ensemble is back', async () => {
  const { master, replicas: [victim] } = await heal(service);
  writers = new Writers(service.nodes);
  await writers.progress(master, 100);
  const lines = listen(master);
  victim.agent.signal('SIGSTOP');
  await service.zookeeper.kill();
  await waitFor(() => says(lines(), 'lease_in_doubt'), 'the lease is in doubt');
  await waitFor(async () => (await minReplicas(master.redis)) === FENCE_MIN_REPLICAS, 'the master is fenced');
  const view = await master.agent.view();
  expect(view?.reasons).toContain('failsafe_refused');
  expect(view?.failsafe?.refused).toEqual([{ node: victim.name, reason: 'agent_silent' }]);
  await service.zookeeper.restart();
  victim.agent.signal('SIGCONT');
  const after = await peace(service);
  await writers.progress(after.master, 100);
  await writers.stop();
  expect(await writers.missingOn(after.master.redis)).toEqual([]);
});

test('on_ensemble_loss: continue goes on without the silent nodes', async () => {
  const daring = await startService({ ...settings, config: { ...config, on_ensemble_loss: 'continue' }, nodes: 2 });
  try {
    const { master, replicas: [victim] } = await peace(daring);
    writers = new Writers([master]);
    await writers.progress(master, 100);
    victim.agent.signal('SIGSTOP');
    await daring.zookeeper.kill();
    await outageLasts(master, 2 * T_MS);
    await writers.progress(master, 100);
    const view = await master.agent.view();
    expect(view?.reasons).toContain('unconfirmed');
    expect(view?.failsafe).toMatchObject({ by: 'continue', refused: [{ node: victim.name }] });
    await daring.zookeeper.restart();
    victim.agent.signal('SIGCONT');
    const after = await peace(daring);
    await writers.stop();
    expect(await writers.missingOn(after.master.redis)).toEqual([]);
  } finally {
    await daring.stop();
  }
});
