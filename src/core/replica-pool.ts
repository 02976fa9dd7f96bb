/**
 * The entry of this node in the pool of replicas that readers of ZooKeeper find (`publish_replicas`).
 *
 * As with the master record nothing may stand there before it is true, and nothing longer than it is: an entry says
 * that this Redis is in sync with the present master and streams from it. What must stand is worked out anew in every
 * turn; whoever keeps the entry compares it with what does. It informs readers and decides nothing, so the core does
 * not read it back.
 */
import { masterRecordOf } from './claim.ts';
import { follows, takesReads } from './health.ts';
import { othersLease } from './queries.ts';
import type { MasterRecord } from './records.ts';
import type { State } from './state.ts';

export type PoolEntry =
  /** Created only if the term is still of this version: a decision that comes late must not announce the past. */
  | { readonly entry: 'stands'; readonly record: MasterRecord; readonly termVersion: number }
  | { readonly entry: 'none' }
  /** Not ours to change now: nobody hears us, or it is not certain that the name is ours. */
  | { readonly entry: 'left' };

export function poolEntryOf(state: State): PoolEntry {
  const { settings: { publishReplicas, name }, session, synced, records: { term, members }, role } = state;
  if (!publishReplicas || !synced || session?.connected !== true) return { entry: 'left' };
  if (members.get(name)?.znode.owner !== session.id) return { entry: 'left' };
  if (role.name !== 'replica' || term?.value.pending !== null || othersLease(state) === null) return { entry: 'none' };
  const isReadable = term.value.inSync.includes(name) && follows(state) && takesReads(state);
  if (!isReadable) return { entry: 'none' };
  return { entry: 'stands', record: masterRecordOf(state), termVersion: term.znode.version };
}
