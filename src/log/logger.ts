/**
 * What the agent's parts see of the log: events of the closed list, with fields.
 *
 * There is no free text on purpose: what cannot be said as an event of `contract/events.ts` has no line, so a filter
 * on names sees everything. The level belongs to the event (`event-levels.ts`), not to the caller.
 */
import type { EventName } from '../contract/events.ts';

/** Same words as the configuration key `log_level`, ascending. */
export type LogLevel = 'DEBUG' | 'INFO' | 'WARN' | 'FATAL';

/** Fields of one line. `time`, `level` and `event` are the logger's own. Bigints are written as strings. */
export interface LogFields {
  readonly [field: string]: unknown;
  /** The reason code, where the event has one. */
  readonly reason?: string | undefined;
  readonly time?: never;
  readonly level?: never;
  readonly event?: never;
}

export interface Logger {
  /** Writes one line, unless its level is filtered out or it only repeats another one of this second. Never throws. */
  event(name: EventName, fields?: LogFields): void;
  /** Least level that is written from now on. */
  setLevel(level: LogLevel): void;
  /** Writes what is still counted or buffered, waiting for a slow reader only for a bounded time. */
  close(): void;
}
