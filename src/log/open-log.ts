/**
 * The logger of a running agent: filter by level, redact, count repetitions, then one line to the sink - JSON for
 * machines, readable on a terminal. Logs are talk, so they go to stderr; stdout stays free for data.
 */
import { performance } from 'node:perf_hooks';
import { isatty } from 'node:tty';
import { pino } from 'pino';
import type { EventName } from '../contract/events.ts';
import { EVENT_LEVELS, LEVELS } from './event-levels.ts';
import { formatLine } from './line.ts';
import type { Journal } from './journal.ts';
import type { LogFields, LogLevel, Logger } from './logger.ts';
import { redact } from './redact.ts';
import { RepeatFilter } from './repeat-filter.ts';
import { openSink } from './sink.ts';
import type { Sink } from './sink.ts';

export type LogStyle = 'json' | 'plain' | 'colour';

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly style: LogStyle;
  readonly sink: Sink;
  /** Monotonic milliseconds, for counting repetitions. */
  readonly now: () => number;
  /** Milliseconds since 1970, for display. */
  readonly wallNow: () => number;
  /** Sees what is written, as it is written. */
  readonly journal?: Journal | undefined;
}

const STDERR = 2;

/** Opens the log of this process on stderr. */
export function openLog(
  level: LogLevel,
  env: Readonly<Record<string, string | undefined>>,
  journal?: Journal,
): Logger {
  const style = styleFor(isatty(STDERR), env);
  const clocks = { now: () => performance.now(), wallNow: () => Date.now() };
  return createLogger({ level, style, sink: openSink(STDERR), journal, ...clocks });
}

/** JSON unless a person looks on; colours unless `NO_COLOR` (https://no-color.org) or a dumb terminal forbids them. */
export function styleFor(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): LogStyle {
  if (!isTerminal) return 'json';
  const forbidden = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  return forbidden ? 'plain' : 'colour';
}

export function createLogger({ level, style, sink, now, wallNow, journal }: LoggerOptions): Logger {
  const put = style === 'json' ? jsonWriter(sink, wallNow) : lineWriter(sink, wallNow, style === 'colour');
  const write: Write = (event, fields) => {
    put(event, fields);
    journal?.add({ level: EVENT_LEVELS[event], event, fields, wallMs: wallNow() });
  };
  const filter = new RepeatFilter();
  let least = LEVELS.indexOf(level);

  const counted = (nowMs: number): void => {
    for (const { event, reason, repeated } of filter.expire(nowMs)) {
      write(event, reason === undefined ? { repeated } : { reason, repeated });
    }
  };

  return {
    event: (event, fields = {}) => {
      if (LEVELS.indexOf(EVENT_LEVELS[event]) < least) return;
      const nowMs = now();
      const safe = redact(fields) as LogFields;
      const admission = filter.admit(event, safe, nowMs);
      counted(nowMs);
      if (!admission.write) return;
      const suppressed = filter.takeSuppressed() + sink.takeDropped();
      write(event, {
        ...safe,
        ...(admission.repeated > 0 && { repeated: admission.repeated }),
        ...(suppressed > 0 && { suppressed }),
      });
    },
    setLevel: (wanted) => {
      least = LEVELS.indexOf(wanted);
    },
    close: () => {
      counted(Infinity);
      sink.close();
    },
  };
}

type Write = (event: EventName, fields: LogFields) => void;

const METHOD = { DEBUG: 'debug', INFO: 'info', WARN: 'warn', FATAL: 'fatal' } as const;

function jsonWriter(sink: Sink, wallNow: () => number): Write {
  const options = {
    level: 'debug',
    base: null,
    timestamp: () => `,"time":"${new Date(wallNow()).toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label.toUpperCase() }) },
  };
  const logger = pino(options, { write: (line: string) => { sink.write(line); } });
  return (event, fields) => {
    logger[METHOD[EVENT_LEVELS[event]]]({ event, ...fields });
  };
}

function lineWriter(sink: Sink, wallNow: () => number, colour: boolean): Write {
  return (event, fields) => {
    sink.write(`${formatLine({ wallMs: wallNow(), level: EVENT_LEVELS[event], event, fields }, colour)}\n`);
  };
}
