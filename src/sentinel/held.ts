/**
 * Questions for a master that are held back until there is one, for a time and for so many clients.
 *
 * By service: what changed about one is held against the questions for that one alone, and looked at once for all.
 */
import type { Picture } from './picture.ts';

interface Question {
  readonly name: string;
  /** Undefined: its time is up. */
  readonly answer: (picture: Picture | null | undefined) => void;
}

export interface HeldOptions {
  /** What is known of the master of this name at this moment; null: there is none of that name. */
  readonly find: (name: string) => Picture | null;
  readonly questionsMax: number;
}

/** There is something to say of it: a master, or that nothing can be known. */
function isClear(picture: Picture | null): boolean {
  return picture?.master !== null || picture.blind;
}

export class Held {
  private readonly options: HeldOptions;
  private readonly questions = new Map<string, Set<Question>>();
  private count = 0;

  constructor(options: HeldOptions) {
    this.options = options;
  }

  /** The picture once it is clear, or as it is after so many milliseconds; at once when too many are waiting. */
  async untilClear(name: string, maxMs: number): Promise<Picture | null> {
    const now = this.options.find(name);
    if (now === null || isClear(now) || this.count >= this.options.questionsMax) return now;
    const clear = await this.wait(name, now.service, maxMs);
    return clear === undefined ? this.options.find(name) : clear;
  }

  private wait(name: string, service: string, maxMs: number): Promise<Picture | null | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => question.answer(undefined), maxMs);
      timer.unref();
      const question: Question = {
        name,
        answer: (picture) => {
          clearTimeout(timer);
          this.remove(service, question);
          resolve(picture);
        },
      };
      const others = this.questions.get(service) ?? new Set();
      this.questions.set(service, others.add(question));
      this.count += 1;
    });
  }

  private remove(service: string, question: Question): void {
    const others = this.questions.get(service);
    if (others?.delete(question) !== true) return;
    this.count -= 1;
    if (others.size === 0) this.questions.delete(service);
  }

  /** Something about this service changed. */
  look(service: string): void {
    const waiting = [...this.questions.get(service) ?? []];
    const [first] = waiting;
    if (first === undefined) return;
    const picture = this.options.find(first.name);
    if (isClear(picture)) for (const each of waiting) each.answer(picture);
  }

  /** Something about all of them changed. */
  lookAtAll(): void {
    for (const service of [...this.questions.keys()]) this.look(service);
  }
}
