// Which watches the server should hold for us, by server path. The server keeps watches per connection: on a new
// connection of the same session they are registered again by `setWatches2`, in several frames where they are many.
//
// A one-shot watch whose event happened in between fires at once, because the frame carries the last zxid we saw.
// A PERSISTENT WATCH DOES NOT: the server (3.6 to 3.9, DataTree.setWatches) only installs it again. Whoever uses
// persistent watches must therefore read again after every `onConnected`.

import { JuteWriter } from './codec.ts';
import { OP, XID, type WatchEvent } from './protocol.ts';

export type PersistentMode = 'persistent' | 'persistent_recursive';
export type OneShotKind = 'data' | 'exists' | 'children';
type Kind = OneShotKind | PersistentMode;

/** Order of the vectors in `setWatches2`. */
const KINDS = ['data', 'exists', 'children', 'persistent', 'persistent_recursive'] as const;

/**
 * Paths per `setWatches2` frame, in bytes, as the Java client has it: the server refuses frames above its
 * `jute.maxbuffer` (1 MB by default, less where an operator lowered it) by closing the connection.
 */
export const SET_WATCHES_BYTES_MAX = 128 * 1024;
// Header, xid, operation, zxid and five vector lengths.
const FRAME_OVERHEAD_BYTES = 64;
const STRING_OVERHEAD_BYTES = 4;

export class WatchRegistry {
  readonly #paths: Readonly<Record<Kind, Set<string>>> = {
    data: new Set(),
    exists: new Set(),
    children: new Set(),
    persistent: new Set(),
    persistent_recursive: new Set(),
  };

  get size(): number {
    return KINDS.reduce((sum, kind) => sum + this.#paths[kind].size, 0);
  }

  add(kind: Kind, path: string): void {
    // The server keeps one persistent mode per path, the latest.
    if (kind === 'persistent') this.#paths.persistent_recursive.delete(path);
    if (kind === 'persistent_recursive') this.#paths.persistent.delete(path);
    this.#paths[kind].add(path);
  }

  remove(path: string): void {
    for (const kind of KINDS) this.#paths[kind].delete(path);
  }

  clear(): void {
    for (const kind of KINDS) this.#paths[kind].clear();
  }

  /** One-shot watches end with their event, here as on the server. */
  consume(event: WatchEvent): void {
    if (event.type === 'children') {
      this.#paths.children.delete(event.path);
      return;
    }
    this.#paths.data.delete(event.path);
    this.#paths.exists.delete(event.path);
    if (event.type === 'deleted') this.#paths.children.delete(event.path);
  }

  /** Frames that register everything again; none when there is nothing. */
  frames(relativeZxid: bigint): Buffer[] {
    return this.#batches().map((batch) => {
      const writer = new JuteWriter().int(XID.setWatches).int(OP.setWatches2).long(relativeZxid);
      for (const kind of KINDS) writer.vector(batch[kind], (path) => writer.string(path));
      return writer.frame();
    });
  }

  #batches(): Record<Kind, string[]>[] {
    const batches: Record<Kind, string[]>[] = [];
    let current = emptyBatch();
    let bytes = FRAME_OVERHEAD_BYTES;
    for (const kind of KINDS) {
      for (const path of this.#paths[kind]) {
        const pathBytes = Buffer.byteLength(path) + STRING_OVERHEAD_BYTES;
        if (bytes + pathBytes > SET_WATCHES_BYTES_MAX && bytes > FRAME_OVERHEAD_BYTES) {
          batches.push(current);
          current = emptyBatch();
          bytes = FRAME_OVERHEAD_BYTES;
        }
        current[kind].push(path);
        bytes += pathBytes;
      }
    }
    if (bytes > FRAME_OVERHEAD_BYTES) batches.push(current);
    return batches;
  }
}

function emptyBatch(): Record<Kind, string[]> {
  return { data: [], exists: [], children: [], persistent: [], persistent_recursive: [] };
}
