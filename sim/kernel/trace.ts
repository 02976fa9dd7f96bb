/**
 * What happened, twice over: as a hash, which shows that two runs of one seed are the same run, and as text for a
 * reader, which is made only when somebody wants to read it.
 */
import { hashText } from './random.ts';

/** Lines kept: the end of a run is what explains its failure. */
const LINES_MAX = 20_000;

export class Trace {
  private hash = 0x811c9dc5;
  private readonly kept: string[] | null;
  private readonly now: () => number;

  constructor(now: () => number, readable: boolean) {
    this.now = now;
    this.kept = readable ? [] : null;
  }

  /** Notes that something of this kind happened now, to whom, and with which number. */
  note(kind: string, who: string, value = 0): void {
    const mixed = Math.imul(this.hash ^ Math.floor(this.now() * 1000), 0x01000193) ^ value;
    this.hash = hashText(who, hashText(kind, mixed));
  }

  /** A line for the reader; the text is not made when nobody reads. */
  say(who: string, text: () => string): void {
    if (this.kept === null) return;
    if (this.kept.length >= LINES_MAX) this.kept.splice(0, LINES_MAX / 2);
    this.kept.push(`${this.now().toFixed(1).padStart(9)} ms  ${who.padEnd(12)} ${text()}`);
  }

  get digest(): string {
    return this.hash.toString(16).padStart(8, '0');
  }

  get lines(): readonly string[] {
    return this.kept ?? [];
  }
}
