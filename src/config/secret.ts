/**
 * A value that must never be shown: every way of printing it gives `***`.
 *
 * Wrapping beats remembering: a password inside a `Config` that somebody logs, puts into an error or inspects in a
 * debugger stays hidden, and each place that really needs it says so with `reveal()`.
 */
import { inspect } from 'node:util';

const SHOWN = '***';

export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself: only for the wire, never for a log line, an error or an answer. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}
