/**
 * The maps that describe one master, replica or Sentinel. Names and order of the fields are part of the protocol: some
 * clients read them by position. Every value is text.
 */
import type { TopologyAgent } from '../contract/topology.ts';
import { quorumOf } from './picture.ts';
import type { Picture, PictureReplica } from './picture.ts';
import { sentinelId } from './run-id.ts';

export type Entry = readonly (readonly [string, string])[];

export interface Speaking {
  /** Name of the master towards the client that asks. */
  readonly name: string;
  readonly show: (host: string) => string;
  readonly nowMs: number;
}

/** What Sentinel calls so has no counterpart here: an election ends when it is won. */
const FAILOVER_TIMEOUT_MS = 180_000;
const PARALLEL_SYNCS = 1;
/** As a Sentinel of several masters counts its references to one link; here none is shared. */
const LINK_REFERENCES = 1;
/** `replica-priority` of a server that nobody asked yet: the default of Redis. */
const PRIORITY_DEFAULT = 100;
const UNKNOWN = '?';

const text = (value: number): string => String(Math.max(0, Math.round(value)));

/** `s_down` and `o_down` are one here: the ensemble decides, not an opinion. Order as in the reference. */
export function masterFlags(picture: Picture): string {
  const { master, blind, known, elected } = picture;
  if (master !== null) return 'master';
  const electing = elected !== null && elected !== known?.name;
  const down = blind ? ['s_down', 'master', 'disconnected'] : ['s_down', 'o_down', 'master', 'disconnected'];
  return [...down, ...(electing ? ['failover_in_progress'] : [])].join(',');
}

/** Where the entry points; while there is no master its flags say so. */
function addressOf({ master, known }: Picture, { show }: Speaking): readonly [string, string] {
  const at = master ?? known;
  return at === null ? [UNKNOWN, '0'] : [show(at.host), String(at.port)];
}

function pings(agoMs: number): Entry {
  const ago = text(agoMs);
  return [['last-ping-sent', '0'], ['last-ok-ping-reply', ago], ['last-ping-reply', ago]];
}

function common(name: string, [ip, port]: readonly [string, string], runid: string | null, flags: string): Entry {
  return [
    ['name', name],
    ['ip', ip],
    ['port', port],
    ['runid', runid ?? ''],
    ['flags', flags],
    ['link-pending-commands', '0'],
    ['link-refcount', String(LINK_REFERENCES)],
  ];
}

export function masterEntry(picture: Picture, speaking: Speaking): Entry {
  const { master, known, masterSinceMs, heardAgoMs, downAfterMs, epoch, replicas, agents } = picture;
  const since = text(speaking.nowMs - masterSinceMs);
  const flags = masterFlags(picture);
  const failover: Entry = flags.includes('failover_in_progress') ? [['failover-state', 'wait_promotion']] : [];
  const agreed: Entry = picture.blind ? [] : [['o-down-time', since]];
  const down: Entry = master !== null ? [] : [['s-down-time', since], ...agreed];
  return [
    ...common(speaking.name, addressOf(picture, speaking), (master ?? known)?.runId ?? null, flags),
    ...failover,
    ...pings(master === null ? speaking.nowMs - masterSinceMs : heardAgoMs),
    ...down,
    ['down-after-milliseconds', text(downAfterMs)],
    ['info-refresh', text(heardAgoMs)],
    ['role-reported', 'master'],
    ['role-reported-time', since],
    ['config-epoch', text(epoch)],
    ['num-slaves', text(replicas.length)],
    ['num-other-sentinels', text(agents.length)],
    ['quorum', text(quorumOf(picture))],
    ['failover-timeout', text(FAILOVER_TIMEOUT_MS)],
    ['parallel-syncs', text(PARALLEL_SYNCS)],
  ];
}

export function replicaEntry(replica: PictureReplica, picture: Picture, speaking: Speaking): Entry {
  const { attached, downSinceMs, missingSinceMs, host, port, runId, priority } = replica;
  const { nowMs, show } = speaking;
  const down = downSinceMs !== null;
  const flags = [...(down ? ['s_down'] : []), 'slave', ...(down ? ['disconnected'] : [])].join(',');
  const online = attached?.online === true;
  const missingMs = missingSinceMs === null ? 0 : nowMs - missingSinceMs;
  const [masterHost, masterPort] = picture.master === null ? [UNKNOWN, '0'] : addressOf(picture, speaking);
  return [
    ...common(`${show(host)}:${port}`, [show(host), String(port)], runId, flags),
    ...pings(down ? missingMs : picture.heardAgoMs),
    ...(down ? [['s-down-time', text(nowMs - downSinceMs)] as const] : []),
    ['down-after-milliseconds', text(picture.downAfterMs)],
    ['info-refresh', text(picture.heardAgoMs)],
    ['role-reported', 'slave'],
    ['role-reported-time', text(nowMs - picture.masterSinceMs)],
    ['master-link-down-time', online ? '0' : text(missingMs)],
    ['master-link-status', online ? 'ok' : 'err'],
    ['master-host', masterHost],
    ['master-port', masterPort],
    ['slave-priority', String(priority ?? PRIORITY_DEFAULT)],
    ['slave-repl-offset', text(attached?.offset ?? 0)],
    ['replica-announced', '1'],
  ];
}

export function sentinelEntry(agent: TopologyAgent, picture: Picture, speaking: Speaking): Entry {
  const id = sentinelId(picture.service, agent.name);
  return [
    ...common(id, [speaking.show(agent.host), String(agent.port)], id, 'sentinel'),
    ...pings(0),
    ['down-after-milliseconds', text(picture.downAfterMs)],
    ['last-hello-message', '0'],
    ['voted-leader', UNKNOWN],
    ['voted-leader-epoch', '0'],
  ];
}
