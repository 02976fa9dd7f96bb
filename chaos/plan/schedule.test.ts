import { describe, expect, test } from 'vitest';
import { FAULT_KINDS, traitsOf } from './kinds.ts';
import { parseOptions } from './options.ts';
import { Random } from './random.ts';
import { scheduleRound } from './schedule.ts';

const BASE = { seed: 7, round: 1, nodes: 3, stormMs: 20_000, kinds: FAULT_KINDS, everyMs: 1000 };

describe('the schedule', () => {
  test('is the same for the same seed and round, and another one for others', () => {
    expect(scheduleRound(BASE)).toEqual(scheduleRound(BASE));
    expect(scheduleRound({ ...BASE, seed: 8 })).not.toEqual(scheduleRound(BASE));
    expect(scheduleRound({ ...BASE, round: 2 })).not.toEqual(scheduleRound(BASE));
  });

  test('begins in peace, stays within its storm and within the durations of each kind', () => {
    for (let seed = 0; seed < 200; seed += 1) {
      for (const { kind, atMs, durationMs } of scheduleRound({ ...BASE, seed })) {
        expect(atMs).toBeGreaterThanOrEqual(1000);
        expect(atMs + durationMs).toBeLessThanOrEqual(BASE.stormMs);
        expect(durationMs).toBeLessThanOrEqual(traitsOf(kind).durationMs[1]);
      }
    }
  });

  test('knows every kind, hits masters most, and lets faults overlap', () => {
    const all = Array.from({ length: 100 }, (_value, seed) => scheduleRound({ ...BASE, seed })).flat();
    expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(FAULT_KINDS));
    const master = all.filter(({ aim }) => aim === 'master').length;
    expect(master / all.length).toBeGreaterThan(0.4);
    expect(all.some((fault, index) => {
      const next = all[index + 1];
      return next !== undefined && next.atMs > fault.atMs && next.atMs < fault.atMs + fault.durationMs;
    })).toBe(true);
  });

  test('chance is even, and a stream of its own for each user of a seed', () => {
    const random = new Random(3);
    const draws = Array.from({ length: 10_000 }, () => random.integer(0, 9));
    for (let digit = 0; digit < 10; digit += 1) {
      expect(draws.filter((draw) => draw === digit).length).toBeGreaterThan(800);
    }
    expect(new Random(3, 1).next()).not.toBe(new Random(3, 2).next());
    expect(new Random(2 ** 40 + 1).next()).not.toBe(new Random(1).next());
  });
});

describe('the command line', () => {
  test('without anything it is five minutes of everything, with a seed of its own', () => {
    expect(parseOptions([], 42)).toMatchObject({
      seconds: 300, seed: 42, against: 'dictator', scenario: 'storm', durable: false, kinds: FAULT_KINDS,
    });
  });

  test('takes values behind a space or an equals sign', () => {
    const args = ['--seconds=60', '--seed', '5', '--only', 'loss,deaf', '--durability=durable', '--wait-replicas', '2'];
    expect(parseOptions(args, 0)).toMatchObject({
      seconds: 60, seed: 5, kinds: ['loss', 'deaf'], durable: true, waitReplicas: 2,
    });
    expect(parseOptions(['--config', 'fence_by_kill=true', '--config=on_stop=keep'], 0)).toMatchObject({
      config: { fence_by_kill: true, on_stop: 'keep' },
    });
    expect(parseOptions(['--without', 'delay,loss'], 0)).toMatchObject({
      kinds: FAULT_KINDS.filter((kind) => kind !== 'delay' && kind !== 'loss'),
    });
  });

  test('says what is wrong', () => {
    expect(parseOptions(['--only', 'loss,dragons'], 0)).toBe('--only: no fault is named "dragons"');
    expect(parseOptions(['--seconds', '1'], 0)).toBe('--seconds: a number from 5 to 86400');
    expect(parseOptions(['--seconds'], 0)).toBe('--seconds: a value is missing');
    expect(parseOptions(['--fast'], 0)).toBe('unknown: --fast');
    expect(parseOptions(['--against', 'etcd'], 0)).toBe('--against: dictator or sentinel');
    expect(parseOptions(['--without', FAULT_KINDS.join(',')], 0)).toBe('--without: no fault is left');
    expect(parseOptions(['--help'], 0)).toBe('help');
  });
});
