// A crash, and a second one, between every two actions of a planned switchover: at most one master, nothing lost, and
// the order is carried out at most once.

import { describe, expect, test } from 'vitest';

import type { Action } from '../actions.ts';
import { Village } from '../testing/village.ts';

/** Actions of a switchover: those after it has ended are not worth a world. */
const STORY_MS = 600;
/** A crashed agent is started again after this; the second crash may come before or after. */
const AWAY_MS = 150;
/** Sessions end, elections settle, and somebody serves. */
const SETTLES_MS = 14_000;

type Victim = 'agent' | 'redis';

function inPeace(): Village {
  const village = new Village(['a', 'b', 'c'], { bootstrapSettleMs: 100 });
  village.pass(1000);
  village.redis('a').write(1000);
  village.pass(2000);
  return village;
}

function askFor(village: Village): void {
  const askedAt = village.nowMs + village.wallLeadMs;
  const rest = { from: null, scheduledAt: null, force: false } as const;
  const request = { id: 'it', kind: 'switchover', target: 'c', asker: 'test', askedAt, ...rest } as const;
  village.order('b', { order: 'operation', request });
}

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
  askFor(village);
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
  // The order ends, too, at the latest at its deadline.
  for (let ms = 0; ms < SETTLES_MS && village.ensemble.records.order !== null; ms += STORY_MS) village.pass(STORY_MS);
}

/** How often the lease was given away for the order: what may happen once. */
function timesCarriedOut(village: Village): number {
  const versions = new Set<string>();
  for (const { by, action } of village.journal) {
    if (action.kind === 'release' && action.order !== undefined) versions.add(`${by} ${action.order.version}`);
  }
  return versions.size;
}

function judge(village: Village, what: string): void {
  expect(village.writable().length, what).toBeLessThanOrEqual(1);
  expect(timesCarriedOut(village), what).toBeLessThanOrEqual(1);
  expect(village.ensemble.records.order, what).toBe(null);
  const results = village.ensemble.records.results?.value.list ?? [];
  expect(results.length, what).toBeLessThanOrEqual(1);
  const [master] = village.writable();
  if (master !== undefined) expect(village.redis(master).keys, what).toBe(1);
  const reasons = [...village.inhabitants.values()].flatMap(({ state }) => [...state.reasons]);
  if (master === undefined) expect(reasons, what).not.toEqual([]);
}

describe('crashes between the actions of a switchover', { timeout: 240_000 }, () => {
  test('two of them: the first one ends an agent, the second one an agent or a Redis', () => {
    let worlds = 0;
    for (let first = 0; ; first++) {
      let second = first + 1;
      for (; ; second++) {
        // Every pair once; who falls second alternates, so that both are tried behind every action.
        const victim = (first + second) % 2 === 0 ? 'agent' : 'redis';
        const { village, fallen } = play(first, second, victim);
        if (fallen.length < 2) break;
        worlds++;
        settle(village);
        judge(village, `crashes at ${first} and ${second} (${victim}): ${JSON.stringify(village.roles())}`);
      }
      if (second === first + 1) break;
    }
    expect(worlds).toBeGreaterThan(100);
  });
});
