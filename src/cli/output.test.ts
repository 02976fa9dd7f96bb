/**
 * What verbs print, byte for byte, from played data. After a change on purpose: `npx vitest run src/cli -u`, and commit
 * the new files only where each difference is meant.
 */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { PLAYED_NOW_MS, playedIo } from '../../test/support/cli-io.ts';
import {
  playedBallot, playedFacts, playedMember, playedNode, playedRecords, playedTerm, playedViews, stamped,
} from '../../test/support/played-service.ts';
import { dictator } from './dictator.ts';
import { explanationOf } from './explanation.ts';
import type { ServiceFacts } from './facts.ts';
import { balancedOf, renderHaproxy } from './haproxy.ts';
import { pastOf } from './past.ts';
import { renderTopology } from './render-topology.ts';
import { withProgress } from './progress.ts';
import { painter, printable } from './terminal.ts';
import type { Paint } from './terminal.ts';
import { topologyOf } from './topology.ts';
import { VERBS } from './verbs.ts';
import { exitCodeOf, renderFindings } from './verbs/doctor.ts';
import { renderExplanation } from './verbs/explain.ts';
import { renderPast } from './verbs/history.ts';
import { lineOf, renderList } from './verbs/list.ts';

const PLAIN: Paint = (_style, text) => text;
const COLOUR = painter(playedIo({ terminal: { stdout: true } }).io);

const snapshot = (name: string): string => path.join(import.meta.dirname, 'snapshots', `${name}.txt`);

const SCENES: Readonly<Record<string, Partial<ServiceFacts>>> = {
  healthy: {},
  'replica-gone-and-disabled': {
    records: playedRecords({
      live: ['redis1', 'redis2'],
      members: new Map(['redis1', 'redis2'].map((name) => {
        return [name, stamped(playedMember(name, name === 'redis2' ? { priority: 0 } : {}), 1000)];
      })),
      nodes: new Map(['redis1', 'redis2', 'redis3'].map((name) => {
        const maintenance = { owner: 'ann', reason: 'new disks', since: 0, until: PLAYED_NOW_MS + 60_000, forMs: 1 };
        return [name, stamped(playedNode(name, name === 'redis3' ? { disabled: true, maintenance } : {}), 7_200_000)];
      })),
      term: stamped(playedTerm({ inSync: ['redis2'] }), 50_000),
    }),
    views: playedViews({ redis2: { reasons: ['priority_zero', 'a_reason_of_later'] }, redis3: null }),
  },
  'no-master': {
    records: playedRecords({
      lease: null,
      masterRecord: null,
      live: ['redis2', 'redis3'],
      members: new Map(['redis2', 'redis3'].map((name) => [name, stamped(playedMember(name), 1000)])),
      ballots: new Map([
        ['redis2', stamped(playedBallot('redis2'), 20)],
        ['redis3', stamped(playedBallot('redis3', { offset: 900_000, refusal: 'redis_loading' }), 20)],
      ]),
    }),
    views: playedViews({ redis1: null, redis2: { role: 'candidate', master: null, reasons: ['awaiting_ballots'] } }),
  },
  'ensemble-silent': { ensemble: 'silent', records: null, views: playedViews({ redis2: null, redis3: null }) },
  'one-agent-that-lost-its-replicas': {
    ensemble: 'not_asked',
    records: null,
    views: playedViews({
      redis1: { members: ['redis1', 'redis3'], inSync: [], replicas: [] }, redis2: null, redis3: null,
    }),
  },
  'redis-of-a-replica-dead': {
    views: playedViews({
      redis1: { replicas: [] },
      redis3: {
        role: 'starting', reasons: ['redis_unreachable'],
        redis: { reachable: false, role: null, runId: null, offset: 7, linkUp: true },
      },
    }),
  },
  'strangers-and-escapes': {
    views: playedViews({
      redis1: {
        replicas: [
          { host: '10.9.9.9', port: 6379, state: 'online', offset: 1, lagBytes: 3_000_000, inSync: false },
          { name: 'redis2', host: '10.0.0.2', port: 6379, state: 'send_bulk', offset: 0, lagBytes: 4, inSync: false },
        ],
        reasons: ['\u001b[2J'],
      },
      redis2: null,
    }),
    silent: ['redis2'],
  },
};

describe.each(Object.entries(SCENES))('the scene %s', (name, change) => {
  const facts = playedFacts(change);

  test('as a tree', async () => {
    await expect(renderTopology(topologyOf(facts), PLAIN)).toMatchFileSnapshot(snapshot(`show-${name}`));
  });

  test('explained', async () => {
    await expect(renderExplanation(explanationOf(facts), PLAIN)).toMatchFileSnapshot(snapshot(`explain-${name}`));
  });
});

test('the list of services', async () => {
  const healthy = playedRecords();
  const empty = { lease: null, masterRecord: null, live: [], members: new Map(), nodes: new Map() };
  const lines = [
    healthy,
    playedRecords({ service: 'sessions', live: ['redis1', 'redis3'], unreadable: ['/dictator/sessions/settings'] }),
    playedRecords({ service: 'orphaned', ...empty, term: stamped(playedTerm(), 1) }),
    playedRecords({ service: 'unborn', ...empty, term: null, live: ['redis1'] }),
    playedRecords({
      service: 'paused',
      pause: stamped({ owner: 'ann', reason: 'rack 4', since: 0, until: PLAYED_NOW_MS + 1, forMs: 2 }, 1),
    }),
    playedRecords({
      service: 'half',
      term: stamped(playedTerm({ pending: { epoch: 7, node: 'redis1', former: null, inSync: [] } }), 1),
    }),
  ].map((records) => lineOf(records, PLAYED_NOW_MS));
  await expect(renderList(lines, PLAIN)).toMatchFileSnapshot(snapshot('list'));
  await expect(renderList(lines.slice(0, 2), COLOUR)).toMatchFileSnapshot(snapshot('list-colour'));
  await expect(`${JSON.stringify(lines.slice(0, 2), null, 2)}\n`).toMatchFileSnapshot(snapshot('list-json'));
});

describe('a configuration of HAProxy', () => {
  const strange = playedRecords({
    service: 'what a name',
    lease: null,
    term: stamped(playedTerm({ nodes: ['a b', 'a_b', 'gone', 'six', 'x\u001b'] }), 1),
    live: ['a b', 'a_b', 'six', 'x\u001b'],
    members: new Map(Object.entries({
      'a b': {},
      a_b: { http: { host: 'checks.example', port: 8001 } },
      six: { redis: { host: '2001:db8::6', port: 6379 }, http: { host: '2001:db8::7', port: 8000 } },
      'x\u001b': { redis: { host: '10.0.0.9\nserver evil 6.6.6.6', port: 1 } },
    }).map(([name, change]) => [name, stamped(playedMember(name, change), 1)])),
  });

  test('for two services, one of which has odd names and nodes', async () => {
    const text = renderHaproxy([playedRecords(), strange].map(balancedOf), 16379);
    await expect(text).toMatchFileSnapshot(snapshot('haproxy'));
    expect(text).not.toMatch(/evil/);
  });

  test('tells services that are spelled alike apart', () => {
    const services = ['a b', 'a/b'].map((service) => balancedOf(playedRecords({ service })));
    expect(renderHaproxy(services, 1).match(/^backend .*/gm)).toEqual([
      'backend a_b_write', 'backend a_b_read', 'backend a_b-2_write', 'backend a_b-2_read',
    ]);
  });
});

test('a tree as JSON', async () => {
  const json = JSON.stringify({ v: 1, ...topologyOf(playedFacts()) }, null, 2);
  await expect(`${json}\n`).toMatchFileSnapshot(snapshot('show-json'));
});

test('the past of a service', async () => {
  const results = {
    list: [
      {
        id: 'a', kind: 'switchover', target: 'redis1', asker: 'ann', epoch: 7, outcome: 'done', reason: null, gapMs: 12,
        master: 'redis1', endedAt: PLAYED_NOW_MS - 60_000,
      },
      { id: 'b', kind: 'switchover', outcome: 'refused', reason: 'lag_too_high' },
    ],
  };
  const scheduledAt = PLAYED_NOW_MS;
  const order = { id: 'c', kind: 'switchover', target: null, asker: 'bob', scheduledAt, phase: 'waiting' };
  const pause = { owner: 'bob', reason: 'kernel\u001b[2J', since: PLAYED_NOW_MS, until: PLAYED_NOW_MS + 3_600_000 };
  const full = renderPast(pastOf(playedRecords(), { order, results, pause }), PLAIN);
  await expect(full).toMatchFileSnapshot(snapshot('history'));
  const bare = renderPast(pastOf(playedRecords(), { order: null, results: 5, pause: [] }), PLAIN);
  await expect(bare).toMatchFileSnapshot(snapshot('history-bare'));
});

test('an epoch whose master began its history anew is one epoch, with the history that counts', () => {
  const records = playedRecords();
  const { term } = records;
  if (term === null) throw new Error('no term is played');
  const lineage = [
    { epoch: 1, replid: 'alone', offset: 0 }, { epoch: 1, replid: 'followed', offset: 0 },
    { epoch: 2, replid: 'next', offset: 900 },
  ];
  const past = pastOf({ ...records, term: { ...term, value: { ...term.value, lineage } } }, {});
  expect(past.epochs.map(({ epoch, replid }) => [epoch, replid])).toEqual([[1, 'followed'], [2, 'next']]);
});

test('the findings of the doctor', async () => {
  const findings = [
    { code: 'start_fence_missing' as const, about: '' },
    { code: 'clock_rate' as const, about: 'redis1: by 20.0 % at least' },
  ];
  await expect(renderFindings(findings, PLAIN) + renderFindings([], PLAIN)).toMatchFileSnapshot(snapshot('doctor'));
});

test.each([
  [[], true, 0],
  [['redis_too_old', 'persistence_off'], false, 1],
  [['persistence_off'], false, 0],
  [['persistence_off'], true, 1],
  [['ensemble_single'], true, 0],
] as const)('the exit code of the findings %j (strict: %s) is %i', (codes, strict, exitCode) => {
  const findings = codes.map((code) => ({ code, about: '' }));
  expect(exitCodeOf(findings, strict, () => 1)).toBe(exitCode);
});

describe('progress', () => {
  /** A clock whose waits end when told, and a wait that ends when told. */
  function played(stderr: boolean) {
    const { io, printed } = playedIo({ terminal: { stderr } });
    const clock = { nowMs: 0, ring: (): void => undefined };
    const after = (delayMs: number, callback: () => void) => {
      clock.ring = () => {
        clock.nowMs += delayMs;
        callback();
      };
      return () => void (clock.ring = () => undefined);
    };
    let end = (): void => undefined;
    const work = new Promise<void>((resolve) => (end = resolve));
    const done = withProgress('waiting', { ...io, clock: { now: () => clock.nowMs, wallNow: () => 0, after } }, work);
    return { clock, printed, end, done };
  }

  test('says nothing for a second', async () => {
    const { printed, end, done } = played(false);
    end();
    await done;
    expect(printed.err).toBe('');
  });

  test.each([
    [false, 'dictator: waiting, 1 s\ndictator: waiting, 11 s\n'],
    [true, '\r\u001b[Kdictator: waiting, 1 s\r\u001b[Kdictator: waiting, 2 s\r\u001b[K'],
  ])('then tells the time that has passed; on a terminal (%s) in one line that goes away', async (isTerminal, said) => {
    const { clock, printed, end, done } = played(isTerminal);
    clock.ring();
    clock.ring();
    end();
    await done;
    expect(printed.err).toBe(said);
  });
});

test.each([
  [{ stdout: true }, {}, true],
  [{ stdout: false }, {}, false],
  [{ stdout: true }, { NO_COLOR: '1' }, false],
  [{ stdout: true }, { NO_COLOR: '' }, true],
  [{ stdout: true }, { TERM: 'dumb' }, false],
])('colour on %j with %j: %s', (terminal, env, coloured) => {
  expect(painter(playedIo({ terminal, env }).io)('red', 'x') !== 'x').toBe(coloured);
});

test('what would turn or hide text is spelled out', () => {
  expect(printable('a\u202eb\u2066\u200b\u001b\u009b\n')).toBe(String.raw`a\u202eb\u2066\u200b\u001b\u009b\n`);
  expect(printable('Zoë – 試験 🙂')).toBe('Zoë – 試験 🙂');
});

async function printedBy(...args: string[]) {
  const { io, printed } = playedIo();
  const exitCode = await dictator(args, io, () => Promise.reject(new Error('no agent is run here')));
  return { exitCode, ...printed };
}

test('help', async () => {
  await expect((await printedBy('help')).out).toMatchFileSnapshot(snapshot('help'));
});

test.each(VERBS.map(({ name }) => name))('help of %s', async (name) => {
  const { exitCode, out } = await printedBy('help', ...name.split(' '));
  expect(exitCode).toBe(0);
  expect(out.split('\n').every((line) => line.length <= 80)).toBe(true);
  await expect(out).toMatchFileSnapshot(snapshot(`help-${name.replace(' ', '-')}`));
});

test.each([
  [['shwo'], 2],
  [['help', 'shwo'], 2],
  [['show', 'a', 'b'], 2],
  [['show', '--agent', 'x', '--zk', 'y'], 2],
  [['show', '--agent', 'ftp://x'], 2],
  [['list', '--zk', 'host:port'], 2],
  [['list', '--agent', '127.0.0.1:1'], 1],
  [['haproxy', '--zk', '127.0.0.1:1', '--port', '70000'], 2],
] as const)('what went wrong with %j', async (args, exitCode) => {
  const ended = await printedBy(...args);
  expect(ended).toMatchObject({ exitCode, out: '' });
  await expect(ended.err).toMatchFileSnapshot(snapshot(`error-${args.join('-').replace(/[^\w-]+/g, '')}`));
});
