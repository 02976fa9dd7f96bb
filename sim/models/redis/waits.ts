/** WAIT: a client is blocked until enough replicas have its latest write, the time is up, or the role changes. */
import type { Connection, Waiter } from './connection.ts';
import { countAcks } from './replicas.ts';
import type { RedisState } from './state.ts';

export interface Wait {
  readonly replicas: number;
  /** 0: no limit. */
  readonly timeoutMs: number;
  readonly answer: (replicas: number) => void;
  readonly refuse: () => void;
}

/** The answer where there is one at once; otherwise null: the connection is blocked, and the replicas are asked. */
export function waitFor(state: RedisState, connection: Connection, wait: Wait): number | null {
  const offset = connection.writtenOffset;
  const acknowledged = countAcks(state, offset);
  if (acknowledged >= wait.replicas) return acknowledged;
  const waiter: Waiter = {
    connection, offset, replicas: wait.replicas, cancelTimeout: () => undefined,
    answer: wait.answer, refuse: wait.refuse,
  };
  if (wait.timeoutMs > 0) {
    waiter.cancelTimeout = state.around.process.timer(wait.timeoutMs, () => {
      release(state, waiter);
      waiter.answer(countAcks(state, offset));
      state.wake(connection);
    });
  }
  connection.waiter = waiter;
  state.waiters.add(waiter);
  state.getAckWanted = true;
  return null;
}

function release(state: RedisState, waiter: Waiter): void {
  waiter.cancelTimeout();
  waiter.connection.waiter = null;
  state.waiters.delete(waiter);
}

/** At the end of a turn in which an acknowledgement may have arrived. */
export function answerWaits(state: RedisState): void {
  for (const waiter of state.waiters) {
    const acknowledged = countAcks(state, waiter.offset);
    if (acknowledged < waiter.replicas) continue;
    release(state, waiter);
    waiter.answer(acknowledged);
    state.wake(waiter.connection);
  }
}

export function abandonWait(state: RedisState, connection: Connection): void {
  if (connection.waiter !== null) release(state, connection.waiter);
}

/** The master becomes a replica: who was blocked is told so. */
export function refuseWaits(state: RedisState): readonly Connection[] {
  const blocked: Connection[] = [];
  for (const waiter of [...state.waiters]) {
    release(state, waiter);
    waiter.refuse();
    blocked.push(waiter.connection);
  }
  return blocked;
}
