import { describe, expect, test } from 'vitest';
import { EVENT_NAMES } from '../contract/events.ts';
import { EVENT_LEVELS } from './event-levels.ts';
import { createLogger, styleFor } from './open-log.ts';
import type { LogStyle } from './open-log.ts';
import type { LogLevel } from './logger.ts';
import { KEYS_MAX, LINES_PER_WINDOW_MAX, REPEAT_WINDOW_MS } from './repeat-filter.ts';

function openTestLog({ level = 'DEBUG', style = 'json' }: { level?: LogLevel; style?: LogStyle } = {}) {
  const lines: string[] = [];
  const time = { nowMs: 0 };
  const sink = { write: (line: string) => void lines.push(line), takeDropped: () => 0, close: () => undefined };
  const wallNow = (): number => Date.UTC(2026, 0, 2, 3, 4, 5, 6) + time.nowMs;
  const log = createLogger({ level, style, sink, now: () => time.nowMs, wallNow });
  const records = (): unknown[] => lines.map((line) => JSON.parse(line) as unknown);
  return { log, lines, time, records };
}

describe('JSON lines', () => {
  test('hold time, level, event and the fields', () => {
    const { log, records } = openTestLog();
    log.event('role_changed', { from: 'replica', to: 'candidate', epoch: 3, offset: 12n });
    expect(records()).toEqual([
      {
        time: '2026-01-02T03:04:05.006Z',
        level: 'INFO',
        event: 'role_changed',
        from: 'replica',
        to: 'candidate',
        epoch: 3,
        offset: '12',
      },
    ]);
  });

  test('are one line each, whatever the fields hold', () => {
    const { log, lines } = openTestLog();
    log.event('record_ignored', { path: 'a\nb', error: new Error('c\nd') });
    expect(lines.join('').match(/\n/g)).toHaveLength(1);
  });
});

describe('lines for people', () => {
  test('begin with time, level and event, then the reason', () => {
    const { log, lines } = openTestLog({ style: 'plain' });
    log.event('refused', { node: 'redis 1', reason: 'priority_zero' });
    expect(lines).toEqual([
      expect.stringMatching(/^\d\d:\d\d:05\.006 WARN {2}refused reason=priority_zero node="redis 1"\n$/),
    ]);
  });

  test('let no control character through to the terminal', () => {
    const { log, lines } = openTestLog({ style: 'plain' });
    log.event('record_ignored', { path: '\u001b[2J\u009b1m' });
    expect(lines.join('')).toContain('path="\\u001b[2J\\u009b1m"');
  });

  test('are coloured only for a terminal that wants it', () => {
    expect(styleFor(false, {})).toBe('json');
    expect(styleFor(true, {})).toBe('colour');
    expect(styleFor(true, { NO_COLOR: '1' })).toBe('plain');
    expect(styleFor(true, { NO_COLOR: '' })).toBe('colour');
    expect(styleFor(true, { TERM: 'dumb' })).toBe('plain');
    const { log, lines } = openTestLog({ style: 'colour' });
    log.event('promoted');
    expect(lines.join('')).toContain('\u001b[36mINFO \u001b[0m');
  });
});

test.each(EVENT_NAMES)('%s is written at its level and above it not', (event) => {
  const levels: readonly LogLevel[] = ['DEBUG', 'INFO', 'WARN', 'FATAL'];
  for (const level of levels) {
    const { log, lines } = openTestLog({ level });
    log.event(event);
    expect(lines).toHaveLength(levels.indexOf(EVENT_LEVELS[event]) >= levels.indexOf(level) ? 1 : 0);
  }
});

describe('secrets', () => {
  test('are hidden by the name of their field, at any depth', () => {
    const { log, lines } = openTestLog();
    const inner = { requirepass: 'hunter2', Authorization: 'hunter2', list: [{ token: 'hunter2' }] };
    log.event('setting_applied', { password: 'hunter2', masterauth: 'hunter2', zk_auth: ['hunter2'], inner });
    expect(lines.join('')).not.toContain('hunter2');
  });

  test('that print themselves hidden stay so', () => {
    const { log, records } = openTestLog();
    log.event('setting_applied', { value: { toJSON: () => '***', inner: 'hunter2' } });
    expect(records()).toMatchObject([{ value: '***' }]);
  });

  test('are not suspected in fields that only sound alike', () => {
    const { log, records } = openTestLog();
    log.event('setting_applied', { author: 'a', bypass: 'b', passed: 'c' });
    expect(records()).toMatchObject([{ author: 'a', passed: 'c' }]);
  });
});

describe('fields', () => {
  test('with cycles, depth or length are bounded and never throw', () => {
    const { log, lines } = openTestLog();
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const endless = { toJSON: (): unknown => endless };
    log.event('record_ignored', { cycle, endless, long: 'x'.repeat(100_000), many: Array(10_000).fill(0) });
    expect(lines).toHaveLength(1);
    expect(lines.join('').length).toBeLessThan(3000);
  });
});

describe('repetitions', () => {
  test('within a second are counted, and told with the next line of their kind', () => {
    const { log, records, time } = openTestLog();
    for (; time.nowMs <= REPEAT_WINDOW_MS; time.nowMs += 10) log.event('redis_down', { reason: 'redis_unreachable' });
    expect(records()).toMatchObject([{ event: 'redis_down' }, { event: 'redis_down', repeated: 99 }]);
  });

  test('that have ended are told with the next line of any kind', () => {
    const { log, records, time } = openTestLog();
    log.event('redis_down', { reason: 'redis_unreachable' });
    log.event('redis_down', { reason: 'redis_unreachable' });
    time.nowMs = REPEAT_WINDOW_MS;
    log.event('redis_up');
    expect(records()).toMatchObject([
      { event: 'redis_down' },
      { event: 'redis_down', reason: 'redis_unreachable', repeated: 1 },
      { event: 'redis_up' },
    ]);
  });

  test('are told at the end', () => {
    const { log, records } = openTestLog();
    log.event('redis_down');
    log.event('redis_down');
    log.close();
    expect(records()).toMatchObject([{ event: 'redis_down' }, { event: 'redis_down', repeated: 1 }]);
  });

  test('differ in more than measured numbers: another reason, role or epoch is news', () => {
    const { log, lines } = openTestLog();
    log.event('refused', { reason: 'not_in_sync', lag: 1, position: { offset: 1 } });
    log.event('refused', { reason: 'not_in_sync', lag: 2, position: { offset: 2 } });
    expect(lines).toHaveLength(1);
    log.event('refused', { reason: 'priority_zero' });
    log.event('role_changed', { to: 'candidate', epoch: 1 });
    log.event('role_changed', { to: 'promoting', epoch: 1 });
    log.event('role_changed', { to: 'promoting', epoch: 2 });
    expect(lines).toHaveLength(5);
  });

  test('are not needed for the rate to be bounded, and what was left out is counted', () => {
    const { log, records, time } = openTestLog();
    for (let at = 0; at < 1000; at += 1) log.event('peer_up', { peer: `p${at}` });
    expect(records()).toHaveLength(LINES_PER_WINDOW_MAX);
    time.nowMs = REPEAT_WINDOW_MS;
    log.event('peer_up', { peer: 'last' });
    expect(records().at(-1)).toMatchObject({ peer: 'last', suppressed: 1000 - LINES_PER_WINDOW_MAX });
  });

  test('are remembered in bounded number', () => {
    expect(KEYS_MAX).toBeGreaterThan(LINES_PER_WINDOW_MAX);
  });
});
