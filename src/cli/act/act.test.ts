/** What acting verbs say before and after, and what a desk makes of an agent's answers. */
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { playedIo } from '../../../test/support/cli-io.ts';
import { playAgent } from '../../../test/support/played-agent.ts';
import type { PlayedAgent } from '../../../test/support/played-agent.ts';
import { playedFacts, playedView, playedViews } from '../../../test/support/played-service.ts';
import { dictator } from '../dictator.ts';
import type { Ended } from './desk.ts';
import { explain, outcomeOf } from './outcome.ts';
import { planLine, planOf } from './plan.ts';

const snapshot = (name: string): string => path.join(import.meta.dirname, '../snapshots', `${name}.txt`);
const ABOUT = { service: 'cache', operation: 'switchover', target: 'redis2', elapsedMs: 412.3 };
const RESULT = {
  id: 'cli-1', kind: 'switchover', target: 'redis2', asker: 'ann@laptop', epoch: 8, outcome: 'done', reason: null,
  gapMs: 12, master: 'redis2', endedAt: null,
} as const;

const agents: PlayedAgent[] = [];
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop();
});

test('the plan of a switchover', async () => {
  const silent = playedFacts({ views: playedViews({ redis1: null }) });
  const pause = { owner: 'bob', reason: 'x', until: 1, endsInMs: 1 };
  const refused = playedFacts({ views: playedViews({ redis1: { pause } }) });
  const plans = [
    planOf(playedFacts(), null),
    planOf(playedFacts(), 'redis3'),
    planOf(silent, 'redis3'),
    planOf(refused, null),
    planOf(playedFacts(), 'redis1'),
  ];
  expect(plans.map(({ refusal }) => refusal)).toEqual([null, null, null, 'service_paused', 'target_is_master']);
  await expect(plans.map((plan) => `${planLine(plan)}\n`).join('')).toMatchFileSnapshot(snapshot('act-plan'));
});

test.each([
  ['failover', 'failover to redis2'], ['forget', 'forget of redis2'], ['reinitialize', 'reinitialize of redis2'],
])('a %s that ended badly names its node: %s', (operation, said) => {
  const { io, printed } = playedIo();
  explain({ ended: 'not_taken' }, { ...ABOUT, operation }, io);
  expect(printed.err).toContain(said);
});

test('every way in which an order ends has its words and its exit code', async () => {
  const ways: Ended[] = [
    { ended: 'refused', reason: 'lag_too_high' },
    { ended: 'refused', reason: 'of_a_later_version' },
    { ended: 'result', result: { ...RESULT, outcome: 'interrupted', reason: 'target_lost', master: 'redis1' } },
    { ended: 'result', result: { ...RESULT, outcome: 'refused', reason: 'epoch_passed' } },
    { ended: 'result', result: { ...RESULT, outcome: 'cancelled' } },
    { ended: 'not_taken' },
    { ended: 'not_given', code: 'ensemble_unreachable' },
    { ended: 'unknown', why: 'the ensemble is silent' },
  ];
  const { io, printed } = playedIo();
  const codes = ways.map((ended) => explain(ended, ABOUT, io));
  expect(codes).toEqual([3, 3, 1, 3, 3, 1, 1, 5]);
  expect(printed.out).toBe('');
  await expect(printed.err).toMatchFileSnapshot(snapshot('act-outcomes'));
  expect(outcomeOf({ ended: 'result', result: RESULT }, ABOUT)).toEqual({
    ...ABOUT, elapsedMs: 412, outcome: 'done', reason: null, master: 'redis2', epoch: 8, gapMs: 12, id: 'cli-1',
  });
});

describe('switchover at an agent', () => {
  async function run(answer: (target: string) => unknown, ...args: readonly string[]) {
    const agent = await playAgent(answer);
    agents.push(agent);
    const { io, printed } = playedIo({ answer: 'y' });
    const words = ['switchover', '--agent', agent.url, ...args];
    const exitCode = await dictator(words, io, () => Promise.reject(new Error()));
    return { exitCode, agent, ...printed };
  }
  const view = (change = {}) => (target: string) =>
    target === '/v1/view' ? playedView('redis1', change) : { ok: true, result: RESULT };

  test('shows the plan, asks, and tells the result', async () => {
    const ended = await run(view());
    expect(ended).toMatchObject({ exitCode: 0 });
    expect(ended.err).toContain('cache: redis1 hands over to redis2 (0 B behind). Writes wait for about 12 ms, none');
    expect(ended.out).toMatch(/^cache: redis2 is the master, gap 12 ms, epoch 8, done in \d+ ms\n$/);
    expect(ended.agent.seen).toContain('/switchover');
  });

  test('says beforehand what would be refused, and orders nothing', async () => {
    const ended = await run(view(), '--to', 'redis1');
    expect(ended.exitCode).toBe(3);
    expect(ended.err).toContain('target_is_master');
    expect(ended.agent.seen).not.toContain('/switchover');
  });

  test('--dry-run changes nothing, and says what to expect', async () => {
    const ended = await run(view(), '--dry-run', '--json');
    expect(ended.exitCode).toBe(0);
    expect(JSON.parse(ended.out)).toMatchObject({ v: 1, target: 'redis2', refusal: null, expectedGapMs: 12 });
    expect(ended.agent.seen).not.toContain('/switchover');
  });

  test('asks on for the result where the agent falls silent', async () => {
    let ordered = false;
    const ended = await run((target) => {
      const hangsUp = target !== '/v1/view';
      ordered ||= hangsUp;
      return hangsUp ? null : { ...playedView('redis1'), lastOperation: ordered ? RESULT : null };
    }, '--to', 'redis2', '--yes');
    expect(ended).toMatchObject({ exitCode: 0 });
    expect(ended.out).toContain('redis2 is the master, gap 12 ms');
  });

  test.each(['noon', '2026-11-22T00:00:00Z', '+32d'])('takes no order for %s', async (at) => {
    const ended = await run(view(), '--at', at);
    expect(ended.exitCode).toBe(2);
    expect(ended.agent.seen).not.toContain('/switchover');
  });
});
