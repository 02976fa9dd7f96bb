/**
 * The warning `slow_ensemble_detection`, from what real servers say of themselves: a deposed leader may go on answering
 * for syncLimit x tickTime, which must not exceed twice the session timeout.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AgentProcess } from '../support/agent-process.ts';
import { Scene, serves } from '../support/scene.ts';
import { waitFor } from '../support/wait-for.ts';
import { startZooKeeperEnsemble, type ZooKeeperEnsemble } from '../support/zookeeper-ensemble.ts';

/** 5000 ms together. */
const TICK_MS = 200;
const SYNC_LIMIT = 25;

let ensemble: ZooKeeperEnsemble;
let scene: Scene;

beforeAll(async () => {
  ensemble = await startZooKeeperEnsemble({ size: 2, tickTimeMs: TICK_MS, syncLimit: SYNC_LIMIT, fsync: false });
  const [server] = ensemble.servers;
  if (server === undefined) throw new Error('an ensemble without servers');
  scene = await Scene.open(server);
});
afterAll(async () => {
  await scene.end();
  await ensemble.stop();
});

const warned = (agent: AgentProcess): boolean => agent.said('refused', 'slow_ensemble_detection');

test('a session timeout below half of it is warned of, with the limits, and nothing else changes', async () => {
  const redis = await scene.redis();
  const enough = await scene.agent({ name: 'a', redis, config: { zk_session_timeout_ms: 4000 } });
  await serves(enough);
  const other = await scene.redis();
  const agent = await scene.agent({ name: 'b', redis: other, config: { zk_session_timeout_ms: 2000 } });
  await waitFor(() => warned(agent), 'the warning');
  const line = agent.lines.find(({ reason }) => reason === 'slow_ensemble_detection');
  expect(line).toMatchObject({ tick_time_ms: TICK_MS, sync_limit_ticks: SYNC_LIMIT });
  await waitFor(async () => (await agent.view())?.role === 'replica', 'it takes its part');
  expect(warned(enough), '5000 ms are no more than twice 4000 ms').toBe(false);
});
