/**
 * Parameters of Redis that the service holds equal: asked for, and set where they differ.
 *
 * Redis says a value in its own words (`100mb` is `104857600`), so what was set is not what is read. What counts is
 * what it said right after our own set: as long as the same process still says that, nobody touched the parameter, and
 * it is left alone. To set it again would show in every log of commands, and some parameters do work each time that
 * they are set (the files of TLS are read anew).
 */
import type { Outcome } from '../core/inputs.ts';
import type { Command, Reply } from '../redis/link.ts';

export interface Asks {
  /** `done` gets a reply per command, or null where they were not answered. */
  ask(commands: readonly Command[], done: (replies: readonly Reply[] | null) => void): void;
}

/** A value as it was given, and in the words of Redis. */
interface Held {
  readonly given: string;
  readonly said: string;
}

type Done = (outcome: Outcome) => void;

export class RedisParameters {
  private readonly own: Asks;
  private runId = '';
  private readonly held = new Map<string, Held>();

  constructor(own: Asks) {
    this.own = own;
  }

  /** Of the process `runId`. The outcome names those that it did not take; where nothing was answered, all of them. */
  apply(parameters: Readonly<Record<string, string>>, runId: string, done: Done): void {
    if (runId !== this.runId) this.held.clear();
    this.runId = runId;
    const names = Object.keys(parameters).sort();
    this.own.ask(names.map((name) => ['CONFIG', 'GET', name]), (replies) => {
      if (replies === null) return done({ result: 'applied', refused: names });
      const wrong = names.filter((name, at) => valueIn(replies[at]) !== this.expected(name, parameters[name] ?? ''));
      if (wrong.length === 0) return done({ result: 'applied', refused: [] });
      this.set(wrong.map((name) => [name, parameters[name] ?? '']), done);
    });
  }

  private expected(name: string, given: string): string {
    const held = this.held.get(name);
    return held?.given === given ? held.said : given;
  }

  /** One command each: one that Redis does not know must not keep it from the others. */
  private set(values: readonly (readonly [name: string, value: string])[], done: Done): void {
    const commands = values.flatMap(([name, value]): Command[] => {
      return [['CONFIG', 'SET', name, value], ['CONFIG', 'GET', name]];
    });
    this.own.ask(commands, (replies) => {
      const refused: string[] = [];
      for (const [at, [name, given]] of values.entries()) {
        const said = valueIn(replies?.[2 * at + 1]);
        if (replies?.[2 * at]?.ok !== true) refused.push(name);
        else if (said !== null) this.held.set(name, { given, said });
      }
      done({ result: 'applied', refused });
    });
  }
}

/** What `CONFIG GET` of one parameter says; null where it is not known, or may not be read. */
export function valueIn(reply: Reply | undefined): string | null {
  if (reply?.ok !== true || !Array.isArray(reply.value)) return null;
  const [, value] = reply.value as readonly unknown[];
  return typeof value === 'string' ? value : null;
}
