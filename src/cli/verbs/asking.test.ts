/** Verbs that ask an agent over HTTP, against a played one. */
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { playedIo } from '../../../test/support/cli-io.ts';
import type { PlayedOutside } from '../../../test/support/cli-io.ts';
import { playAgent } from '../../../test/support/played-agent.ts';
import type { PlayedAgent } from '../../../test/support/played-agent.ts';
import { playedFacts, playedView, playedViews } from '../../../test/support/played-service.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { dictator } from '../dictator.ts';
import { fullest, possibleLoss } from './failover.ts';

const agents: PlayedAgent[] = [];
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop();
});

async function agentThat(answer: (target: string) => unknown): Promise<PlayedAgent> {
  const agent = await playAgent(answer);
  agents.push(agent);
  return agent;
}

function call(args: readonly string[], outside: PlayedOutside = {}) {
  const { io, printed } = playedIo(outside);
  return { printed, ended: dictator(args, io, () => Promise.reject(new Error('no agent is run here'))) };
}

const snapshot = (name: string): string => path.join(import.meta.dirname, '../snapshots', `${name}.txt`);
const viewOf = (target: string): unknown => (target === '/v1/view' ? playedView('redis1') : undefined);

describe('asked with --agent', () => {
  test.each(['list', 'show', 'explain'])('%s tells what that agent knows', async (verb) => {
    const { url } = await agentThat(viewOf);
    const { ended, printed } = call([verb, '--agent', url]);
    expect(await ended).toBe(0);
    expect(printed.err).toBe('');
    await expect(printed.out).toMatchFileSnapshot(snapshot(`agent-${verb}`));
  });

  test.each(['list', 'show', 'explain'])('%s prints JSON that says its version', async (verb) => {
    const { url } = await agentThat(viewOf);
    const { ended, printed } = call([verb, '--json', '--agent', url]);
    expect(await ended).toBe(0);
    expect(JSON.parse(printed.out)).toMatchObject({ v: 1 });
  });

  test('a service that is not that agent\'s is unknown', async () => {
    const { url } = await agentThat(viewOf);
    const { ended, printed } = call(['show', 'other', '--agent', url]);
    expect(await ended).toBe(1);
    expect(printed.err).toContain('is the agent of cache, not of other');
  });

  test('another program is told from an agent', async () => {
    const { url } = await agentThat(() => ({ hello: 'world' }));
    const { ended, printed } = call(['show', '--agent', url]);
    expect(await ended).toBe(1);
    expect(printed.err).toContain('(not_an_agent)');
  });
});

const VIEW_REDIS = playedView('redis3').redis;

const line = (seq: number) => {
  return { seq, time: `2026-11-23T00:00:0${seq}.000Z`, level: 'WARN', event: 'fenced', why: 'a b' };
};

describe('events', () => {
  test('prints what the agent has, page by page', async () => {
    const agent = await agentThat((target) => {
      const after = Number(new URL(target, 'http://x').searchParams.get('after'));
      const events = after < 4 ? [line(after + 1), line(after + 2)] : [];
      return { instance: 'i', next: Math.min(4, after + 2), lost: false, events };
    });
    const { ended, printed } = call(['events', '--agent', agent.url]);
    expect(await ended).toBe(0);
    expect(printed.out.split('\n')).toHaveLength(5);
    expect(printed.out).toContain('2026-11-23T00:00:01.000Z WARN  fenced why="a b"\n');
  });

  test('follows over a restart of the agent, as JSON lines, until interrupted', async () => {
    let interrupt = (): void => undefined;
    const interrupted = new Promise<void>((resolve) => {
      interrupt = resolve;
    });
    const pages = [
      { instance: 'first', next: 5, lost: false, events: [line(5)] },
      { instance: 'second', next: 1, lost: false, events: [line(1)] },
    ];
    const agent = await agentThat(() => pages.shift() ?? new Promise(() => undefined));
    const { ended, printed } = call(['events', '--follow', '--json', '--agent', agent.url], { interrupted });
    await waitFor(() => agent.seen.length === 3, 'the third question');
    interrupt();
    expect(await ended).toBe(0);
    expect(printed.out.trimEnd().split('\n').map((each) => (JSON.parse(each) as { seq: number }).seq)).toEqual([5, 1]);
    expect(printed.err).toBe('dictator: the agent was restarted\n');
    expect(agent.seen[1]).toContain('after=5');
  });

  test('needs an agent', async () => {
    const { ended, printed } = call(['events', '--config', '/none']);
    expect(await ended).toBe(78);
    expect(printed.err).toContain('/none: does not exist');
  });
});

describe('watch', () => {
  test('draws on a screen of its own and leaves it', async () => {
    let interrupt = (): void => undefined;
    const interrupted = new Promise<void>((resolve) => {
      interrupt = resolve;
    });
    const agent = await agentThat(viewOf);
    const terminal = { stdout: true, rows: 6 };
    const { ended, printed } = call(['watch', '--agent', agent.url], { terminal, interrupted, env: { NO_COLOR: '1' } });
    await waitFor(() => printed.out.includes('redis1'), 'the first frame');
    interrupt();
    expect(await ended).toBe(0);
    await expect(`${JSON.stringify(printed.out).replaceAll('\\n', '\\n\n')}\n`).toMatchFileSnapshot(snapshot('watch'));
  });

  test.each([
    [[], 'needs a terminal'],
    [['--interval', '0'], '--interval takes'],
    [['--interval', 'x'], '--interval takes'],
  ])('refuses %j', async (args, why) => {
    const { ended, printed } = call(['watch', '--agent', 'x', ...args]);
    expect(await ended).toBe(2);
    expect(printed.err).toContain(why);
  });
});

describe('acting at one agent', () => {
  const answering = (target: string) => (target === '/v1/view' ? playedView('redis1') : { ok: true });
  const act = async (words: readonly string[], outside: PlayedOutside = {}) => {
    const agent = await agentThat(answering);
    const { ended, printed } = call([...words, '--agent', agent.url], outside);
    return { code: await ended, orders: agent.seen.filter((target) => target !== '/v1/view'), ...printed };
  };

  test.each<[readonly string[], string, RegExp]>([
    [['forget', 'redis 3'], '/forget', /^cache: redis 3 is forgotten\n$/],
    [['pause', '--for', '30m', '--reason', 'disks'], '/pause', /^cache: paused until 2026-11-23 00:30:00 UTC by ann@l/],
    [['resume'], '/resume', /^cache: not paused\n$/],
    [['switchover', '--cancel'], '/switchover', /^cache: the order was taken back\n$/],
    [['reinit', 'redis2'], '/reinitialize', /^cache: redis2 has copied everything anew/],
    [['enable', 'redis1'], '/enable', /^cache: redis1 is enabled\n$/],
  ])('%j asks, then orders it', async (words, target, said) => {
    const { code, orders, out } = await act(words, { answer: 'y' });
    expect(out).toMatch(said);
    expect([code, orders]).toEqual([0, [target]]);
  });

  test.each([['forget', 'redis3'], ['reinit', 'redis2'], ['disable', 'redis1'], ['failover']])(
    '%s does nothing where nobody says yes', async (...words) => {
      const { code, orders, err } = await act(words);
      expect(err).toContain('(confirmation_needed)');
      expect([code, orders]).toEqual([2, []]);
    },
  );

  const tooLong = ['--reason', 'x'.repeat(201)];
  test.each([['--for', 'soon'], ['--for', '8d'], tooLong])('pause takes no %s %s', async (...words) => {
    const { code, orders } = await act(['pause', ...words]);
    expect([code, orders]).toEqual([2, []]);
  });

  test('a failover says what may be lost, and without that word is for the agents to refuse', async () => {
    const { code, err, orders } = await act(['failover', '--accept-loss', '--yes']);
    expect(err).toContain('cache: redis1 becomes master.');
    expect(err).toContain('The loss is accepted.');
    expect([code, orders]).toEqual([0, ['/failover']]);
  });
});

test('what a failover may lose is told from records and agents', () => {
  const behind = { redis: { ...VIEW_REDIS, offset: 900_000 } };
  const facts = playedFacts({ views: playedViews({ redis1: null, redis3: behind }) });
  expect(fullest(facts)).toBe('redis2');
  expect(possibleLoss(facts, 'redis3')).toEqual([
    'It lacks at least 145.1 KB that redis2 has.',
    'It lacks at least 144.5 KB that redis1 has (recorded 12 s ago).',
    'It was in sync: what the last master took and had not sent yet may be lost.',
  ]);
});
