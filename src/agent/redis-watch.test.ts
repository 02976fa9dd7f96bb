// Watching one Redis: one connection, one question at a time, silence and endings told as what they are.

import { describe, expect, test } from 'vitest';

import type { SightEvent } from '../core/facts.ts';
import type { Command, RedisLinkEvents, Reply, SendOutcome } from '../redis/link.ts';
import { QUESTION, questionFor } from './redis-facts.ts';
import { COMMAND_DEADLINE_MS, REDIAL_PAUSE_MS, REDIAL_REFUSED_MS, RedisWatch } from './redis-watch.ts';
import type { CommandResult } from './redis-watch.ts';
import { BOTH_ANSWER_MS, SECOND_DIAL_MS } from './second-line.ts';

const TARGET = { host: '10.0.0.1', port: 6379 };
const LOADING: Reply = { ok: false, code: 'LOADING', message: 'LOADING' };
const OK: Reply = { ok: true, value: 'OK' };

interface Sent {
  readonly commands: readonly Command[];
  readonly deadlineMs: number;
  readonly done: (outcome: SendOutcome) => void;
}

function stage(eager = true) {
  let nowMs = 0;
  let timers: { readonly dueMs: number; readonly callback: () => void }[] = [];
  const dials: { readonly events: RedisLinkEvents; readonly sent: Sent[]; closed: boolean; reset?: true }[] = [];
  const sights: SightEvent[] = [];
  const timersSet: number[] = [];
  const clock = {
    now: () => nowMs,
    after(delayMs: number, callback: () => void) {
      const timer = { dueMs: nowMs + delayMs, callback };
      timers.push(timer);
      timersSet.push(timer.dueMs);
      return () => void (timers = timers.filter((each) => each !== timer));
    },
  };
  const watch = new RedisWatch({
    clock,
    connector: {
      connect(_target, _options, events) {
        const dial: (typeof dials)[number] = { events, sent: [], closed: false };
        dials.push(dial);
        return {
          send: (commands, deadlineMs, done) => void dial.sent.push({ commands, deadlineMs, done }),
          close: () => void (dial.closed = true),
          abort: () => void (dial.reset = true),
          resolvedAddress: null,
        };
      },
    },
    purpose: 'test',
    credentials: {},
    silentAfterMs: 300,
    eager,
    onSight: (event) => sights.push(event),
  });
  const pass = (ms: number): void => {
    const untilMs = nowMs + ms;
    for (let due = next(untilMs); due !== undefined; due = next(untilMs)) {
      timers = timers.filter((each) => each !== due);
      nowMs = due.dueMs;
      due.callback();
    }
    nowMs = untilMs;
  };
  const next = (untilMs: number) => timers.filter(({ dueMs }) => dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];
  const link = () => dials.at(-1)!;
  const answer = (): void => link().sent.at(-1)!.done({ kind: 'answered', replies: QUESTION.map(() => LOADING) });
  return { watch, dials, sights, pass, link, answer, timersSet };
}

function opened(eager = true) {
  const staged = stage(eager);
  staged.watch.watch(TARGET);
  staged.watch.pollEvery(500);
  staged.link().events.onOpen();
  return staged;
}

describe('questions', () => {
  test('the first is asked as soon as the connection is open, the next a pause after its answer', () => {
    const { link, answer, pass, sights } = opened();
    expect(link().sent.map(({ commands }) => commands)).toEqual([QUESTION]);
    answer();
    pass(499);
    expect(link().sent).toHaveLength(1);
    pass(1);
    expect(link().sent).toHaveLength(2);
    expect(sights).toEqual([{ seen: 'opened' }, { seen: 'blocked', by: 'loading' }]);
  });

  test('one is outstanding at a time, however often one would like to ask', () => {
    const { link, watch, pass } = opened();
    watch.pollEvery(1);
    pass(1000);
    expect(link().sent).toHaveLength(1);
  });

  test('a shorter pause takes effect at once', () => {
    const { link, answer, watch, pass } = opened();
    answer();
    pass(10);
    watch.pollEvery(1);
    pass(0);
    expect(link().sent).toHaveLength(2);
  });

  test('silence is told once, as of the last answer at most; the connection stays, and a late answer counts', () => {
    const { link, answer, pass, sights } = opened();
    pass(2000);
    expect(sights).toEqual([{ seen: 'opened' }, { seen: 'silent', sinceMs: 0 }]);
    expect(link().closed).toBe(false);
    answer();
    expect(sights.at(-1)).toEqual({ seen: 'blocked', by: 'loading' });
  });
});

describe('in peace', () => {
  const SERVER = ['redis_version:7.0.15', 'redis_mode:standalone', 'process_id:1', 'run_id:r', 'uptime_in_seconds:9'];
  const REPLICATION = ['role:master', 'master_replid:abc', 'master_repl_offset:1', 'second_repl_offset:-1'];
  const INFO: Reply = { ok: true, value: [...SERVER, ...REPLICATION].join('\r\n') };

  test('a server that understands the short question is asked it, until the connection ends', () => {
    const { link, pass, dials } = opened();
    link().sent.at(-1)!.done({ kind: 'answered', replies: [INFO, ...QUESTION.slice(1).map(() => OK)] });
    pass(500);
    expect(link().sent.at(-1)!.commands).toEqual(questionFor('7.0.15'));
    link().events.onClosed('fin');
    pass(0);
    link().events.onOpen();
    expect(dials).toHaveLength(2);
    expect(link().sent.at(-1)!.commands).toEqual(QUESTION);
  });

  test('timers are set for the moments of questions and for no other: a cancelled one wakes up all the same', () => {
    const { watch, link, answer, pass, timersSet } = opened();
    watch.pollEvery(250);
    answer();
    pass(250);
    const before = timersSet.length;
    for (const round of [2, 3, 4, 5]) {
      answer();
      pass(250);
      expect(link().sent).toHaveLength(round + 1);
    }
    expect([...new Set(timersSet.slice(before))]).toEqual([500, 750, 1000, 1250, 1500]);
  });
});

describe('endings', () => {
  test.each(
    [['fin', 'closed', 0], ['reset', 'closed', 0]] as const,
  )('%s: %s, dialled again at once', (how, seen, pauseMs) => {
    const { link, dials, sights, pass } = opened();
    link().events.onClosed(how);
    expect(sights.at(-1)).toEqual({ seen });
    pass(pauseMs);
    expect(dials).toHaveLength(2);
  });

  test('an ending that proves nothing about the server is a failure, not a closed connection', () => {
    const { link, dials, sights, pass } = opened();
    link().events.onClosed('lost');
    expect(sights.at(-1)).toEqual({ seen: 'failed', code: 'lost' });
    pass(REDIAL_PAUSE_MS - 1);
    expect(dials).toHaveLength(1);
    pass(1);
    expect(dials).toHaveLength(2);
  });

  test('our own Redis is dialled every 10 ms for as long as its port refuses', () => {
    const { link, dials, pass } = opened();
    for (let i = 0; i < 40; i++) {
      link().events.onRefused();
      pass(REDIAL_REFUSED_MS);
    }
    expect(dials).toHaveLength(41);
  });

  test('and at once after a dial that ran out of time: a process that was stopped has to fence', () => {
    const { link, dials, pass } = opened();
    link().events.onFailed({ code: 'timeout', detail: '' });
    pass(1);
    expect(dials).toHaveLength(2);
    const remote = opened(false);
    remote.link().events.onFailed({ code: 'timeout', detail: '' });
    remote.pass(REDIAL_REFUSED_MS);
    expect(remote.dials).toHaveLength(1);
  });

  test('a remote one only at first', () => {
    const { link, dials, pass } = opened(false);
    for (let i = 0; i < 10; i++) {
      link().events.onRefused();
      pass(REDIAL_REFUSED_MS);
    }
    expect(dials).toHaveLength(10);
    pass(REDIAL_PAUSE_MS - REDIAL_REFUSED_MS);
    expect(dials).toHaveLength(11);
  });

  test('another target is another connection; what the former one still says is not heard', () => {
    const { dials, watch, sights, link } = opened();
    const former = link();
    watch.watch({ host: '10.0.0.2', port: 6379 });
    expect(former.closed).toBe(true);
    const heard = sights.length;
    former.events.onClosed('local');
    former.sent[0]!.done({ kind: 'answered', replies: QUESTION.map(() => LOADING) });
    expect(sights).toHaveLength(heard);
    watch.watch({ host: '10.0.0.2', port: 6379 });
    expect(dials).toHaveLength(2);
  });

  test('after a stop nothing is dialled and nothing asked', () => {
    const { watch, dials, link, pass } = opened();
    watch.stop();
    pass(10_000);
    expect(dials).toHaveLength(1);
    expect(link().sent).toHaveLength(1);
    expect(link().closed).toBe(true);
  });
});

describe('a connection to another host that is silent', () => {
  /** Silent for long enough that a second one was opened. */
  function doubled() {
    const staged = opened(false);
    staged.pass(300 + 5 + SECOND_DIAL_MS);
    const [first, second] = staged.dials;
    if (first === undefined || second === undefined) throw new Error('there are two');
    second.events.onOpen();
    expect(second.sent.map(({ commands }) => commands)).toEqual([[['PING']]]);
    return { ...staged, first, second };
  }
  const answered = (replies: readonly Reply[]): SendOutcome => ({ kind: 'answered', replies });

  test('is given up when the server answers on a second one, and not on the first', () => {
    const { dials, first, second, sights, pass } = doubled();
    second.sent[0]!.done(answered([OK]));
    expect(first.closed).toBe(false);
    pass(BOTH_ANSWER_MS);
    expect([first.closed, second.closed]).toEqual([true, true]);
    // What still waits in it would be carried out behind what the next one brings.
    expect([first.reset, second.reset]).toEqual([true, undefined]);
    expect(sights.at(-1)).toEqual({ seen: 'failed', code: 'lost' });
    pass(1);
    expect(dials).toHaveLength(3);
    pass(60_000);
    expect(dials).toHaveLength(3);
  });

  test('stays when the server was only stopped, and answers on both', () => {
    const { dials, first, second, sights, pass } = doubled();
    second.sent[0]!.done(answered([OK]));
    first.sent[0]!.done(answered(QUESTION.map(() => LOADING)));
    pass(BOTH_ANSWER_MS);
    expect([first.closed, second.closed]).toEqual([false, true]);
    expect(sights.at(-1)).toEqual({ seen: 'blocked', by: 'loading' });
    expect(dials).toHaveLength(2);
  });

  test('stays for as long as a second one says nothing: that is dialled anew, ever more rarely', () => {
    const { dials, first, pass } = doubled();
    const openLast = (): void => dials.at(-1)!.events.onOpen();
    for (let pauseMs = SECOND_DIAL_MS, seconds = 1; pauseMs <= 8 * SECOND_DIAL_MS; pauseMs *= 2, seconds++) {
      expect(dials).toHaveLength(1 + seconds);
      pass(pauseMs);
      openLast();
    }
    pass(24 * 3600 * 1000);
    expect(first.closed).toBe(false);
    expect(dials.slice(1, -1).every(({ closed }) => closed)).toBe(true);
  });

  test('is not doubled more often than once a second while nothing opens', () => {
    const { dials, second, pass } = doubled();
    second.events.onClosed('lost');
    for (let each = 3; each < 10; each++) {
      pass(SECOND_DIAL_MS);
      expect(dials).toHaveLength(each);
      dials.at(-1)!.events.onFailed({ code: 'timeout', detail: 'timeout' });
    }
  });

  test('of our own Redis is never doubled', () => {
    const { dials, pass } = opened(true);
    pass(60_000);
    expect(dials).toHaveLength(1);
  });
});

describe('commands', () => {
  const FREEZE: Command = ['REPLICAOF', '127.0.0.1', '1'];
  const run = (staged: ReturnType<typeof opened>): CommandResult[] => {
    const results: CommandResult[] = [];
    staged.watch.run([FREEZE], (result) => results.push(result));
    return results;
  };
  const replyTo = (staged: ReturnType<typeof opened>, reply: Reply): void =>
    staged.link().sent.at(-1)!.done({ kind: 'answered', replies: [reply, ...QUESTION.map(() => LOADING)] });

  test('are sent with a question behind them, whose answer is told before the result', () => {
    const staged = opened();
    const results = run(staged);
    expect(staged.link().sent.at(-1)).toMatchObject(
      { commands: [FREEZE, ...QUESTION], deadlineMs: COMMAND_DEADLINE_MS },
    );
    replyTo(staged, OK);
    expect(staged.sights.at(-1)).toEqual({ seen: 'blocked', by: 'loading' });
    expect(results).toEqual([{ ok: true, sentAtMs: 0 }]);
  });

  test('that are refused say so by the code of the refusal', () => {
    const staged = opened();
    const results = run(staged);
    replyTo(staged, { ok: false, code: 'NOPERM', message: 'NOPERM' });
    expect(results).toEqual([{ ok: false, code: 'NOPERM' }]);
  });

  test('that are asked for their answers get each of them, and nothing where there is none', () => {
    const staged = opened();
    const asked: (readonly Reply[] | null)[] = [];
    const ask = (): void => staged.watch.ask([FREEZE, FREEZE], (replies) => asked.push(replies));
    const refused: Reply = { ok: false, code: 'ERR', message: 'ERR Unknown option' };
    ask();
    staged.link().sent.at(-1)!.done({ kind: 'answered', replies: [refused, OK, ...QUESTION.map(() => LOADING)] });
    ask();
    staged.link().sent.at(-1)!.done({ kind: 'silent' });
    expect(asked).toEqual([[refused, OK], null]);
    expect(staged.sights.at(-1)).toEqual({ seen: 'blocked', by: 'loading' });
  });

  test.each([['silent', 'SILENT'], ['closed', 'CLOSED']] as const)('that end %s fail with %s', (kind, code) => {
    const staged = opened();
    const results = run(staged);
    staged.link().sent.at(-1)!.done({ kind });
    expect(results).toEqual([{ ok: false, code }]);
  });

  test('without a connection fail, but never from inside the call', () => {
    const staged = stage();
    const results = run(staged);
    expect(results).toEqual([]);
    staged.pass(0);
    expect(results).toEqual([{ ok: false, code: 'CLOSED' }]);
  });
});
