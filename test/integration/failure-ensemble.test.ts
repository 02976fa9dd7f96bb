// The ensemble fails for a moment, or forgets everything; what it does to the service when it is away for long is in
// failure-outage.test.ts.

import { expect, test } from 'vitest';

import { failureStage } from '../support/failure-stage.ts';
import { heal, listen, peace, says } from '../support/healing.ts';
import { waitFor } from '../support/wait-for.ts';

const stage = failureStage({
  tickTimeMs: 500,
  // Longer than a ZooKeeper server needs to be back, and shorter than a test may take.
  config: { zk_session_timeout_ms: 8000 },
});

test('the ensemble is killed and back within the session: same master, same epoch, no write refused', async () => {
  const { master } = await peace(stage.service);
  const epoch = (await master.agent.view())?.epoch;
  const writers = stage.writeTo([master]);
  await writers.progress(master, 100);
  const lines = listen(master);
  await stage.service.zookeeper.kill();
  await waitFor(() => says(lines(), 'session_disconnected'), 'the outage is noticed');
  await stage.service.zookeeper.restart();
  await waitFor(() => says(lines(), 'session_connected'), 'the session goes on');
  await waitFor(async () => (await master.agent.view())?.reasons.length === 0, 'nothing is refused any more');
  await writers.progress(master, 100);
  const after = await peace(stage.service);
  await writers.stop();
  expect(after.master).toBe(master);
  expect((await master.agent.view())?.epoch).toBe(epoch);
  expect(writers.refused).toEqual([]);
});

test('the ensemble comes back empty: the epoch does not go back, and no data is lost', async () => {
  const { master } = await heal(stage.service);
  const epoch = (await master.agent.view())?.epoch ?? 0;
  const writers = stage.writeTo(stage.service.nodes, { wait: 1 });
  await writers.progress(master, 100);
  await stage.service.zookeeper.wipeAndRestart();
  const after = await waitFor(async () => {
    const found = await stage.service.master();
    const view = await found?.agent.view();
    return found && view && view.epoch > epoch ? found : null;
  }, 'a master with a later epoch');
  await peace(stage.service);
  await writers.progress(after, 100);
  await writers.stop();
  expect(await writers.missingOn(after.redis)).toEqual([]);
  for (const node of stage.service.others(after)) {
    const keys = await after.redis.cmd('DBSIZE');
    await waitFor(async () => (await node.redis.cmd('DBSIZE')) === keys, `${node.name} holds the same keys`);
  }
});
