/**
 * Clients that are helped beyond the protocol. Each with what it does wrong, and why helping it harms nobody.
 */
import type { SentinelEvent } from './announce.ts';
import type { Client } from './client.ts';

/**
 * The failover detector of ioredis (`failoverDetector: true`, off by default). A client that lost its master asks for
 * the address in a loop; if `+switch-master` reaches the detector of its former connection meanwhile, ioredis aborts
 * that loop and never connects again. Sentinels of the original answer the dead master's address for as long as there
 * is no other, so that client waits elsewhere and rarely meets this; here it is answered null, and would nearly always.
 *
 * So a detector is told later, by more than the longest pause of that loop (1 s by default): whoever found the new
 * master by then has closed the old detector, and whoever clings to a master that hangs is told all the same.
 */
const DETECTOR_DELAY_MS = 1500;

/** It says its name, listens to this one channel and nothing else, and never asked what everybody else asks. */
function isDetector({ libName, channels, patterns, askedInfo }: Client): boolean {
  const onlySwitches = channels.size === 1 && channels.has('+switch-master') && patterns.size === 0;
  return onlySwitches && !askedInfo && /^ioredis(\(|$)/.test(libName);
}

/** By how many milliseconds later this client is told of these events. */
export function delayOf(client: Client, events: readonly SentinelEvent[]): number {
  return isDetector(client) && events.some(({ channel }) => channel === '+switch-master') ? DETECTOR_DELAY_MS : 0;
}

/**
 * node-redis asks for the master as soon as it lost it or hears of anything. Told that there is none, it sleeps for one
 * second, whatever it hears meanwhile; so it is told when there is one again, and sleeps only where that takes longer
 * than this. It gives up on a silent Sentinel after 5 s by default.
 */
export const MASTER_HOLD_MS = 2000;

/** It says its name, on every connection, before it asks. */
export function sleepsWithoutMaster({ libName }: Client): boolean {
  return /^node-redis(\(|$)/.test(libName);
}
