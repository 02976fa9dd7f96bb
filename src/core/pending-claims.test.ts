// Masters that fall one after the other before they wrote down how their own history began.

import { describe, expect, test } from 'vitest';

import { Village } from './testing/village.ts';
import type { RedisFacts } from './facts.ts';
import {
  EPOCH, frozenFacts, OLD_REPLID, only, readsBallot, run, sight, T_MS, term, world,
} from './testing/world.ts';
import type { Run } from './testing/world.ts';

describe('a master whose agent ended before it wrote its own entry', () => {
  const promoted = { replid: 'of-a', replid2: OLD_REPLID, secondReplOffset: 701 };
  const pending = term({
    pending: { epoch: EPOCH, node: 'a', former: null, inSync: [] }, lineage: term().lineage.slice(0, 1), inSync: ['b'],
  });
  const claimOf = (own: RedisFacts): Run => {
    const record = { lease: null, masterRecord: null, term: pending };
    const stands = run(world('b', 'candidate', { own: sight(own), record }), 0);
    return run(stands.state, readsBallot(only(stands, 'cast_ballot').ballot), 1100);
  };

  test('has it written by the next one, who followed it', () => {
    const entry = { epoch: EPOCH, replid: 'of-a', offset: 700 };
    const claimed = claimOf(frozenFacts('b', promoted));
    expect(only(claimed, 'claim').term.lineage).toEqual([...pending.lineage, entry]);
    expect(claimed.state.claimed?.former?.lineage).toEqual([...pending.lineage, entry]);
  });

  test('has none written by who knows nothing of it', () => {
    const before = { replid: OLD_REPLID, replid2: null, secondReplOffset: -1 };
    expect(only(claimOf(frozenFacts('b', before)), 'claim').term.lineage).toEqual(pending.lineage);
  });

  test('is succeeded, twice in a row, by whoever has everything', () => {
    const village = new Village(['a', 'b', 'c', 'd']).pass(6000);
    const [first = ''] = village.writable();
    village.redis(first).write(1000);
    village.pass(1000);
    const fallen: string[] = [];
    village.interrupt = (by, { kind }) => {
      const falls = kind === 'write_term' && fallen.length < 2;
      if (falls) fallen.push(by);
      return falls;
    };
    village.killAgent(first);
    village.killRedis(first);
    village.pass(2 * T_MS);
    expect(fallen).toHaveLength(2);
    const [last = ''] = village.writable();
    village.redis(last).write(500);
    village.pass(2 * T_MS);
    for (const name of fallen) village.killRedis(name);
    village.pass(4 * T_MS);
    const [left = ''] = ['a', 'b', 'c', 'd'].filter((name) => name !== first && !fallen.includes(name));
    expect(village.writable()).toEqual([left]);
    expect(village.redis(left).offset).toBe(1500);
  });
});
