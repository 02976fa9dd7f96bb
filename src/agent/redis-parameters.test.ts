// Parameters that are held equal, beside a Redis that says their values in its own words.
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../core/inputs.ts';
import type { Command, Reply } from '../redis/link.ts';
import { RedisParameters } from './redis-parameters.ts';

/** Knows `maxmemory`, which it says in bytes, and `save`; nothing else. */
class PlayedRedis {
  readonly values = new Map([['maxmemory', '0'], ['save', '']]);
  readonly sets: string[] = [];
  answers = true;
  mayRead = true;

  ask(commands: readonly Command[], done: (replies: readonly Reply[] | null) => void): void {
    done(this.answers ? commands.map((command) => this.run(command)) : null);
  }

  private run([, verb, name = '', value = '']: Command): Reply {
    const error: Reply = { ok: false, code: 'ERR', message: 'ERR' };
    if (verb === 'GET') {
      const said = this.values.get(name);
      return this.mayRead ? { ok: true, value: said === undefined ? [] : [name, said] } : error;
    }
    this.sets.push(name);
    if (!this.values.has(name)) return error;
    this.values.set(name, value.replace(/^(\d+)mb$/, (_text, count: string) => String(Number(count) * 1024 * 1024)));
    return { ok: true, value: 'OK' };
  }
}

function held() {
  const redis = new PlayedRedis();
  const parameters = new RedisParameters(redis);
  const apply = (values: Readonly<Record<string, string>>, runId = 'a'): readonly string[] => {
    const outcomes: Outcome[] = [];
    redis.sets.length = 0;
    parameters.apply(values, runId, (outcome) => outcomes.push(outcome));
    expect(outcomes).toHaveLength(1);
    expect(outcomes[0]).toMatchObject({ result: 'applied' });
    return (outcomes[0] as Extract<Outcome, { result: 'applied' }>).refused;
  };
  return { redis, apply };
}

describe('parameters', () => {
  test('are set once, however Redis words them, and not again while it says the same', () => {
    const { redis, apply } = held();
    expect(apply({ maxmemory: '100mb', save: '' })).toEqual([]);
    expect(redis.sets).toEqual(['maxmemory']);
    expect(redis.values.get('maxmemory')).toBe('104857600');
    expect(apply({ maxmemory: '100mb', save: '' })).toEqual([]);
    expect(redis.sets).toEqual([]);
  });

  test('are set again where somebody changed them, where another value is wanted, and in another process', () => {
    const { redis, apply } = held();
    apply({ maxmemory: '100mb' });
    redis.values.set('maxmemory', '1');
    apply({ maxmemory: '100mb' });
    expect([redis.sets, redis.values.get('maxmemory')]).toEqual([['maxmemory'], '104857600']);
    apply({ maxmemory: '200mb' });
    expect([redis.sets, redis.values.get('maxmemory')]).toEqual([['maxmemory'], '209715200']);
    apply({ maxmemory: '200mb' }, 'b');
    expect(redis.sets).toEqual(['maxmemory']);
  });

  test('that Redis does not take are named, keep nobody from the others, and are tried again', () => {
    const { redis, apply } = held();
    expect(apply({ nonsense: '1', maxmemory: '5' })).toEqual(['nonsense']);
    expect(redis.values.get('maxmemory')).toBe('5');
    expect(apply({ nonsense: '1', maxmemory: '5' })).toEqual(['nonsense']);
    expect(redis.sets).toEqual(['nonsense']);
  });

  test('are set blindly where they may not be read, and are all unknown where nothing is answered', () => {
    const { redis, apply } = held();
    redis.mayRead = false;
    for (let times = 0; times < 2; times++) {
      expect(apply({ maxmemory: '5' })).toEqual([]);
      expect(redis.sets).toEqual(['maxmemory']);
    }
    redis.answers = false;
    expect(apply({ save: '1 1', maxmemory: '5' })).toEqual(['maxmemory', 'save']);
  });
});
