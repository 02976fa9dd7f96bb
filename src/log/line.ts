/** One line for a person at a terminal: `16:42:01.123 WARN  fenced reason=lease_in_doubt epoch=4`. */
import type { EventName } from '../contract/events.ts';
import type { LogFields, LogLevel } from './logger.ts';

export interface Line {
  readonly wallMs: number;
  readonly level: LogLevel;
  readonly event: EventName;
  readonly fields: LogFields;
}

const COLOUR = { DEBUG: 90, INFO: 36, WARN: 33, FATAL: 31 } as const satisfies Record<LogLevel, number>;
const DIM = 90;
const BOLD = 1;

export function formatLine({ wallMs, level, event, fields }: Line, colour: boolean): string {
  const paint = (text: string, code: number): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const { reason, ...others } = fields;
  const pairs = Object.entries({ reason, ...others }).filter(([, value]) => value !== undefined);
  const shownPairs = pairs.map(([name, value]) => `${paint(`${name}=`, DIM)}${plain(value)}`);
  const head = [paint(timeOf(wallMs), DIM), paint(level.padEnd(5), COLOUR[level]), paint(event, BOLD)];
  return [...head, ...shownPairs].join(' ');
}

/** Quoted where a blank or a control character would blur the pairs or reach the terminal. */
function plain(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:/@+-]+$/.test(value)) return value;
  const json = JSON.stringify(value) as string | undefined ?? String(value);
  return json.replace(/[\u007f-\u009f]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}

/** Local time of day, with milliseconds. */
function timeOf(wallMs: number): string {
  const date = new Date(wallMs);
  const two = (part: number): string => String(part).padStart(2, '0');
  const seconds = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${seconds}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}
