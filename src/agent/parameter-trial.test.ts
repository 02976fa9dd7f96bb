// Whether a Redis would take parameters: of 7.0 and newer, which takes several at once, and of 6.2, which takes one.
import { describe, expect, test } from 'vitest';
import type { Command, ErrorReply, Reply, ReplyValue } from '../redis/link.ts';
import { tryParameters } from './parameter-trial.ts';
import type { RefusedParameter } from './parameter-trial.ts';

const ERR = (message: string): ErrorReply => ({ ok: false, code: 'ERR', message: `ERR ${message}` });

/** Its parameters are numbers. `several`: it takes more than one at once, all or none. */
class PlayedRedis {
  readonly values = new Map([['maxmemory', '0'], ['hz', '10'], ['timeout', '0']]);
  readonly taken: string[] = [];
  several = true;
  /** Instead of any answer. */
  says: Reply | null | undefined;
  private queue: Command[] | null = null;

  ask(commands: readonly Command[], done: (replies: readonly Reply[] | null) => void): void {
    if (this.says === null) return done(null);
    const { says } = this;
    done(commands.map((command) => says ?? this.run(command)));
  }

  private run(command: Command): Reply {
    if (command[0] === 'MULTI') {
      this.queue = [];
      return { ok: true, value: 'OK' };
    }
    if (command[0] === 'EXEC') {
      const queued = this.queue ?? [];
      this.queue = null;
      const value = queued.map((each): ReplyValue => {
        const reply = this.run(each);
        return reply.ok ? reply.value : reply;
      });
      return { ok: true, value };
    }
    if (this.queue !== null) {
      this.queue.push(command);
      return { ok: true, value: 'QUEUED' };
    }
    const [, verb, name = '', ...rest] = command;
    if (verb === 'SET') return this.set([name, ...rest]);
    const said = this.values.get(name);
    return { ok: true, value: said === undefined ? [] : [name, said] };
  }

  private set(words: readonly string[]): Reply {
    if (!this.several && words.length !== 2) return ERR('Unknown subcommand or wrong number of arguments for \'SET\'.');
    const pairs = words.flatMap((word, at) => (at % 2 === 0 ? [[word, words[at + 1] ?? ''] as const] : []));
    const unknown = pairs.find(([name]) => !this.values.has(name));
    if (unknown !== undefined) return ERR(`Unknown option or number of arguments for CONFIG SET - '${unknown[0]}'`);
    const wrong = pairs.find(([, value]) => !/^\d+$/.test(value));
    const place = this.several ? ` (possibly related to argument '${wrong?.[0] ?? ''}')` : '';
    if (wrong !== undefined) return ERR(`CONFIG SET failed${place} - argument must be a number`);
    for (const [name, value] of pairs) {
      this.values.set(name, value);
      this.taken.push(`${name}=${value}`);
    }
    return { ok: true, value: 'OK' };
  }
}

function tried(redis: PlayedRedis, parameters: Readonly<Record<string, string>>): readonly RefusedParameter[] | null {
  const answers: (readonly RefusedParameter[] | null)[] = [];
  tryParameters(redis, parameters, (refused) => answers.push(refused));
  expect(answers).toHaveLength(1);
  return answers[0] ?? null;
}

const BAD = { 'maxmemory': 'abc', 'no-such': '1', 'hz': '20', 'timeout': 'x' };

describe('parameters that are tried', () => {
  test('all that are wrong are named, in the words of Redis, and none takes effect', () => {
    const redis = new PlayedRedis();
    expect(tried(redis, BAD)).toEqual([
      { name: 'maxmemory', value: 'abc', said: 'argument must be a number' },
      { name: 'no-such', value: '1', said: 'it has no parameter of that name' },
      { name: 'timeout', value: 'x', said: 'argument must be a number' },
    ]);
    expect(tried(redis, { hz: '20', timeout: '5', maxmemory: '1' })).toEqual([]);
    expect(redis.taken).toEqual([]);
  });

  test('one that takes them one by one sets each back at once', () => {
    const redis = new PlayedRedis();
    redis.several = false;
    const names = tried(redis, BAD)?.map(({ name }) => name);
    expect(names?.toSorted()).toEqual(['maxmemory', 'no-such', 'timeout']);
    expect(tried(redis, { maxmemory: '7' })).toEqual([]);
    expect(redis.taken.slice(-2)).toEqual(['maxmemory=7', 'maxmemory=0']);
    expect([...redis.values.values()]).toEqual(['0', '10', '0']);
  });

  test('one that says nothing about them is no judge', () => {
    const redis = new PlayedRedis();
    redis.says = null;
    expect(tried(redis, BAD)).toBeNull();
    redis.says = { ok: false, code: 'LOADING', message: 'LOADING Redis is loading the dataset in memory' };
    expect(tried(redis, BAD)).toBeNull();
  });
});
