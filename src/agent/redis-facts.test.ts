// What Redis answers to the agent's question, as facts or as what keeps it from answering.

import { describe, expect, test } from 'vitest';

import type { Reply } from '../redis/link.ts';
import { observe, QUESTION, questionFor, sameReplies } from './redis-facts.ts';

const info = (lines: Record<string, string | number>): Reply => ({
  ok: true,
  value: Object.entries(lines).map(([key, value]) => `${key}:${value}`).join('\r\n'),
});
const MASTER = {
  redis_version: '7.0.15', redis_mode: 'standalone', process_id: 12, run_id: 'r1', uptime_in_seconds: 9,
  loading: 0, rdb_changes_since_last_save: 4, role: 'master', connected_slaves: 1,
  slave0: 'ip=10.0.0.2,port=6379,state=online,offset=90,lag=1', master_replid: 'abc',
  master_replid2: '0'.repeat(40), master_repl_offset: 100, second_repl_offset: -1, repl_backlog_size: 1_048_576,
  db0: 'keys=3,expires=0',
};
const REPLICA = {
  ...MASTER, role: 'slave', master_host: '10.0.0.1', master_port: 6379, master_link_status: 'up',
  master_sync_in_progress: 0, slave_read_repl_offset: 105, slave_repl_offset: 100, slave_priority: 7,
};
const PONG: Reply = { ok: true, value: 'PONG' };
const MISCONF: Reply = { ok: false, code: 'MISCONF', message: 'MISCONF Errors writing to the AOF file' };
const settings = (...pairs: string[]): Reply => ({ ok: true, value: pairs });

/** The sections come one by one; what they say is read as one text. */
const answer = (first: Reply, ...pairs: string[]): Reply[] => [
  first, info({}), info({}), info({}), settings(...pairs), PONG,
];

function facts(first: Reply, ...pairs: string[]) {
  const seen = observe(answer(first, ...pairs));
  if (seen.kind !== 'facts') throw new Error(`blocked by ${seen.by}`);
  return seen.facts;
}

test('the question takes one section or one pattern per command, as Redis 6.2 does', () => {
  expect(QUESTION.map((command) => command.length)).toEqual([2, 2, 2, 2, 3, 1]);
  expect(observe([])).toMatchObject({ kind: 'blocked' });
});

test.each([['6.2.14', 6], ['6.3.4', 6], ['7.0.15', 3], ['8.1.0', 3], ['', 6]])(
  'a server of version "%s" is asked in %i commands', (version, commands) => {
    expect(questionFor(version)).toHaveLength(commands);
  },
);

test('what is asked in one command and what is asked in four gives the same facts', () => {
  const short = observe([info(MASTER), settings('min-replicas-to-write', '1'), PONG]);
  expect(short).toMatchObject({ kind: 'facts', facts: facts(info(MASTER), 'min-replicas-to-write', '1') });
});

test('a master with its replicas, its changes and its dead-man', () => {
  const seen = facts(info(MASTER), 'min-replicas-to-write', '1', 'min-replicas-max-lag', '2');
  expect(seen).toMatchObject({
    runId: 'r1', role: 'master', replid: 'abc', replid2: null, offset: 100, keys: 3, changes: 4, loading: false,
    link: null, minReplicas: 1, announced: null, priority: 100,
    replicas: [{ host: '10.0.0.2', port: 6379, state: 'online', offset: 90, lagSeconds: 1 }],
  });
});

test('a replica with its link and its own priority', () => {
  expect(facts(info(REPLICA))).toMatchObject({
    role: 'replica', priority: 7, minReplicas: null,
    link: { host: '10.0.0.1', port: 6379, up: true, syncInProgress: false, readOffset: 105 },
  });
});

test('without a read offset (before Redis 7.0) the applied one stands in', () => {
  const older: Record<string, string | number> = { ...REPLICA };
  delete older['slave_read_repl_offset'];
  expect(facts(info(older)).link?.readOffset).toBe(100);
});

describe('a link that is down', () => {
  test.each(
    [[-1, false], [0, true], [30, true]],
  )('since %i seconds: it was up in this process: %s', (since, everUp) => {
    const down = { ...REPLICA, master_link_status: 'down', master_link_down_since_seconds: since };
    expect(facts(info(down)).link).toMatchObject({ up: false, everUp });
  });
});

test.each([
  [['replica-announce-ip', '10.0.0.9', 'replica-announce-port', '6380'], { host: '10.0.0.9', port: 6380 }],
  [['replica-announce-ip', '', 'replica-announce-port', '6380'], null],
  [['replica-announce-ip', '10.0.0.9', 'replica-announce-port', '0'], null],
])('the announced address of %j', (pairs, address) => {
  expect(facts(info(MASTER), ...pairs).announced).toEqual(address);
});

test('a master tells its priority by its settings alone', () => {
  expect(facts(info(MASTER), 'replica-priority', '0').priority).toBe(0);
});

test.each([
  ['LOADING', 'loading'], ['BUSY', 'busy'], ['NOAUTH', 'denied'], ['NOPERM', 'denied'],
  ['WRONGPASS', 'denied'], ['ERR', 'denied'],
])('%s blocks as %s', (code, by) => {
  const refusal: Reply = { ok: false, code, message: code };
  expect(observe(QUESTION.map(() => refusal))).toMatchObject({ kind: 'blocked', by });
});

test('an answer without the facts that matter is no observation', () => {
  expect(observe(answer(info({ redis_version: '7.0.15' })))).toMatchObject({ kind: 'blocked' });
});

describe('whether it would refuse every write', () => {
  const asked = (first: Reply, probe: Reply) => observe([...answer(first).slice(0, -1), probe]);
  test.each<[string, Reply, Reply, boolean]>([
    ['a master that answers', info(MASTER), PONG, false],
    ['a master whose disk is full', info(MASTER), MISCONF, true],
    ['a failed save that stops nothing', info({ ...MASTER, rdb_last_bgsave_status: 'err' }), PONG, false],
    ['a replica, as Redis 7.0 says it', info(REPLICA), MISCONF, true],
    ['a replica, as Redis 6.2 says it', info({ ...REPLICA, rdb_last_bgsave_status: 'err' }), PONG, true],
    ['a replica whose AOF fails, the same', info({ ...REPLICA, aof_last_write_status: 'err' }), PONG, true],
    ['whoever may not PING is not known to', info(MASTER), { ok: false, code: 'NOPERM', message: '' }, false],
  ])('%s', (_what, first, probe, refuses) => {
    expect(asked(first, probe)).toMatchObject({ facts: { refusesWrites: refuses } });
  });
});

test('two answers are the same only if every word of them is, and a refusal is never taken for an earlier one', () => {
  const first = answer(info(MASTER), 'min-replicas-to-write', '1');
  expect(sameReplies(first, answer(info(MASTER), 'min-replicas-to-write', '1'))).toBe(true);
  expect(sameReplies(first, answer(info({ ...MASTER, loading: 1 }), 'min-replicas-to-write', '1'))).toBe(false);
  expect(sameReplies(first, answer(info(MASTER), 'min-replicas-to-write', '2'))).toBe(false);
  expect(sameReplies(first, answer(info(MASTER), 'min-replicas-to-write'))).toBe(false);
  expect(sameReplies(first, first.slice(1))).toBe(false);
  expect(sameReplies(first, [...first.slice(0, -1), MISCONF])).toBe(false);
  expect(sameReplies([MISCONF], [{ ...MISCONF }])).toBe(false);
});
