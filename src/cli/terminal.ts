/**
 * How text reaches a terminal: colours where they are wanted, columns that line up, times and sizes for people, and
 * nothing of what others wrote that could drive the terminal.
 */
import type { Io } from './io.ts';

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export type Style = keyof typeof STYLES;

export type Paint = (style: Style, text: string) => string;

/** Colours on a terminal, unless `NO_COLOR` (https://no-color.org) or a dumb terminal forbids them. */
export function painter({ terminal, env }: Io): Paint {
  const allowed = terminal.stdout && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return allowed ? (style, text) => `\u001b[${STYLES[style]}m${text}\u001b[0m` : (_style, text) => text;
}

/** Control characters, and those that are not seen but turn the order of what is seen, or break its line. */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** What others wrote must not drive the terminal, nor look like something else. */
export const printable = (text: string): string =>
  text.replace(UNPRINTABLE, (character) => {
    const short = JSON.stringify(character).slice(1, -1);
    return short === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : short;
  });

const ESCAPES = /\u001b\[\d+m/g;

/** Characters that are seen. */
export const widthOf = (text: string): number => [...text.replace(ESCAPES, '')].length;

const GAP = '  ';

/** Rows with their cells one below the other; the last cell of a row is as long as it is. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, widthOf(cell));
  }
  const lines = rows.map((row) =>
    row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell))).join(GAP).trimEnd(),
  );
  return lines.map((line) => `${line}\n`).join('');
}

/** Words broken into lines of at most `width` characters, each behind `indent`. */
export function wrapped(text: string, width: number, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && indent.length + longer.length > width) {
      lines.push(indent + line);
      line = word;
    } else line = longer;
  }
  return [...lines, indent + line].map((each) => `${each}\n`).join('');
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `850 ms`, `12 s`, `5 min`, `3 h`, `9 d`: one number, rounded down. */
export function duration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.max(0, Math.floor(ms))} ms`;
  if (ms < 2 * MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < 2 * HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  return `${Math.floor(ms / DAY_MS)} d`;
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** `0 B`, `512 B`, `1.5 MB`: powers of 1024, as Redis counts. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit] ?? 'B'}`;
}

/** `host:port`, an IPv6 address in brackets. */
export const shownAddress = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  printable(`${host.includes(':') ? `[${host}]` : host}:${port}`);

/** Data for a program: one value, readable for people as well. */
export function printJson(value: unknown, io: Io): void {
  io.stdout(`${JSON.stringify(value, null, 2)}\n`);
}
