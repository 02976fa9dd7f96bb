/**
 * The terminal: alternate screen, no cursor, raw keys, and all of it undone on every way out.
 *
 * Only lines that changed are written, so that nothing flickers and a slow connection keeps up.
 */
import { writeSync } from 'node:fs';
import type { Look } from './model.ts';

const ESC = '\u001b[';
const ENTER = `${ESC}?1049h${ESC}?25l${ESC}2J`;
const LEAVE = `${ESC}?25h${ESC}?1049l`;
const STDOUT = 1;
const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;

export class Screen {
  private drawn: readonly string[] = [];
  private open = false;
  private readonly env: Readonly<Record<string, string | undefined>>;

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.env = env;
  }

  enter(onKey: (key: string) => void, onResize: () => void): void {
    this.open = true;
    // Whatever ends the process, the terminal is given back.
    process.on('exit', () => this.restore());
    process.stdout.write(ENTER);
    process.stdin.setRawMode(true);
    process.stdin.setEncoding('utf8');
    process.stdin.on('data', (keys: string) => { for (const key of keysIn(keys)) onKey(key); });
    process.stdin.resume();
    process.stdout.on('resize', () => {
      this.drawn = [];
      process.stdout.write(`${ESC}2J`);
      onResize();
    });
  }

  /** Safe to call twice. Synchronous: it also runs while the process exits. */
  restore(): void {
    if (!this.open) return;
    this.open = false;
    try {
      process.stdin.setRawMode(false);
      writeSync(STDOUT, LEAVE);
    } catch (error) {
      // The terminal is gone (its window was closed): nothing is left to give back.
      if (!(error instanceof Error)) throw error;
    }
    process.stdin.pause();
  }

  get look(): Look {
    const { NO_COLOR, TERM, LC_ALL, LC_CTYPE, LANG } = this.env;
    return {
      columns: process.stdout.columns || COLUMNS_DEFAULT,
      rows: process.stdout.rows || ROWS_DEFAULT,
      // https://no-color.org: set and not empty, whatever the value.
      colour: (NO_COLOR ?? '') === '' && TERM !== 'dumb',
      // The first that is set and not empty counts, as in every program.
      unicode: /utf-?8/i.test([LC_ALL, LC_CTYPE, LANG].find((value) => (value ?? '') !== '') ?? ''),
    };
  }

  draw(lines: readonly string[]): void {
    if (!this.open) return;
    const changed = lines.map((line, index) => (
      line === this.drawn[index] ? '' : `${ESC}${index + 1};1H${line}${ESC}K`
    ));
    this.drawn = lines;
    const text = changed.join('');
    if (text !== '') process.stdout.write(text);
  }
}

/** One chunk may hold several keys; a sequence of the arrow or function keys is one key, which nobody asked for. */
function keysIn(chunk: string): readonly string[] {
  return chunk.startsWith('\u001b') ? [] : [...chunk];
}
