/**
 * The last lines of the log, kept in memory for those who cannot read it where it goes: `GET /v1/events` and
 * `dictator events`. What the log leaves out (level, repetitions) is left out here as well.
 *
 * Bounded three ways: lines, bytes of a line, and readers that wait at once.
 */
import type { Clock } from '../contract/clock.ts';
import type { EventLine, EventName, EventsPage } from '../contract/events.ts';
import type { LogFields } from './logger.ts';

/** Lines that are kept; the oldest goes. */
export const JOURNAL_LINES_MAX = 500;
/** Of a longer line only time, level and event are kept. */
const JOURNAL_LINE_BYTES_MAX = 2048;
/** Lines in one answer. */
export const JOURNAL_PAGE_MAX = 200;
/** Readers that may wait at once; another one is answered without waiting. */
export const JOURNAL_READERS_MAX = 32;

export interface JournalEntry {
  readonly level: string;
  readonly event: EventName;
  readonly fields: LogFields;
  /** Milliseconds since 1970. */
  readonly wallMs: number;
}

type Page = Omit<EventsPage, 'instance'>;

interface LineHead {
  readonly seq: number;
  readonly time: string;
  readonly level: string;
  readonly event: string;
}

export class Journal {
  readonly #clock: Clock;
  readonly #lines: EventLine[] = [];
  readonly #readers = new Set<() => void>();
  #seq = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add({ level, event, fields, wallMs }: JournalEntry): void {
    this.#seq += 1;
    const head = { seq: this.#seq, time: new Date(wallMs).toISOString(), level, event };
    this.#lines.push(boundedLine(head, fields));
    if (this.#lines.length > JOURNAL_LINES_MAX) this.#lines.shift();
    for (const wake of [...this.#readers]) wake();
  }

  /** Lines after `seq`; where there are none yet, waits for one, at most `waitMs` milliseconds. */
  async after(seq: number, waitMs: number): Promise<Page> {
    // A number that was never given is another process's: its reader gets everything.
    const known = seq <= this.#seq ? seq : 0;
    if (known === this.#seq && waitMs > 0 && this.#readers.size < JOURNAL_READERS_MAX) await this.#next(waitMs);
    const events = this.#lines.filter((line) => line.seq > known).slice(0, JOURNAL_PAGE_MAX);
    const oldest = this.#lines[0]?.seq ?? this.#seq + 1;
    return { next: events.at(-1)?.seq ?? this.#seq, lost: oldest > known + 1, events };
  }

  #next(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        this.#readers.delete(wake);
        resolve();
      };
      const cancel = this.#clock.after(waitMs, wake);
      this.#readers.add(wake);
    });
  }
}

function boundedLine(head: LineHead, fields: LogFields): EventLine {
  // A copy: what it is made of may change later.
  const text = JSON.stringify({ ...fields, ...head });
  return text.length <= JOURNAL_LINE_BYTES_MAX ? (JSON.parse(text) as EventLine) : { ...head, cut: true };
}
