// Stopping the agent of a master: it hands over without an election, or keeps its Redis in office for its next process.

import { describe, expect, test } from 'vitest';

import { failureStage } from '../support/failure-stage.ts';
import { heal, listen, peace, says } from '../support/healing.ts';
import type { Node } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';
import { untilFollows, type Writers } from '../support/writers.ts';

/** Far more than any of these may take: what is told apart is "at once" and "by a timeout". */
const GAP_MAX_MS = 1000;
/** An agent that needs longer to look around fences first; on a busy machine that may happen to one of them. */
const RESTARTS_MAX = 4;

/** From the last write that the old master acknowledged to the first one that its successor did. */
function gapMs(writers: Writers, old: Node, successor: Node): number {
  const last = writers.acknowledgedBy(old).at(-1)?.atMs ?? Number.NaN;
  return (writers.acknowledgedBy(successor)[0]?.atMs ?? Number.NaN) - last;
}

describe('a service of three', () => {
  // Long enough for an agent to start within it on a machine that does much else.
  const stage = failureStage({ config: { zk_session_timeout_ms: 4000 } });

  test('SIGTERM hands over to a replica that it names: no election, no write lost, no timeout', async () => {
    const { master, replicas } = await peace(stage.service);
    const writers = stage.writeTo(stage.service.nodes, { batch: 2 });
    await writers.progress(master, 300);
    const lines = listen(master);
    const others = replicas.map(listen);
    master.agent.signal('SIGTERM');
    expect(await master.agent.exited).toBe(0);
    const successor = await stage.successorOf(master);
    await writers.progress(successor, 100);
    await writers.stop();
    expect(says(lines(), 'lease_released', { because: 'agent_stopping', to: successor.name })).toBe(true);
    // One whose stream from the old master ends before it has heard of the new one leaves that address as well.
    for (const said of others) expect(says(said(), 'frozen', { because: 'election' })).toBe(false);
    expect(await writers.missingOn(successor.redis)).toEqual([]);
    expect(writers.overlap(master, successor)).toEqual([]);
    expect(gapMs(writers, master, successor)).toBeLessThan(GAP_MAX_MS);
    await heal(stage.service);
  });

  test('with on_stop: keep an agent is exchanged without one refused write', async () => {
    const { master } = await peace(stage.service);
    await keepOnStop(master);
    for (let attempt = 1; ; attempt++) {
      const epoch = (await waitFor(() => master.agent.view(), 'its view')).epoch;
      const writers = stage.writeTo([master], { batch: 2 });
      await writers.progress(master, 200);
      const lines = listen(master);
      master.agent.signal('SIGTERM');
      expect(await master.agent.exited).toBe(0);
      expect(says(lines(), 'lease_kept')).toBe(true);
      expect(says(lines(), 'fenced')).toBe(false);
      master.agent.restart();
      await waitFor(() => says(lines(), 'lease_adopted'), 'the lease is adopted');
      await waitFor(async () => (await stage.service.master()) === master, 'master again');
      await writers.progress(master, 200);
      await writers.stop();
      expect(await writers.missingOn(master.redis)).toEqual([]);
      expect((await master.agent.view())?.epoch).toBeGreaterThan(epoch);
      if (says(lines(), 'fenced') && attempt < RESTARTS_MAX) continue;
      expect(writers.refused).toEqual([]);
      break;
    }
    await peace(stage.service);
  });

  test('with on_stop: keep and nobody back in time, a replica takes over without losing a write', async () => {
    const { master } = await peace(stage.service);
    await keepOnStop(master);
    const writers = stage.writeTo(stage.service.nodes, { batch: 2 });
    await writers.progress(master, 200);
    master.agent.signal('SIGTERM');
    expect(await master.agent.exited).toBe(0);
    const successor = await stage.successorOf(master);
    await writers.progress(successor, 100);
    await writers.stop();
    expect(await writers.missingOn(successor.redis)).toEqual([]);
    expect(writers.overlap(master, successor)).toEqual([]);
    await heal(stage.service);
    await untilFollows(master, successor);
  });

  /** Exchanges the agent of this master for one that keeps the office when it stops. */
  async function keepOnStop(master: Node): Promise<void> {
    const lines = listen(master);
    await master.agent.kill();
    master.agent.restart({ on_stop: 'keep' });
    await waitFor(() => says(lines(), 'lease_adopted'), 'the lease is adopted');
    await waitFor(async () => (await stage.service.master()) === master, 'master again');
    await peace(stage.service);
  }
});
