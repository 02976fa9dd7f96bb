/**
 * What of a Redis outlives its process: the files in its folder. One object per node, handed to every new process.
 *
 * An RDB file carries the identity of the history it belongs to, an AOF does not; that difference is what makes their
 * restarts so unlike each other.
 */
import type { Data } from './dataset.ts';
import type { Snapshot } from './messages.ts';

export class Disk {
  rdb: Snapshot | null = null;
  /** Null: no append-only file. */
  aof: Data | null = null;
  /** What of the append-only file is beyond the page cache: all that a loss of power leaves of it. */
  aofSynced: Data | null = null;
  /** No space left: saving fails. */
  full = false;

  wipe(): void {
    this.rdb = null;
    this.aof = null;
    this.aofSynced = null;
  }

  losePower(): void {
    this.aof = this.aofSynced;
  }
}
