/**
 * Measures the clocks of agents against ours: asks each twice for its uptime, which is monotonic, with a second in
 * between, and counts what the round trips leave open in favour of the clock.
 */
import type { WallClock } from '../../contract/clock.ts';
import { getJson } from '../live.ts';
import type { Target } from '../../peers/exchange.ts';
import type { ClockFacts } from './facts.ts';

/** Longer shows smaller differences, and keeps the user waiting. */
const CLOCK_SPAN_MS = 1500;

/** One answer of an agent: its uptime, and between which of our moments it was read. */
export interface Reading {
  readonly uptimeMs: number;
  readonly sentMs: number;
  readonly gotMs: number;
}

/** The rate of a clock, ours being 1, between two readings. Pure. */
export function rateBetween(first: Reading, second: Reading): { readonly rateMin: number; readonly rateMax: number } {
  // Both readings are whole milliseconds of theirs.
  const theirsMs = second.uptimeMs - first.uptimeMs;
  const longestMs = second.gotMs - first.sentMs;
  const shortestMs = Math.max(1, second.sentMs - first.gotMs);
  return { rateMin: (theirsMs - 1) / longestMs, rateMax: (theirsMs + 1) / shortestMs };
}

export interface Clocked {
  readonly node: string;
  readonly target: Target;
}

export async function measureClocks(nodes: readonly Clocked[], clock: WallClock): Promise<readonly ClockFacts[]> {
  const first = await Promise.all(nodes.map(({ target }) => read(target, clock)));
  await new Promise<void>((resolve) => clock.after(CLOCK_SPAN_MS, resolve));
  const second = await Promise.all(nodes.map(({ target }) => read(target, clock)));
  return nodes.flatMap(({ node }, index) => {
    const [before, after] = [first[index], second[index]];
    if (!before || !after || before.instance !== after.instance) return [];
    return [{ node, ...rateBetween(before, after), wallAheadMs: after.wallAheadMs }];
  });
}

async function read(target: Target, clock: WallClock) {
  const sentMs = clock.now();
  const asked = await getJson(target, '/v1/node');
  const gotMs = clock.now();
  if (!asked.ok || typeof asked.value !== 'object' || asked.value === null) return null;
  const { uptimeMs, wallMs, instance } = asked.value as Record<string, unknown>;
  if (typeof uptimeMs !== 'number' || typeof wallMs !== 'number') return null;
  return { uptimeMs, sentMs, gotMs, instance, wallAheadMs: wallMs - clock.wallNow() };
}
