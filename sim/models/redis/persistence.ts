/**
 * Files: what is saved when, what a start makes of it, and what their absence or refusal does.
 *
 * A restart from RDB knows its history (as a second replication id when it comes back as a master), one from AOF has
 * its keys and a history of its own. A full sync kills a BGSAVE that is under way, without a trace in INFO.
 */
import { Data } from './dataset.ts';
import type { Snapshot } from './messages.ts';
import type { RedisState } from './state.ts';

/** A failed BGSAVE is tried again after this. */
const RETRY_SECONDS = 5;

function snapshotOf(state: RedisState): Snapshot {
  const { data, replid, offset, backlog } = state;
  // A server that keeps no backlog has no history worth saving.
  return { data, replid: backlog === null ? null : replid, offset };
}

/** Begins a BGSAVE; false when another child is at work. */
export function beginSaving(state: RedisState): boolean {
  if (state.child !== null || state.loading) return false;
  const snapshot = snapshotOf(state);
  const { changes } = state;
  const ms = state.options.bgsaveMs * (0.5 + state.around.random.unit());
  const cancel = state.around.process.timer(ms, () => {
    state.child = null;
    finishSaving(state, snapshot, changes);
  });
  state.child = { kind: 'save', cancel };
  return true;
}

function finishSaving(state: RedisState, snapshot: Snapshot, changes: number): void {
  const { disk } = state.around;
  state.rdbFailed = disk.full;
  if (disk.full) return;
  disk.rdb = snapshot;
  state.changes -= changes;
}

/** SAVE, and SHUTDOWN; false when the disk is full. */
export function saveNow(state: RedisState): boolean {
  killSaving(state);
  finishSaving(state, snapshotOf(state), state.changes);
  return !state.rdbFailed;
}

export function killSaving(state: RedisState): void {
  if (state.child?.kind !== 'save') return;
  state.child.cancel();
  state.child = null;
  state.say(() => 'a full sync kills its BGSAVE');
}

/** What a replica received in a full sync becomes its RDB file before it is loaded. */
export function keepSynced(state: RedisState, snapshot: Snapshot): void {
  if (state.options.persistence !== 'none' && !state.around.disk.full) state.around.disk.rdb = snapshot;
}

/** A full sync ends with a new append-only file; until then there is the old one, of the old data. */
export function reopenAof(state: RedisState): void {
  if (state.persistsAof && !state.around.disk.full) appendAof(state);
}

/** At the end of each turn, before any reply leaves. */
export function appendAof(state: RedisState): void {
  if (!state.persistsAof || state.loading) return;
  const { disk } = state.around;
  if (disk.aof === state.data) return;
  state.aofFailed = disk.full;
  if (!disk.full) disk.aof = state.data;
}

/** Each second: fsync of the AOF, a BGSAVE when one is due. */
export function persistenceCron(state: RedisState): void {
  const { disk } = state.around;
  if (state.persistsAof) {
    appendAof(state);
    disk.aofSynced = disk.aof;
    if (!disk.full) state.aofFailed = false;
  }
  const { saveEverySeconds } = state.options;
  if (!state.persistsRdb) return;
  const every = state.rdbFailed ? RETRY_SECONDS : saveEverySeconds;
  if (every === 0 || state.second % every !== 0) return;
  if (state.changes > 0 || state.rdbFailed) beginSaving(state);
}

/**
 * What a new process finds. `asReplica`: its configuration file names a master. Returns where it would continue from.
 */
export function readFiles(state: RedisState, asReplica: boolean): { replid: string; offset: number } | null {
  const { rdb, aof } = state.around.disk;
  if (state.persistsAof) {
    state.data = aof ?? Data.EMPTY;
    state.changes = state.data.size;
    return null;
  }
  if (state.options.persistence === 'none' || rdb === null) return null;
  state.data = rdb.data;
  const { replid, offset } = rdb;
  if (replid === null) return null;
  state.offset = offset;
  if (asReplica) state.replid = replid;
  else {
    state.replid2 = replid;
    state.secondOffset = offset + 1;
  }
  state.createBacklog();
  return asReplica ? { replid, offset } : null;
}
