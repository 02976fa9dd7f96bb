// Handlers for a ZooKeeper client that keep everything they are told, for tests to look at.

import type { Fault, WatchEvent, ZooKeeperEvents } from '../../src/zookeeper/index.ts';

export interface RecordedEvents extends Required<ZooKeeperEvents> {
  /** 'connected fresh', 'connected again', 'disconnected', 'expired', in their order. */
  readonly session: string[];
  readonly watches: WatchEvent[];
  readonly faults: Fault[];
}

export function recordEvents(): RecordedEvents {
  const session: string[] = [];
  const watches: WatchEvent[] = [];
  const faults: Fault[] = [];
  return {
    session,
    watches,
    faults,
    onConnected({ fresh }) { session.push(fresh ? 'connected fresh' : 'connected again'); },
    onDisconnected() { session.push('disconnected'); },
    onExpired() { session.push('expired'); },
    onWatch(event) { watches.push(event); },
    onFault(fault) { faults.push(fault); },
  };
}
