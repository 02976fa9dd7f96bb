// Frozen agents: the master's agent is stopped for longer than its lease, alone or together with its Redis. While it
// cannot act the dead-man stands in for it; when it goes on it fences before it does anything else.

import { expect, test } from 'vitest';

import type { LogLine } from '../support/agent-process.ts';
import { failureStage } from '../support/failure-stage.ts';
import { heal, listen, peace, says } from '../support/healing.ts';
import { waitFor } from '../support/wait-for.ts';
import { untilFollows } from '../support/writers.ts';

const stage = failureStage();

const position = (lines: readonly LogLine[], isIt: (line: LogLine) => boolean): number => {
  const at = lines.findIndex(isIt);
  return at < 0 ? Number.POSITIVE_INFINITY : at;
};

/** From its thaw on it was not promoted before it had followed somebody else. */
function expectNoPowerBeforeFollowing(lines: readonly LogLine[]): void {
  const followed = position(lines, ({ event }) => event === 'following');
  for (const power of ['promoted', 'announced', 'epoch_claimed']) {
    // Where its Redis was made a replica by another agent, it says neither.
    expect(followed, power).toBeLessThanOrEqual(position(lines, ({ event }) => event === power));
  }
}

test('its Redis is taken over without loss, and the thawed agent claims nothing back', async () => {
  const { master } = await peace(stage.service);
  const writers = stage.writeTo(stage.service.nodes, { batch: 4 });
  await writers.progress(master, 500);
  master.agent.signal('SIGSTOP');
  const successor = await stage.successorOf(master);
  await writers.progress(successor, 200);
  const lines = listen(master);
  master.agent.signal('SIGCONT');
  await waitFor(() => says(lines(), 'lease_lost'), 'the thawed agent sees that its lease is gone');
  await untilFollows(master, successor);
  await writers.progress(successor, 200);
  await writers.stop();
  expect(writers.overlap(master, successor)).toEqual([]);
  expect(await writers.missingOn(successor.redis)).toEqual([]);
  expect(says(successor.agent.lines, 'epoch_claimed', { takeover: true })).toBe(true);
  expectNoPowerBeforeFollowing(lines());
  await peace(stage.service);
});

test('agent and Redis are stopped together: no write that WAIT confirmed is lost, none is added', async () => {
  const { master } = await heal(stage.service);
  const writers = stage.writeTo(stage.service.nodes, { wait: 1 });
  await writers.progress(master, 200);
  master.agent.signal('SIGSTOP');
  master.redis.freeze();
  const successor = await stage.successorOf(master);
  await writers.progress(successor, 200);
  const lines = listen(master);
  // The Redis first: for a moment nobody is there to fence it but the new master's agent.
  master.redis.thaw();
  master.agent.signal('SIGCONT');
  await untilFollows(master, successor);
  await writers.progress(successor, 200);
  await writers.stop();
  expect(writers.overlap(master, successor)).toEqual([]);
  expect(await writers.missingOn(successor.redis)).toEqual([]);
  expectNoPowerBeforeFollowing(lines());
  await peace(stage.service);
});

test('an agent that is back within its lease fences first too, asks, and lifts the fence', async () => {
  const { master } = await heal(stage.service);
  const epoch = (await master.agent.view())?.epoch;
  const successorOrNone = stage.service.others(master);
  const writers = stage.writeTo(stage.service.nodes);
  await writers.progress(master, 100);
  const lines = listen(master);
  const heardAgoMs = async (): Promise<number> => (await master.agent.view())?.lease.heardAgoMs ?? 0;
  // As late after a heartbeat as it gets, so that the fence falls due soon.
  await waitFor(async () => (await heardAgoMs()) > 200, 'an older heartbeat');
  master.agent.signal('SIGSTOP');
  const stoppedMs = performance.now();
  await waitFor(() => performance.now() - stoppedMs > 1300, 'the moment at which the fence was due');
  master.agent.signal('SIGCONT');
  await writers.progress(master, 100);
  await writers.stop();
  const said = lines();
  const inTime = (await master.agent.view())?.epoch === epoch;
  if (!inTime) {
    await heal(stage.service);
    return;
  }
  expect(position(said, ({ event }) => event === 'lease_in_doubt'))
    .toBeLessThan(position(said, ({ event }) => event === 'lease_confirmed'));
  expect(says(said, 'fenced', { how: 'fence_reversibly' })).toBe(true);
  for (const other of successorOrNone) expect(writers.acknowledgedBy(other)).toEqual([]);
  expect(await writers.missingOn(master.redis)).toEqual([]);
});
