/** A service in peace: `a` is master in epoch 1, the others are in sync. */
import { assert } from '../assert.ts';
import type { Settings } from '../state.ts';
import { Village } from './village.ts';

export function inPeace(names: readonly string[] = ['a', 'b', 'c'], change: Partial<Settings> = {}): Village {
  const village = new Village(names, { bootstrapSettleMs: 100, ...change });
  village.pass(1000);
  village.redis('a').write(1000);
  village.pass(2000);
  const { term } = village.ensemble.records;
  assert(village.roles()['a'] === 'master', 'the first name is master');
  assert(term?.value.inSync.join() === names.slice(1).join(), 'everybody else is in sync');
  return village;
}
