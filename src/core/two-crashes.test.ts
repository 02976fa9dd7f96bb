// Every order of two crashes between every two actions of a failover of three nodes, one world each.

import { describe, expect, test } from 'vitest';

import type { Action } from './actions.ts';
import { Village } from './testing/village.ts';

/** Actions of a failover: those after it has ended are not worth a world. */
const STORY_MS = 600;
/** A crashed agent is started again after this; the second crash may come before or after. */
const AWAY_MS = 150;

function inPeace(): Village {
  const village = new Village(['a', 'b', 'c'], { bootstrapSettleMs: 100 });
  village.pass(1000);
  village.redis('a').write(1000);
  village.pass(2000);
  return village;
}

/** Sessions end, elections settle, and somebody serves or says why not. */
const SETTLES_MS = 14_000;

type Victim = 'agent' | 'redis';

/** Ends whoever decides the action number `first`, then whoever decides number `second`; says how many fell. */
function play(first: number, second: number, victim: Victim): { readonly village: Village; readonly fallen: string[] } {
  const village = inPeace();
  const fallen: string[] = [];
  let count = 0;
  village.interrupt = (by: string, action: Action): boolean => {
    if (action.kind === 'heartbeat') return false;
    const number = count++;
    if (number !== first && number !== second) return false;
    fallen.push(by);
    if (number === first || victim === 'agent') return true;
    village.killRedis(by);
    return false;
  };
  village.killRedis('a');
  for (let passedMs = 0; passedMs < STORY_MS; passedMs += AWAY_MS) {
    village.pass(AWAY_MS);
    for (const name of fallen) if (!village.agent(name).alive) village.start(name);
  }
  village.interrupt = () => false;
  return { village, fallen };
}

function settle(village: Village): void {
  for (const redis of village.redises.values()) if (!redis.alive) redis.restart('kept');
  for (let ms = 0; ms < SETTLES_MS && village.writable().length !== 1; ms += STORY_MS) village.pass(STORY_MS);
}

describe('two crashes between every two actions of a failover', { timeout: 240_000 }, () => {
  test.each(['agent', 'redis'] as const)('end with at most one master: the second one ends an %s', (victim) => {
    let worlds = 0;
    for (let first = 0; ; first++) {
      let second = first + 1;
      for (; ; second++) {
        const { village, fallen } = play(first, second, victim);
        if (fallen.length < 2) break;
        worlds++;
        settle(village);
        const what = `crashes at ${first} and ${second}: ${JSON.stringify(village.roles())}`;
        expect(village.writable().length, what).toBeLessThanOrEqual(1);
        const reasons = [...village.inhabitants.values()].flatMap(({ state }) => [...state.reasons]);
        if (village.writable().length === 0) expect(reasons, what).not.toEqual([]);
      }
      if (second === first + 1) break;
    }
    expect(worlds).toBeGreaterThan(100);
  });
});
