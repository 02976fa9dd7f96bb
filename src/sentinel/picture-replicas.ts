/** The replicas of a picture: what is listed now, held against what was known of each. */
import type { Topology, TopologyMaster, TopologyReplica } from '../contract/topology.ts';

export interface PictureReplica extends TopologyReplica {
  /** Since when the master does not list it; null while it does. */
  readonly missingSinceMs: number | null;
  /** Since when it counts as down; null while it does not. */
  readonly downSinceMs: number | null;
  /** It was told to follow the present master and was not seen to do so yet. */
  readonly following: 'as asked' | 'done';
  /** It was the master before. */
  readonly wasMaster: boolean;
}

/** What was known before. */
export interface Former {
  readonly known: TopologyMaster | null;
  readonly replicas: readonly PictureReplica[];
}

/** Nodes of a service that are remembered: more than it can have. */
const REPLICAS_MAX = 256;

/** Under which a replica is known: its node, or its address where it has none. */
export function keyOf({ name, host, port }: { name: string | null; host: string; port: number }): string {
  return name === null ? `${host}:${port}` : `node ${name}`;
}

/** `known`: the master that they have, or had last. */
export function nextReplicas(
  before: Former | null,
  seen: Topology,
  known: TopologyMaster | null,
): readonly PictureReplica[] {
  if (seen.master === null && before !== null) return withoutMaster(before, seen);
  const deposed = deposedBy(before, seen);
  const former = new Map((before?.replicas ?? []).map((replica) => [keyOf(replica), replica]));
  // Between two masters the last one is not its own replica.
  const listed = seen.replicas.filter(({ name }) => name === null || name !== (seen.master ?? known)?.name);
  const found = new Set(listed.map(keyOf));
  const lost = lostOnes(former.values(), deposed, seen).filter((replica) => !found.has(keyOf(replica)));
  return [...listed, ...lost].slice(0, REPLICAS_MAX).map((replica) => nextReplica(seen, replica, {
    former: former.get(keyOf(replica)),
    switched: deposed !== null,
    wasMaster: deposed !== null && deposed.name === replica.name,
  }));
}

/** The master before, where another one took its place. */
function deposedBy(before: Former | null, { master }: Topology): TopologyMaster | null {
  const old = before?.known ?? null;
  return old !== null && master !== null && old.name !== master.name ? old : null;
}

/** Registered nodes that were known and are listed by nobody: they are down, not gone. */
function lostOnes(
  former: Iterable<PictureReplica>,
  deposed: TopologyMaster | null,
  { nodes, master }: Topology,
): readonly TopologyReplica[] {
  const unknown = { priority: null, attached: null, gone: true, takesReads: true };
  const candidates: TopologyReplica[] = [...former].map((replica) => ({ ...replica, attached: null, gone: true }));
  if (deposed !== null) candidates.push({ ...deposed, ...unknown });
  return candidates.filter(({ name }) => name !== null && name !== master?.name && nodes.includes(name));
}

/** With no master to list them, replicas stay what they were, but for those whose own agent says otherwise. */
function withoutMaster(before: Former, seen: Topology): readonly PictureReplica[] {
  const now = new Map(seen.replicas.map((replica) => [keyOf(replica), replica]));
  return before.replicas.map((replica) => {
    const { gone, takesReads } = now.get(keyOf(replica)) ?? replica;
    const downSinceMs = gone ? (replica.downSinceMs ?? seen.nowMs) : replica.downSinceMs;
    return { ...replica, attached: null, gone, takesReads, downSinceMs };
  });
}

interface Past {
  readonly former: PictureReplica | undefined;
  readonly switched: boolean;
  readonly wasMaster: boolean;
}

function nextReplica(seen: Topology, replica: TopologyReplica, past: Past): PictureReplica {
  const { former, switched } = past;
  const attached = attachedNow(seen, replica, past);
  const missingSinceMs = missingSince(seen, attached, past);
  const overdue = missingSinceMs !== null && seen.nowMs - missingSinceMs >= seen.downAfterMs;
  const asked = switched ? 'as asked' : (former?.following ?? 'as asked');
  const { name, host, port, runId, priority, gone, takesReads } = replica;
  return {
    name, host, port, priority, attached, gone, takesReads, missingSinceMs,
    runId: runId ?? former?.runId ?? null,
    downSinceMs: gone || overdue ? (former?.downSinceMs ?? seen.nowMs) : null,
    following: attached?.online === true && seen.masterHeard ? 'done' : asked,
    wasMaster: past.wasMaster || (!switched && former?.wasMaster === true),
  };
}

/** Where the master was not asked, what it said last still stands, if it is the same one. */
type Attached = TopologyReplica['attached'];

function attachedNow({ masterHeard }: Topology, { attached }: TopologyReplica, past: Past): Attached {
  if (attached !== null || masterHeard || past.switched) return attached;
  return past.former?.attached ?? null;
}

function missingSince({ nowMs }: Topology, attached: Attached, past: Past): number | null {
  if (attached !== null) return null;
  return past.switched ? nowMs : (past.former?.missingSinceMs ?? nowMs);
}
