/**
 * What clients of the Sentinel port are told: the topology, held against what was known before.
 *
 * Two things need a memory. A node that nobody lists any more is still a node (clients are told that it is down, not
 * that it never was), and a replica counts as down only after it was missing for `down_after_ms`, since each of them is
 * missing for a moment when the master changes. Pure: the next picture follows from the last one and what is seen.
 */
import type { Topology, TopologyAgent, TopologyMaster } from '../contract/topology.ts';
import { nextReplicas } from './picture-replicas.ts';
import type { PictureReplica } from './picture-replicas.ts';

export type { PictureReplica } from './picture-replicas.ts';

export interface Picture {
  readonly nowMs: number;
  readonly service: string;
  readonly self: string;
  /** This agent cannot know who is master: Sentinel's TILT mode. */
  readonly blind: boolean;
  readonly epoch: number;
  /** The confirmed master, or null. */
  readonly master: TopologyMaster | null;
  /** The latest confirmed one, or the last on record. */
  readonly known: TopologyMaster | null;
  /** The service lost its master, and not by an operator's order. */
  readonly down: boolean;
  /** It is without one, or about to be, by an operator's order. */
  readonly planned: boolean;
  /** Since when `master` is what it is. */
  readonly masterSinceMs: number;
  readonly elected: string | null;
  readonly heardAgoMs: number;
  readonly replicas: readonly PictureReplica[];
  readonly agents: readonly TopologyAgent[];
  readonly liveAgents: number;
  /** Registered nodes. */
  readonly nodes: readonly string[];
  readonly downAfterMs: number;
}

export function sameMaster(a: TopologyMaster | null, b: TopologyMaster | null): boolean {
  return a === null || b === null ? a === b : a.name === b.name && a.host === b.host && a.port === b.port;
}

/** The majority of the registered nodes, by which clients judge a service. */
export function quorumOf({ nodes }: Pick<Picture, 'nodes'>): number {
  return Math.floor(nodes.length / 2) + 1;
}

export function nextPicture(before: Picture | null, seen: Topology): Picture {
  const common = { ...ofMaster(before, seen), service: seen.service, self: seen.self, nowMs: seen.nowMs };
  const { heardAgoMs, downAfterMs } = seen;
  // Of the rest, whoever does not see the ensemble knows what it knew.
  if (before !== null && !seen.seesEnsemble) {
    const { epoch, replicas, agents, liveAgents, nodes, elected } = before;
    return { ...common, heardAgoMs, downAfterMs, epoch, replicas, agents, liveAgents, nodes, elected };
  }
  const { agents, liveAgents, nodes, elected } = seen;
  const replicas = nextReplicas(before, seen, common.known);
  const epoch = Math.max(seen.epoch, before?.epoch ?? 0);
  return { ...common, heardAgoMs, downAfterMs, epoch, replicas, agents, liveAgents, nodes, elected };
}

type OfMaster = Pick<Picture, 'blind' | 'master' | 'known' | 'down' | 'planned' | 'masterSinceMs'>;

function ofMaster(before: Picture | null, seen: Topology): OfMaster {
  const former = before?.known ?? null;
  const master = seen.master === null ? null : withRunId(seen.master, former);
  const blind = !seen.seesEnsemble && master === null;
  const known = master ?? former ?? seen.lastMaster;
  // An order is struck off before the new master's announcement is read.
  const handedOver = before?.planned === true && master === null && seen.elected !== null;
  const planned = seen.planned || handedOver;
  const lost = !blind && known !== null && !planned;
  // Who was lost is not found again by being looked away from.
  const down = master === null && (lost || before?.down === true);
  const unchanged = before !== null && sameMaster(before.master, master);
  return { blind, master, known, down, planned, masterSinceMs: unchanged ? before.masterSinceMs : seen.nowMs };
}

function withRunId(master: TopologyMaster, known: TopologyMaster | null): TopologyMaster {
  return master.runId === null && known?.name === master.name ? { ...master, runId: known.runId } : master;
}
