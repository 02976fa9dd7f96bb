// Handlers for a ZooKeeper client that keep everything they are told, for tests to look at.

import type { Fault, WatchEvent, ZooKeeperEvents } from '../../src/zookeeper/index.ts';

export interface RecordedEvents extends Required<ZooKeeperEvents> {
  /** 'connected fresh', 'connected again', 'disconnected', 'expired', in their order. */
  readonly session: string[];
  readonly watches: WatchEvent[];
  readonly faults: Fault[];
  /** Calls `listener` for each watch event until the returned function is called. */
  tap(listener: (event: WatchEvent) => void): () => void;
}

export function recordEvents(): RecordedEvents {
  const session: string[] = [];
  const watches: WatchEvent[] = [];
  const faults: Fault[] = [];
  const listeners = new Set<(event: WatchEvent) => void>();
  return {
    session,
    watches,
    faults,
    tap(listener) {
      listeners.add(listener);
      return () => { listeners.delete(listener); };
    },
    onConnected({ fresh }) { session.push(fresh ? 'connected fresh' : 'connected again'); },
    onDisconnected() { session.push('disconnected'); },
    onExpired() { session.push('expired'); },
    onWatch(event) {
      watches.push(event);
      for (const listener of listeners) listener(event);
    },
    onFault(fault) { faults.push(fault); },
  };
}
